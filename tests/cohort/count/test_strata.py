"""Adjustment variables: categories as they are called, numbers in bands, gaps as a level of their own."""

import datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from tabled import cells, count, refusal, spec, stay

from cxlink.cohort.read.columns import band_labels
from cxlink.cohort.table import read_cohort


@pytest.mark.parametrize(
    ("cuts", "labels"),
    [
        ((3.0, 12.0), ["<3", "3-<12", ">=12"]),
        ((0.5,), ["<0.5", ">=0.5"]),
        ((1234567.0, 1234568.0), ["<1234567", "1234567-<1234568", ">=1234568"]),
        ((-2.0, 0.0), ["<-2", "-2-<0", ">=0"]),
    ],
)
def test_labels_of_bands(cuts: tuple[float, ...], labels: list[str]) -> None:
    assert band_labels(cuts) == labels


@pytest.mark.parametrize("as_text", [False, True])
def test_a_cut_belongs_to_the_band_above_it(as_text: bool) -> None:
    age: list[Any] = [2.999, 3, 11.5, 12, 1e9, -5, None]
    table = stay(
        [5] * 7, [1] * 7, [0] * 7, age=[None if a is None else str(a) for a in age] if as_text else age
    )
    found = cells(count(table, adjust={"bands": {"age": [3, 12]}}), "stratum.age")
    assert found == {"<3": 2, "3-<12": 2, ">=12": 2, "(missing)": 1}


CATEGORIES: dict[str, tuple[list[Any], dict[str, int]]] = {
    "text": (["a", " a", "b ", "", "  ", None], {"a": 2, "b": 1, "(missing)": 3}),
    "whole numbers": ([1234567, 1234568, 1234567], {"1234567": 2, "1234568": 1}),
    "whole numbers with a gap": ([1234567, None, 1234568], {"1234567": 1, "1234568": 1, "(missing)": 1}),
    "fractions": ([0.5, 1.0, float("nan")], {"0.5": 1, "1": 1, "(missing)": 1}),
    "yes and no": ([True, False, None], {"true": 1, "false": 1, "(missing)": 1}),
    "dates": ([datetime.date(2024, 1, 31), None], {"2024-01-31": 1, "(missing)": 1}),
    "decimals": ([Decimal("1.50"), Decimal("2.25")], {"1.50": 1, "2.25": 1}),
    "mixed": (["a", 1, None], {"a": 1, "1": 1, "(missing)": 1}),
    "nothing": ([None, None], {"(missing)": 2}),
    "markup": (['#panic("x")', "$a_b", "Ünïcode 語"], {'#panic("x")': 1, "$a_b": 1, "Ünïcode 語": 1}),
}


@pytest.mark.parametrize("kind", CATEGORIES)
def test_categories_are_called_what_they_are(kind: str) -> None:
    values, expected = CATEGORIES[kind]
    table = stay([5] * len(values), [1] * len(values), [0] * len(values)).assign(
        plan=pd.Series(values, dtype=object)
    )
    assert cells(count(table, adjust={"columns": ["plan"]}), "stratum.plan") == expected


def test_pandas_categories() -> None:
    table = stay([5] * 3, [1] * 3, [0] * 3).assign(
        plan=pd.Categorical(["a", None, "b"]), size=pd.Categorical([1, 2, None])
    )
    counts = count(table, adjust={"columns": ["plan", "size"]})
    assert cells(counts, "stratum.plan", "stratum.size") == {
        ("a", "1"): 1,
        ("(missing)", "2"): 1,
        ("b", "(missing)"): 1,
    }


def test_a_column_of_the_table_called_tenure_at_survey() -> None:
    """It is what the user names; what is worked out from dates is never mistaken for it."""
    dates = {"survey": "survey", "end": "end", "observed_until": "2026-06-30", "signup": "signup"}
    table = pd.DataFrame(
        {
            "score": [5],
            "survey": ["2025-06-15"],
            "end": [None],
            "signup": ["2025-06-01"],
            "tenure_at_survey": [100],
        }
    )
    assert cells(count(table, subscription=dates), "stratum.tenure_at_survey") == {"<3": 1}
    named = count(table, subscription=dates, adjust={"bands": {"tenure_at_survey": [3, 12]}})
    assert cells(named, "stratum.tenure_at_survey") == {">=12": 1}
    text = table.assign(tenure_at_survey="new")
    plain = count(text, subscription=dates, adjust={"columns": ["tenure_at_survey"]})
    assert cells(plain, "stratum.tenure_at_survey") == {"new": 1}


NAMES = [
    "n", "score", "at", "rank_", "raw.x", "self", "by", "row.number", "a b", 'q"uote', "it's", "x; DROP TABLE t",
    "Größe", "語", "use", "y", "select", "stratum.n", "reason",
]  # fmt: skip
STAY = {"duration": "months", "event": "event"}


def _named() -> pd.DataFrame:
    return pd.DataFrame({name: [1, 1, 2] for name in NAMES}).assign(event=[0, 1, 1], months=[3, 3, -2])


def test_awkward_names_of_columns() -> None:
    """As strata all at once, of rows that are looked at again one by one."""
    made = spec(subscription=STAY, adjust={"columns": [name for name in NAMES if name != "score"]})
    cohort = read_cohort(_named(), made, drop_invalid=True)
    assert cohort.rows_read == 3
    assert cells(cohort.count(), "stratum.y", "stratum.self", "stratum.raw.x") == {("1", "1", "1"): 2}


@pytest.mark.parametrize("name", NAMES)
def test_awkward_names_of_the_score(name: str) -> None:
    table = _named().assign(months=[3, 3, 2])
    assert cells(count(table, score={"column": name}, subscription=STAY), "score") == {1: 2, 2: 1}


def test_two_columns_in_one_name_are_told_apart() -> None:
    months = {"subscription": {"duration": "months", "event": "lost"}}
    table = stay([5, 6], [3, 4], [1, 0], plan=["a", "b"], region=["n", "s"])
    assert refusal(table, months, adjust={"columns": ["plan, region"]}) == (
        "table: no column 'plan, region' (adjust): these are 2 columns. Give each by itself: --adjust plan --adjust "
        "region."
    )
    assert refusal(table, months, score={"column": "score,plan"}).endswith(
        "these are 2 columns. Name one of them."
    )
