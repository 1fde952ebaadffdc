"""The pages of tenure: what a manager reads, and what a referee checks."""

from dataclasses import replace
from types import SimpleNamespace

import made_up
import numpy as np
import pandas as pd
import pytest
from as_read import cells, sentences, table

from cxlink.checks import Check
from cxlink.estimands.model_rows.spliced_rows import few_losses
from cxlink.report.content import gather
from cxlink.report.document import Block
from cxlink.report.format import spelled, time_span, words
from cxlink.report.sections.family_table import backtest_weights, family_lines, weights_sentence
from cxlink.report.sections.limitations import limits
from cxlink.report.sections.tenure_section import followed, tenure_pages

GIVEN = made_up.results()
WIDE = 0.30


def pages(**changes: object):
    return tenure_pages(gather(made_up.altered(GIVEN, **changes)))


def widened() -> pd.DataFrame:
    """The averages of the worst band with intervals wider than half of them from five years on."""
    rows = GIVEN.estimates.copy()
    mine = (rows["model"] == "spliced") & (rows["estimand"] == "tenure") & (rows["group"] == "worst")
    late = mine & (rows["horizon"] >= 60)
    rows.loc[late, "conf_low"] = rows.loc[late, "estimate"] * (1 - WIDE)
    rows.loc[late, "conf_high"] = rows.loc[late, "estimate"] * (1 + WIDE)
    return rows


@pytest.mark.long
def test_what_was_observed_stands_before_what_is_extrapolated() -> None:
    found = cells(pages(), "Tenure, in months")
    assert list(found)[:5] == [
        "RMST to 24 months, Kaplan–Meier", "RMST to 36 months", "RMST to 60 months", "RMST to 120 months",
        "Mean without a horizon",
    ]  # fmt: skip
    rows = GIVEN.estimates.query("estimand == 'tenure' and group == 'best' and horizon == 60")
    own = rows[~rows["model"].str.startswith("spliced")]["estimate"]
    assert found["RMST to 60 months"][2] == f"{own.min():.1f}–{own.max():.1f}"
    assert found["RMST to 24 months, Kaplan–Meier"][1] == "0\u202f%"


@pytest.mark.long
def test_a_too_wide_interval_is_said_in_words_and_a_narrow_one_is_not() -> None:
    said = sentences(pages(estimates=widened()), "notice")
    assert said.startswith("Two years of follow-up do not determine mean tenure within five years.")
    assert "for score 1 within 60 months" in said
    assert "scores 9–10" not in said
    assert "determine" not in sentences(pages(), "notice")


@pytest.mark.parametrize(("case", "said"), [("estimate", True), ("draws", False)])
def test_an_estimate_that_is_extrapolated_in_time_says_what_that_assumes(case: str, said: bool) -> None:
    check = Check("tail_in_time", "spliced", value=0.9, facts={"case": case})
    text = sentences(pages(checks=(*GIVEN.checks, check)))
    assert ("it may fall to nothing, as if some customers never left, and no data within" in text) is said


def test_the_last_period_with_ten_at_risk_is_what_was_followed() -> None:
    few = GIVEN.at_risk.copy()
    few.loc[(few["group"] == "all") & (few["period"] > 17), "at_risk"] = 9
    assert followed(gather(GIVEN)) == 24
    assert followed(gather(replace(GIVEN, at_risk=few))) == 17


@pytest.mark.long
def test_differences_that_persist_are_called_an_assumption() -> None:
    said = sentences(pages())
    assert "fade as it did within follow-up. These data cannot test that assumption" in said
    assert "caus" not in said
    waned = GIVEN.estimates.query("model == 'spliced' and estimand == 'tenure'").assign(scenario="waning=48")
    spec = made_up.results({"analysis": {"waning": (48,)}}).spec
    parts = pages(estimates=pd.concat([GIVEN.estimates, waned], ignore_index=True), spec=spec)
    assert "Difference gone by 48: RMST to 120 months" in cells(parts, "Tenure, in months")
    assert "reaches zero 48 months after the score" in sentences(parts)


@pytest.mark.long
def test_families_stand_in_order_with_their_weights_backtest_and_warnings() -> None:
    found = cells(pages(), "The families")
    assert list(found) == ["mixture cure, Weibull", "log-logistic", "Weibull", "mixture cure, log-normal"]
    # AIC: 1818, 1819, 1822, 1822 worked by hand from the log-likelihoods
    assert [row[1] for row in found.values()] == ["0.0", "1.0", "4.0", "4.0"]


def test_what_was_made_of_the_lines_of_diagnostics() -> None:
    lines = {line.model: line for line in family_lines(GIVEN.checks)}
    assert [model for model, line in lines.items() if line.member] == [
        "cure_weibull",
        "log_logistic",
        "weibull",
    ]
    assert lines["weibull"].numbers["backtest_log_score"] == pytest.approx(-0.31 - 40 / 3000, abs=1e-12)
    # a cure of another kind, refitted from the first origin, counts for its class
    assert lines["cure_weibull"].numbers["backtest_log_score"] == pytest.approx(-0.35 - 40 / 3000, abs=1e-12)
    assert lines["cure_weibull"].warnings.keys() == {"immature_cure", "at_bound"}
    assert lines["log_logistic"].warnings == {"infinite_mean": 0.62}
    ratio = lines["weibull"].ratio
    assert ratio is not None
    assert (ratio.group, ratio.value) == ("10", 3.125)
    assert [lines[name].kind for name in ("cure_weibull", "weibull")] == ["cure", "weibull"]
    assert backtest_weights(GIVEN.checks) == {"weibull": 0.25, "log_logistic": 0.65, "cure": 0.1}


