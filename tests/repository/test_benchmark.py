"""The benchmark's own code: what it counts, writes, compares and refuses."""

import io
import json
import os
import runpy
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import cynn
import job
from cynn import _backend, datasets
from places import ROOT

runpy.run_path(str(ROOT / "benchmarks" / "launch.py"))["load_package"]()

from benchmarks import (  # noqa: E402
    batches,
    cli,
    data,
    distributed,
    encoding,
    estimators,
    floors,
    footprint,
    guard,
    neighbours,
    peak,
    peers,
    pool,
    race,
    report,
    rounds,
    small,
    splits,
    tabm,
    toolkit,
)
from benchmarks.cases import FULL, Case, of_shapes, train_flops  # noqa: E402
from benchmarks.results import Results, Row  # noqa: E402

SMALL = Case("train", (784, 128, 10), 60_000, 128)
ONE_ROW = Case("predict", (784, 128, 10), 1)
needs_compiled = pytest.mark.skipif(
    _backend.target() == "reference", reason="the reference has no peak"
)


def results(rows=(), **other) -> Results:
    made = Results(list(rows), other=other)
    made.see_peak("float32", 1, 200e9)
    made.see_peak("float32", 2, 400e9)
    return made


def test_operations_by_hand():
    # forward and the weights' gradients: every weight twice each; the inputs' past the first layer
    assert train_flops((784, 128, 10), 1) == 4 * (784 * 128 + 128 * 10) + 2 * 128 * 10
    assert train_flops((3, 4, 5, 6), 7) == 7 * (4 * (12 + 20 + 30) + 2 * (20 + 30))
    assert Case("predict", (784, 128, 10), 3).flops == 3 * 2 * (784 * 128 + 1280)
    assert SMALL.flops == 60_000 * train_flops((784, 128, 10), 1)


def test_cases_of_the_full_run_are_those_promised():
    trained = {(c.shape, c.batch, c.dtype) for c in FULL if c.kind == "train"}
    assert {("784-128-10", b, "float32") for b in (32, 128, 512)} <= trained
    assert {("784-512-256-10", b, "float32") for b in (32, 128, 512)} <= trained
    assert ("784-1024-1024-10", 512, "float32") in trained and (
        "64-32-10",
        32,
        "float32",
    ) in trained
    assert ("784-128-10", 128, "float64") in trained
    assert [c.rows for c in FULL if c.kind == "predict"] == [1, 16, 256, 10_000, 1]
    assert [c.filled for c in FULL if c.kind == "predict"] == [False] * 4 + [True]


def test_a_user_defined_shape():
    assert [c.batch for c in of_shapes(FULL, ["784-30-10"])] == [32, 128, 512]
    for wrong in ("784", "784-x-10", "784--10", "5-3-10"):
        with pytest.raises(ValueError, match="a shape"):
            of_shapes(FULL, [wrong])


def test_every_floor_is_measured_by_the_full_run():
    """With the same seconds for all peers, each floor matches its rows."""
    rows = [
        Row(case, name, threads, [1.0])
        for case in FULL
        for name, entry in peers.PEERS.items()
        for threads in (1, 2)
        if (entry.trains if case.kind == "train" else entry.predicts)
    ]
    other = {"import": 1.0, "memory": 1.0, "neighbour B=128": 1.0, "neighbour B=32": 1.0}
    assert len(report.floor_lines(results(rows, **other))) == len(floors.FLOORS)


def test_floors_compare_the_right_way():
    rows = [
        Row(SMALL, "cynn", 1, [0.2, 0.1386]),
        Row(SMALL, "cynn", 2, [0.08]),
        Row(SMALL, "torch", 2, [0.36]),
    ]
    written = report.floor_table(results(rows, **{"import": 1.31, "memory": 49.0}))
    lines = {line.split("  ")[1]: line.split() for line in written.splitlines() if "  " in line}
    expected = {
        "train 784-128-10 B=128, one thread, of the peak": ("88.5", "reached"),
        "train 784-128-10 B=128, two threads over one": ("1.73", "MISSED"),
        "train 784-128-10 B=128, two threads, against torch": ("4.50", "MISSED"),
        "import cynn over import numpy": ("1.31", "MISSED"),
        "memory in fit past data and NumPy": ("49.00", "reached"),
    }
    for work, (value, verdict) in expected.items():
        assert value in lines[work] and lines[work][-1] == verdict, lines[work]
    assert len(lines) == len(expected) + 1  # and the header


