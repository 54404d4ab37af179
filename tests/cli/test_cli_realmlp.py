"""``cynn train TABLE`` with RealMLP, its default: members, time, dates, scales of the target."""

import argparse
import csv
import re

import numpy as np
import pytest

import cynn
from cynn import cli
from cynn._tabular import members
from cynn.callbacks import ModelCheckpoint
from cynn.cli import _measures
from cynn.ensemble import Ensemble
from cynn.tables import Coded, Dates, Quantity

SHORT = ["--quiet", "--epochs", 4, "--hidden", 8]


def write(path, columns):
    """Write columns as CSV."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([list(columns), *zip(*columns.values(), strict=True)])
    return path


@pytest.fixture
def table(tmp_path):
    """Return a table of dates, towns and numbers: weekends have twice as many rides."""
    rng = np.random.default_rng(0)
    day = np.datetime64("2025-01-01") + rng.integers(0, 300, 240)
    weekend = (day.astype("datetime64[D]").astype(int) + 3) % 7 >= 5
    return write(
        tmp_path / "rides.csv",
        {
            "day": day,
            "town": [f"town {i}" for i in rng.integers(0, 12, 240)],
            "size": rng.normal(size=240).round(3),
            "rides": (100 + 100 * weekend + rng.normal(0, 5, 240)).round(1),
            "late": np.where(weekend, "yes", "no"),
        },
    )


def train(run, table, target, *options):
    status, out, err = run("train", table, "--target", target, *options)
    assert (status, err) == (0, "")
    return out


def test_dates_and_many_categories_are_learned(run, table, tmp_path):
    out = train(run, table, "rides", "--ignore", "late", "--quiet", "--hidden", "32,32",
                "--save", tmp_path / "m")  # fmt: skip
    assert "columns: 1 of dates, 1 categorical (embedded), 1 numeric; regression" in out
    assert "; RealMLP 13-32-32-1, float32" in out and "kept the weights of epoch" in out
    assert float(re.search(r"(?m)^validation: .*  R2 (\S+)$", out)[1]) > 0.9
    kinds = [type(column) for column in cynn.Model.load(tmp_path / "m").table.columns]
    assert kinds[:2] == [Dates, Coded]
    out = train(run, table, "rides", *SHORT, "--model", "mlp")
    assert "column 'day' is ignored" in out and "; MLP " in out
    new = write(tmp_path / "new.csv", {"size": [0, 0], "town": ["town 1", "elsewhere"],
                                       "day": ["2026-08-01", "2026-08-03"]})  # fmt: skip
    status, out, err = run("predict", tmp_path / "m", new)
    saturday, monday = map(float, out.splitlines()[1:])
    assert status == 0 and saturday > 170 and monday < 130
    line = "column 'town': 1 row holds a value rare or not seen in training: 'elsewhere' (1)\n"
    assert err == line
    out = run("info", tmp_path / "m")[1]
    for line in (
        "metrics:   r2",
        "  'day': a date: day, day of year, day of month, month, weekday",
        "  'town': one of 12 or another, embedded: 'town 0', 'town 1', 'town 10', 'town 11', "
        "'town 2', 'town 3', 'town 4', 'town 5', ...",
    ):
        assert line in out.splitlines()
    assert re.search(
        r"(?m)^  'size': a number: median \S+, quartiles \S+ apart, bent .* 3 times", out
    )
    assert re.search(r"(?m)^target:    'rides', a number: .*; predicted from \S+ to \S+$", out)


def test_several_members(run, table, tmp_path):
    """They learn on folds of the training rows; the rows held out are seen by none of them."""
    options = ["--members", 3, "--epochs", 3, "--hidden", 8, "--save", tmp_path / "m"]
    out = train(run, table, "late", *options)
    assert "3 members, RealMLP 14-8-2, float32" in out and "3 members in " in out
    assert len(re.findall(r"(?m)^member \d of 3: 3 epochs, the best \d, val_accuracy ", out)) == 3
    assert "member 1 of" not in train(run, table, "late", *options, "--quiet")
    ensemble = Ensemble.load(tmp_path / "m")
    assert len(ensemble.members) == 3 and ensemble.table.target.name == "late"
    assert len({model.seed for model in ensemble.members}) == 3
    status, out, err = run("evaluate", tmp_path / "m", table)
    assert (status, err) == (0, "") and "240 rows: accuracy" in out
    status, out, err = run("predict", tmp_path / "m", table, "--probabilities")
    assert (status, err) == (0, "") and out.count("\n") == 241
    said = float(out.splitlines()[1].split(",")[2])
    one = ensemble.table.encode(cynn.tables.read(str(table)))[:1]
    assert said == pytest.approx(ensemble.predict(one)[0, 0], abs=1e-5)
    out = run("info", tmp_path / "m")[1]
    assert "a cynn model of 3 models, whose predictions are averaged, of" in out
    assert {"members:   3, each of these layers", "epochs:    3 of each"} <= set(out.splitlines())
    assert "loss:" not in out and "trained:   data table, model realmlp, seed 0" in out


def test_members_are_the_same_on_any_number_of_threads(run, table, tmp_path):
    for n in (1, 2):
        options = [*SHORT, "--members", 2, "--threads", n, "--save", tmp_path / f"m{n}"]
        train(run, table, "rides", *options)
    assert (tmp_path / "m1").read_bytes() == (tmp_path / "m2").read_bytes()


def test_what_members_learn_from(run, table, monkeypatch):
    seen = []

    def spy(make, parts, plan):
        seen.extend(parts)
        return real(make, parts, plan)

    real = members.train
    monkeypatch.setattr(members, "train", spy)
    out = train(run, table, "late", *SHORT, "--members", 3, "--class-weight", "balanced")
    assert "192 rows for training, 48 rows for validation" in out
    assert [len(part.training.x) for part in seen] == [128] * 3
    assert sum(len(part.validation.x) for part in seen) == 192
    weights = np.concatenate([part.validation.weight for part in seen])
    labels = np.concatenate([part.validation.y for part in seen])
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 1].sum())


def test_rare_classes_decide_where_classes_count_the_same(run, table):
    out = train(run, table, "late", *SHORT, "--class-weight", "balanced")
    assert "the best by val_balanced_accuracy: " in out


@pytest.mark.parametrize(("options", "size"), [([], 192), (["--batch-size", 50], 64)])
def test_all_mini_batches_are_of_one_size(run, table, monkeypatch, options, size):
    seen = []

    def spy(model, x, y, **settings):
        seen.append(settings["batch_size"])
        return real(model, x, y, **settings)

    real = cynn.Model.fit
    monkeypatch.setattr(cynn.Model, "fit", spy)
    train(run, table, "late", *SHORT, *options)
    assert seen == [size]


def test_plots_of_members(run, table, tmp_path):
    pytest.importorskip("matplotlib").use("Agg")
    out = train(run, table, "rides", *SHORT, "--members", 2, "--plots", tmp_path / "p")
    assert out.endswith(
        f"plots in {tmp_path / 'p'}: loss.png, r2.png, network.png, agreement.png\n"
    )


@pytest.mark.parametrize("n_members", [1, 2])
def test_a_time_limit_plans_fewer_epochs(run, table, tmp_path, monkeypatch, n_members):
    options = ["--quiet", "--hidden", 8, "--members", n_members, "--epochs", 10**5]
    out = train(run, table, "late", *options, "--time-limit", 2)
    planned = int(re.search(r"(?m)^(\d+) of 100000 epochs are planned, for a time .* 2 s$", out)[1])
    assert planned < 10**5
    monkeypatch.setattr(members, "epochs_within", lambda make, parts, plan, left: plan.epochs)
    options += ["--time-limit", 1, "--save", tmp_path / "m"]  # the clock ends it all the same
    assert "planned" not in train(run, table, "late", *options)
    assert all(each.epochs < 10**5 for each in Ensemble.load(tmp_path / "m").members)


def skewed(tmp_path, change=lambda y: y):
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 300))
    return write(tmp_path / "prices.csv", {"x": x, "z": z, "price": change(np.exp(2 * x + z + 5))})


def test_a_skewed_target(run, tmp_path, monkeypatch):
    """What is measured is in the units of the table, whatever the scale that was learned."""
    monkeypatch.setattr(cli._tabular.scales, "chosen", by_logarithm)
    table = skewed(tmp_path)
    prices = cynn.tables.read(str(table))["price"].astype(float)
    seed = next(seed for seed in range(99) if prices.argmax() not in training_rows(prices, seed))
    options = ["--quiet", "--hidden", "32", "--epochs", 100, "--seed", seed]
    out = train(run, table, "price", *options, "--save", tmp_path / "m")
    line = "target 'price' is skewed: learned by its logarithm, which was better in a short trial"
    assert line in out.splitlines()
    target = cynn.Model.load(tmp_path / "m").table.target
    assert isinstance(target, Quantity) and target.scale == "log"
    always = float(re.search(r"(?m)^baseline: .*  \(always (\S+)\)$", out)[1])
    assert 0.5 < always / prices.mean() < 2 and always > 2 * np.exp(np.log(prices).mean())
    known = prices[training_rows(prices, seed)]
    assert (target.low, target.high) == (known.min(), known.max())
    said = "a number whose logarithm is learned: mean "
    assert said in run("info", tmp_path / "m")[1]
    other = write(tmp_path / "o.csv", {"x": [0, 0], "z": [0, 0], "price": [-5, 200]})
    status, out, err = run("evaluate", tmp_path / "m", other)
    assert (status, err) == (0, "") and "mean absolute error" in out and "(always 97.5)" in out


def training_rows(y, seed):
    options = argparse.Namespace(validation=0.2, seed=seed)
    return cli._train_table._parts(y, Quantity("price", 0.0, 1.0), options)["training"]


def by_logarithm(target, y, part, train, of_squares=True):
    from cynn._tabular import scales

    train(scales.within(target, y, "linear"))
    assert np.isin(part.validation.y, part.validation.y.astype(np.float64)).all()
    return scales.within(target, y, scales.log_scale(y))


def test_the_trial_of_scales_decides(run, tmp_path):
    out = train(run, skewed(tmp_path), "price", *SHORT)
    assert re.search(r"(?m)^target 'price' is skewed: learned (as it is|by its log)", out)
    assert "skewed" not in train(run, skewed(tmp_path, np.log), "price", *SHORT)
    assert "skewed" not in train(run, skewed(tmp_path, lambda y: y - 99), "price", *SHORT)
    assert "skewed" not in train(run, skewed(tmp_path), "price", *SHORT, "--validation", 0)


@pytest.mark.parametrize("change", [lambda y: y, np.log])
def test_resuming_gives_the_bits_of_a_training_without_a_break(run, tmp_path, monkeypatch, change):
    def pressed(callback, epoch, logs=None):
        real(callback, epoch, logs)
        if epoch == 2:
            raise KeyboardInterrupt

    table = skewed(tmp_path, change)
    options = ["--quiet", "--hidden", 8, "--epochs", 9, "--checkpoint", tmp_path / "c"]
    train(run, table, "price", *options[:-2], "--save", tmp_path / "whole")
    real = ModelCheckpoint.on_epoch_end
    with monkeypatch.context() as patch:
        patch.setattr(ModelCheckpoint, "on_epoch_end", pressed)
        status, out, _ = run("train", table, "--target", "price", *options)
    assert status == 130 and cynn.Model.load(tmp_path / "c").epochs == 3
    options.append("--resume")
    out = train(run, table, "price", *options, "--save", tmp_path / "resumed")
    assert "resuming from" in out and "after epoch 3\n" in out and "skewed" not in out
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()


def test_what_is_resumed(run, tmp_path, monkeypatch):
    """More epochs keep the scale of the target, though they would try it for longer."""
    table = skewed(tmp_path)
    options = ["--quiet", "--hidden", 8, "--checkpoint", tmp_path / "c", "--resume"]
    with monkeypatch.context() as patch:
        patch.setattr(cli._tabular.scales, "chosen", by_logarithm)
        train(run, table, "price", *options, "--epochs", 2)
    assert "resuming" in train(run, table, "price", *options, "--epochs", 4)
    assert cynn.Model.load(tmp_path / "c").table.target.scale == "log"
    for more, said in (
        (["--model", "mlp"], "--model must be realmlp, as in"),
        (["--hidden", 9], "layers must be"),
        (["--learning-rate", 0.5], "optimizer must be"),
        (["--batch-size", 9], "--batch-size must be 256, as in"),
    ):
        status, _, err = run("train", table, "--target", "price", *options, *more)
        assert status == 1 and err.startswith(f"cynn: error: {said}"), more


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "realmlp", "--optimizer", "adam"], "--model must be mlp for --optimizer, got"),
        (
            ["--model", "realmlp", "--patience", 3],
            "--model must be mlp or tabm for --patience, got",
        ),
        (["--model", "realmlp", "--activation", "relu"], "--model must be mlp for --activation"),
        (["--model", "realmlp", "--momentum", 0.5], "--model must be mlp for --momentum"),
        (["--model", "mlp", "--members", 2], "--model must be realmlp or tabm for --members, g"),
        (["--model", "mlp", "--time-limit", 2], "--model must be realmlp or tabm for --time-limit"),
        (["--members", 2, "--momentum", 0.5], "--members must go without --momentum, which --mod"),
        (["--members", 2, "--checkpoint", "c"], "--members must be 1 for --checkpoint, got 2"),
        (["--time-limit", 2, "--resume", "--checkpoint", "c"], "--time-limit must be left out for"),
        (["--members", 193], "--members must be at most the rows for training, 192, got 193"),
        (["--resume"], "--checkpoint FILE must be given for --resume"),
        (["--hidden", "", "--dropout", 0.5], "--hidden must name a layer for --dropout"),
    ],
)
def test_options_that_do_not_go_together(run, table, options, said):
    status, out, err = run("train", table, "--target", "late", *options)
    assert (status, out) == (1, "") and err.startswith(f"cynn: error: {said}")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--members", "0"], "--members: must be an integer from 1 to 1000, got '0'"),
        (["--members", "1001"], "--members: must be an integer from 1 to 1000, got '1001'"),
        (["--time-limit", "0"], "--time-limit: must be a number of seconds above 0, got '0'"),
        (["--time-limit", "inf"], "--time-limit: must be a number of seconds above 0"),
        (["--time-limit", "soon"], "--time-limit: must be a number of seconds above 0"),
        (["--model", "tree"], "--model: invalid choice: 'tree'"),
    ],
)
def test_invalid_values(run, table, options, said):
    status, _, err = run("train", table, "--target", "late", *options)
    assert status == 2 and said in err


def test_options_of_tables_alone(run):
    for option in (["--model", "mlp"], ["--members", 2], ["--time-limit", 3]):
        status, out, err = run("train", *option)
        assert (status, out) == (1, "") and f"{option[0]} must go with a table, got images" in err


@pytest.mark.parametrize("members", [1, 2])
def test_two_rows(run, tmp_path, members):
    table = write(tmp_path / "two.csv", {"a": [1, 2], "b": ["x", "y"]})
    out = train(run, table, "b", "--validation", 0, *SHORT, "--members", members)
    assert "2 rows for training" in out


def test_a_training_of_members_that_diverges_says_what_to_do(run, table):
    options = ["--target", "rides", *SHORT, "--members", 2, "--learning-rate", "1e30"]
    status, _, err = run("train", table, *options)
    assert status == 1 and err.endswith("; --learning-rate sets it; nothing is saved\n")


def test_an_ensemble_of_images(run, tmp_path, monkeypatch):
    monkeypatch.setattr(cli._images, "DIGITS", (20, 30))
    models = [cynn.Model([cynn.layers.Flatten(), cynn.layers.Dense(10, "softmax")], seed=seed)
              for seed in range(2)]  # fmt: skip
    for model in models:
        model.build((28, 28))
    Ensemble(models).save(tmp_path / "m")
    status, out, err = run("evaluate", tmp_path / "m", "--data", "digits")
    assert (status, err) == (0, "") and "30 test images: accuracy " in out and "loss" not in out
    np.save(tmp_path / "x.npy", np.zeros((2, 28, 28), np.uint8))
    assert run("predict", tmp_path / "m", tmp_path / "x.npy")[1].count("\n") == 2


def test_what_is_measured_on_another_scale():
    target = Quantity("y", 0.0, 1.0, low=1.0, high=20.0, scale="log")
    measured = _measures.Measured(target, np.array([1.0, 3.0]))
    assert measured.target == Quantity("y", 2.0, 1.0)
    outputs = measured.outputs(np.array([[0.0], [9.0], [np.inf]]))
    np.testing.assert_allclose(outputs, [[-1.0], [18.0], [np.nan]])
    plain = Quantity("y", 3.0, 2.0)
    assert _measures.Measured(plain, np.array([1.0, 3.0])).target is plain
