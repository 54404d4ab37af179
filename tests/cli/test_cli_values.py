"""The command `cynn` on tables: what is missing, how numbers are written, what was not seen."""

import pytest

from cynn import Model


@pytest.fixture
def table(tmp_path):
    """Return a table as a German Excel writes it: the price is 1.234,5 times the size."""
    lines = ["PLZ;Größe;Alter;Preis"]
    for i in range(120):
        price = f"{1234.5 * (i % 40):,.1f}".translate(str.maketrans(",.", ".,"))
        age = {3: "#NV", 5: "k.A."}.get(i, i % 17)
        lines.append(f"{10115 + i % 3};{i % 40},5;{age};{price} €")
    path = tmp_path / "wohnungen.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


TRAIN = ["--target", "Preis", "--categorical", "PLZ", "--hidden", "4", "--epochs", "1", "--quiet"]


def test_a_table_of_another_country(run, table, tmp_path):
    status, out, err = run("train", table, *TRAIN)
    assert (status, out) == (1, "")
    assert "column 'Alter' must hold numbers alone, got 'k.A.' in row 6, 1 of 119" in err
    model = tmp_path / "m"
    status, out, err = run("train", table, *TRAIN, "--missing", "K.A.", "--save", model)
    assert (status, err) == (0, "") and "1 categorical, 2 numeric; regression of 'Preis'" in out
    encoder = Model.load(model).table
    assert encoder.missing == ("K.A.",) and encoder.target.decimal == ","
    new = tmp_path / "neu.csv"
    new.write_text("PLZ;Größe;Alter\n10115.0;7,5;k.A.\n10119;8;-\n10119;1.000,5;unbekannt\n")
    status, out, err = run("predict", model, new)
    assert status == 1 and "column 'Alter' must hold numbers, got 'unbekannt' in row 3" in err
    status, out, err = run("predict", model, new, "--missing", "unbekannt", "--missing", "unused")
    assert status == 0 and len(out.splitlines()) == 4
    assert err == "column 'PLZ': 2 rows hold values not seen in training: '10119' (2)\n"
    with_price = table.with_name("mit.csv")
    with_price.write_text(table.read_text("utf-8").replace("\n10116;", "\n80331;"), "utf-8")
    status, out, err = run("evaluate", model, with_price)
    assert (status, err) == (0, "")
    assert out.startswith("column 'PLZ': 40 rows hold values not seen in training: '80331' (40)\n")


def test_values_of_the_validation_set_that_were_not_seen(run, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("w,x,y\n" + "".join(f"{'ab'[i % 2]}{i // 20},{i},{i}.5\n" for i in range(60)))
    path.write_text(path.read_text() + "".join(f"only{i},{i},1.5\n" for i in range(12)))
    status, out, err = run("train", path, "--target", "y", "--epochs", 1, "--quiet")
    lines = [line for line in out.splitlines() if line.startswith("column 'w'")]
    assert (status, err, len(lines)) == (0, "", 1)
    assert "not seen in training: 'only" in lines[0]


def test_thousands_or_decimals(run, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('x,y\n"1,234",1\n"2,345",2\n"3,456",1\n"4,567",2\n')
    train = ["train", path, "--target", "y", "--validation", 0, "--epochs", 1, "--quiet"]
    status, out, err = run(*train)
    assert (status, out) == (1, "") and "got '1,234' in row 1: pass decimal=','" in err
    for mark, mean in ((",", 2.9005), (".", 2900.5)):
        assert run(*train, "--decimal", mark, "--save", tmp_path / "m")[0] == 0
        assert Model.load(tmp_path / "m").table.columns[0].mean == pytest.approx(mean)


def test_the_other_columns_tell_the_decimal_mark_of_the_target(run, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("x;y\n" + "".join(f"{i},5;{i % 9 + 1},{i + 100}\n" for i in range(60)))
    train = ["train", path, "--target", "y", "--epochs", "1", "--hidden", "4", "--quiet"]
    assert run(*train, "--save", tmp_path / "m")[0] == 0
    target = Model.load(tmp_path / "m").table.target
    assert target.decimal == "," and target.mean < 10


def test_options_of_tables_go_with_a_table(run):
    for option in (["--missing", "x"], ["--decimal", ","]):
        status, out, err = run("train", *option)
        assert (status, out) == (1, "") and f"{option[0]} must go with a table" in err
