"""What the estimators have in addition to scikit-learn's: off by default."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", "1.9")

import scipy.sparse  # noqa: E402
from sklearn.base import clone  # noqa: E402
from sklearn.exceptions import ConvergenceWarning  # noqa: E402
from sklearn.metrics import log_loss, mean_squared_error, r2_score  # noqa: E402
from sklearn.utils.class_weight import compute_sample_weight  # noqa: E402

from cynn import losses, optimizers, schedules  # noqa: E402
from cynn.callbacks import Callback, EarlyStopping, History, ModelCheckpoint, ReduceLROnPlateau  # noqa: E402
from cynn.estimators import MLPClassifier, MLPRegressor  # noqa: E402

X = np.random.default_rng(0).normal(size=(120, 6))
Y = np.array(["cat", "ant", "bee"])[np.digitize(X[:, 0] + 0.5 * X[:, 1], [-0.5, 0.5])]
LABELS = (X[:, :3] > 0).astype(int)
NUMBERS = np.stack([X[:, 0] + X[:, 1] ** 2, X[:, 2]], axis=1)
WEIGHT = np.random.default_rng(1).uniform(0, 2, 120)
OLD, NEW = slice(0, 80), slice(80, None)
BATCHES = ["sgd", "adam"]


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def made(kind=MLPClassifier, **arguments):
    given = {"hidden_layer_sizes": (8, 5), "random_state": 0, "max_iter": 12}
    return kind(**(given | arguments))


def same(a, b):
    return all(np.array_equal(v, w) for v, w in zip(a.coefs_, b.coefs_, strict=True))


# -- layers


@pytest.mark.parametrize("name", ["logistic", "tanh"])
def test_one_activation_for_each_layer(name):
    assert same(made(activation=[name, name]).fit(X, Y), made(activation=name).fit(X, Y))
    mixed = made(activation=(name, "gelu")).fit(X, Y)
    assert not same(mixed, made(activation=name).fit(X, Y))
    assert np.array_equal(clone(mixed).fit(X, Y).predict_proba(X), mixed.predict_proba(X))


def test_activations_by_cynn_names():
    assert same(made(activation="sigmoid").fit(X, Y), made(activation="logistic").fit(X, Y))


@pytest.mark.parametrize("name", ["activation", "dropout"])
def test_a_value_for_each_layer_and_no_more(name):
    value = "tanh" if name == "activation" else 0.5
    with pytest.raises(ValueError, match=f"{name} must have a value for each of 2 hidden layers"):
        made(**{name: (value,)}).fit(X, Y)


@pytest.mark.parametrize("bad", ["foo", "softmax", None, ["tanh"]])
def test_unknown_activation_of_a_layer(bad):
    model = made(warm_start=True).fit(X, Y)
    before = model.coefs_[0].copy()
    model.set_params(activation=["tanh", bad])
    with pytest.raises(ValueError, match="activation must be of elu, exponential, .*, got "):
        model.set_params(warm_start=False).fit(X, Y)
    assert np.array_equal(model.coefs_[0], before)
    with pytest.raises(ValueError, match="activation must be of elu, exponential, .*, got nan"):
        model.set_params(activation=np.nan).predict(X)


@pytest.mark.parametrize(
    "arguments",
    [{"dropout": (0.1, 2)}, {"callbacks": [1]}, {"solver": "lbfgs", "dropout": 0.1}, {"n_jobs": 0},
     {"loss": "binary_cross_entropy"}, {"class_weight": {"ant": np.nan}}],
    ids=str,
)  # fmt: skip
def test_a_fit_that_is_refused_loses_nothing(arguments):
    model = made().fit(X, Y)
    before = [w.copy() for w in model.coefs_]
    name = "loss" if "loss" in arguments else [*arguments][-1]
    with pytest.raises((ValueError, TypeError), match=name):
        model.set_params(**arguments).fit(X, Y)
    assert model.n_iter_ == 12
    assert all(np.array_equal(v, w) for v, w in zip(model.coefs_, before, strict=True))


def test_weights_that_do_not_fit_one_another():
    model = made().fit(X, Y)
    first = model.coefs_[0]
    model.coefs_[0] = np.ascontiguousarray(first.T)  # the same size, another shape
    with pytest.raises(ValueError, match="coefs_ and intercepts_ must fit one another"):
        model.predict(X)
    model.coefs_[0] = first
    model.predict(X)
    for bad in (None, model.coefs_[:2]):
        model.coefs_ = bad
        with pytest.raises(ValueError, match="an array for each layer, got . and 3"):
            model.predict(X)


@pytest.mark.parametrize("arguments", [{}, {"batch_size": 1100}], ids=["batches", "large batch"])
def test_dropout(arguments):
    x, y = np.tile(X, (10, 1)), np.tile(NUMBERS, (10, 1))
    fits = [
        made(MLPRegressor, dropout=d, n_jobs=n, **arguments).fit(x, y)
        for d, n in ((0.5, 1), ((0.5, 0.5), 2), (0.0, 1), ((0.5, 0.0), 1))
    ]
    assert same(fits[0], fits[1])
    assert not same(fits[0], fits[2]) and not same(fits[0], fits[3])
    assert np.array_equal(fits[0].predict(x), fits[0].predict(x))  # no dropout at inference
    assert fits[0].loss_ > fits[2].loss_


def test_dropout_resumes_where_the_previous_fit_ended():
    found = made(dropout=0.5)
    for _ in range(2):
        found.partial_fit(X, Y, classes=["ant", "bee", "cat"])
    once = made(dropout=0.5).partial_fit(X, Y, classes=["ant", "bee", "cat"])
    assert not same(found, once)
    found.set_params(dropout=0.0).partial_fit(X, Y)
    assert np.isfinite(found.predict_proba(X)).all()


@pytest.mark.parametrize("bad", [(0.5, 1.0), (0.5, "a"), 1.5])
def test_bad_dropout(bad):
    with pytest.raises(ValueError, match="dropout"):
        made(dropout=bad).fit(X, Y)


# -- losses and weights


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["", "weight"])
@pytest.mark.parametrize("classes", ["balanced", {"ant": 3.0, "bee": 0.5}], ids=str)
def test_class_weights_equal_sample_weights(classes, weight):
    rows = compute_sample_weight(classes, Y) * (1 if weight is None else weight)
    assert same(made(class_weight=classes).fit(X, Y, weight), made().fit(X, Y, rows))


def test_weights_of_labels():
    rows = compute_sample_weight("balanced", LABELS)
    assert same(made(class_weight="balanced").fit(X, LABELS), made().fit(X, LABELS, rows))


def test_balanced_needs_all_rows():
    with pytest.raises(ValueError, match="class_weight must be a dict or None in partial_fit"):
        made(class_weight="balanced").partial_fit(X, Y, classes=["ant", "bee", "cat"])


@pytest.mark.parametrize(
    ("y", "loss"),
    [
        (Y, "cross_entropy"),
        (Y == "ant", losses.BinaryCrossEntropy()),
    ],
    ids=str,
)
def test_cross_entropies_match_scikit_learns_log_loss(y, loss):
    found, wanted = made(loss=loss).fit(X, y), made().fit(X, y)
    assert np.allclose(found.loss_curve_, wanted.loss_curve_, rtol=1e-9)
    assert np.allclose(found.predict_proba(X), wanted.predict_proba(X))


def test_label_smoothing():
    smooth = made(loss=losses.CrossEntropy(label_smoothing=0.3), solver="lbfgs", max_iter=200)
    certain = made(solver="lbfgs", max_iter=200)
    most = [m.fit(X, Y).predict_proba(X).max() for m in (smooth, certain)]
    assert most[0] < 0.99 < most[1]


@pytest.mark.parametrize(
    ("y", "loss"),
    [(Y, "categorical_hinge"), (Y, "hinge"), (Y == "ant", "hinge"), (LABELS, losses.Hinge())],
    ids=["several", "one against the rest", "two", "labels"],
)
def test_hinge_losses_have_no_probabilities(y, loss):
    found = made(loss=loss, learning_rate_init=0.02, max_iter=150).fit(X, y)
    assert found.score(X, y) > 0.85
    assert not hasattr(found, "predict_proba") and not hasattr(found, "predict_log_proba")
    decided = found.decision_function(X)
    if decided.ndim == 1:
        assert np.array_equal(found.classes_[(decided > 0).astype(int)], found.predict(X))
    elif y.ndim == 1:
        assert np.array_equal(found.classes_[decided.argmax(axis=1)], found.predict(X))
    else:
        assert np.array_equal(decided > 0, found.predict(X))
    assert not hasattr(made(), "decision_function")


@pytest.mark.parametrize(
    ("y", "loss"),
    [
        (Y, "binary_cross_entropy"),
        (LABELS, "cross_entropy"),
        (Y == "ant", losses.CategoricalHinge()),
        (LABELS, "categorical_hinge"),
        (Y, losses.CrossEntropy(from_logits=True)),
        (Y, losses.Huber()),
        (Y, "squared_error"),
    ],
    ids=str,
)
def test_losses_that_do_not_fit(y, loss):
    with pytest.raises(ValueError, match="loss"):
        made(loss=loss).fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_regression_losses(solver):
    common = {"solver": solver, "max_iter": 300, "learning_rate_init": 0.02}
    high = made(MLPRegressor, loss=losses.Quantile(0.9), **common).fit(X, NUMBERS)
    assert 0.8 < (high.predict(X) > NUMBERS).mean() < 0.97
    for loss in ("mae", losses.Huber(0.5), "mse"):
        assert made(MLPRegressor, loss=loss, **common).fit(X, NUMBERS).score(X, NUMBERS) > 0.8
    squared = made(MLPRegressor, loss="mse", alpha=0).fit(X, NUMBERS)
    assert np.isclose(
        made(MLPRegressor, alpha=0).fit(X, NUMBERS).loss_curve_[0] * 2, squared.loss_curve_[0]
    )


# -- optimizers and schedules


@pytest.mark.parametrize("solver", BATCHES)
def test_a_constant_schedule_is_a_rate(solver):
    found = made(solver=solver, learning_rate=schedules.Constant(0.05)).fit(X, Y)
    assert same(found, made(solver=solver, learning_rate_init=0.05).fit(X, Y))


@pytest.mark.parametrize("solver", BATCHES)
def test_a_schedule_ends_with_the_fit(solver):
    found = made(solver=solver, learning_rate=schedules.Exponential(0.1, 1e-9), batch_size=7)
    found.fit(X, Y)
    assert found.loss_curve_[0] - found.loss_curve_[2] > 1e-3
    assert abs(found.loss_curve_[-1] - found.loss_curve_[-2]) < 1e-6
    with pytest.raises(ValueError, match="learning_rate must not be a schedule in partial_fit"):
        made(learning_rate=schedules.Constant(0.1)).partial_fit(X, NUMBERS > 0, classes=[0, 1])


def test_weight_decay_and_smoothing_may_be_schedules_too():
    def fitted(decay, smoothing):
        solver = optimizers.AdamW(0.01, weight_decay=decay)
        return made(solver=solver, loss=losses.CrossEntropy(label_smoothing=smoothing))

    found, wanted = fitted(schedules.Constant(0.5), 0.0), fitted(0.5, 0.0)
    assert same(found.fit(X, Y), wanted.fit(X, Y))
    falling = fitted(0.5, schedules.FlatCosine(0.3)).fit(X, Y)
    assert not same(falling, fitted(0.5, 0.3).fit(X, Y)) and not same(falling, wanted)
    for decay, smoothing, name in (
        (schedules.Constant(0.5), 0.0, "weight_decay"),
        (0.5, schedules.Constant(0.1), "label_smoothing"),
    ):
        with pytest.raises(ValueError, match=f"{name} must not be a schedule in partial_fit"):
            fitted(decay, smoothing).partial_fit(X, Y, classes=np.unique(Y))


def test_sgd_of_the_toolkit_is_theirs_without_momentum():
    ours = made(solver=optimizers.SGD(0.1), alpha=0).fit(X, Y)
    theirs = made(solver="sgd", momentum=0, learning_rate_init=0.1, alpha=0).fit(X, Y)
    assert np.allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-9)


@pytest.mark.parametrize(
    "solver",
    [
        optimizers.AdamW(0.01, weight_decay=0.1),
        optimizers.RMSprop(0.01),
        optimizers.Adam(schedules.Cosine(0.02), clip_norm=1.0),
    ],
    ids=str,
)
def test_optimizers(solver):
    found = clone(made(solver=solver, max_iter=100)).fit(X, Y)
    assert found.score(X, Y) > 0.6 and repr(solver) in repr(found)
    if not isinstance(solver.learning_rate, schedules.Schedule):
        plain = clone(found)
        for _ in range(3):
            plain.partial_fit(X, Y, classes=["ant", "bee", "cat"])
        assert plain.n_iter_ == 1 and len(plain.loss_curve_) == 3


# -- validation data


@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_matrix])
def test_validation_curves_of_a_classifier(form):
    x = form(X)
    given = {"X_val": x[NEW], "y_val": Y[NEW], "sample_weight_val": WEIGHT[NEW]}
    found = made(alpha=1.0).fit(x[OLD], Y[OLD], **given)
    assert len(found.validation_loss_curve_) == len(found.validation_scores_) == found.n_iter_
    weight = WEIGHT[NEW]
    wanted = log_loss(Y[NEW], found.predict_proba(x[NEW]), sample_weight=weight)
    assert np.isclose(found.validation_loss_curve_[-1], wanted)
    assert np.isclose(found.validation_scores_[-1], found.score(x[NEW], Y[NEW], weight))
    assert found.best_validation_score_ == max(found.validation_scores_)
    assert same(found, made(alpha=1.0).fit(x[OLD], Y[OLD]))  # validation changes nothing


def test_validation_curves_of_a_regressor():
    found = made(MLPRegressor, alpha=1.0)
    found.fit(X[OLD], NUMBERS[OLD], X_val=X[NEW], y_val=NUMBERS[NEW])
    wanted = mean_squared_error(NUMBERS[NEW], found.predict(X[NEW])) / 2
    assert np.isclose(found.validation_loss_curve_[-1], wanted)


def test_the_validation_curve_is_that_of_this_fit():
    model = made(early_stopping=True, warm_start=True, max_iter=3).fit(X, Y)
    model.fit(X, Y, X_val=X[NEW], y_val=Y[NEW])
    assert len(model.validation_loss_curve_) == 3 and len(model.validation_scores_) == 6
    for solver in ("lbfgs", "adam"):
        model.set_params(warm_start=False, solver="adam").fit(X, Y, X_val=X[NEW], y_val=Y[NEW])
        model.set_params(solver=solver).fit(X, Y)
        assert not hasattr(model, "validation_loss_curve_")


def test_early_stopping_on_given_validation_data():
    found = made(early_stopping=True, n_iter_no_change=3, max_iter=300, learning_rate_init=0.02)
    found.fit(X[OLD], Y[OLD], X_val=X[NEW], y_val=Y[NEW])
    assert found.t_ == 80 * found.n_iter_  # none are set aside
    assert found.score(X[NEW], Y[NEW]) == found.best_validation_score_


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"X_val": X}, "X_val and y_val must be given together"),
        ({"X_val": X, "y_val": np.where(Y == "ant", "zoo", Y)}, "classes not in"),
        ({"X_val": X[:, :2], "y_val": Y}, "X_val, y_val: X has 2 features"),
        ({"X_val": X * np.nan, "y_val": Y}, "X_val, y_val: Input X contains NaN"),
        ({"X_val": X, "y_val": Y[:5]}, "X_val, y_val: Found input variables with inconsistent"),
        ({"X_val": X, "y_val": LABELS}, "X_val, y_val: "),
    ],
)
def test_invalid_validation_data(given, message):
    with pytest.raises(ValueError, match=message):
        made().fit(X, Y, **given)


# -- callbacks and progress


def test_callbacks():
    history, reduce = History(), ReduceLROnPlateau("loss", patience=1, min_delta=10.0)
    stop = EarlyStopping(patience=2, min_delta=10.0)
    found = made(callbacks=[history, reduce, stop], max_iter=300)
    found.fit(X[OLD], Y[OLD], X_val=X[NEW], y_val=Y[NEW])
    assert list(history.history) == ["loss", "val_loss", "val_score"]
    assert history.history["loss"] == found.loss_curve_
    assert found.n_iter_ == 4 and reduce.reduced == [2]
    first = log_loss(Y[NEW], found.predict_proba(X[NEW]))  # the best weights, of the first epoch
    assert np.isclose(first, history.history["val_loss"][0])
    before = len(history.epoch)
    found.partial_fit(X, Y)  # without callbacks
    assert len(history.epoch) == before
    clone(found).fit(X[OLD], Y[OLD], X_val=X[NEW], y_val=Y[NEW])
    assert len(history.epoch) == before  # a clone has callbacks of its own


def test_callbacks_see_the_estimator():
    class Look(History):
        def on_epoch_end(self, epoch, logs=None):
            scores.append(self.model.score(X, Y))

    scores = []
    found = made(callbacks=[Look()]).fit(X, Y)
    assert len(scores) == 12 and scores[-1] == found.score(X, Y)


def test_callbacks_that_are_refused(tmp_path):
    with pytest.raises(TypeError, match="callbacks must hold Callback objects"):
        made(callbacks=[print]).fit(X, Y)
    history, checkpoint = History(), ModelCheckpoint(tmp_path / "a.safetensors")
    with pytest.raises(TypeError, match="an estimator cannot be saved as a model file"):
        made(callbacks=[history, checkpoint]).fit(X, Y)
    assert history.epoch == []  # it is known before the first


@pytest.mark.parametrize(
    "arguments", [{"dropout": 0.5}, {"callbacks": [History()]}, {}], ids=["dropout", "calls", "val"]
)
def test_arguments_that_need_mini_batches(arguments):
    given = {} if arguments else {"X_val": X, "y_val": Y}
    with pytest.raises(ValueError, match="must be left at its default for solver='lbfgs'"):
        made(solver="lbfgs", **arguments).fit(X, Y, **given)


def test_progress_bar(capsys):
    pytest.importorskip("tqdm")
    made(verbose="bar", max_iter=2).fit(X, Y)
    shown = capsys.readouterr()
    assert shown.out == "" and "epoch 2/2" in shown.err and "loss" in shown.err


# -- sparse rows


class Look(Callback):
    """Records the network of each epoch, and whether it skips zeros."""

    def __init__(self):
        self.seen = []

    def on_epoch_end(self, epoch, logs=None):
        network = self.model._network
        self.seen.append((network, network.seek_zeros))


def test_zeros_are_skipped_to_the_same_bits():
    x = np.where(X > 0.8, X, 0)
    look = Look()
    found = made(callbacks=[look]).fit(x, Y)
    assert [seeks for _, seeks in look.seen] == [True] * found.n_iter_
    assert not look.seen[0][0].seek_zeros  # during the fit only
    look = Look()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cynn.estimators._objective.mostly_zeros", lambda x: False)
        full = made(callbacks=[look]).fit(x, Y)
    assert [seeks for _, seeks in look.seen] == [False] * full.n_iter_
    assert same(found, full) and found.loss_curve_ == full.loss_curve_


def test_zeros_are_skipped_over_all_rows_at_once():
    x = np.where(X > 0.8, X, 0)
    found = made(solver="lbfgs").fit(x, Y)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cynn.estimators._objective.mostly_zeros", lambda x: False)
        full = made(solver="lbfgs").fit(x, Y)
    assert same(found, full)
    (network, *_), *others = found._weights._networks.values()
    assert not network.seek_zeros and not others


# -- hooks of mini-batches


class Hear(Callback):
    """Records the losses of mini-batches, and may end the training after one."""

    def __init__(self, last=None):
        self.last, self.losses, self.scores = last, [], []

    def on_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])
        if batch == self.last:
            self.scores.append(self.model.score(X, Y))
            self.model.stop_training = True


@pytest.mark.parametrize("weight", [None, np.linspace(0.5, 2, len(X))], ids=["none", "weights"])
def test_hooks_of_batches_change_no_bit(weight):
    hear = Hear()
    plain = made(batch_size=30).fit(X, Y, weight)
    heard = made(batch_size=30, callbacks=[hear]).fit(X, Y, weight)
    assert same(plain, heard) and plain.loss_curve_ == heard.loss_curve_
    by_epoch = np.reshape(hear.losses, (heard.n_iter_, -1))
    sizes = np.diff([*range(0, len(X), 30), len(X)])
    np.testing.assert_allclose(by_epoch @ sizes / len(X), heard.loss_curve_, 1e-5)


def test_a_batch_ends_the_fit_of_an_estimator():
    hear = Hear(last=0)
    found = made(batch_size=30, callbacks=[hear]).fit(X, Y)
    assert found.n_iter_ == 1 and found.t_ == 30 and len(hear.losses) == 1
    assert found.loss_ == pytest.approx(hear.losses[0]) and hear.scores == [found.score(X, Y)]


def test_callbacks_see_the_last_epoch():
    history = History()
    found = made(tol=10, n_iter_no_change=2, max_iter=50, callbacks=[history]).fit(X, Y)
    assert found.n_iter_ < 50 and len(history.epoch) == found.n_iter_


def test_the_score_of_equal_targets_is_0_or_1():
    """Whatever the rounding of their mean says."""
    reg = made(MLPRegressor, max_iter=2).fit(X, NUMBERS)
    for n in (3, 10, 30):
        for value in (0.1, 1 / 3, -7.7):
            y = np.full((n, 2), value)
            assert reg.score(X[:n], y) == 0
            assert reg.score(X[:n], y, np.full(n, 0.3)) == 0
            y[:, 1] = reg.predict(X[:n])[:, 1]  # this one is met
            assert reg.score(X[:n], y) == 0.5
    assert reg.score(X, NUMBERS) == r2_score(NUMBERS, reg.predict(X))
