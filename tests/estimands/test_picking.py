"""Rows picked from a table: the main analysis unless something else is asked for, and refusals that propose."""

import pandas as pd
import pytest

from cxlink.cohort.errors import InputError
from cxlink.estimands.picking import pick


def _table() -> pd.DataFrame:
    row = {
        "estimand": "tenure", "model": "kaplan_meier", "group": "best", "reference": "", "horizon": 12,
        "adjusted": "no", "stratum": "", "cause": "", "given": 0, "scenario": "", "headline": False, "estimate": 1.0,
    }  # fmt: skip
    others = [
        {"adjusted": "standardised", "estimate": 2.0, "headline": True},
        {"adjusted": "standardised", "group": "worst", "estimate": 3.0, "headline": True},
        {"adjusted": "standardised", "stratum": "plan=a", "estimate": 4.0},
        {"adjusted": "standardised", "horizon": 36, "model": "spliced", "estimate": 5.0},
        {"adjusted": "standardised", "horizon": 36, "model": "weibull", "estimate": 6.0},
        {"adjusted": "standardised", "scenario": "lag=1", "estimate": 7.0},
        {"estimand": "spend", "horizon": pd.NA, "model": "means", "estimate": 8.0},
    ]
    table = pd.DataFrame([row, *({**row, **one} for one in others)])
    return table.astype({"horizon": "Int64"})


@pytest.mark.parametrize(
    ("asked", "estimates"),
    [
        ({"group": "best", "horizon": 12}, [2.0]),
        ({"horizon": 12}, [2.0, 3.0]),
        ({"horizon": 36}, [5.0]),  # none on page one: the first model
        ({"horizon": 36, "model": "weibull"}, [6.0]),
        ({"horizon": 36, "model": ["weibull", "spliced"]}, [5.0, 6.0]),
        ({"adjusted": "no"}, [1.0]),
        ({"scenario": "lag=1"}, [7.0]),
        ({"stratum": "plan=a"}, [4.0]),
        ({}, [2.0, 3.0]),
    ],
)
def test_the_main_analysis_is_meant(asked: dict[str, object], estimates: list[float]) -> None:
    assert pick(_table(), "tenure", **asked)["estimate"].tolist() == estimates


def test_an_estimand_that_is_not_standardised_is_found_as_it_is() -> None:
    assert pick(_table(), "spend")["estimate"].tolist() == [8.0]


@pytest.mark.parametrize(
    ("estimand", "asked", "words"),
    [
        ("tenur", {}, "no estimate has estimand 'tenur'. Did you mean 'tenure'?"),
        ("tenure", {"grup": "best"}, "estimates have no column 'grup'. Did you mean 'group'?"),
        ("tenure", {"group": "7"}, "no estimate has group '7'. There are best, worst."),
        ("tenure", {"horizon": 60}, "no estimate has horizon 60. There are 12, 36."),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(
    estimand: str, asked: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError) as refused:
        pick(_table(), estimand, **asked)
    assert str(refused.value) == words
