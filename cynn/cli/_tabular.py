"""``cynn train TABLE`` by a network whose defaults are published, of one member or several."""

import argparse
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from .._data.inputs import balanced
from .._runtime.threads import get_num_threads
from .._tabular import members, scales
from .._tabular.networks import NETWORKS
from .._tabular.preset import Preset
from ..callbacks import Callback
from ..ensemble import Ensemble
from ..model import Model
from ..tables import Quantity
from . import _train_model
from ._models import Data

WORDS = {"linear": "as it is", "log": "by its logarithm", "log1p": "by the logarithm of 1 + it"}
"""How a target is learned, by its scale."""


class Tabular:
    """A network by the defaults of its authors, but for what the options say.

    Parameters
    ----------
    options : Namespace
        What the command was told.
    comm : optional
        The communicator of several ranks.

    Raises
    ------
    ValueError
        If what the options ask for does not go together.
    """

    def __init__(self, options: argparse.Namespace, comm: Any) -> None:
        self.options, self._comm = options, comm
        self._network = NETWORKS[options.model]
        self.title = self._network.title
        self.recipe = self._network.default("regression").recipe
        self._n_ranks = 1 if comm is None else comm.Get_size()
        limit = options.time_limit
        self._deadline = math.inf if limit is None else time.monotonic() + limit
        self._expect_options()

    def _expect_options(self) -> None:
        options = self.options
        several_ranks = self._n_ranks > 1
        for what, is_given in (
            ("--checkpoint", options.checkpoint is not None),
            ("several ranks", several_ranks),
        ):
            if is_given and options.members > 1:
                raise ValueError(
                    f"--members must be 1 for {what}, got {options.members}: several members train "
                    "side by side in one process, and are saved when all are done"
                )
        for what, is_given in (("--resume", options.resume), ("several ranks", several_ranks)):
            if is_given and options.time_limit is not None:
                raise ValueError(
                    f"--time-limit must be left out for {what}, got {options.time_limit:g}: "
                    "--epochs says how long to train"
                )

    def expect(self, data: Data) -> None:
        """Raise an error where such data cannot be learned with the options."""
        n = len(data.parts["training"])
        if self.options.members > n:
            raise ValueError(
                f"--members must be at most the rows for training, {n:,}, got "
                f"{self.options.members}: each holds out another part of them"
            )

    # -- the target

    def with_target(self, data: Data) -> Data:
        """Return the data with the target as the network learns it, and say how that was chosen.

        It is within what the training rows have, on the scale of the checkpoint that is resumed, or
        on the one that a short trial says is better. Of several ranks the first decides.
        """
        target = data.encoder.target
        if not isinstance(target, Quantity):
            return data
        known = data.y[data.parts["training"]]
        scale = ""
        if self._comm is None or self._comm.Get_rank() == 0:
            scale = self._resumed_scale() or self._tried_scale(data, target)
        if self._comm is not None:
            scale = self._comm.bcast(scale, 0)
        if scale != scales.log_scale(data.y):  # what is to be resumed may be of other data
            scale = "linear"
        return _retargeted(data, scales.within(target, known, scale))

    def _resumed_scale(self) -> str:
        """Return the scale of the checkpoint that is resumed; "" if there is none."""
        path = self.options.checkpoint
        if not self.options.resume or not os.path.exists(path):
            return ""
        table = Model.load(path).table
        return getattr(table and table.target, "scale", "")

    def _tried_scale(self, data: Data, target: Quantity) -> str:
        known = data.y[data.parts["training"]]
        if scales.log_scale(data.y) != scales.log_scale(known):
            return "linear"  # by the validation rows there is no logarithm of this kind
        tried = []

        def train(candidate: Quantity) -> Model:
            tried.append(candidate.scale)
            new = _retargeted(data, candidate)
            plan = self._plan(max(1, self.options.epochs // scales.TRIAL), new)
            trial = self._parts(new)[0]
            return members.train(self._maker(new), [trial], plan)[0].model

        in_units = self._parts(_retargeted(data, Quantity(target.name, 0.0, 1.0)))[0]
        with _said_if_diverged():
            scale = scales.chosen(target, known, in_units, train).scale
        if tried:
            print(
                f"target {target.name!r} is skewed: learned {WORDS[scale]}, which was better in a "
                "short trial"
            )
        return scale

    # -- the network

    def _preset(self, task: str) -> Preset:
        """Return the preset with what the options say otherwise."""
        given = vars(self.options)
        names = ("batch_size", "learning_rate", "dropout", "weight_decay", "patience")
        own = {name: given[name] for name in names if given.get(name) is not None}
        return replace(self._network.default(task), hidden=tuple(self.options.hidden), **own)

    def _maker(self, data: Data) -> Callable[[int], Model]:
        target = data.encoder.target
        metrics = [target.metric]
        if self._watched(data).removeprefix("val_") not in ("loss", *metrics):
            metrics.append(self._watched(data).removeprefix("val_"))
        x = data.x[data.parts["training"]]
        return self._preset(target.task).maker(data.encoder, x, metrics, self.options.dtype)

    def _watched(self, data: Data) -> str:
        """Return what says which epoch is the best."""
        if data.encoder.target.task == "regression":
            return "val_loss"
        return "val_accuracy" if self.options.class_weight is None else "val_balanced_accuracy"

    # -- one member

    def model(self, data: Data) -> Model:
        """Return a model that is compiled, of the network's layers."""
        return self._maker(data)(self.options.seed)

    def fit_settings(self, data: Data) -> dict[str, Any]:
        """Return what a fit is told beside the rows: batches, callbacks, and how long."""
        n, options = len(data.parts["training"]), self.options
        batch_size = members.even_batch(n, self._batch_of_all_ranks(data))
        callbacks: list[Callback] = []
        if "validation" in data.parts:
            patience = self._preset(data.encoder.target.task).patience
            callbacks.append(members.keeper(self._watched(data), patience))
        if self._deadline < math.inf:
            callbacks.append(members.Deadline(self._deadline))
        rows, held_out = data.rows("training"), data.rows("validation")
        assert rows is not None
        part = members.Part(rows, held_out, options.seed)
        return {
            "batch_size": math.ceil(batch_size / self._n_ranks),
            "callbacks": callbacks,
            "epochs": self._epochs(data, [part]),
        }

    def _batch_of_all_ranks(self, data: Data) -> int:
        """Return the rows of a step: as many as each rank is told to take, or by their number."""
        size = self._preset(data.encoder.target.task).batch_of(len(data.parts["training"]))
        return size * self._n_ranks if isinstance(self.options.batch_size, int) else size

    def _epochs(self, data: Data, parts: list[members.Part]) -> int:
        """Return how many epochs fit into the time, and say so where these are fewer."""
        epochs: int = self.options.epochs
        if self._deadline == math.inf:
            return epochs
        left = self._deadline - time.monotonic()
        plan = self._plan(epochs, data)
        with _said_if_diverged():
            possible = members.epochs_within(self._maker(data), parts, plan, left)
        if possible < epochs:
            limit = self.options.time_limit
            print(f"{possible} of {epochs} epochs are planned, for a time limit of {limit:g} s")
        return possible

    # -- several members

    def _parts(self, data: Data) -> list[members.Part]:
        """Return what each member learns from: of several, a fold of the training rows."""
        options, n = self.options, self.options.members
        rows, held_out = data.rows("training"), data.rows("validation")
        assert rows is not None
        if n == 1:
            return [members.Part(rows, held_out, options.seed)]
        strata = None
        if data.encoder.target.task == "classification":
            strata = data.y[data.parts["training"]]
            if options.class_weight is not None:
                rows = rows._replace(weight=balanced(np.bincount(strata))[strata])
        rng = np.random.default_rng(options.seed)
        seeds = members.seeds(n, rng)
        folds = members.folds(len(rows.x), n, strata, rng)
        return [
            members.Part(rows.take(training), rows.take(validation), seed)
            for (training, validation), seed in zip(folds, seeds, strict=True)
        ]

    def _plan(self, epochs: int, data: Data) -> members.Plan:
        preset = self._preset(data.encoder.target.task)
        return members.Plan(
            epochs,
            preset.batch_of(len(data.parts["training"])),
            self._watched(data),
            get_num_threads(),
            preset.patience,
        )

    def ensemble(self, data: Data, training: dict[str, Any]) -> Ensemble:
        """Return members that are trained on folds of the training rows, and say how fast."""
        parts = self._parts(data)
        epochs = self._epochs(data, parts)
        plan = self._plan(epochs, data)._replace(
            deadline=self._deadline, verbose=int(not self.options.quiet)
        )
        started = time.perf_counter()
        with _said_if_diverged():
            trained = members.train(self._maker(data), parts, plan)
        seconds = time.perf_counter() - started
        n_rows = sum(
            each.model.epochs * len(part.training.x)
            for each, part in zip(trained, parts, strict=True)
        )
        print(f"{len(parts)} members in {seconds:.2f} s: {n_rows / seconds:,.0f} rows a second")
        for each in trained:
            each.model.training = training
        return Ensemble(each.model for each in trained)


def _retargeted(data: Data, target: Quantity) -> Data:
    return data._replace(encoder=scales.retargeted(data.encoder, target))


@contextmanager
def _said_if_diverged() -> Iterator[None]:
    """Say what to do about a training that diverges."""
    try:
        yield
    except FloatingPointError as error:
        error.args = (f"{error}; {_train_model.REMEDY}",)
        raise
