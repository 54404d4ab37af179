"""Valid arguments for every kernel, and what the reference computes from them."""

import numpy as np

from cynn import reference

MATMULS = ("matmul", "matmul_nt", "matmul_tn")
BACKWARDS = tuple(f"{name}_backward" for name in reference.ACTIVATIONS)
KERNELS = (
    *MATMULS,
    *reference.ACTIVATIONS,
    *BACKWARDS,
    *reference.LOSSES,
    "dense_forward",
    "dense_backward",
    "sgd",
)

OUTPUTS = {
    **dict.fromkeys((*MATMULS, *reference.ACTIVATIONS, *BACKWARDS, "dense_forward"), ("out",)),
    **dict.fromkeys(reference.LOSSES, ("out", "delta")),
    "dense_backward": ("grad_x", "grad_w", "grad_b"),
    "sgd": ("w", "velocity"),
}

SCALARS = {
    "dense_forward": {"activation": "tanh"},
    "softmax_cross_entropy": {"label_smoothing": 0.1},
    "huber": {"threshold": 0.25},
    "quantile": {"q": 0.75},
    "sgd": {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
}


def shapes_of(kernel: str, m: int, k: int, n: int) -> dict[str, tuple[int, ...]]:
    """Return shapes of the array arguments for m rows, k inputs and n outputs, in order."""
    if kernel in reference.ACTIVATIONS:
        return {"x": (m, n), "out": (m, n)}
    if kernel in BACKWARDS:
        kept = "x" if kernel.removesuffix("_backward") in reference.FROM_INPUT else "y"
        return {kept: (m, n), "grad_y": (m, n), "out": (m, n)}
    if kernel in reference.LOSSES:
        full = (m, n)
        return {"prediction": full, "target": full, "weight": (m,), "out": full, "delta": full}
    return {
        "matmul": {"a": (m, k), "b": (k, n), "out": (m, n)},
        "matmul_nt": {"a": (m, k), "b": (n, k), "out": (m, n)},
        "matmul_tn": {"a": (k, m), "b": (k, n), "out": (m, n)},
        "dense_forward": {"x": (m, k), "w": (k, n), "b": (n,), "out": (m, n)},
        "dense_backward": {
            "x": (m, k),
            "w": (k, n),
            "delta": (m, n),
            "grad_x": (m, k),
            "grad_w": (k, n),
            "grad_b": (n,),
        },
        "sgd": {"w": (n,), "grad": (n,), "velocity": (n,)},
    }[kernel]


def arguments(kernel: str, m: int, k: int, n: int, dtype: str) -> dict[str, object]:
    """Return arguments by name: numbers exact in float32, outputs full of NaN."""
    rng = np.random.default_rng([m, k, n])
    values: dict[str, object] = {}
    for name, shape in shapes_of(kernel, m, k, n).items():
        # Probabilities where probabilities belong, and never a number too small to be missed.
        numbers = rng.uniform(0.1, 0.9, shape)
        if kernel != "sgd" and name in OUTPUTS[kernel]:
            numbers[...] = np.nan
        elif name not in ("prediction", "target", "weight"):
            numbers *= rng.choice([-2.0, 2.0], shape)
        values[name] = numbers.astype(np.float32).astype(dtype)
    scalars = SCALARS.get(kernel, {})
    if kernel == "dense_forward":
        return {**{key: values[key] for key in ("x", "w", "b")}, **scalars, "out": values["out"]}
    return {**values, **scalars}


def expected(kernel: str, values: dict[str, object]) -> tuple[object, dict[str, np.ndarray]]:
    """Run the reference on copies of the arguments, as lists; return its result and outputs."""
    copies = {
        name: value.tolist() if isinstance(value, np.ndarray) else value
        for name, value in values.items()
    }
    result = getattr(reference, kernel)(*copies.values())
    outputs = {
        name: np.array(copies[name], np.float64).reshape(values[name].shape)
        for name in OUTPUTS[kernel]
    }
    return result, outputs
