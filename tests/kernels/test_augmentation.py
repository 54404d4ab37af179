"""Augmentation of images: shifts, rotations, noise, and what their random numbers depend on."""

import numpy as np
import pytest

import cynn
from cynn import Model
from cynn._training import fitting
from cynn.augmentation import Augment
from cynn.callbacks import ModelCheckpoint
from cynn.layers import Dense, Flatten, Rescale
from cynn.optimizers import SGD
from models import bits, image_model, images
from targets import Target, assert_close

MOMENT = (3, 1, 4, 0)


@pytest.fixture(autouse=True)
def no_choice_left_behind():
    yield
    cynn.set_num_threads(None)


def seen(target, x, given, moment=MOMENT, scale=1.0, offset=0.0, threads=1):
    """Return the inputs that a network sees in training, by way of an identity network."""
    n, height, width = x.shape
    network = target.module.Network(height * width, [("activation", "identity")], scale, offset)
    network.compile("mean_squared_error")
    network.augmentation = (height, width, *given)
    out = np.empty((n, height * width), target.dtype)
    rows = x.reshape(n, -1)
    network.train_epoch(
        rows, np.zeros_like(out), None, np.arange(n), np.zeros((2, 1)), n, 0, np.inf, out, threads,
        moment,
    )  # fmt: skip
    network.predict(rows, plain := np.empty_like(out), 1)
    assert_close(plain, scale * rows.astype(float) + offset, 1e-4)  # at inference nothing moves
    return out.reshape(x.shape)


def pictures(n=12, height=7, width=5, dtype="uint8"):
    return np.random.default_rng(0).integers(1, 256, (n, height, width)).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize("given", [(2, 0.0, 0.0), (0, 0.5, 0.0), (0, 0.0, 0.1), (1, 3.2, 0.2)])
def test_agrees_with_the_reference(compiled, given, dtype):
    for shape in ((12, 7, 5), (3, 1, 40), (2, 28, 28)):
        x = pictures(*shape, dtype)
        found = seen(compiled, x, given, scale=1 / 255, offset=-0.5)
        wanted = seen(Target("reference", compiled.dtype), x, given, scale=1 / 255, offset=-0.5)
        assert_close(found, wanted, 2000 * compiled.u)


def test_a_shift_moves_whole_pixels(target):
    x = pictures(dtype="float64")
    moved = seen(target, x, (2, 0.0, 0.0))
    came = set()
    for before, after in zip(x, moved, strict=True):
        padded = np.zeros((11, 9))
        padded[2:9, 2:7] = before
        fits = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-2, 3)
            if np.array_equal(padded[2 - dy : 9 - dy, 2 - dx : 7 - dx], after)
        ]
        assert len(fits) == 1
        came.update(fits)
    assert len(came) > 6


def test_every_shift_is_as_likely(compiled):
    x = np.zeros((4500, 5, 5), np.float32)
    x[:, 2, 2] = 1
    found = [
        seen(compiled, x[i : i + 900], (1, 0.0, 0.0), (0, i, 0, 0)) for i in range(0, 4500, 900)
    ]
    counts = np.concatenate(found).sum(axis=0)[1:4, 1:4].ravel()
    assert counts.sum() == 4500
    assert ((counts - 500) ** 2 / 500).sum() < 30  # chi-squared, 8 degrees: one in 5,000


def test_a_rotation_keeps_the_centre_and_symmetric_images(target):
    at = np.arange(21) - 10
    distance = np.hypot(at[:, None], at)
    x = np.repeat(np.exp(-((distance / 4) ** 2))[None], 5, axis=0)
    turned = seen(target, x, (0, np.pi, 0.0))
    assert np.abs(turned - x)[:, 4:17, 4:17].max() < 0.03  # what interpolation loses
    assert_close(turned[:, 10, 10], x[:, 10, 10], 8 * target.u)
    wedge = np.where(at[:, None] > 0, x, 0)
    assert np.abs(seen(target, wedge, (0, np.pi, 0.0)) - wedge).max() > 0.1


def test_the_noise(compiled):
    x = np.zeros((40, 28, 28), np.float32)
    found = seen(compiled, x, (0, 0.0, 0.25))
    assert found.std() == pytest.approx(0.25, rel=0.02)
    assert abs(found.mean()) < 0.01 and np.abs(found).max() < 0.25 * 3.5
    assert abs((found**4).mean() / 0.25**4 - 2.7) < 0.1  # of four uniform ones; of a normal one 3
    flat = found.reshape(40, -1)
    assert np.abs(np.corrcoef(flat.T[:100]) - np.eye(100)).max() < 0.8
    assert np.abs(np.corrcoef(flat) - np.eye(40)).max() < 0.2


def test_draws_depend_only_on_seed_epoch_and_position(compiled):
    x, given = pictures(30), (2, 0.5, 10.0)
    once = seen(compiled, x, given)
    assert np.array_equal(seen(compiled, x, given, threads=3), once)
    for moment in ((2, 1, 4, 0), (3, 0, 4, 0), (3, 1, 5, 0)):
        assert not np.array_equal(seen(compiled, x, given, moment), once)
    assert np.array_equal(seen(compiled, x[10:], given, (*MOMENT[:3], 10)), once[10:])


