"""Checks are data: chosen by fields and facts, kept once, and set out in the table of diagnostics."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from cxlink.checks import COLUMNS, Check, Fact, check_table, facts_text, matching, once
from cxlink.report.check_notes import reason

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


ROOM = {"origins": 1, "of": 3, "least": 4}


@pytest.mark.parametrize(
    ("why", "facts", "clause"),
    [
        ("nobody_lost", {}, "nobody was lost, so the counts do not say how long customers stay"),
        ("few_periods", {"parameters": 2, "least": 3, "n": 1},
         "it has 2 parameters of its own and needs losses in at least 3 periods; they fall in 1 "
         "period"),
        ("few_periods", {"parameters": 2, "least": 3, "n": 2},
         "it has 2 parameters of its own and needs losses in at least 3 periods; they fall in 2 "
         "periods"),
        ("no_losses", {}, "nobody was lost, so the counts say nothing of hazard ratios"),
        ("all_lost", {}, "everybody was lost in every period they were seen, so no hazard ratio is finite"),
        ("nothing_beside", {},
         "in every period either nobody or everybody at risk was lost, so the counts say nothing of "
         "hazard ratios"),
        ("too_many_effects", {"effects": 312, "most": 300}, "it has 312 effects, and is fitted with 300 at most"),
        ("short_follow_up", ROOM, "follow-up has room for 1 of 3 origins with losses in 4 periods"),
        ("none_converged", {}, "no family converged"),
        ("none_fitted", {}, "no family could be fitted up to any origin"),
        ("no_complete_window", {}, "no customer’s window was over"),
        ("nobody_spent", {}, "nobody spent anything, so there are no amounts"),
        ("nothing_net", {}, "nobody spent more than was refunded, so no mean has a logarithm"),
        ("nothing_net_somewhere", {},
         "in some level or category, or some combination of effects, no more was spent than refunded: "
         "a mean has no logarithm there"),
        ("no_finite_effects", {},
         "combinations of a level and a stratum in which nobody spent weigh so much that no finite "
         "effects solve the equation"),
        ("no_end", {}, "the search for the effects did not come to an end"),
        ("refunds", {}, "refunds make spend negative, which this model cannot take"),
        ("negative_spend", {}, "spend is negative somewhere, which this model cannot take"),
    ],
)  # fmt: skip
def test_every_reason_has_its_clause(why: str, facts: dict[str, Fact], clause: str) -> None:
    assert reason(Check("not_fitted", facts={"reason": why, **facts})) == clause