def test_the_fastest_count_of_threads_stands_for_a_peer():
    rows = [
        Row(ONE_ROW, "cynn", 1, [1e-6]),
        Row(ONE_ROW, "cynn", 2, [2e-6]),
        Row(ONE_ROW, "torch", 2, [9e-6]),
    ]
    found = {floor.work: value for floor, value in report.floor_lines(results(rows))}
    assert found["predict 784-128-10 1 row, against torch"] == pytest.approx(9)


def test_table_of_a_case():
    rows = [
        Row(SMALL, "numpy", 1, [0.6, 0.5, 0.7], 0.26),
        Row(SMALL, "cynn", 1, [0.25, 0.3, 0.2], 0.25),
        Row(SMALL, "torch", 1, [1.0], 2.3),
    ]
    lines = report.case_table(SMALL, results(rows)).splitlines()
    assert [line.split()[:4] for line in lines[2:5]] == [
        ["cynn", "1", "0.2", "0.25"],
        ["numpy", "1", "0.5", "0.6"],
        ["torch", "1", "1", "1"],
    ]
    assert "61.4 %" in lines[2] and "2.50" in lines[3]
    assert lines[5].strip() == "another loss than the others: torch (1)"
    assert len({len(line) for line in lines[1:5]}) == 1  # columns are aligned


def test_json_holds_the_figures_of_the_tables(tmp_path):
    made = results([Row(SMALL, "cynn", 2, [0.1, 0.2], 0.3)], memory=60.0)
    made.failed["torch", 1] = "no compiler"
    report.write_json(tmp_path / "new" / "it.json", made, "MNIST", report.machine())
    read = json.loads((tmp_path / "new" / "it.json").read_text())
    assert read["rows"][0]["best"] == 0.1 and read["rows"][0]["median"] == pytest.approx(0.15)
    assert read["rows"][0]["of_peak"] == pytest.approx(SMALL.flops / 0.1 / 400e9)
    assert read["machine"]["target"] == _backend.target() and read["machine"]["processor"]
    assert read["floors"][0]["reached"] is False
    assert read["left_out"] == [{"peer": "torch", "threads": 1, "why": "no compiler"}]


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [(100e9, 91e9, False), (91e9, 100e9, False), (100e9, 89e9, True), (89e9, 100e9, True)],
)
def test_a_noisy_machine_is_refused(before, after, refused):
    said = peak.refusal(peak.Peak(110e9, before), peak.Peak(110e9, after))
    assert bool(said) is refused
    assert not said or "\n" not in said and "89" in said and "--noisy" in said


@pytest.mark.parametrize("noisy", [False, True])
def test_refusal_ends_the_command(monkeypatch, capsys, tmp_path, noisy):
    rates = iter([100e9, 200e9, 80e9, 160e9])
    monkeypatch.setattr(peak, "measure", lambda *_: peak.Peak(*[next(rates)] * 2))
    monkeypatch.setattr(peak, "kernel", lambda _: None)
    monkeypatch.setattr(data, "write", lambda _: "MNIST")
    monkeypatch.setattr(rounds, "run", lambda *_: None)
    monkeypatch.setattr(footprint, "measure", lambda *_: None)
    monkeypatch.setattr(cli.chart, "draw", lambda *_: "")
    file = tmp_path / "figures.json"
    words = ["--quick", "--threads", "1,2", "--json", str(file)]
    assert cli.main(words + ["--noisy"] * noisy) == (0 if noisy else 1)
    assert "too noisy" in capsys.readouterr().err
    assert file.exists() is noisy


def test_invalid_arguments_are_refused(capsys):
    assert cli.main(["--peers", "keras"]) == 1
    assert "'keras' is unknown" in capsys.readouterr().err
    assert cli.main(["--quick", "--shapes", "784"]) == 1
    assert "784-128-10" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["--rounds", "0"])
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert peers.INSTALL in capsys.readouterr().out


