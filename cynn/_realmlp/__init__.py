"""RealMLP: the network for tables of Holzmüller, Grinsztajn and Steinwart, and how it is trained.

`cynn.estimators` has it by scikit-learn's conventions, and ``cynn train`` for files.
"""

# Imports `model` and what is below; imported by `estimators` and `cli`.
