"""The pages about hazard ratios: what they say is what the tables hold."""

from dataclasses import replace
from functools import cache

import made_up
import numpy as np
import pandas as pd
import pytest
from as_read import sentences, table

from cxlink.checks import Check, matching, once
from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.estimands.model_rows.hazard_rows import hazard_results
from cxlink.estimands.suppression import blank_checks
from cxlink.estimands.tidy import select, tidy
from cxlink.report.content import Material, gather
from cxlink.report.document import Block
from cxlink.report.estimates_lookup import open_book
from cxlink.report.format import decimal
from cxlink.report.sections.hazard_section import hazard_pages
from cxlink.results import Results


def _material(rise: float = -0.25, smallest: int = 0, lost: bool = True, **score: object) -> Material:
    """Scores 1 to 5 over two plans; at ``rise`` the log hazard changes with each score."""
    rng, n = np.random.default_rng(3), 3000
    level, plan = rng.integers(1, 6, n), rng.integers(0, 2, n)
    level = np.where((level == 1) & (rng.random(n) < 0.98), 2, level) if smallest else level
    stay = np.ceil(rng.exponential(8 / np.exp(rise * (level - 3) + 0.5 * plan))).astype(int)
    gone = (stay <= 9) & lost & ((level < 5) | ("column" not in score))
    frame = pd.DataFrame({
        "score": pd.array(level, dtype="Int64"), "stratum.plan": np.where(plan, "plus", "basic"), "entry": 0,
        "exit": np.minimum(stay, 9), "cause": np.where(gone, "lost", ""), "wave": "", "n": 1,
    })  # fmt: skip
    spec = make_spec({
        "score": {"column": "score", "scale": "1-5", "worst": [1], "best": [4, 5], **score},
        "subscription": {"duration": "months", "event": "lost"},
        "adjust": {"columns": ["plan"]},
        "analysis": {"draws": 200, "horizon": 6, "tenure_horizons": [8]},
        "publish": {"smallest_cell": smallest},
    })  # fmt: skip
    counts = Counts(add_up(frame), spec, Profile("rows", n, n))
    rows, findings, _ = hazard_results(spells_of(counts), spec, np.random.default_rng(1))
    return gather(
        Results(
            counts=counts, estimates=tidy(rows), checks=once(findings), at_risk=pd.DataFrame(),
            projected=pd.DataFrame(),
            backtested=pd.DataFrame(),
        )
    )  # fmt: skip


@cache
def _ordinary() -> tuple[Material, tuple[Block, ...]]:
    m = _material()
    return m, tuple(hazard_pages(m))


def test_the_ratios_are_those_of_the_estimates_headline_first() -> None:
    m, parts = _ordinary()
    shown = table(list(parts), "Hazard ratios")
    assert [row[0] for row in shown.rows] == ["4–5 versus 1", *(f"{k} versus 1" for k in range(2, 6))]
    assert len(shown.header) == 3
    for k, adjusted in enumerate(("no", "conditional"), 1):
        best = select(m.results.estimates, estimand="hazard_ratio", group="best", adjusted=adjusted).iloc[0]
        ends = f"[{decimal(best['conf_low'], 2)},\u00a0{decimal(best['conf_high'], 2)}]"
        assert shown.rows[0][k] == f"{decimal(best['estimate'], 2)} {ends}"


def test_the_sentences_hold_the_numbers_of_the_diagnostics() -> None:
    m, parts = _ordinary()
    text = sentences(list(parts))
    best = {check.code: check for check in matching(m.results.checks, group="best", reference="worst")}
    (trend,) = matching(m.results.checks, code="trend")
    assert "below 1, the group is lost more slowly" in text
    assert f"multiplied by {decimal(best['proportionality'].value, 2)} [" in text
    shifts = matching(m.results.checks, code="proportionality_contrast")
    assert [check.facts["horizon"] for check in shifts] == [6, 8]
    for fair, verdict in ((True, "suffices for that"), (False, "does not suffice for that")):
        moved = [
            f"{decimal(100 * check.value, 1)} points after {check.facts['horizon']} months"
            for check in shifts
            if (abs(check.value) <= 0.01) is fair
        ]
        sentence = f"changes the difference in retention by {' and '.join(moved)}; a constant one {verdict}."
        assert (sentence in text) is bool(moved)
    low, high = best["proportionality"].low, best["proportionality"].high
    assert ("compatible with a constant ratio" in text) is (low <= 1 <= high)
    assert ("The ratio is not constant" in text) is not (low <= 1 <= high)
    assert f"a hazard multiplied by {decimal(trend.value, 2)} [" in text
    assert "With a separate ratio in every category of plan" in text
    assert "causes" not in text