def test_notes_say_which_way_a_ratio_points_and_why_a_family_was_not_fitted() -> None:
    notes = " ".join(table(pages(), "The families").notes)
    assert "Ratio of score 10 versus score 1. " in notes
    assert "T: time ratio (above 1, customers stay longer)" in notes
    why = "it has 6 parameters of its own and needs losses in at least 7 periods; they occur in 5 periods"
    assert f"Not fitted: spline, 4 inner knots ({why})." in notes
    assert "implicit cure" not in notes  # no family has it


def test_the_average_says_which_weights_it_has() -> None:
    assert "has backtest weights (stacking)" in weights_sentence(gather(GIVEN))
    short = {"case": "as_aic", "reason": "short_follow_up", "origins": 1, "of": 3, "least": 5}
    said = tuple(
        replace(check, facts={**check.facts, **short}) if check.code == "weights" else check
        for check in GIVEN.checks
    )
    assert weights_sentence(gather(replace(GIVEN, checks=said))) == (
        "The average has AIC weights, because there are no backtest weights: follow-up has room for 1 of 3 origins "
        "with losses in 5 periods."
    )


@pytest.mark.long
def test_a_band_with_hardly_any_losses_is_said_to_rest_on_them() -> None:
    few = Check("losses_carried_on", "spliced", "best", 0.0, bound=10.0, passed=False)
    blank = Check("losses_carried_on", "spliced", "worst", np.nan, bound=10.0, passed=False)
    checks = (
        *GIVEN.checks,
        few,
        blank,
        Check("losses_carried_on", "spliced", "7", 9.0, bound=10.0, passed=False),
    )
    said = sentences(pages(checks=checks), "notice")
    assert "mean tenure of scores 9–10 (0 losses) rests on fewer than 10 losses" in said
    assert "Few losses" not in sentences(pages(), "notice")
    limited = limits(gather(replace(GIVEN, checks=checks)))
    assert any("Those for scores 9–10 rest on hardly any losses" in item for item in limited)


def test_ten_losses_are_enough_and_nine_are_not_where_ten_are_retained() -> None:
    curves = SimpleNamespace(
        own=range(4),
        groups=("best", "worst", "all", "3"),
        n=np.array([19, 500, 500, 18]),
        n_events=np.array([9, 10, 0, 9]),
        observed_until=[12, 12, 120, 12],
    )
    (check,) = few_losses(curves, 120)
    assert (check.group, check.value, check.bound, check.passed) == ("best", 9.0, 10.0, False)


def test_losses_that_come_back_are_warned_of() -> None:
    facts = {"adjusted": "standardised", "ratio": 4.0, "unit": "month"}
    spike = Check("spike", value=12.0, passed=False, facts=facts)
    said = sentences(pages(checks=(*GIVEN.checks, spike)), "notice")
    assert "Losses recur every 12 months, at 4.0 times the rate of the neighbouring months" in said


def test_without_a_family_the_observed_means_stand_alone() -> None:
    rows = GIVEN.estimates[GIVEN.estimates["model"].isin(["kaplan_meier", "means"])]
    parts = pages(
        estimates=rows,
        checks=(),
        projected=GIVEN.projected.iloc[:0],
        backtested=GIVEN.backtested.iloc[:0],
    )
    assert [part.kind for part in parts] == ["heading", "paragraph", "figure", "table"]
    assert "no model that extrapolates it could be fitted" in sentences(parts)
    assert list(cells(parts, "Tenure, in months")) == ["RMST to 24 months, Kaplan–Meier"]
    assert np.shape(table(parts, "Tenure, in months").header) == (5,)


@pytest.mark.long
def test_families_are_spoken_of_only_where_one_was_fitted() -> None:
    alone = tenure_pages(gather(made_up.without_families(GIVEN)))
    assert {part.kind for part in alone} >= {"heading", "paragraph", "figure", "table"}
    assert "famil" not in _every_word(alone)
    assert "fade as it did within follow-up" in sentences(alone)
    said = _every_word(pages())
    for words_of_families in (
        "Pale bars: the range of the families.", "Thin: the parametric families; shaded: their range.",
        "The families were fitted", "by parametric family (thin)", "Families: the range from the lowest",
    ):  # fmt: skip
        assert words_of_families in said


def _every_word(parts: list[Block]) -> str:
    """All that is read of these parts but what is drawn."""
    fields = ("text", "caption", "alt", "header", "notes", "runs")
    return " ".join(str(getattr(part, name)) for part in parts for name in fields if hasattr(part, name))


@pytest.mark.parametrize(
    ("name", "written"),
    [("cure_log_normal", "mixture cure, log-normal"), ("spline_1", "spline, 1 inner knot"),
     ("averaged_backtest", "average by backtest"), ("generalised_gamma", "generalised gamma")],
)  # fmt: skip
def test_models_have_names_for_readers(name: str, written: str) -> None:
    assert words(name) == written


def test_times_are_written_in_whole_years_where_they_are_some() -> None:
    assert time_span(12, "month") == ("one year", 1)
    assert time_span(520, "week") == ("ten years", 10)
    assert time_span(27, "month") == ("27 months", 27)
    assert (spelled(12), spelled(13)) == ("twelve", "13")


@pytest.mark.long
@pytest.mark.parametrize("window", [3, None])
def test_a_snapshot_covers_follow_up_by_customers_of_different_tenures(window: int | None) -> None:
    sub = {"duration": "months", "event": "churned", **({"window": window} if window else {})}
    text = sentences(tenure_pages(gather(made_up.results({"subscription": sub}))))
    chained = "Each customer was observed for at most 3 months; customers of different tenures" in text
    assert chained == (window is not None)
    assert ("These customers were observed for up to" in text) == (window is None)
