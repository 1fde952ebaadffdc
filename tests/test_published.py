"""The published figures on file: complete, sourced, and as the literature prints them."""

import csv
import tomllib
from pathlib import Path

import numpy as np
import pytest

from cxlink.cohort.errors import InputError
from cxlink.study.published import FOLDER, kriss, read

TABLES = sorted(path.stem for path in FOLDER.glob("*.csv"))


def test_the_tables_are_the_ones_that_the_dictionary_describes() -> None:
    dictionary = (FOLDER.resolve().parent / "README.md").read_text(encoding="utf-8")
    assert TABLES
    for name in TABLES:
        assert f"`published/{name}.csv`" in dictionary
        for column in read(name).columns:
            assert f"`{column}`" in dictionary, f"{name}: {column} is not in data/README.md"


def test_the_tables_stand_once_and_travel_in_the_wheel() -> None:
    root = Path(__file__).parents[1]
    assert FOLDER.is_symlink()
    assert FOLDER.resolve() == root / "data" / "published"
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert "published/*.csv" in project["tool"]["setuptools"]["package-data"]["cxlink"]


@pytest.mark.parametrize("name", TABLES)
def test_every_row_has_its_source_and_status(name: str) -> None:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert rows
    for row in rows:
        assert None not in row
        assert row["source"].strip()
        assert row["status"].strip()


def test_kriss_as_evidence_gives_it() -> None:
    found = kriss()
    assert dict(found.retention) == {"1": 0.43, "9-10": 0.74}
    assert dict(found.spend_ratio) == {"1-3": 1.0, "4-6": 1.3, "7": 1.5, "8": 1.8, "9": 1.9, "10": 2.4}
    assert found.best_years == 6
    membership = read("kriss_2014").set_index(["figure", "group"]).loc["expected_further_membership"]
    assert np.isnan(membership.loc["1", "value"])
    assert membership.loc["1", "wording"] == "a little over a year"


def test_fader_and_hardie_as_their_table_1_prints_it() -> None:
    table = read("fader_hardie_2007").pivot_table(index="year", columns="segment", values="surviving")
    assert list(table.index) == list(range(13))
    regular = [1, 0.631, 0.468, 0.382, 0.326, 0.289, 0.262, 0.241, 0.223, 0.207, 0.194, 0.183, 0.173]
    high_end = [1, 0.869, 0.743, 0.653, 0.593, 0.551, 0.517, 0.491, 0.468, 0.445, 0.427, 0.409, 0.394]
    assert list(table["Regular"]) == regular
    assert list(table["High End"]) == high_end
    textbook = read("textbook_cohort")["surviving"]
    assert list(textbook) == [1000, 631, 468, 382, 326]


def test_computed_figures_of_year_12_follow_from_the_table_and_the_parameters() -> None:
    table = read("fader_hardie_2007").set_index(["segment", "year"])["surviving"]
    fits = read("fader_hardie_2007_fits").query("years == '1-7'").set_index(["segment", "quantity"])["value"]
    figures = read("fader_hardie_2007_year_12")
    for segment in ("Regular", "High End"):
        mine = figures[figures["segment"].eq(segment)]
        computed = mine[mine["status"].eq("computed")].set_index("quantity")["value"]
        year = np.arange(1, 13)
        alpha, beta = fits[segment, "alpha"], fits[segment, "beta"]
        predicted = np.prod((beta + year - 1) / (alpha + beta + year - 1))
        # Half the last printed digit.
        assert computed["predicted_at_constant_retention"] == pytest.approx(table[segment, 1] ** 12, abs=5e-4)
        error = predicted / table[segment, 12] - 1
        assert computed["shifted_beta_geometric_error"] == pytest.approx(error, abs=5e-4)


def test_elasticities_of_customer_value_to_retention() -> None:
    rows = read("gupta_lehmann_stuart_2004").query("quantity == 'elasticity'")
    expected = (1 + rows["discount"]) / (1 + rows["discount"] - rows["retention"])
    np.testing.assert_allclose(rows["value"], expected, atol=5e-3)


def test_a_package_without_its_repository_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data/published/kriss_2014\.csv is not beside this package.*Clone"):
        read("kriss_2014", tmp_path)
