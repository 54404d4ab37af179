"""The command `cynn`, in this process and in one of its own."""

import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

import cynn
from cynn import Model, cli, datasets
from cynn.datasets import _download, _mnist
from cynn.layers import Dense, Dropout
from cynn.optimizers import OPTIMIZERS, SGD, Adam, AdamW, RMSprop
from cynn.schedules import Cosine
from mnist_files import fill
from models import MNIST, needs_mnist


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small data set, drawn here, in files like MNIST's."""
    folder = tmp_path_factory.mktemp("data")
    arrays = [array for seed, n in enumerate((600, 200)) for array in datasets.make_digits(n, seed)]
    return fill(folder, arrays)


@pytest.fixture(scope="module")
def saved(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model"
    assert cli.main(["train", "--data", str(folder), "--hidden", "32", "--save", str(path)]) == 0
    return path


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    monkeypatch.setenv("CYNN_CACHE", str(tmp_path / "cache"))
    for name in ("CYNN_DATA", "CYNN_TARGET", "CYNN_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    yield
    cynn.set_num_threads(None)


def accuracy(out, part="test"):
    return float(re.search(rf"^{part}: +loss \d.* accuracy (\d+\.\d\d)%$", out, re.M)[1])


# ---- train --------------------------------------------------------------------------------------


def test_train(run, folder):
    status, out, err = run("train", "--data", folder, "--epochs", 3, "--hidden", 64)
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[0].startswith(f"MNIST in {folder}: 600 training images, 200 test images; network")
    assert "784-64-10, float32, target " in lines[0]
    assert all(re.match(r"epoch \d/3  \d+\.\d\d s  loss", line) for line in lines[1:4])
    assert re.fullmatch(r"3 epochs in \d+\.\d\d s: [\d,]+ images a second", lines[4])
    assert accuracy(out, "training") > 60 and accuracy(out) > 40
    table = [line.split() for line in lines if re.match(r" {3}\d ", line)]
    counts = [int(n) for row in table for n in row[1:] if n != "."]
    assert len(table) == 10 and sum(counts) == 200
    right = sum(int(row[1 + i]) for i, row in enumerate(table) if row[1 + i] != ".")
    assert right / 2 == accuracy(out)
    assert lines[-1].startswith("most frequent errors: ")
    again = run("train", "--data", folder, "--epochs", 3, "--hidden", 64)[1]
    assert again.splitlines()[5:] == lines[5:]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--hidden", "0"], "network 784-10, float32"),
        (["--hidden", "20,10"], "network 784-20-10-10,"),
        (["--activation", "tanh", "--batch-size", "7"], "epoch 1/1"),
        (["--batch-size", "100000"], "epoch 1/1"),
        (["--learning-rate", "1e-3", "--momentum", "0", "--weight-decay", "1e-4"], "epoch 1/1"),
        (["--dtype", "float64", "--seed", "7"], "float64"),
        (["--threads", "1"], "threads 1"),
        (["--threads", "3"], "threads 3"),
        (["--optimizer", "adam", "--dropout", "0.2"], "epoch 1/1"),
        (["--quiet"], "1 epochs in"),
    ],
)
def test_options(run, folder, options, said):
    status, out, err = run("train", "--data", folder, "--epochs", 1, *options)
    assert (status, err) == (0, "") and said in out
    assert ("epoch 1/1" in out) != ("--quiet" in options)


def test_the_reference_says_what_to_expect(run, folder, monkeypatch):
    monkeypatch.setenv("CYNN_TARGET", "reference")
    train = ["train", "--data", folder, "--epochs", 1, "--hidden", 2, "--rows", 20, "--quiet"]
    status, out, err = run(*train)
    assert (status, err) == (0, "")
    assert out.startswith("target reference is plain Python, a thousand times slower")
    assert "20 training images, 20 test images" in out and out.count("measuring 20 rows\n") == 2


def test_only_as_many_digits_are_drawn_as_are_used(run, monkeypatch):
    drawn = []
    make = datasets.make_digits
    monkeypatch.setattr(datasets, "make_digits", lambda n, seed: drawn.append(n) or make(n, seed))
    out = run("train", "--data", "digits", "--rows", 30, "--epochs", 1, "--hidden", 2)[1]
    assert drawn == [30, 30] and out.startswith("synthetic digits: 30 training images, 30 test")
    monkeypatch.setattr(cli._images, "DIGITS", (50, 30))
    monkeypatch.setattr(cli._images, "MANY", 79)
    out = run("train", "--data", "digits", "--epochs", 1, "--hidden", 2)[1]
    assert drawn[2:] == [50, 30] and out.startswith("drawing 80 synthetic digits\n")


