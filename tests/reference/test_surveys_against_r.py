"""Scenario ``until_next``: hazard ratios from counts of whole months, against R's Cox model of days (Efron's ties)."""

import numpy as np
import pandas as pd
import pytest
from stored import number, numbers
from surveys import LAST, START, surveys, until_next

import cxlink
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.model_rows.hazard_rows import hazard_ratios
from cxlink.survival.proportional_hazards.grouped_ph import GroupedPH, grouped_ph
from cxlink.survival.proportional_hazards.hazard_requests import hazard_requests

GROUPED = 0.02
"""A loss is known to the month, and parts of a month before the next survey are not followed."""


@pytest.fixture(scope="module")
def cut() -> Counts:
    table = surveys()
    dated = pd.DataFrame({
        "customer": table["customer"],
        "score": table["score"],
        "survey": START + pd.to_timedelta(table["day"], unit="D"),
        "end": START + pd.to_timedelta(table["end"].astype(float), unit="D"),
    })  # fmt: skip
    spec = cxlink.make_spec({
        "cohort": {"id": "customer", "repeat": "all"},
        "score": {"column": "score", "scale": "1-5", "worst": [1], "best": [5]},
        "subscription": {
            "survey": "survey", "end": "end", "observed_until": str((START + pd.DateOffset(days=LAST)).date()),
        },
        "analysis": {"draws": 100, "horizon": 12},
    })  # fmt: skip
    counts = cxlink.read_cohort(dated, spec).count_until_next()
    assert counts is not None
    return counts


def test_both_have_the_same_surveys(cut: Counts) -> None:
    rows = until_next()
    assert number("surveys", "surveys", "surveys")[0] == len(rows) == cut.scored["n"].sum()
    assert number("surveys", "surveys", "lost")[0] == rows["lost"].sum()
    strata = ["stratum.previous_score", "stratum.survey_number", "stratum.since_last_survey"]
    ours = cut.scored.groupby(["score", *strata])["n"].sum().sort_values().tolist()
    assert ours == rows.groupby(["score", "previous", "number", "since"]).size().sort_values().tolist()


@pytest.mark.parametrize("quantity", ["unadjusted_log_hazard_ratio", "log_hazard_ratio"])
def test_hazard_ratios_of_months_are_those_of_days(cut: Counts, quantity: str) -> None:
    spells = spells_of(cut)
    alone, beside = hazard_requests(spells, cut.spec)
    request = alone if quantity.startswith("unadjusted") else beside
    fitted = grouped_ph(spells, cut.spec, request, 100, np.random.default_rng(1))
    assert isinstance(fitted, GroupedPH)
    ours = {row["group"]: float(np.log(row["estimate"])) for row in hazard_ratios(spells, cut.spec, fitted)}
    for one in numbers("surveys", "surveys", quantity).itertuples():
        assert abs(ours[str(one.group)] - float(one.estimate)) < GROUPED, one.group  # type: ignore[arg-type]