def test_guard_names_the_regressions(monkeypatch, tmp_path, capsys):
    record = tmp_path / "guard.json"
    monkeypatch.setattr(guard, "RECORD", record)
    monkeypatch.setattr(guard.peak, "measure", lambda *_: peak.Peak(1e11, 1e11))
    values = {"rate": 0.9}
    monkeypatch.setattr(guard, "measure", lambda case: values["rate"])
    assert guard.main(False) == 0 and "nothing is on record" in capsys.readouterr().out
    assert guard.main(True) == 0 and json.loads(record.read_text())[_backend.target()]
    values["rate"] = 0.82
    assert guard.main(False) == 0
    values["rate"] = 0.80
    assert guard.main(False) == 1
    said = capsys.readouterr()
    assert "FELL" in said.out and guard.CASES[0].label in said.err


def test_race_counts_only_settings_that_always_reach_the_target(monkeypatch):
    class Popen:
        texts = iter(["0.95\n0.9712\n", "0.9801\n", "0.96\n"])

        def __init__(self, *_, **__):
            self.stdout, self.stderr = io.StringIO(next(self.texts)), io.StringIO("")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def kill(self):
            return None

        def wait(self):
            return 0

    monkeypatch.setattr(race.subprocess, "Popen", Popen)
    runs = race.Runs("cynn", {"hidden": 8})
    race.run(runs, Path(), 0)
    assert runs.median(0.97) is not None and runs.median(0.98) is None
    race.run(runs, Path(), 1)
    assert len(runs.seconds[0.97]) == 2 and len(runs.seconds[0.98]) == 1
    assert list(race.winners([runs], 0.97)) == ["cynn"] and not race.winners([runs], 0.98)
    race.run(runs, Path(), 2)
    assert runs.median(0.97) is None and runs.best == 0.9801


@needs_compiled
def test_peak_of_every_target_is_a_rate(compiled):
    assert compiled.module._fma_peak(0.0) > 1e6


def test_the_peak_is_no_small_part_of_a_product(compiled):
    """A compiler that optimises for size reaches a thirtieth of it; twice is beyond any noise."""
    a = np.ones((240, 240), compiled.dtype)
    out = np.empty_like(a)
    peaks, products = [], []
    for _ in range(5):
        peaks.append(compiled.module._fma_peak(0.001))
        start = time.perf_counter()
        compiled.module.matmul(a, a, out)
        products.append(2 * 240**3 / (time.perf_counter() - start))
    assert max(products) < 2 * max(peaks)


@needs_compiled
def test_a_worker_trains_and_predicts_and_reports_failures(tmp_path):
    import numpy as np

    rng = np.random.default_rng(0)
    data.save(tmp_path, 64, rng.integers(0, 256, (70, 64), np.uint8), np.arange(70) % 10)
    made, said = Results(), []
    cases = [Case("train", (64, 8, 10), 70, 32, epochs=2), Case("predict", (64, 8, 10), 3)]
    rounds.run(cases, ["cynn", "numpy"], [1], 2, tmp_path, made, said.append)
    assert [(row.case, row.peer) for row in made.rows] == [
        (case, name) for case in cases for name in ("cynn", "numpy")
    ]
    assert all(len(row.seconds) == 2 and row.best > 0 for row in made.rows)
    losses = [row.loss for row in made.rows if row.case.kind == "train"]
    assert losses[0] == pytest.approx(losses[1], rel=0.5)
    assert not made.failed and len(made.versions) == 2
    worker = pool.Worker("numpy", 1, tmp_path / "nowhere")
    try:
        with pytest.raises(pool.Failed, match="FileNotFoundError"):
            worker.ask("setup", kind="train", sizes=[64, 8, 10], rows=70, batch=32)
    finally:
        worker.end()


