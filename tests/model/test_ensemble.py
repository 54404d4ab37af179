"""Several models as one: their mean, their file, and what does not go together."""

import json

import numpy as np
import pytest

from cynn import Model
from cynn.ensemble import Ensemble, models_of
from cynn.layers import BatchNorm, Dense
from cynn.storage import ModelFileError, reading, write
from cynn.tables import TableEncoder

X = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)


def model(seed, units=2, dtype="float32"):
    made = Model([Dense(5, "relu"), BatchNorm(), Dense(units, "softmax")], seed=seed, dtype=dtype)
    made.compile("adam", "cross_entropy")
    made.fit(X, np.arange(64) % 2, epochs=2, verbose=0)
    return made


@pytest.fixture(scope="module")
def models():
    return [model(seed) for seed in range(3)]


def test_predictions_are_the_mean_in_any_order(models):
    mean = np.mean([each.predict(X).astype(np.float64) for each in models], axis=0)
    predicted = Ensemble(models).predict(X)
    np.testing.assert_allclose(predicted, mean, rtol=1e-6)
    assert predicted.dtype == np.float32
    for order in ([2, 1, 0], [1, 2, 0]):
        again = Ensemble(models[i] for i in order).predict(X)
        np.testing.assert_array_equal(again, predicted)


def test_a_file_gives_the_same_predictions(models, tmp_path):
    path = tmp_path / "three.safetensors"
    ensemble = Ensemble(models, {"of": ["a", 1]})
    ensemble.save(path)
    loaded = Ensemble.load(path)
    assert loaded.notes == {"of": ["a", 1]}
    np.testing.assert_array_equal(loaded.predict(X), ensemble.predict(X))
    first = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == first
    with pytest.raises(ModelFileError, match=r"holds several: read it with cynn\.ensemble"):
        Model.load(path)


def test_a_file_of_one_model_is_an_ensemble_of_one(models, tmp_path):
    models[0].save(tmp_path / "one.safetensors")
    loaded = Ensemble.load(tmp_path / "one.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), models[0].predict(X))


def test_the_table_is_kept_once(tmp_path):
    table = {"size": np.arange(8.0), "kind": np.array(list("abababab"))}
    encoder = TableEncoder.fit(table, "kind")
    members = []
    for seed in range(2):
        made = Model([Dense(2, "softmax")], seed=seed)
        made.build(encoder.width)
        made.table = encoder
        members.append(made)
    path = tmp_path / "table.safetensors"
    Ensemble(members).save(path)
    with reading(path) as file:
        assert ["table" in each for each in file.model["members"]] == [True, False]
    loaded = Ensemble.load(path)
    assert loaded.table == encoder and all(each.table == encoder for each in loaded.members)


def test_the_summary_says_how_many_there_are(models, capsys):
    models[0].summary()
    alone = capsys.readouterr().out
    Ensemble(models[:1]).summary()
    assert capsys.readouterr().out == alone
    Ensemble(models).summary()
    assert capsys.readouterr().out == f"{alone}3 such models, whose mean is the prediction\n"
    other = Model([Dense(2, "softmax")])
    other.build(4)
    Ensemble([models[0], other]).summary()
    end = "2 models, of which that is the first, whose mean is the prediction\n"
    assert capsys.readouterr().out == alone + end


def test_models_of_anything(models):
    class Fitted:
        ensemble_ = Ensemble(models)

    assert models_of(models[0]) == (models[0],)
    assert models_of(Ensemble(models)) == models_of(Fitted()) == tuple(models)
    assert models_of(models) == models_of(None) == ()


def test_models_that_do_not_go_together_are_refused(models):
    for other, what in (
        (model(0, units=3), "number of outputs 2"),
        (model(0, dtype="float64"), "dtype 'float32'"),
    ):
        with pytest.raises(ValueError, match=rf"members\[1\] must have the {what} of the first"):
            Ensemble([models[0], other])
    for members, error in (([], ValueError), ([1], TypeError), ([models[0]] * 1001, ValueError)):
        with pytest.raises(error, match="members"):
            Ensemble(members)
    with pytest.raises(RuntimeError, match="no weights"):
        Ensemble([Model([Dense(2)])])
    with pytest.raises(TypeError, match="notes must be a mapping, got 'text'"):
        Ensemble(models, "text")


def changed(members, tensors):
    """Yield descriptions and arrays of files that are no ensembles."""
    yield {"members": []}, {}
    yield {"members": {}}, {}
    yield {"members": [1]}, tensors
    yield {"members": members, "more": 1}, tensors
    yield {"members": members, "notes": []}, tensors
    yield {"members": members}, tensors | {"member9.layer0.weight": np.ones(2, np.float32)}
    yield {"members": members}, tensors | {"stray": np.ones(2, np.float32)}
    yield {"members": members}, dict(list(tensors.items())[1:])
    yield {"members": members * 1000}, tensors
    yield {"members": [members[0] | {"dtype": "float64"}]}, tensors
    yield {"members": [members[0] | {"layers": []}]}, tensors


def test_a_damaged_file_is_one_clear_error(models, tmp_path):
    path = tmp_path / "members.safetensors"
    Ensemble(models[:2]).save(path)
    with reading(path) as file:
        members = json.loads(json.dumps(file.model["members"]))
        tensors = {name: file.read(name) for name in file.shapes}
    write(path, {"members": members}, tensors)
    Ensemble.load(path)
    for description, arrays in changed(members, tensors):
        write(path, description, arrays)
        with pytest.raises(ModelFileError, match="is not a cynn model"):
            Ensemble.load(path)
