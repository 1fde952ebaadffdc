"""Checks are data: chosen by fields and facts, kept once, and set out in the table of diagnostics."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from cxlink.checks import COLUMNS, Check, Fact, check_table, facts_text, matching, once
from cxlink.report.check_notes import note, reason

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
        ("nobody_lost", {}, "no customer was lost, so the counts carry no information on how long customers stay"),
        ("few_periods", {"parameters": 2, "least": 3, "n": 1},
         "it has 2 parameters of its own and needs losses in at least 3 periods; they occur in 1 "
         "period"),
        ("few_periods", {"parameters": 2, "least": 3, "n": 2},
         "it has 2 parameters of its own and needs losses in at least 3 periods; they occur in 2 "
         "periods"),
        ("no_losses", {}, "no customer was lost, so the counts carry no information on hazard ratios"),
        ("all_lost", {}, "all customers at risk were lost in every period, so no hazard ratio is finite"),
        ("nothing_beside", {},
         "in every period either none or all of the customers at risk were lost, so the counts carry no information "
         "on hazard ratios"),
        ("too_many_effects", {"effects": 312, "most": 300}, "it has 312 effects; at most 300 can be fitted"),
        ("short_follow_up", ROOM, "follow-up has room for 1 of 3 origins with losses in 4 periods"),
        ("none_converged", {}, "no family converged"),
        ("none_fitted", {}, "no family could be fitted at any origin"),
        ("no_complete_window", {}, "no customer has a complete spend window"),
        ("nobody_spent", {}, "no customer spent anything, so there are no amounts"),
        ("nothing_net", {}, "spend net of refunds is not positive, so no mean has a logarithm"),
        ("nothing_net_somewhere", {},
         "for some level, category or combination of effects, spend net of refunds is not positive, so its "
         "mean has no logarithm"),
        ("no_finite_effects", {},
         "combinations of a level and a stratum in which no customer spent anything have so much weight that "
         "no finite effects solve the estimating equations"),
        ("no_end", {}, "the optimiser did not converge"),
        ("refunds", {}, "refunds make spend negative, which this model does not allow"),
        ("negative_spend", {}, "spend is negative for some customers, which this model does not allow"),
    ],
)  # fmt: skip
def test_every_reason_has_its_clause(why: str, facts: dict[str, Fact], clause: str) -> None:
    assert reason(Check("not_fitted", facts={"reason": why, **facts})) == clause


@pytest.mark.parametrize(
    ("followed", "said"), [(1, "(120 months over 1 month)"), (2, "(120 months over 2 months)")]
)
def test_a_span_of_one_is_singular(followed: int, said: str) -> None:
    facts = {
        "horizon": 120,
        "followed": followed,
        "unit": "month",
        "curves": 4,
        "compared": 3.0,
        "factor": 1.64,
    }
    assert said in note(
        Check("extrapolation_factor", "spliced", value=120 / followed, bound=3.0, facts=facts)
    )
