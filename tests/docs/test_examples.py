"""The programs in `examples`, on less than they are for."""

import importlib.util
import re
import runpy

import numpy as np
import pytest

from cynn.datasets import make_digits
from places import ROOT

EXAMPLES = ROOT / "examples"


GALLERY = sorted((EXAMPLES / "gallery").glob("*.py"))


@pytest.mark.parametrize("path", GALLERY, ids=lambda path: path.stem)
def test_a_program_of_the_gallery_runs(path, tmp_path, monkeypatch, capsys):
    text = path.read_text(encoding="utf-8")
    for library in re.findall(r"(?m)^(?:import|from) (\w+)(?:[.\w]* import .*)?$", text):
        pytest.importorskip(library)
    for part, library in (("cynn.estimators", "sklearn"), ("onnx.export", "onnx")):
        if part in text:
            pytest.importorskip(library)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out
    if "pyplot" in text:
        from matplotlib import pyplot

        assert pyplot.get_fignums()  # a picture, which the gallery shows
        pyplot.close("all")


@pytest.fixture
def mnist():
    path = EXAMPLES / "mnist.py"
    if not path.exists():
        pytest.skip("examples/mnist.py is not beside the tests")
    spec = importlib.util.spec_from_file_location("example_mnist", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_mnist_trains_and_leaves_the_images_alone(mnist, tmp_path):
    x, y = make_digits(600, seed=0)
    kept = x.copy()
    model, history = mnist.train(x, y, epochs=3)
    assert np.array_equal(x, kept)
    assert history.history["accuracy"][-1] > 0.5
    pytest.importorskip("matplotlib").use("Agg")
    mnist.draw(tmp_path, model, history, x, y)
    assert len(list(tmp_path.glob("*.png"))) == 5
    from matplotlib import pyplot

    pyplot.close("all")
