"""Compiled kernels: one module for each target and precision, chosen by ``cynn._backend``.

The sources lie in folders by subject, each with a README. Internal, though without an underscore:
they are what cynn exists for, and to be seen. Import nothing else of cynn; imported by
`cynn._backend`, and by `cynn.capi` for its types.
"""
