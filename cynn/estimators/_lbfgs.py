"""The solver "lbfgs": SciPy's quasi-Newton method over the kernels' gradients of all rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._objective import Objective, loss_type


def fit(estimator: Any, X: Any, y: NDArray[Any], sample_weight: Any) -> None:
    """Make an estimator's loss on all rows small; its weights become float64."""
    import scipy.optimize
    from sklearn.utils.fixes import _get_additional_lbfgs_options_dict
    from sklearn.utils.optimize import _check_optimize_result

    weights, form = estimator._weights, estimator._form()
    float_type = loss_type(weights, X, y, sample_weight)
    dtype = np.dtype(np.float64)  # SciPy's, whatever the rows are
    network = weights.network_to_train(form, dtype)
    start = np.empty(network.n_params)
    network.get_params(start)
    objective = Objective(network, weights.shapes, estimator.alpha, estimator._head())
    rows = objective.rows(X, y, sample_weight, dtype)
    threads = estimator._threads()

    def loss_and_gradient(flat: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        network.set_params(np.ascontiguousarray(flat))
        gradient = np.empty(len(flat))
        return objective.gradient(rows, gradient, threads), gradient

    try:
        network.keeps_threads = True
        result = scipy.optimize.minimize(
            loss_and_gradient,
            start,
            method="L-BFGS-B",
            jac=True,
            options={
                "maxfun": estimator.max_fun,
                "maxiter": estimator.max_iter,
                "gtol": estimator.tol,
                # Before its 1.15 SciPy can tell what it does.
                **_get_additional_lbfgs_options_dict("iprint", 1 if estimator.verbose else -1),
            },
        )
        network.set_params(np.ascontiguousarray(result.x))
    finally:
        objective.end()
        weights.trained(form, dtype, network)
    estimator.n_iter_ = _check_optimize_result("lbfgs", result, estimator.max_iter)
    estimator.loss_ = float_type(result.fun)
