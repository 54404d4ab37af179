"""Loss specs: which kernel runs, and every kind of target."""

import tracemalloc
import warnings

import numpy as np
import pytest

from cynn._specs.activation_table import ACTIVATIONS
from cynn.losses import LOSSES, BinaryCrossEntropy, CrossEntropy, Loss, MeanSquaredError, Poisson


class Series:
    """Like a pandas series: an object that only np.asarray converts."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


LABELS = np.array([3, 0, 9, 1], dtype=np.int32)
READ_ONLY = LABELS.copy()
READ_ONLY.flags.writeable = False
UNALIGNED = np.frombuffer(b"\0" + LABELS.tobytes(), dtype=np.int32, offset=1)


@pytest.mark.parametrize(
    "y",
    [
        *(LABELS.astype(t) for t in ("u1", "i1", "u2", "i8", "u8", "f2", "f4", "f8", "g")),
        *(LABELS.astype(t) for t in (">i4", ">i8", ">f4", ">u2")),
        LABELS.tolist(),
        tuple(LABELS),
        [float(label) for label in LABELS],
        LABELS[:, np.newaxis],
        LABELS.astype("f8")[:, np.newaxis],
        np.repeat(LABELS, 3)[::3],
        LABELS[::-1].copy()[::-1],
        np.asfortranarray(np.stack([LABELS, LABELS], axis=1))[:, :1],
        READ_ONLY,
        UNALIGNED,
        Series(LABELS),
        Series(LABELS.tolist()),
        np.ma.MaskedArray(LABELS),
    ],
)
def test_labels_of_every_kind(y):
    labels = CrossEntropy().targets(y, 10, "float32")
    np.testing.assert_array_equal(labels, LABELS)
    assert labels.dtype == np.int32 and labels.dtype.isnative and type(labels) is np.ndarray
    assert labels.flags.c_contiguous and labels.flags.aligned


def test_bool_labels_and_no_labels():
    assert CrossEntropy().targets([True, False], 2, "float32").tolist() == [1, 0]
    for empty in ([], np.zeros((0, 1)), np.zeros(0, np.uint8)):
        assert CrossEntropy().targets(empty, 2, "float32").shape == (0,)
    assert CrossEntropy().targets(np.zeros((0, 3)), 3, "float32").shape == (0, 3)


def test_what_needs_no_change_is_not_copied():
    y = np.arange(60_000, dtype=np.int32) % 10
    one_hot = np.eye(10, dtype=np.float32)
    binary = np.ones((4, 1), dtype=np.float64)
    tracemalloc.start()
    found = CrossEntropy().targets(y, 10, "float32")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.base is y or found is y
    assert peak < 60_000  # nor is there a pass with an array of its own
    assert np.shares_memory(CrossEntropy().targets(READ_ONLY, 10, "float32"), READ_ONLY)
    assert np.shares_memory(CrossEntropy().targets(one_hot, 10, "float32"), one_hot)
    assert np.shares_memory(BinaryCrossEntropy().targets(binary, 1, "float64"), binary)
    assert np.shares_memory(MeanSquaredError().targets(binary[:, 0], 1, "float64"), binary)


HUGE = 2**32  # 0 if cast to 32 bits


@pytest.mark.parametrize(
    ("y", "came"),
    [
        ([0, -1], "-1 in row 1"),
        ([[0], [10]], "10 in row 1"),
        (np.array([0, 255], np.uint8), "255 in row 1"),
        (np.array([0, 1, HUGE]), f"{HUGE} in row 2"),
        (np.array([0, 2**64 - 1], np.uint64), f"{2**64 - 1} in row 1"),
        ([0.0, float(HUGE)], f"{HUGE}.0 in row 1"),
        ([0, 2.5], "2.5 in row 1"),
        ([0, -0.5], "-0.5 in row 1"),
        ([9, 9.5], "9.5 in row 1"),
        ([0, np.nan, -1], "nan in row 1"),
        ([0, np.inf], "inf in row 1"),
        ([-np.inf, 0], "-inf in row 0"),
        (np.array([0, 70], np.float16), "70.0 in row 1"),
        (np.array([0, 10], ">i2"), "10 in row 1"),
    ],
)
def test_labels_out_of_bounds(y, came):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError) as raised:
            CrossEntropy().targets(y, 10, "float32")
    assert str(raised.value) == f"y must hold whole numbers from 0 to 9, got {came}"


@pytest.mark.parametrize("loss", [CrossEntropy(), BinaryCrossEntropy(), MeanSquaredError()])
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["cat", "dog"], "y must hold numbers, got strings .*encode the classes"),
        (np.array([b"0", b"1"]), "y must hold numbers, got strings"),
        (Series(["cat", "dog"]), "y must hold numbers, got strings"),
        (np.array([0, 1], dtype=object), "y must hold numbers, got dtype object"),
        ([0, None], "y must hold numbers, got dtype object"),
        ([0, 2**70], "y must hold numbers, got dtype object"),
        ([1j, 0], "y must hold numbers, got dtype complex128"),
        (np.array(["2020-01-01"], "M8[D]"), "y must hold numbers, got dtype datetime64"),
        (np.zeros(2, [("a", "i4")]), "y must hold numbers, got dtype"),
        (None, "y must hold numbers, got NoneType"),
        ({1, 2}, "y must hold numbers, got set"),
        ((label for label in (0, 1)), "y must hold numbers, got generator"),
    ],
)
def test_targets_that_are_not_numbers(loss, y, message):
    with pytest.raises(TypeError, match=message):
        loss.targets(y, 2, "float32")


@pytest.mark.parametrize("loss", [CrossEntropy(), BinaryCrossEntropy(), MeanSquaredError()])
def test_ragged_and_masked_targets(loss):
    with pytest.raises(ValueError, match="y must be a regular array of numbers"):
        loss.targets([[0, 1], [1]], 2, "float32")
    with pytest.raises(ValueError, match="y must not have masked entries"):
        loss.targets(np.ma.MaskedArray([[0, 1]], [[True, False]]), 2, "float32")


@pytest.mark.parametrize("shape", [(), (4, 9), (4, 11), (4, 1, 1), (4, 10, 1), (4, 0)])
def test_shapes_that_are_neither_labels_nor_rows(shape):
    with pytest.raises(ValueError) as raised:
        CrossEntropy().targets(np.zeros(shape), 10, "float32")
    assert str(raised.value) == (
        f"y must be labels of shape (n,) or (n, 1), or rows of shape (n, 10), got shape {shape}"
    )


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), MeanSquaredError()])
@pytest.mark.parametrize("shape", [(), (4,), (4, 1), (4, 3), (4, 2, 1)])
def test_shapes_that_are_not_rows(loss, shape):
    with pytest.raises(ValueError, match=r"^y must have shape \(n, 2\), got shape "):
        loss.targets(np.zeros(shape), 2, "float32")


def test_cross_entropy_needs_two_outputs():
    with pytest.raises(ValueError, match="must have an output for each class .*, got 1"):
        CrossEntropy().targets([0, 0], 1, "float32")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "y",
    [
        np.eye(3, dtype=np.uint8),
        np.eye(3, dtype=bool),
        np.eye(3, dtype=">f4"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(24.0).reshape(4, 6)[::2, ::2],
        [[0.25, 0.5, 0.5], [0, 0, 0]],
    ],
)
def test_rows_of_every_kind(y, dtype):
    for loss in (CrossEntropy(), MeanSquaredError()):
        found = loss.targets(y, 3, dtype)
        np.testing.assert_array_equal(found, np.asarray(y, dtype))
        assert found.dtype == dtype and found.dtype.isnative and found.flags.c_contiguous


@pytest.mark.parametrize(
    ("loss", "value", "wanted"),
    [
        (loss, value, wanted)
        for loss, values, wanted in [
            (CrossEntropy(), [-0.5], "finite numbers that are not negative"),
            (BinaryCrossEntropy(), [-1, 1.5, 2], "numbers from 0 to 1"),
            (MeanSquaredError(), [], "finite numbers"),
        ]
        for value in [np.nan, np.inf, -np.inf, 1e300, *values]
    ],
)
def test_rows_out_of_bounds(loss, value, wanted):
    y = np.zeros((3, 2))
    y[1, 1] = value
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError) as raised:
            loss.targets(y, 2, "float32")
    assert str(raised.value) == f"y must hold {wanted}, got {float(value)} in row 1, column 1"


@pytest.mark.parametrize("loss", [BinaryCrossEntropy(), MeanSquaredError()])
@pytest.mark.parametrize("y", [[0, 1, 1], [[0], [1], [1]], [False, True, True], [0.0, 1.0, 1.0]])
def test_one_output_takes_a_plain_list(loss, y):
    found = loss.targets(y, 1, "float32")
    assert found.tolist() == [[0.0], [1.0], [1.0]] and found.dtype == np.float32


@pytest.mark.parametrize("last", ACTIVATIONS)
def test_kernels(last):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert MeanSquaredError().kernel(last) == "mean_squared_error"
        assert CrossEntropy().kernel(last) == (
            "softmax_cross_entropy" if last == "softmax" else "cross_entropy"
        )
        assert BinaryCrossEntropy().kernel(last) == (
            "sigmoid_binary_cross_entropy" if last == "sigmoid" else "binary_cross_entropy"
        )
    for loss, kernel in [
        (CrossEntropy(from_logits=True), "softmax_cross_entropy"),
        (BinaryCrossEntropy(from_logits=True), "sigmoid_binary_cross_entropy"),
    ]:
        if last == "identity":
            assert loss.kernel(last) == kernel
        else:
            with pytest.raises(ValueError, match=f"for from_logits=True, got '{last}'"):
                loss.kernel(last)


@pytest.mark.parametrize("loss", [CrossEntropy(), BinaryCrossEntropy()])
def test_a_last_layer_without_probabilities_warns(loss):
    for last in ("identity", "relu", "leaky_relu", "tanh"):
        assert f"takes probabilities, and {last!r}" in loss.caution(last)
    assert loss.caution("softmax") == loss.caution("sigmoid") == ""


@pytest.mark.parametrize("loss", [CrossEntropy(), BinaryCrossEntropy(), MeanSquaredError()])
def test_bad_arguments(loss):
    with pytest.raises(ValueError, match="last_activation must be one of"):
        loss.kernel("gelus")
    with pytest.raises(ValueError, match="n_outputs must be a positive integer, got 0"):
        loss.targets([0], 0, "float32")
    for dtype in ("int32", "float16", ">f4"):
        with pytest.raises(ValueError, match="dtype must be float32 or float64, got "):
            loss.targets(np.zeros((1, 2)), 2, dtype)
    for dtype in (None, "real"):
        with pytest.raises(TypeError, match="dtype must be float32 or float64, got "):
            loss.targets(np.zeros((1, 2)), 2, dtype)


def test_from_logits_is_a_flag():
    for loss in (CrossEntropy, BinaryCrossEntropy):
        assert loss(np.True_) == loss(from_logits=True)
        with pytest.raises(TypeError, match="from_logits must be True or False, got 1"):
            loss(1)


def test_the_kernels_are_those_of_the_reference():
    reference = pytest.importorskip("cynn.reference")
    specs = [kind() for kind in set(LOSSES.values())] + [Poisson(log_rate=False)]
    kernels = [loss.kernel(last) for loss in specs for last in ("softmax", "sigmoid")]
    found = {kernel if isinstance(kernel, str) else kernel[0] for kernel in kernels}
    estimators = {"log_loss", "binary_log_loss", "half_squared_error", "half_poisson_deviance"}
    assert found == set(reference.LOSSES) - estimators


def test_the_base_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="Loss must define kernel"):
        Loss().kernel("softmax")
    with pytest.raises(NotImplementedError, match="Loss must define targets"):
        Loss().targets([0], 2, "float32")
