"""A key that is given and acts on nothing is named, with the reason; one that acts, or is not given, is not."""

import pandas as pd
import pytest

from cxlink.cohort.count.unused_keys import IDLE, unused_key_checks
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.cohort.table import read_cohort
from cxlink.report.check_notes import note

SCORE = {"column": "score", "scale": "1-5"}
DURATIONS = {"duration": "months", "event": "left"}
DATES = {"survey": "asked", "end": "gone", "observed_until": "2026-06-30"}
SPEND = {"column": "spend", "complete": True}


def unused(tables: dict[str, object], name: str | None = None) -> dict[object, object]:
    rows = pd.DataFrame({
        "score": [1, 5, 3], "months": [3, 5, 5], "left": [1, 0, 0], "spend": [1.0, 2, 3], "plan": ["a", "b", "a"],
        "asked": ["2026-01-01"] * 3, "gone": ["2026-03-01", "", ""],
    })  # fmt: skip
    counts = read_cohort(rows, make_spec({"score": SCORE, **tables})).count()
    if name is not None:
        object.__setattr__(counts.profile, "table", name)
    checks = list(unused_key_checks(counts))
    assert all(check.facts["key"] in note(check) for check in checks)
    return {check.facts["key"]: check.facts["case"] for check in checks}


@pytest.mark.parametrize(
    ("tables", "named"),
    [
        ({"subscription": DURATIONS}, {}),
        ({"subscription": DURATIONS, "analysis": {"horizon": 3, "given": [2], "waning": [4]}}, {}),
        (
            {"spend": SPEND, "analysis": {"horizon": 3, "given": [2]}},
            {"[analysis] horizon": "no_subscription", "[analysis] given": "no_subscription"},
        ),
        (
            {"subscription": DURATIONS, "analysis": {"waning": [4], "models": "quick"}},
            {"[analysis] waning": "quick"},
        ),
        (
            {"subscription": DURATIONS, "score": {**SCORE, "acts_on": "shape"}},
            {"[score] acts_on": "no_families"},
        ),
        (
            {
                "subscription": DURATIONS,
                "score": {**SCORE, "acts_on": "shape"},
                "analysis": {"models": "all"},
            },
            {},
        ),
        (
            {"subscription": DURATIONS, "analysis": {"target": "customers"}},
            {"[analysis] target": "no_strata"},
        ),
        (
            {
                "subscription": DURATIONS,
                "analysis": {"target": "customers"},
                "adjust": {"columns": ["plan"]},
            },
            {},
        ),
        ({"subscription": {**DATES, "counts": "periods"}}, {"[subscription] counts": "dates"}),
        ({"subscription": DATES}, {}),
    ],
)
def test_keys_that_act_on_nothing_are_named(tables: dict[str, object], named: dict[object, object]) -> None:
    assert unused(tables) == named


def test_keys_of_reading_depend_on_the_kind_of_table() -> None:
    tables = {"subscription": DURATIONS, "table": {"delimiter": ";", "sheet": "2025"}}
    assert unused(tables, "churn.csv") == {"[table] sheet": "no_workbook"}
    assert unused(tables, "churn.xlsx") == {"[table] delimiter": "no_text"}


def test_every_key_that_can_be_idle_is_a_key_of_the_spec() -> None:
    for idle in IDLE:
        section = CohortSpec.model_fields[idle.section].annotation
        kinds = [section, *getattr(section, "__args__", ())]
        assert any(set(idle.keys) <= set(getattr(kind, "model_fields", {})) for kind in kinds)
