"""What every loss says: which kernel runs, and which targets it reads."""

from typing import Any, ClassVar

from numpy.typing import DTypeLike, NDArray

from .._specs import spec

__all__ = ["Kernel", "Loss"]

Kernel = str | tuple[Any, ...]
"""A kernel's name, or its name and the number, or the function, that is its own."""


class Loss(spec.Spec):
    """Base of the losses.

    Attributes
    ----------
    names : tuple of str
        What `cynn.losses.get` knows the class by, with its defaults.

    See Also
    --------
    Custom : A loss given as a function over arrays.

    Examples
    --------
    A subclass that the kernels have a rule for, with other targets:

    >>> from cynn.losses import MeanSquaredError
    >>> class Percent(MeanSquaredError):
    ...     def targets(self, y, n_outputs, dtype):
    ...         return super().targets(y, n_outputs, dtype) / 100
    >>> Percent().kernel("identity"), Percent().targets([50.0, 100.0], 1, "float64").tolist()
    ('mean_squared_error', [[0.5], [1.0]])
    """

    names: ClassVar[tuple[str, ...]] = ()

    def kernel(self, last_activation: str) -> Kernel:
        """Return the name of the kernel for a network that ends in that activation.

        Parameters
        ----------
        last_activation : str
            One of ``cynn.layers.ACTIVATIONS``.

        Returns
        -------
        str, or tuple of str and float
            The kernel's name; with the number that is its own, where it has one. Of a function
            ``("function", loss)``.

        Raises
        ------
        ValueError
            If the loss cannot take what that activation gives.
        """
        raise NotImplementedError(f"{type(self).__name__} must define kernel(last_activation)")

    def caution(self, last_activation: str) -> str:
        """Return what is doubtful about a network that ends in that activation.

        Parameters
        ----------
        last_activation : str
            One of ``cynn.layers.ACTIVATIONS``.

        Returns
        -------
        str
            A sentence for a warning; empty where nothing is doubtful.
        """
        return ""

    def targets(self, y: Any, n_outputs: int, dtype: DTypeLike) -> NDArray[Any]:
        """Check the targets and return them as the kernels read them.

        Parameters
        ----------
        y : array_like
            What the user passed; the loss says which shapes and values it takes.
        n_outputs : int
            The numbers in one row of the prediction.
        dtype : dtype
            The network's type: float32 or float64.

        Returns
        -------
        ndarray
            Labels, int32 of shape (n,), or rows, of shape (n, n_outputs) and type `dtype`; both
            contiguous, and the caller's own array where that is so already.

        Raises
        ------
        TypeError, ValueError
            If `y` is something else; the message names the first bad row.
        """
        raise NotImplementedError(f"{type(self).__name__} must define targets(...)")

    def classes(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Return the class of each row, for the weights of classes.

        Rows with a single one among zeros are classes, and so are a lone 0 and 1.

        Parameters
        ----------
        targets : ndarray
            As `targets` gives them.

        Returns
        -------
        ndarray of int, shape (n,)
            Counted from 0.

        Raises
        ------
        ValueError
            If this loss, or these targets, know no classes.
        """
        ones = (targets == 1).sum(axis=1)
        if bool(((targets == 0) | (targets == 1)).all()):
            if targets.shape[1] == 1:
                classes: NDArray[Any] = ones
                return classes
            if bool((ones == 1).all()):
                classes = targets.argmax(axis=1)
                return classes
        raise ValueError(
            f"y must hold labels, one-hot rows, or 0 and 1 for class_weight, got other targets of "
            f"{self!r}"
        )