@pytest.mark.parametrize(
    "given",
    [
        (6, 5, 1, 0.0, 0.0), (0, 35, 1, 0.0, 0.0), (-7, -5, 1, 0.0, 0.0), (7, 5, -1, 0.0, 0.0),
        (7, 5, 1 << 21, 0.0, 0.0), (7, 5, 1, float("nan"), 0.0), (7, 5, 1, 0.0, -1.0),
        (7, 5, 1, float("inf"), 0.0),
    ],
)  # fmt: skip
def test_a_network_refuses(target, given):
    network = target.module.Network(35, [("activation", "identity")])
    with pytest.raises(ValueError, match="augmentation"):
        network.augmentation = given
    assert network.augmentation is None
    network.augmentation = (7, 5, 1, 0.5, 0.25)
    assert network.augmentation == (7, 5, 1, 0.5, 0.25)
    network.augmentation = None
    assert network.augmentation is None


def fitted(threads=1, augment=Augment(1, 15.0, 0.05), **named):  # noqa: B008 (does not change)
    cynn.set_num_threads(threads)
    model = Model([Flatten(), Rescale(1 / 255), Dense(60, "relu"), Dense(4, "softmax")], seed=0)
    model.compile(SGD(0.1, 0.9))
    x, y = images(400)
    history = model.fit(x, y, augment=augment, batch_size=100, epochs=3, verbose=0, **named)
    return model, bits(model), history.history["loss"]


def test_a_fit_gives_the_same_bits(compiled, monkeypatch):
    monkeypatch.setenv("CYNN_TARGET", compiled.name)
    monkeypatch.setattr(fitting, "SLICE_SECONDS", np.inf)
    _, wanted, losses = fitted()
    assert fitted(3)[1:] == (wanted, losses)
    monkeypatch.setattr(fitting, "SLICE_SECONDS", 0.0)
    assert fitted(2)[1:] == (wanted, losses)
    assert fitted(augment=None)[1] != wanted


def test_a_resumed_fit_gives_the_same_bits(tmp_path):
    whole, wanted, _ = fitted()
    path = tmp_path / "m-{epoch}.safetensors"
    fitted(callbacks=[ModelCheckpoint(path)])
    again = Model.load(tmp_path / "m-2.safetensors")
    again.fit(
        *images(400), augment=Augment(1, 15.0, 0.05), batch_size=100, initial_epoch=2, epochs=3,
        verbose=0,
    )  # fmt: skip
    assert bits(again) == wanted
    assert again.predict(images()[0]).tobytes() == whole.predict(images()[0]).tobytes()


def test_batches_in_blocks():
    x, y = images(1500)
    made = []
    for largest in (1500, 700):
        model = image_model("float64")
        model.build((8, 8))
        model._network.largest_block = largest
        model.fit(x, y, augment=Augment(2, 10.0, 0.1), batch_size=1500, verbose=0)
        made.append(model.get_weights())
    for got, want in zip(*made, strict=True):
        assert np.allclose(got, want, rtol=1e-9, atol=1e-12)


def test_batches_from_an_iterable():
    x, y = images(60)
    model = image_model()
    model.fit([(x, y)], augment=Augment(1), epochs=2, verbose=0)
    plain = image_model()
    plain.fit([(x, y)], epochs=2, verbose=0)
    assert bits(model) != bits(plain)


def test_augmentation_ends_with_the_fit():
    model = image_model()
    x, y = images()

    class Stop(cynn.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            assert self.model._network.augmentation is not None
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(x, y, augment=Augment(1), callbacks=[Stop()], verbose=0)
    assert model._network.augmentation is None


def test_what_a_fit_refuses():
    x, y = images()
    model = image_model()
    with pytest.raises(TypeError, match="augment must be an Augment object"):
        model.fit(x, y, augment={"shift": 2}, verbose=0)
    with pytest.raises(ValueError, match=r"rows of shape \(height, width\) for augment, got"):
        image_model().fit(x.reshape(40, 64), y, augment=Augment(1), verbose=0)
    sparse = pytest.importorskip("scipy.sparse")
    table = Model([Dense(4, "softmax")], seed=0)
    table.compile()
    with pytest.raises(ValueError, match="augment"):
        table.fit(sparse.csr_matrix(x.reshape(40, 64)), y, augment=Augment(1), verbose=0)


def test_sparse_auto_is_off_with_augmentation():
    x, y = images()
    x = np.where(x > 150, x, 0).astype(np.uint8)
    both = []
    for sparse in (None, "auto"):
        model = image_model()
        model.fit(x, y, augment=Augment(1), sparse=sparse, verbose=0)
        both.append(bits(model))
    assert both[0] == both[1]


@pytest.mark.parametrize(
    "named",
    [
        {"shift": -1}, {"shift": 0.5}, {"shift": 1 << 30}, {"shift": True}, {"rotate": -1.0},
        {"rotate": float("nan")}, {"rotate": "10"}, {"noise": -0.1}, {"noise": float("inf")},
    ],
)  # fmt: skip
def test_bad_settings(named):
    with pytest.raises((TypeError, ValueError), match=next(iter(named))):
        Augment(**named)