def test_exchange_by_hand():
    wire = distributed.Network("wire", 1e-3, 1e6)
    assert distributed.exchange_seconds(1000, 1, wire) == 0
    assert distributed.exchange_seconds(1000, 2, wire) == pytest.approx(2e-3 + 4e-3)
    assert distributed.exchange_seconds(1000, 4, wire) == pytest.approx(4e-3 + 6e-3)
    assert distributed.exchange_seconds(1000, 5, wire) == pytest.approx(6e-3 + 6.4e-3)
    assert distributed.weak(0.018, 0.03, 1000, 2, wire) == pytest.approx(0.5)


def test_a_child_imports_the_package_that_its_parent_did(monkeypatch, tmp_path):
    assert pool.environment(1).get("PYTHONPATH") == os.environ.get("PYTHONPATH")
    assert pool.environment(1)["PYTHONSAFEPATH"] == "1"
    assert pool.environment(1)["CYNN_TARGET"] == _backend.target()
    assert footprint.script("print(3)") == 3.0
    monkeypatch.setattr(pool, "cynn", SimpleNamespace(__file__="/elsewhere/cynn/__init__.py"))
    with pytest.raises(pool.Failed, match="another cynn"):
        footprint.script("print(3)")
    worker = pool.Worker("numpy", 1, tmp_path)
    try:
        with pytest.raises(pool.Failed, match="cynn must be /elsewhere"):
            worker.ask("version")
    finally:
        worker.end()


def test_without_compiled_kernels_nothing_is_measured(monkeypatch, capsys):
    monkeypatch.delenv("CYNN_TARGET", raising=False)
    monkeypatch.setattr(_backend, "_compiled", lambda name: False)
    assert cli.main(["--guard"]) == 1
    assert "has no compiled kernels" in capsys.readouterr().err


def steps_of(rows, ranks, **more):
    parts = {"fused": 1e-3, "gradients": 2e-3, "update": 5e-4, "exchange": 4e-3, "beside": 5e-3}
    parts |= {"bound": 0.5, "waiting": 1.25, "overlapped": 0.75}
    return distributed.Step("3-2", rows, ranks, 8, **parts | more)


def test_steps_of_other_rows_by_hand():
    fit = distributed.Fit(steps_of(64, 1), steps_of(512, 1, fused=8e-3, gradients=9e-3))
    assert fit.alone(64) == pytest.approx(1e-3) and fit.ours(64) == pytest.approx(2.5e-3)
    assert fit.alone(1024) == pytest.approx(16e-3) and fit.ours(1024) == pytest.approx(17.5e-3)
    assert fit.alone(2048) == pytest.approx(34.5e-3)
    assert fit.ours(32) == pytest.approx(2e-3)
    wire = distributed.Network("wire", 0.0, 32e3 / 15e-3)  # 15 ms and more
    assert distributed.strong(fit, 2048, 1000, 2, wire) == pytest.approx(34.5 / (17.5 + 1.875))
    assert fit.rows_for(0.5, 8, 4096, distributed.NETWORKS[1]) == 128
    assert fit.rows_for(0.5, 10**9, 4096, distributed.NETWORKS[0]) == 0


def test_the_tables_of_ranks():
    found = [steps_of(64, 1), steps_of(64, 2), steps_of(512, 1)]
    lines = distributed.table(found).splitlines()
    assert lines[-2] == "| 3-2 | 0.0 M | 64 | 2 | 1 | 2 | 0.5 | 4 | 25% |"
    assert lines[-1] == "| 3-2 | 0.0 M | 512 | 1 | 1 | 2 | 0.5 | 4 | |"
    written = distributed.overlap(found).splitlines()[2:]
    assert written == ["| 3-2 | 0.0 M | 64 | 2 | 0.50 | 1.25 | 0.75 |"]
    written = distributed.predictions(found)
    assert written.count("| 3-2 |") == len(distributed.NETWORKS)


def test_time_of_a_step_on_two_ranks_by_part():
    job.launcher()
    step = distributed.measure("8-4-3", 16, 2, 0.01)
    assert step[:4] == ("8-4-3", 16, 2, 51) and all(t > 0 for t in step[4:])


def test_ways_of_a_row_are_one_row():
    made = list(encoding.ways(*encoding.model_and_row()).values())
    assert {call().shape for call in made[:5]} == {(1, 28)} and made[5]().shape == (1,)
    first, *same = [call().tolist() for call in made[:5] if call is not made[3]]
    assert all(row == first for row in same)


