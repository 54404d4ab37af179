"""The model: layers, a loss and an optimizer joined to the compiled network.

This file alone knows both the specs and the network. The specs say what is meant, the network does
the arithmetic, and the model moves arrays between them.
"""

from __future__ import annotations  # so that `help` shows short names in place of their unions

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _backend, layers, losses, metrics, optimizers, storage
from ._comm import ranks
from ._comm.shards import SINGLE
from ._model import plan
from ._model.prediction import Predicting
from ._runtime.access import Guard, exclusive, shared
from ._runtime.caller import warn
from ._runtime.progress import Progress, Verbose
from ._specs.names import explained, missing_attribute
from ._specs.validation import integer, real_dtype, shape
from ._training import fitting, streams
from ._training.settings import TrainingRows
from .augmentation import Augment
from .callbacks import Callback, History, get_all
from .layers._stack import initial_parameters, row_sizes
from .metrics import Metric
from .metrics import get_all as metrics_of
from .tables import TableEncoder


class Model(Predicting):
    """A dense network: built from layers, trained with `fit`, used with `predict`.

    Parameters
    ----------
    layers : sequence of Layer
        What the network is made of, in order.
    dtype : dtype, default "float32"
        What it computes in: float32 or float64.
    seed : int, optional
        Fixes the first weights and the order of the rows in each epoch. By default it is drawn.

    Attributes
    ----------
    layers : tuple of Layer
        The layers.
    dtype : dtype
        The type that the model computes in.
    seed : int
        The seed, also where it was drawn.
    epochs : int
        The epochs trained so far.
    stop_training : bool
        A callback that sets it ends the fit after the epoch.
    history : History or None
        What the last `fit` measured, also where it was cut short.
    table : TableEncoder or None
        How rows of a table become rows of the model, for the user to set; files keep it.
    rate_factor : float
        What the optimizer's learning rates are multiplied by; 1 again in each `fit` from epoch 0.
    learning_rate : float or None
        The rate of the last step; None before any.
    callback_state : dict of str to dict of str to float
        What callbacks keep for a training that is resumed; in the model's file.
    callback_weights : dict of str to ndarray
        And the weights that they keep for it, as `get_learned` gives them.
    training : dict of str to str, int or float
        What a training says of itself, such as of which rows it is, for the user to set; files
        keep it. At most 100 entries, of at most 10,000 characters.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    cynn.estimators : The same networks as scikit-learn's estimators.

    Examples
    --------
    >>> from cynn.layers import Dense
    >>> model = Model([Dense(16, "relu"), Dense(3, "softmax")], seed=0)
    >>> model.compile(optimizers.SGD(0.1), loss="cross_entropy", metrics=["accuracy"])
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(90, 2)) + np.repeat([[0, 0], [4, 0], [0, 4]], 30, axis=0)
    >>> y = np.repeat([0, 1, 2], 30)
    >>> history = model.fit(x, y, epochs=30, verbose=0)
    >>> model.evaluate(x, y)["accuracy"] > 0.9
    True
    """

    @explained
    def __init__(
        self,
        layers: Sequence[layers.Layer],
        *,
        dtype: DTypeLike = "float32",
        seed: int | None = None,
    ) -> None:
        self.layers = plan.checked_layers(layers)
        self.dtype = real_dtype(dtype)
        drawn_seed = int(np.random.SeedSequence().generate_state(1)[0])
        self.seed = drawn_seed if seed is None else integer("seed", seed, 0)
        self.epochs = 0
        self.stop_training = False
        self.history: History | None = None
        self.table: TableEncoder | None = None
        self.rate_factor = 1.0
        self.learning_rate: float | None = None
        self.callback_state: dict[str, dict[str, float]] = {}
        self.callback_weights: dict[str, NDArray[Any]] = {}
        self.training: dict[str, str | int | float] = {}
        self.optimizer: optimizers.Optimizer | None = None
        self.loss: losses.Loss | None = None
        self.metrics: list[metrics.Metric] = []
        self._plan = plan.plan_of(self.layers, self.dtype)
        self._dropouts = plan.scheduled_dropouts(self.layers)
        self._compile_settings: plan.CompileSettings | None = None
        self._kernels = _backend.kernels(self.dtype.name)
        self._input_shape: tuple[int, ...] | None = None
        self._sizes: tuple[tuple[int, ...], list[int]] | None = None  # of a row, see `_row_sizes`
        self._network: Any = None
        self._guard = Guard()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            """Say what an attribute is here that another library's models have."""
            raise missing_attribute(self, name)

    @shared
    def __getstate__(self) -> dict[str, Any]:
        """Return what a copy is made of: copies and processes share nothing with the model."""
        state = self.__dict__.copy()
        for name in ("_guard", "_network", "_kernels"):
            del state[name]
        if self._network is not None:
            state["_arrays"] = self.get_weights(), self.get_optimizer_state(), self.get_state()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become a copy."""
        arrays = state.pop("_arrays", None)
        self.__dict__.update(state, _network=None, _guard=Guard())
        self._kernels = _backend.kernels(self.dtype.name)
        if arrays is not None:
            self._take_network(self._built_shape())
            self.set_weights(arrays[0])
            self.set_optimizer_state(arrays[1])
            self.set_state(arrays[2])
            self._awaits_rows = state.get("_awaits_rows", False)

    # -- building

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """The shape of one row of the input; None before `build`."""
        return self._input_shape

    @exclusive()
    def build(self, input_shape: int | Sequence[int]) -> None:
        """Make the weights; `fit` does it where it was not done, from the shape of x.

        What training rows are to finish, `cynn.initializers.std` and `cynn.initializers.he_plus_5`,
        stays as it is drawn until the first fit: W of variance 1 / n_in, biases of 0.

        Parameters
        ----------
        input_shape : int or tuple of int
            The numbers in one row of the input, or the row's shape.

        Raises
        ------
        TypeError, ValueError
            If the layers cannot take that shape.
        RuntimeError
            If the model is built for another shape already.

        Examples
        --------
        >>> from cynn.layers import Dense
        >>> model = Model([Dense(10)], seed=0)
        >>> model.build(784)
        >>> [w.shape for w in model.get_weights()]
        [(784, 10), (10,)]
        """
        if isinstance(input_shape, tuple | list):
            row_shape = shape("input_shape", input_shape)
        else:
            row_shape = (integer("input_shape", input_shape),)
        if self._network is None:
            self._build(row_shape)
        elif row_shape != self._input_shape:
            raise RuntimeError(
                f"input_shape must be {self._input_shape}, for which the model is built, got "
                f"{row_shape}: make a new model"
            )

    def _build(self, input_shape: tuple[int, ...]) -> None:
        """Make the network with its first weights."""
        network = self._new_network(input_shape)
        rng = np.random.default_rng([self.seed, 0])
        sizes = self._row_sizes(input_shape)
        network.set_params(initial_parameters(self.layers, sizes, rng, self.dtype))
        self._network, self._input_shape = network, input_shape
        self._awaits_rows = self._plan.begins_from_rows

    def _new_network(self, input_shape: tuple[int, ...]) -> Any:
        """Return a network for rows of that shape, its weights 0."""
        sizes = self._row_sizes(input_shape)  # refuses what they cannot take
        try:
            network = self._kernels.Network(sizes[0], *self._plan[:4])
        except OverflowError:
            raise ValueError(
                f"layers must fit into memory, got {self.layers!r} for rows of shape {input_shape}"
            ) from None
        if self._compile_settings is not None:
            network.compile(*self._compile_settings)
        return network

    def _row_sizes(self, input_shape: tuple[int, ...]) -> list[int]:
        """Return the numbers of a row in front of each layer, and after the last."""
        if self._sizes is None or self._sizes[0] != input_shape:
            self._sizes = input_shape, row_sizes(self.layers, input_shape)
        return self._sizes[1]

    def _n_outputs(self, input_shape: tuple[int, ...]) -> int:
        return self._row_sizes(input_shape)[-1]

    def _slot_names(self) -> tuple[str, ...]:
        """Return the names of what the optimizer keeps for each weight."""
        if self.optimizer is None:
            return ()
        names: tuple[str, ...] = self._kernels.OPTIMIZERS[str(self.optimizer.kernel()[0])][1]
        return names if self.optimizer.average is None else (*names, "unaveraged")

    def _built_shape(self) -> tuple[int, ...]:
        if self._input_shape is None:
            raise RuntimeError("the model has no weights yet: call build(input_shape) or fit first")
        return self._input_shape

    @exclusive()
    def compile(
        self,
        optimizer: str | optimizers.Optimizer = "sgd",
        loss: str | losses.Loss | Callable[..., Any] = "cross_entropy",
        metrics: str | metrics.Metric | Iterable[str | metrics.Metric] | None = (),
    ) -> None:
        """Set the optimizer, the loss and the metrics.

        Parameters
        ----------
        optimizer : str or Optimizer, default "sgd"
            A name in ``cynn.optimizers.OPTIMIZERS`` or an object. Its state starts anew.
        loss : str, Loss or callable, default "cross_entropy"
            A name in ``cynn.losses.LOSSES``, an object, or a function that gives the loss of each
            row and its gradient: see `cynn.losses.Custom`.
        metrics : iterable of str or Metric, or one of them, or None
            Names in ``cynn.metrics.METRICS`` or objects.

        Raises
        ------
        TypeError, ValueError
            If one is unknown, or the loss does not fit the last layer's activation.
        """
        if metrics is None or isinstance(metrics, str | Metric):
            metrics = () if metrics is None else (metrics,)
        self._compile(optimizer, loss, metrics)

    def _compile(self, optimizer: Any, loss: Any, metrics: Any, silent: bool = False) -> None:
        chosen = (optimizers.get(optimizer), losses.get(loss), metrics_of(metrics))
        settings = plan.compile_settings(self.layers, self._plan, *chosen[:2], self.dtype)
        caution = chosen[1].caution(self._plan.last_activation)
        if caution and not silent and not self._plan.ends_in_function:
            warn(caution)
        if self._network is not None:
            self._network.compile(*settings)
        self.optimizer, self.loss, self.metrics = chosen
        self._compile_settings = settings

    def _expect_compiled(self) -> None:
        if self.optimizer is None or self.loss is None:
            raise RuntimeError("the model has no loss and optimizer yet: call compile first")

    # -- training

    @exclusive()
    def fit(
        self,
        x: ArrayLike | Iterable[Any],
        y: ArrayLike | None = None,
        *,
        batch_size: int = 32,
        epochs: int = 1,
        validation_data: Sequence[Any] | None = None,
        validation_split: float = 0.0,
        sample_weight: ArrayLike | None = None,
        class_weight: Mapping[int, float] | Sequence[float] | str | None = None,
        shuffle: bool = True,
        sparse: Literal["auto"] | None = None,
        augment: Augment | None = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        callbacks: Iterable[Callback] | None = None,
        verbose: Verbose = "auto",
        comm: Any = None,
    ) -> History:
        """Train the model.

        Parameters
        ----------
        x : array_like or scipy.sparse, shape (n, ...)
            The rows; uint8, float32 and float64 are read as they are, of any strides. Of sparse
            rows the first layer multiplies only what is not zero. An ``np.memmap`` is never in
            memory as a whole. Or, without `y`, an iterable of
            batches ``(x, y)`` or ``(x, y, sample_weight)``, each of them a step.
        y : array_like, optional
            The targets, as the loss takes them: labels of shape (n,), or rows.
        batch_size : int, default 32
            The rows of a step; the last batch of an epoch has what is left.
        epochs : int, default 1
            How often to go through all rows.
        validation_data : (x, y) or (x, y, sample_weight), optional
            Rows to measure after each epoch, as ``val_loss`` and so on.
        validation_split : float, default 0.0
            Or the part of the rows, at least 0 and less than 1, to set aside for that; drawn at
            random by the model's seed.
        sample_weight : array_like, shape (n,), optional
            What each row counts; finite, not negative.
        class_weight : mapping of int to float, sequence of float, or "balanced", optional
            What the rows of each class count in training, beside `sample_weight`; by a mapping 1
            where it says nothing. "balanced": all classes the same.
        shuffle : bool, default True
            Whether the rows come in a new order in each epoch.
        sparse : "auto" or None, default None
            "auto": where most numbers of x are zero, the first layer skips them, which is faster
            and the same within rounding (but zero times infinity is then zero).
        augment : Augment, optional
            How images are drawn anew in each epoch: rows of shape (height, width). What is
            measured in training is measured on those.
        initial_epoch : int, default 0
            The epoch to begin with, counted from 0, where a training of `epochs` epochs is resumed.
        steps_per_epoch : int, optional
            The batches of an epoch, where x gives them. By default all: ``len(x)``, or until it
            ends. An iterator goes on from epoch to epoch and needs the number; anything else is
            gone through from its start in each.
        callbacks : iterable of Callback, optional
            Called between the epochs.
        verbose : "auto", 0, 1 or 2, default "auto"
            Nothing (0), a progress bar (1) or a line (2) an epoch; "auto": a bar on a terminal
            where tqdm is installed, in a notebook one for all epochs, else a line. False is 0,
            True is "auto".
        comm : mpi4py.MPI.Intracomm, optional
            The ranks that train the model together, all of which call this; see
            `cynn.distributed`. Then `batch_size` is what each rank does of a step, and x and y are
            the rank's own rows; where all ranks give the same rows, each does its part of them.

        Returns
        -------
        History
            ``history.history`` is a dict of lists, one value an epoch.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.
        RuntimeError
            If the model is not compiled, or busy in another thread.
        FloatingPointError
            At the first step whose loss is not finite, and at the end of an epoch that leaves
            weights, or a validation loss, that are not. If a running statistic of a `BatchNorm`
            would become infinite or NaN, as where an input of 9.97e36, a fill value, is squared in
            float32: the weights are those before the batch. And at the end of an epoch that leaves
            a running mean whose square the dtype cannot hold: of a column that is always 3e38.

        See Also
        --------
        train_on_batch : Train one step, in a loop of your own.

        Notes
        -----
        A step whose loss is not finite changes no weight: the model has those that gave that loss,
        and ``model.history`` the epochs before. To go on, load a checkpoint and lower the rate.

        Ctrl-C ends the training, also in the midst of a batch that takes long: KeyboardInterrupt is
        raised, the weights are those after the last whole batch, and ``model.history`` has the
        epochs until then.
        """
        processes = SINGLE if comm is None else ranks.get(comm)
        with processes.training():
            self.seed, self.epochs = processes.shared((self.seed, self.epochs))
            with processes.agreed():
                self._expect_compiled()
                settings = fitting.checked_settings(
                    batch_size=batch_size,
                    epochs=epochs,
                    initial_epoch=initial_epoch,
                    shuffle=shuffle,
                    sparse=sparse,
                    augment=augment,
                    validation_data=validation_data,
                    validation_split=validation_split,
                    steps_per_epoch=steps_per_epoch,
                )
                listeners = [] if callbacks is None else get_all(callbacks)
                progress = Progress(verbose if processes.rank == 0 else 0)
                fit = fitting.Fit(self, settings, listeners, progress, processes)
            rows = TrainingRows(x, y, sample_weight, class_weight)
            return (streams.fit_batches if y is None else fitting.fit_rows)(fit, rows)

    def _draw_seed(self) -> tuple[int, int]:
        """Return the seed and the epoch of what is drawn by chance in training."""
        return self.seed % (1 << 64), self.epochs

    @exclusive()
    def train_on_batch(
        self, x: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> dict[str, float]:
        """Train one step, on these rows; for a loop of your own.

        Parameters
        ----------
        x : array_like, shape (n, ...)
            The rows: one batch.
        y : array_like, shape (n, ...)
            The targets, as the loss takes them.
        sample_weight : array_like, shape (n,), optional
            The weight of each row; finite, not negative.

        Returns
        -------
        dict of str to float
            ``loss`` and each metric, as they were before the step.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described, or the learning rate is a schedule: a step alone
            does not know its place in a run.
        RuntimeError
            If the model is not compiled, or busy in another thread.
        FloatingPointError
            If the loss is not finite, and the weights stay as they were; or if the step leaves
            weights that are not, or a running mean as in `fit`.

        See Also
        --------
        fit : Train for epochs.

        Examples
        --------
        >>> from cynn.layers import Dense
        >>> model = Model([Dense(1)], seed=0)
        >>> model.compile(optimizers.SGD(0.1), loss="mse")
        >>> losses = [model.train_on_batch([[1], [2]], [2, 4])["loss"] for _ in range(20)]
        >>> losses[-1] < losses[0]
        True
        """
        return fitting.train_on_batch(self, x, y, sample_weight)

    # -- weights and files

    @shared
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a safetensors file: layers, weights, loss, optimizer and its state.

        Parameters
        ----------
        path : path-like
            Where to. What was there is replaced when the new file is whole.

        Raises
        ------
        RuntimeError
            If the model has no weights yet.
        ValueError
            If one of the layers is not cynn's own, or has a function for an activation: a file
            carries no code. Keep `get_weights` and set them in a model made again. A loss that is a
            function is left out, with a warning.
        OSError
            If the file cannot be written; what was there before is still there.

        See Also
        --------
        cynn.onnx.export : Write a file that other programs predict with.
        """
        storage.save(self, path)

    @classmethod
    @explained
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read a model from a file that `save` wrote.

        Parameters
        ----------
        path : path-like
            The file.

        Returns
        -------
        Model
            It predicts, and goes on training, as the saved one would. Of a class of your own, where
            that is asked: its constructor, which may take anything, is not called, and what that
            sets beside a `Model`'s own attributes is not there.

        Raises
        ------
        cynn.storage.ModelFileError
            A ValueError: the file is not a whole cynn model.
        OSError
            If it cannot be read.
        """
        model: Model = storage.load(cls._bare, path)
        return model

    @classmethod
    def _bare(cls, layers: Sequence[layers.Layer], dtype: str, seed: int) -> Model:
        """Return a model of this class without a call of its constructor."""
        model = cls.__new__(cls)
        Model.__init__(model, layers, dtype=dtype, seed=seed)
        return model

    def _take_network(self, input_shape: tuple[int, ...]) -> None:
        """Make the network with weights of 0, for what is about to set them all."""
        self._network, self._input_shape = self._new_network(input_shape), input_shape

    def __repr__(self) -> str:
        """Write the call that makes this model, untrained."""
        dtype = "" if self.dtype == np.float32 else f", dtype={self.dtype.name!r}"
        return f"Model({list(self.layers)!r}{dtype}, seed={self.seed})"