@pytest.mark.parametrize("option", ["--class-weight=balanced", "--class-weight"])
def test_class_weights_of_images(run, folder, option):
    train = ["train", "--data", folder, "--epochs", 1, "--hidden", 2, "--quiet", "--rows", 100]
    status, out, _ = run(*train, option)
    assert status == (0 if "=" in option else 2)
    assert out == "" or out != run(*train)[1]


@pytest.mark.parametrize(
    ("options", "optimizer"),
    [
        ([], SGD(Cosine(0.1), 0.9, nesterov=True)),
        (["--momentum", "0"], SGD(Cosine(0.1))),
        (["--optimizer", "adam", "--learning-rate", "0.002"], Adam(Cosine(0.002))),
        (["--optimizer", "adamw", "--weight-decay", "0.1"], AdamW(Cosine(0.001), weight_decay=0.1)),
        (["--optimizer", "rmsprop", "--momentum", "0.5"], RMSprop(Cosine(0.01), momentum=0.5)),
        *(
            (["--optimizer", name], kind(Cosine(kind().learning_rate)))
            for name, kind in OPTIMIZERS.items()
            if kind is not SGD  # above
        ),
    ],
)
def test_optimizers(run, folder, tmp_path, options, optimizer):
    path = tmp_path / "model"
    chosen = ["--hidden", "8,4", "--dropout", "0.25", "--epochs", 1, "--save", path, *options]
    status, _, err = run("train", "--data", folder, *chosen)
    assert (status, err) == (0, "")
    model = Model.load(path)
    assert model.optimizer == optimizer
    assert [layer.rate for layer in model.layers if isinstance(layer, Dropout)] == [0.25, 0.25]
    assert [type(layer) for layer in model.layers[2:]] == [Dense, Dropout, Dense, Dropout, Dense]


def test_momentum_is_refused_for_other_optimizers(run, folder):
    status, out, err = run("train", "--data", folder, "--optimizer", "adam", "--momentum", "0.5")
    assert (status, out) == (1, "") and "must be sgd or rmsprop for --momentum, got adam" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: COMMAND"),
        (["learn"], "invalid choice: 'learn'"),
        (["train", "--epoch-count", "3"], "unrecognized arguments"),
        (["train", "--epochs", "0"], "--epochs: must be an integer of at least 1, got '0'"),
        (["train", "--epochs", "1.5"], "--epochs: must be an integer"),
        (["train", "--batch-size", "-3"], "--batch-size: must be an integer"),
        (["train", "--seed", "-1"], "--seed: must be an integer of at least 0"),
        (["train", "--threads", "0"], "--threads: must be an integer"),
        (["train", "--hidden", "10,,3"], "--hidden: must be an integer of at least 1, got ''"),
        (["train", "--hidden", "1" * 5000], "--hidden: "),
        (["train", "--activation", "Relu"], "--activation: invalid choice: 'Relu'"),
        (["train", "--activation", "Relu"], ": did you mean 'relu'?"),
        (["train", "--optimizer", "adamax"], ": there is none here; the nearest is 'adam'"),
        (["train", "--epohcs", "3"], "unrecognized arguments: --epohcs: did you mean '--epochs'?"),
        (["train", "--lr", "3"], "unrecognized arguments: --lr: did you mean '--learning-rate'?"),
        (["train", "--output", "3"], "unrecognized arguments: --output: did you mean '--save'?"),
        (["predict", "--model", "m", "x"], "unrecognized arguments: --model\n"),
        (
            ["predict", "--save", "m", "x"],
            "unrecognized arguments: --save: did you mean '--output'?",
        ),
        (["train", "--verbose=0"], "unrecognized arguments: --verbose=0: did you mean '--quiet'?"),
        (["train", "--metrics", "f1"], "unrecognized arguments: --metrics\n"),
        (["train", "--Batch_Size=3"], ": did you mean '--batch-size'?"),
        (["trian"], "did you mean 'train'?"),
        (["train", "--dtype", "float16"], "--dtype: invalid choice"),
        (["train", "--optimizer", "adamax"], "--optimizer: invalid choice: 'adamax'"),
        (["train", "--dropout", "1"], "--dropout: rate must be"),
        (["train", "--dropout", "some"], "--dropout: could not convert"),
        (["train", "--learning-rate", "nan"], "--learning-rate: learning_rate must be"),
        (["train", "--learning-rate", "-0.1"], "--learning-rate: learning_rate must be"),
        (["train", "--learning-rate", "fast"], "--learning-rate: could not convert"),
        (["train", "--momentum", "1"], "--momentum: momentum must be"),
        (["train", "--weight-decay", "-1"], "--weight-decay: weight_decay must be"),
        (["evaluate"], "required: MODEL"),
        (["predict", "model"], "required: FILE"),
    ],
)
def test_wrong_arguments(run, arguments, said):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "") and said in err and err.startswith("usage: cynn")