def test_epochs_that_batches_take():
    train, test = (datasets.make_digits(n, seed) for seed, n in enumerate((600, 200)))
    epochs, rate = batches.fewest(train, test, 32, (1e-9, 0.1, 0.05), 0.5)
    assert 1 <= epochs <= batches.MOST and rate in (0.1, 0.05)
    assert batches.epochs_until(train, test, 32, rate, epochs, 0.5) == epochs
    assert batches.epochs_until(train, test, 32, rate, 2, 1.1) == 0


def test_ranks_need_a_launcher(monkeypatch, tmp_path):
    monkeypatch.setattr(distributed.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="--distributed needs MPI"):
        distributed.launcher()


def test_the_toolkit_is_measured_against_the_plain_network():
    found = toolkit.measure(rounds=1, rows=64)
    assert list(found) == [each.name for each in toolkit.ADDITIONS]
    assert all(ratio > 0 for ratio, _ in found.values())
    held = {name: most for name, (_, most) in found.items() if most is not None}
    assert held == {
        "Dropout": 1.15, "BatchNorm": 1.15, "LayerNorm": 1.15, "Normalize": 1.15, "Adam": 1.3
    }  # fmt: skip


def test_the_toolkit_that_costs_too_much_is_named(monkeypatch, capsys):
    ratios = {"Dropout": (1.2, 1.15), "Adam": (1.1, 1.3), "Lion": (9.0, None)}
    monkeypatch.setattr(toolkit, "measure", lambda: ratios)
    assert toolkit.main() == 1
    said = capsys.readouterr()
    assert "Dropout" in said.err and "Adam" not in said.err and "Lion" not in said.err
    monkeypatch.setattr(toolkit, "measure", lambda: {"Dropout": (1.15, 1.15)})
    assert toolkit.main() == 0


@pytest.mark.parametrize(("floor", "status"), [(0.0, 0), (1e9, 1)])
def test_the_estimators_against_scikit_learns(monkeypatch, capsys, floor, status):
    pytest.importorskip("sklearn", "1.9")
    x = np.random.default_rng(0).normal(size=(60, 5))
    rows = (x[:40], x[:40, 0] > 0, x[40:], x[40:, 0] > 0)
    kinds = [("MLPClassifier", 2), ("MLPRegressor", 1), ("MLPClassifier", 0)]
    cases = [estimators.Case(f"{k} {n}", floor, k, lambda: rows, n) for k, n in kinds]
    monkeypatch.setattr(estimators, "CASES", cases)
    assert estimators.main(1, 1) == status
    said = capsys.readouterr()
    assert "APART" not in said.out and said.out.count("MISSED") == 3 * status
    assert ("MLPRegressor 1" in said.err) == bool(status)


def test_a_benchmark_without_scikit_learn(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    assert cli.main(["--sklearn", "--rounds", "1"]) == 1
    assert "--sklearn needs scikit-learn" in capsys.readouterr().err


def test_two_threads_beside_busy_processes():
    calls = {name: call for name, call in neighbours.works(64).items() if "64-32" in name}
    before = cynn.get_num_threads()
    (pairs,) = neighbours.measure(calls, 1, (0, 1)).values()
    assert len(pairs) == 2 and all(seconds > 0 for pair in pairs for seconds in pair)
    assert cynn.get_num_threads() == before


@needs_compiled
def test_what_the_count_says_of_more_threads(capsys):
    assert splits.main() == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.startswith("| ") and "B = " in line]
    assert len(rows) == len(splits.CASES)
    for row, (sizes, batch) in zip(rows, splits.CASES, strict=True):
        assert f"B = {batch}" in row and row.count("|") == 2 + len(splits.THREADS)
        grids = [cell.split(":")[0].split(" x ") for cell in row.split("|")[2:-1]]
        assert [int(r) * int(c) for r, c in grids] == list(splits.THREADS)
        assert sizes[0] == 784


