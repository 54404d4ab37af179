"""The networks for tables whose defaults are published, and how they are trained.

`cynn.estimators` has them by scikit-learn's conventions, and ``cynn train`` for files. What all
share is `preset`, `members` and `scales`; each network is a file that says what is its own, and a
line of `networks`.
"""

# Imports `model` and what is below; imported by `estimators` and `cli`.
