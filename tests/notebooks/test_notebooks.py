"""What a notebook shows where it is executed, by the kernel that people have."""

import importlib.util
import os
import sys

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

pytestmark = pytest.mark.alone  # it starts a process that listens

CELLS = [
    "import numpy as np\n"
    "from cynn import Model\n"
    "from cynn.callbacks import LivePlot\n"
    "from cynn.layers import Dense\n"
    "x = np.random.default_rng(0).normal(size=(200, 3))\n"
    "model = Model([Dense(4, 'relu'), Dense(1)], seed=0)\n"
    "model.compile('adam', 'mse')\n"
    "model.build(3)\n"
    "model",
    "history = model.fit(x, x[:, 0], epochs=40, validation_split=0.2, callbacks=[LivePlot()])",
    "history",
]
ESTIMATOR = "from cynn.estimators import MLPRegressor\nMLPRegressor()"


def executed(cells):
    """Return the outputs of each cell."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


@pytest.mark.filterwarnings("ignore")  # of the client's own libraries
def test_a_notebook():
    has_sklearn = importlib.util.find_spec("sklearn") is not None
    model, fit, history, *estimator = executed(CELLS + [ESTIMATOR] * has_sklearn)
    assert "<table>" in model[0].data["text/html"] and "Dense(4" in model[0].data["text/html"]
    # A bar and a picture, each once, as they were at the end; no line of text.
    assert [output.output_type for output in fit] == ["display_data"] * 2
    bar, picture = sorted((output.data["text/html"] for output in fit), key=len)
    assert 'value="1.0000"' in bar and "epoch 40/40" in bar and "val_loss" in bar
    assert picture.count("<polyline") == 2 and ">40<" in picture
    assert "<svg" in history[0].data["text/html"] and "40 epochs" in history[0].data["text/html"]
    for outputs in estimator:
        assert "sk-container" in outputs[0].data["text/html"]