@needs_compiled
def test_small_networks(monkeypatch, capsys):
    monkeypatch.setattr(small, "full_batch", lambda threads: 1e-3 / threads)
    assert small.main([1, 2]) == 0
    table = capsys.readouterr().out
    assert "1000 on 1, 500 on 2" in table and small.FULL_PUBLISHED in table


@needs_compiled
def test_a_full_batch_of_a_small_network_is_timed():
    assert 0 < small.full_batch(1, steps=1) < 10 and 0 < small.gradient(1) < 10


FEW = tabm.Case((5, 8, 8, 1), members=3, batch=4, steps=2, predicted=6)


def test_operations_of_members_by_hand():
    weights = 5 * 8 + 8 * 8 + 8
    assert FEW.flops == {
        "training": 3 * 2 * weights * 3 * 4,  # forward, and the gradients of W and of the inputs
        "prediction": 2 * weights * 3 * 6,
    }


def test_the_members_of_the_benchmark_are_tabm():
    shapes = [w.shape for w in tabm.network(FEW).get_weights()]
    block = [(8, 8), (2, 3, 8)]
    assert shapes == [(3, 5), (5, 8), (2, 3, 8), (1, 3, 8), *block, (3, 1, 8), (1, 3, 1)]
    works = tabm.ours(FEW)
    assert works["prediction"]().shape == (6, 1)
    assert len(works["training"]().history["loss"]) == 1
    default = [layer.__class__.__name__ for layer in tabm.network(tabm.DEFAULT).layers]
    assert default.count("Dense") == default.count("Dropout") == 3


def test_floors_of_members(capsys):
    timed = [("training", 1, 0.1, 0.24), ("training", 2, 0.05, 0.15), ("prediction", 2, 1.0, 2.5)]
    made = results(memory=150.0)
    found = [tabm.Timed(*each) for each in timed]
    tabm.add_ratios(made, found, tabm.DEFAULT)
    rate = tabm.DEFAULT.flops["training"] / 0.1
    assert made.other["training of the peak"] == pytest.approx(rate / 200e9)
    reached = {
        floor.work: floor.reached(value) for floor, value in report.floor_lines(made, tabm.FLOORS)
    }
    assert reached == {
        "training, one thread, of the peak": True,
        "training, two threads over one": True,
        "training, threads: 1, against the package": False,
        "training, threads: 2, against the package": True,
        "prediction, threads: 2, against the package": True,
        "memory of training past its data": True,
    }
    lines = tabm.table(made, found, tabm.DEFAULT).splitlines()
    assert len(lines) == 4 and lines[1].endswith("2.40 x") and f"{rate / 1e9:.1f}" in lines[1]


def test_memory_of_training_members(monkeypatch):
    few = tabm.MEMORY.replace("tabm.DEFAULT", "tabm.DEFAULT._replace(sizes=(64, 64, 1))")
    monkeypatch.setattr(tabm, "MEMORY", few)
    if os.path.exists("/proc/self/clear_refs"):
        assert 0.5 < tabm.memory() < 100
    else:
        assert tabm.memory() is None


def test_a_benchmark_without_the_package_of_tabm(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tabm", None)
    assert cli.main(["--tabm"]) == 1
    assert tabm.INSTALL in capsys.readouterr().err


@needs_compiled
@pytest.mark.parametrize("noisy", [False, True])
def test_members_against_the_package(monkeypatch, capsys, noisy):
    torch = pytest.importorskip("torch")
    pytest.importorskip("tabm")
    rates = iter([100e9, 50e9])
    monkeypatch.setattr(peak, "measure", lambda *_: peak.Peak(*[next(rates)] * 2))
    monkeypatch.setattr(tabm, "memory", lambda: 300.0)
    monkeypatch.setattr(tabm, "PAUSE", 0.0)
    before = cynn.get_num_threads(), torch.get_num_threads()
    assert tabm.main(1, [1], noisy, case=FEW) == 1
    assert (cynn.get_num_threads(), torch.get_num_threads()) == before
    said = capsys.readouterr()
    assert "too noisy" in said.err and ("300.00 MB   MISSED" in said.out) is noisy
    own = sum(w.size for w in tabm.network(FEW).get_weights())
    assert own == sum(each.numel() for each in tabm.package_network(FEW).parameters())
