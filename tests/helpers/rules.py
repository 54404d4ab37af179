"""The rules of all optimizers, with numbers that tests use."""

from cynn import reference

NUMBERS = {
    "nesterov": 1.0,
    "weight_decay": 0.01,
    "beta1": 0.8,
    "beta2": 0.9,
    "epsilon": 1e-3,
    "alpha": 0.9,
    "lr_decay": 0.1,
    "initial": 0.5,
    "rho": 0.9,
}


def rule(name: str) -> tuple:
    """Return what a network takes for the optimizer of that name."""
    return (name, *(NUMBERS.get(number, 0.9) for number in reference.OPTIMIZERS[name][0]))
