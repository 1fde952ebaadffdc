"""Numbers whose dots have two readings are asked for, never guessed: by a run, and by ``init``."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tabled import STAY, count, refusal, spec, stay

from cxlink.cohort.count import two_readings
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import read_spec
from cxlink.cohort.starter.starter_spec import starter_spec
from cxlink.cohort.table import read_cohort

SPENT = {"spend": {"column": "spent", "complete": True}}
SAID = (
    "spent holds numbers of two readings: 2.612 is a number below 3, or 2,612. "
    'Set [table] decimal = "." if the dot is the decimal mark, or decimal = ",", thousands = "." if it stands between '
    "thousands."
)


def paid(*spent: str, months: Any = 3) -> pd.DataFrame:
    n = len(spent)
    return stay([5] * n, [months] * n, [1] * n, spent=list(spent))


def test_a_dot_with_three_digits_behind_it_is_asked_for(tmp_path: Path) -> None:
    table = paid("2.612", "12", "", "999.000")
    assert SAID in refusal(table, STAY, SPENT)
    table.to_csv(tmp_path / "t.csv", index=False)
    assert SAID in refusal(tmp_path / "t.csv", STAY, SPENT)
    for keys, total in (
        ({"decimal": "."}, 1013.612),
        ({"decimal": ",", "thousands": "."}, 2612 + 12 + 999000),
    ):
        found = count(table, STAY, SPENT, {"table": keys})
        assert found.cells["spend_sum"].sum() == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("other", ["12.5", "0.612", "1234.567", ".612", "1.2345", "€ 2.61"])
def test_one_number_of_one_reading_decides(other: str) -> None:
    assert count(paid("2.612", other), STAY, SPENT).cells["n"].sum() == 2


def test_one_column_decides_for_the_others() -> None:
    assert count(paid("2.612", "3.000", months="3.5"), STAY, SPENT).cells["n"].sum() == 2
    message = refusal(paid("2.612", "3.000", months="3"), STAY, SPENT)
    assert SAID in message


@pytest.mark.parametrize("text", ["€ 2.612", "2.612 EUR", "-2.612", " 2.612 "])
def test_signs_and_marks_of_a_currency_decide_nothing(text: str) -> None:
    assert "holds numbers of two readings" in refusal(paid(text, "7"), STAY, SPENT)


@pytest.mark.parametrize(
    ("sections", "column"),
    [
        ({"adjust": {"bands": {"size": [30, 50]}}}, "size"),
        ({"control": {"column": "size"}}, "size"),
        ({"cohort": {"count": "size"}}, "size"),
        ({"subscription": {"duration": "size", "event": "lost", "unit": "day"}}, "size"),
    ],
)
def test_every_column_of_numbers_is_asked_for(sections: dict[str, Any], column: str) -> None:
    table = stay([5, 6], [3, 4], [1, 0], size=["1.234", "2.000"])
    assert f"{column} holds numbers of two readings: 1.234 is" in refusal(table, STAY, sections)


def test_a_duration_that_would_be_too_long_has_one_reading() -> None:
    table = stay([5, 6], ["3.000", "12.000"], [1, 0])
    assert sorted(count(table).cells["exit"]) == [3, 12]


def test_numbers_of_a_number_type_have_one_reading() -> None:
    assert count(paid("1").assign(spent=2.612), STAY, SPENT).cells["spend_sum"].sum() == 2.612


def test_a_number_far_below_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_readings, "LOOKED_AT", 2)
    assert SAID in refusal(paid("7", "8", "2.612"), STAY, SPENT)
    assert count(paid("7", "2.612", "2.6"), STAY, SPENT).cells["n"].sum() == 3


def starter(folder: Path, spent: list[str], header: str = "omzet") -> str:
    table = pd.DataFrame({
        "klantnummer": range(5000, 5000 + len(spent)), "cijfer": [i % 10 + 1 for i in range(len(spent))],
        "maanden": [i % 24 + 1 for i in range(len(spent))], "opgezegd": ["ja", "nee"] * (len(spent) // 2),
        header: spent,
    })  # fmt: skip
    table.to_csv(folder / "t.csv", index=False, sep=";")
    return starter_spec(folder / "t.csv")


def test_init_asks_for_amounts_that_it_proposes_in_a_comment(tmp_path: Path) -> None:
    text = starter(tmp_path, [f"{i + 1}.{100 + i}" for i in range(40)])
    assert '# column = "omzet"' in text
    assert 'decimal = "…"  # 1.100 in omzet has two readings' in text
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"\[table\] decimal waits for its answer"):
        read_spec(tmp_path / "s.toml")


def test_what_init_decides_by_a_column_is_written_down(tmp_path: Path) -> None:
    """A run sees the columns that it uses alone, so that what another one decides is said to it."""
    spent = [f"{i + 1}.{100 + i}" for i in range(40)]
    text = starter(tmp_path, spent, "omzet_na_enquete")
    assert 'decimal = "…"' in text
    table = pd.read_csv(tmp_path / "t.csv", sep=";", dtype=str).assign(gewicht="12.5")
    table.to_csv(tmp_path / "t.csv", sep=";", index=False)
    text = starter_spec(tmp_path / "t.csv")
    assert 'decimal = "."  # such as 12.5' in text
    (tmp_path / "s.toml").write_text(text, encoding="utf-8")
    found = read_cohort(tmp_path / "t.csv", read_spec(tmp_path / "s.toml")).count()
    assert found.cells["spend_sum"].sum() == pytest.approx(sum(map(float, spent)), rel=1e-12)


def test_the_default_mark_may_be_said() -> None:
    assert spec(STAY, table={"decimal": "."}).table.model_fields_set == {"decimal"}