@pytest.mark.parametrize(
    ("passed", "verdict"),
    [
        (True, "a constant ratio can be extrapolated that far"),
        (False, "a constant ratio should not be extrapolated that far"),
        (None, "the counts do not determine whether a constant ratio can be extrapolated that far"),
    ],
)
def test_the_verdict_on_what_is_extrapolated_is_said(passed: bool | None, verdict: str) -> None:
    m, _ = _ordinary()
    facts = {"reference": "worst", "horizon": 60, "unit": "month", "followed": 9}
    more = Check("proportionality_ahead", "grouped_ph", "best", 1.9, 1.6, 2.2, 1.25, passed, facts)
    altered = made_up.altered(m.results, checks=(*m.results.checks, more))
    text = sentences(hazard_pages(replace(m, results=altered)))
    said = "beyond the 9 months of follow-up, the ratio would be multiplied by 1.90 [1.60,\u00a02.20] by 60 months"
    assert f"{said} ({verdict})." in text


def test_verdicts_on_several_horizons_stand_in_one_sentence() -> None:
    m, _ = _ordinary()
    facts = {"reference": "worst", "unit": "month", "followed": 9}
    near = Check(
        "proportionality_ahead", "grouped_ph", "best", 1.1, 1.0, 1.2, 1.25, True, {**facts, "horizon": 36}
    )
    far = Check(
        "proportionality_ahead", "grouped_ph", "best", 1.9, 1.0, 3.6, 1.25, None, {**facts, "horizon": 60}
    )
    text = sentences(
        hazard_pages(replace(m, results=made_up.altered(m.results, checks=(*m.results.checks, far, near))))
    )
    assert text.count("If this continued beyond the 9 months of follow-up") == 1
    assert "that far); 1.9" in text


def test_the_ratio_by_year_is_a_table_of_its_own() -> None:
    m, _ = _ordinary()
    assert not [part for part in _ordinary()[1] if part.kind == "table" and "by year" in part.caption]
    first = select(m.results.estimates, estimand="hazard_ratio", group="best", adjusted="conditional")
    years = [
        first.assign(scenario=f"year={k}", estimate=0.5 * k, conf_low=0.4 * k, conf_high=0.6 * k)
        for k in (1, 2)
    ]
    book = open_book(pd.concat([m.results.estimates, *years]))
    shown = table(hazard_pages(replace(m, book=book)), "Hazard ratio of loss by year")
    assert shown.caption.startswith("Hazard ratio of loss by year, scores 4–5 versus 1")
    assert [row[0] for row in shown.rows] == ["1", "2"]
    assert shown.rows[1][1].startswith("1.00 [0.80")
    assert len(table(hazard_pages(replace(m, book=book)), "Hazard ratios").rows) == 5


def test_the_shapes_are_judged_by_two_standard_errors() -> None:
    m, parts = _ordinary()
    rows = table(list(parts), "Forms").rows
    for row, effect in zip(rows, ("linear", "monotone", "spline"), strict=True):
        (check,) = matching(m.results.checks, code="log_score_gain", effect=effect)
        gain, error = check.value, check.facts["std_error"]
        assert isinstance(error, float)
        assert row[1:3] == [decimal(gain, 3), decimal(error, 3)]
        assert row[3] == ("about as good" if abs(gain) <= 2 * error else "better" if gain > 0 else "worse")


@pytest.mark.parametrize(
    ("effect", "said"),
    [("linear", "same ratio"), ("monotone", "is monotone"), ("spline", "is a spline"), ("levels", "of its own")],
)  # fmt: skip
def test_the_effect_is_said_in_words(effect: str, said: str) -> None:
    m, _ = _ordinary()
    score = m.spec.score.model_copy(update={"effect": effect})
    spec = m.spec.model_copy(update={"score": score})
    assert said in sentences(hazard_pages(replace(m, results=made_up.altered(m.results, spec=spec)))[:2])


def test_a_score_that_nobody_left_is_named_and_its_ratio_has_digits() -> None:
    m = _material(column="score")  # nobody who gave 5 was lost
    parts = hazard_pages(m)
    assert "For score 5, all customers or none were lost" in sentences(parts)
    cell = next(row for row in table(parts, "Hazard ratios").rows if row[0] == "5 versus 1")[1]
    assert len(cell.split(" ")[0]) == len("0.0012")


def test_suppressed_groups_stay_blank() -> None:
    m = _material(smallest=30)
    blank = m.results.estimates.copy()
    small = blank["group"].isin(["1", "worst"]) | blank["reference"].isin(["1", "worst"])
    blank.loc[small, ["estimate", "std_error", "conf_low", "conf_high"]] = np.nan
    checks = blank_checks(m.results.checks, {"1", "worst"})
    assert hazard_pages(gather(replace(m.results, estimates=blank, checks=checks))) == []


def test_without_a_ratio_there_is_no_section() -> None:
    assert hazard_pages(_material(lost=False)) == []