def test_unavailable_data(run, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    shut = {k: d._replace(mirrors=("http://127.0.0.1:9/",)) for k, d in _mnist.DATASETS.items()}
    monkeypatch.setattr(_mnist, "DATASETS", shut)
    monkeypatch.setattr(_download.time, "sleep", lambda _: None)
    paths = (tmp_path / "empty", tmp_path / "absent", __file__)
    for data in (*paths, "", "cifar", "mnist", "fashion-mnist"):
        status, out, err = run("train", "--data", data)
        assert (status, out) == (1, "")
        assert err.startswith("cynn: error: ") and err.count("\n") == 1


def test_synthetic_digits_if_mnist_is_unavailable(run, monkeypatch):
    def unavailable(*_):
        raise datasets.DatasetUnavailable("MNIST is nowhere")

    monkeypatch.setattr(cli._images.datasets, "load_mnist", unavailable)
    monkeypatch.setattr(cli._images, "DIGITS", (300, 100))
    status, out, err = run("train", "--epochs", 1)
    assert status == 0 and out.startswith("synthetic digits: 300 training images, 100 test images")
    assert err == "no MNIST here (MNIST is nowhere); taking synthetic digits instead\n"
    assert run("train", "--data", "mnist")[::2] == (1, "cynn: error: MNIST is nowhere\n")
    assert run("train", "--data", "digits", "--epochs", 1)[2] == ""


def test_an_unwritable_path_is_an_error_before_training(run, folder, tmp_path):
    for path in (tmp_path / "absent" / "model", tmp_path, "", os.devnull):
        status, out, err = run("train", "--data", folder, "--save", path)
        assert (status, out) == (1, "")
        assert err.startswith("cynn: error: [Errno ") and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_plots(run, folder, tmp_path):
    pytest.importorskip("matplotlib").use("Agg")
    place = tmp_path / "new" / "pictures"
    status, out, err = run(
        "train", "--data", folder, "--epochs", 2, "--hidden", 8, "--plots", place
    )
    assert (status, err) == (0, "")
    names = ["loss", "accuracy", "network", "confusion", "weights", "mistakes"]
    files = [f"{name}.png" for name in names]
    assert out.splitlines()[-1] == f"plots in {place}: {', '.join(files)}"
    assert sorted(path.name for path in place.iterdir()) == sorted(files)
    assert all((place / name).read_bytes().startswith(b"\x89PNG") for name in files)
    (tmp_path / "file").touch()
    for bad in (tmp_path / "file", tmp_path / "file" / "below"):  # an error before the training
        status, out, err = run("train", "--data", folder, "--plots", bad)
        assert (status, out) == (1, "") and err.startswith("cynn: error: [Errno ")


def test_plots_without_matplotlib(run, folder, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    status, out, err = run("train", "--data", folder, "--plots", tmp_path / "pictures")
    assert (status, out) == (1, "") and "pip install 'cynn-learn[plots]'" in err
    assert not (tmp_path / "pictures").exists()


def test_a_training_that_diverges_saves_nothing(run, folder, tmp_path):
    saved, checkpoint = tmp_path / "model", tmp_path / "checkpoint"
    status, out, err = run(
        "train", "--data", folder, "--epochs", 2, "--learning-rate", "1e30", "--hidden", 8,
        "--save", saved, "--checkpoint", checkpoint,
    )  # fmt: skip
    assert status == 1 and "accuracy" not in out and not list(tmp_path.iterdir())
    assert err.startswith("cynn: error: loss must be finite, got ") and err.count("\n") == 1
    assert "in epoch 1, step " in err and "--learning-rate" in err


def test_a_network_that_died_is_told_of(run, folder):
    status, out, _ = run(
        "train", "--data", folder, "--epochs", 1, "--learning-rate", "1000", "--hidden", 8
    )
    assert status == 0 and "no better than the same outputs for all rows" in out


@pytest.mark.parametrize("rate", ["0.05", "20"])
def test_a_network_that_nearly_died_is_told_of(run, rate):
    """Some rows still get other outputs, and worse ones; a network that learns is left alone."""
    arguments = "train --data digits --rows 2000 --epochs 2 --seed 5 --hidden 32 --learning-rate"
    status, out, _ = run(*arguments.split(), rate)
    assert status == 0 and ("no better than the same" in out) == (rate == "20")


@needs_mnist
@pytest.mark.parametrize(("options", "floor"), [
    (["--epochs", "2", "--seed", "1"], 96.5), (["--epochs", "2", "--seed", "4"], 96.5), ([], 98.0),
])  # fmt: skip
def test_the_main_job_on_real_mnist(run, options, floor):
    status, out, _ = run("train", "--data", MNIST, "--quiet", *options)
    assert status == 0 and accuracy(out) >= floor


# ---- evaluate, predict, info --------------------------------------------------------------------


def test_evaluate(run, folder, saved):
    status, out, err = run("evaluate", saved, "--data", folder)
    assert (status, err) == (0, "")
    shown = run("train", "--data", folder, "--hidden", "32")[1]
    test, baseline, *confusion = out.splitlines()
    assert test.removeprefix(f"MNIST in {folder}: 200 test images: ") in shown
    assert baseline == "baseline: accuracy 10.00%  (always 0)"
    assert "confusion matrix (rows: true, columns: predicted)" in confusion
    assert shown.endswith("\n".join(confusion) + "\n")


def test_evaluate_a_model_that_does_not_fit(run, folder, tmp_path):
    for n_inputs, units in ((5, 10), (784, 3), (784, 1)):
        model = Model([Dense(units, "softmax")], seed=0)
        model.build(n_inputs)
        model.save(tmp_path / "model")
        status, out, err = run("evaluate", tmp_path / "model", "--data", folder)
        assert (status, out) == (1, "") and err.startswith("cynn: error: ")


def test_invalid_model_files(run, folder, tmp_path):
    (tmp_path / "text").write_text("hello")
    for path in (tmp_path / "text", tmp_path / "absent", tmp_path, folder / _mnist.FILES[0]):
        for command in (["evaluate", path, "--data", folder], ["predict", path, path]):
            status, out, err = run(*command)
            assert (status, out) == (1, "")
            assert str(path) in err and err.count("\n") == 1


def test_predict(run, folder, saved, tmp_path):
    images, labels = datasets.make_digits(200, 1)
    model = Model.load(saved)
    wanted = [
        f"{row.argmax()} ({row.max():.1%})" for row in model.predict(images)
    ]  # one way to write it
    np.save(tmp_path / "one.npy", images[0])
    np.save(tmp_path / "some.npy", images[:3].astype(np.float64))
    status, out, err = run("predict", saved, tmp_path / "one.npy", tmp_path / "some.npy")
    assert (status, err) == (0, "")
    assert out.splitlines() == [f"{tmp_path / 'one.npy'}: {wanted[0]}"] + [
        f"{tmp_path / 'some.npy'}[{i}]: {wanted[i]}" for i in range(3)
    ]
    out = run("predict", saved, folder / _mnist.FILES[2])[1].splitlines()
    assert [line.partition(": ")[2] for line in out] == wanted
    right = [int(text[0]) == label for text, label in zip(wanted, labels, strict=True)]
    assert np.mean(right) > 0.5


def test_predict_pictures(run, saved, tmp_path):
    image = pytest.importorskip("PIL.Image")
    images, _ = datasets.make_digits(20, 1)
    model = Model.load(saved)
    best = model.predict(images).max(axis=1).argmax()
    digit = model.predict(images[best : best + 1]).argmax()
    picture = image.fromarray(images[best])
    picture.save(tmp_path / "plain.png")
    image.fromarray(255 - images[best]).resize((280, 280)).convert("RGB").save(tmp_path / "ink.PNG")
    for name in ("plain.png", "ink.PNG"):
        assert run("predict", saved, tmp_path / name)[1].startswith(f"{tmp_path / name}: {digit} (")
    data = (tmp_path / "plain.png").read_bytes()
    for damaged in (b"", data[:40], data[:60] + b"\0\0\0\0" + data[64:], b"<svg>"):
        (tmp_path / "bad.png").write_bytes(damaged)
        status, out, err = run("predict", saved, tmp_path / "bad.png")
        assert status == 0 or (out == "" and err.startswith("cynn: error: ") and "Trace" not in err)


def test_an_image_that_is_not_finite_is_refused(run, saved, tmp_path):
    images = np.zeros((3, 28, 28))
    images[1, 2, 3] = np.nan
    np.save(tmp_path / "three.npy", images)
    np.save(tmp_path / "one.npy", images[1])
    for name, place in (("three", "1, 2, 3"), ("one", "2, 3")):
        path = tmp_path / f"{name}.npy"
        status, out, err = run("predict", saved, path)
        assert (status, out) == (1, "")
        assert err == f"cynn: error: {path}: pixels must be finite, got nan at [{place}]\n"


def test_predict_with_a_model_that_has_diverged(run, saved, tmp_path):
    model = Model.load(saved)
    model.set_weights([np.full_like(array, np.inf) for array in model.get_weights()])
    model.save(tmp_path / "diverged.safetensors")
    np.save(tmp_path / "one.npy", np.zeros((28, 28)))
    status, out, err = run("predict", tmp_path / "diverged.safetensors", tmp_path / "one.npy")
    assert (status, out) == (1, "")
    assert err.endswith("one.npy: outputs must be numbers, got NaN: the training has diverged\n")


def test_predict_invalid_images(run, saved, tmp_path):
    with open(tmp_path / "zip.npy", "wb") as file:
        np.savez(file, a=np.zeros(3))
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.save(tmp_path / "small.npy", np.zeros((5, 5)))
    np.save(tmp_path / "text.npy", np.array(["a"]))
    (tmp_path / "empty.npy").touch()
    (tmp_path / "cut.npy").write_bytes((tmp_path / "small.npy").read_bytes()[:-8])
    (tmp_path / "text").write_text("hello")
    for path in sorted(tmp_path.iterdir()) + [tmp_path / "absent.npy", tmp_path / "absent.png"]:
        status, out, err = run("predict", saved, path)
        assert (status, out) == (1, ""), path
        assert err.startswith("cynn: error: ") and err.count(str(path)) == 1


def test_info(run, monkeypatch):
    status, out, err = run("info")
    assert (status, err) == (0, "")
    assert out.startswith(f"cynn {cynn.__version__}, Python 3.") and "reference" in out
    monkeypatch.setenv("CYNN_TARGET", "best")
    assert run("info")[::2] == (1, run("info")[2]) and "CYNN_TARGET must be" in run("info")[2]
    assert run("--version")[:2] == (0, f"cynn {cynn.__version__}\n")
    for width in ("1", "0", "-5", "wide", "100000"):
        monkeypatch.setenv("COLUMNS", width)
        assert run("train", "--help")[0] == 0


# ---- in a process of its own --------------------------------------------------------------------

COMMAND = [sys.executable, "-m", "cynn"]


def start(*arguments, **named):
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **named
    )


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
def test_ctrl_c(folder, tmp_path):
    """The training ends, the network so far is saved, and the status says so."""
    child = start("train", "--data", folder, "--epochs", 10**6, "--save", tmp_path / "model")
    try:
        for line in child.stdout:
            if line.startswith(b"epoch"):
                break
        child.send_signal(signal.SIGINT)
        out, err = (text.decode() for text in child.communicate(timeout=30))
    finally:
        child.kill()
    assert child.returncode == cli.INTERRUPTED
    assert re.fullmatch(r"interrupted in epoch \d+\n", err)
    assert out.splitlines()[-1] == f"saved to {tmp_path / 'model'}"
    assert not re.search("(?m)^(training|test|baseline|confusion)", out)
    assert Model.load(tmp_path / "model").epochs >= 1


@pytest.mark.skipif(os.name != "posix", reason="pipes and descriptors of POSIX")
@pytest.mark.parametrize("arguments", [["info"], ["train", "--epochs", "200"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_pipe(folder, arguments, unbuffered):
    if arguments[0] == "train":
        arguments = [*arguments, "--data", folder]
    child = start(*arguments, env=os.environ | {"PYTHONUNBUFFERED": unbuffered})
    child.stdout.close()
    err = child.stderr.read().decode()
    child.stderr.close()
    assert child.wait(timeout=60) == 1 and err == ""


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
def test_unusual_output_files(folder, tmp_path):
    def shell(line, **environment):
        ran = subprocess.run(
            ["sh", "-c", line, "sh", *COMMAND], capture_output=True, timeout=60,
            env=os.environ | environment, cwd=tmp_path,
        )  # fmt: skip
        return ran.returncode, ran.stdout + ran.stderr

    train = f'"$@" train --epochs 1 --data {folder} --hidden 4'
    assert shell(f"{train} >&-") == (0, b"")
    assert shell(f"{train} >&- 2>&-") == (0, b"")
    assert shell(f"{train} --save m\u00e9 ", PYTHONIOENCODING="ascii", LC_ALL="C")[0] == 0
    assert (tmp_path / "m\u00e9").exists()
    if os.path.exists("/dev/full"):
        status, said = shell('"$@" info >/dev/full')
        assert status != 0 and b"No space left" in said and b"Traceback" not in said
