"""Checks are data: chosen by fields and facts, kept once, and set out in the table of diagnostics."""

import json
import math

import numpy as np
import pandas as pd

from cxlink.checks import COLUMNS, Check, check_table, facts_text, matching, once

SUPPORT = Check(
    "support", "kaplan_meier", "best", 0.85, bound=0.9, passed=False,
    facts={"reference": "worst", "adjusted": "standardised", "horizon": 12},
)  # fmt: skip
TREND = Check("trend", "grouped_ph", value=0.9, low=0.8, high=1.01, facts={"z": -1.5})


def test_checks_are_chosen_by_fields_and_by_facts() -> None:
    checks = [SUPPORT, TREND]
    assert matching(checks, code="support", reference="worst", passed=False) == [SUPPORT]
    assert matching(checks, reference="") == [TREND]  # a fact that it has not is empty
    assert matching(checks, code=("support", "trend"), model={"grouped_ph"}) == [TREND]
    assert matching(checks, horizon="12") == []  # a number is no text


def test_what_was_looked_at_twice_stands_once() -> None:
    again = Check("support", "kaplan_meier", "best", 0.5, facts=dict(reversed(SUPPORT.facts.items())))
    other = Check("support", "kaplan_meier", "best", 0.85, facts={"reference": "2"})
    assert once([SUPPORT, again, other]) == (SUPPORT, other)


def test_a_check_is_one_row_with_its_limits_and_its_sentence() -> None:
    table = check_table([SUPPORT, TREND], note=lambda check: f"about {check.code}")
    assert tuple(table.columns) == COLUMNS
    assert table["note"].tolist() == ["about support", "about trend"]
    assert table.loc[1, ["value", "conf_low", "conf_high"]].tolist() == [0.9, 0.8, 1.01]
    assert table["bound"].tolist()[0] == 0.9
    assert table["ok"].tolist() == [False, pd.NA]
    assert json.loads(table.loc[0, "facts"]) == {
        "adjusted": "standardised",
        "horizon": 12,
        "reference": "worst",
    }
    assert len(check_table([], note=lambda _: "")) == 0


def test_facts_are_written_as_json_that_any_reader_takes() -> None:
    facts = {
        "share": 1 / 3,
        "unknown": math.nan,
        "endless": math.inf,
        "names": ("a", 2.0),
        "n": 3,
        "yes": True,
    }
    text = facts_text({**facts, "drawn": float(np.float64(0.1) + 0.2)})
    assert text == (
        '{"drawn": 0.3, "endless": "inf", "n": 3, "names": ["a", 2.0], "share": 0.3333333333, "unknown": null, '
        '"yes": true}'
    )
