"""Compiled kernels: one module for each target and precision, chosen by ``cynn._backend``."""
