"""The sensitivity analyses: each sentence from the estimates, each section only where the data allow it."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from as_read import cells, sentences, table

from cxlink.checks import matching, once
from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.estimands.headline import headline
from cxlink.estimands.tidy import tidy
from cxlink.report.content import Material, gather
from cxlink.report.document import Block
from cxlink.report.figures.nonresponse_figure import unanswered_curves
from cxlink.report.sections.limitations import limits
from cxlink.report.sections.sensitivity_section import sensitivity_pages
from cxlink.results import Results
from cxlink.sensitivity.sensitivity_analyses import (
    sensitivity_of_counts,
    sensitivity_of_headline,
    sensitivity_of_spells,
)

SPEC: dict[str, Any] = {
    "cohort": {"id": "who", "repeat": "first"},
    "score": {"column": "score", "scale": "1-5", "best": (4, 5)},
    "subscription": {"survey": "asked", "end": "left", "observed_until": "2026-06-30"},
    "adjust": {"columns": ("plan",)},
    "analysis": {"horizon": 4, "draws": 200, "tenure_horizons": (6,)},
    "control": {"column": "prior"},
}


def counts_of(n: int = 4000, rise: float = 0.0, answered: float = 0.6, **spec: dict[str, Any]) -> Counts:
    """Customers who stay the longer the better their score; a control that rises with it by so much a point."""
    rng = np.random.default_rng(6)
    plan = rng.integers(0, 2, n)
    score = np.clip(np.rint(2.5 + plan + rng.normal(0, 1.2, n)), 1, 5)
    stay = np.ceil(rng.exponential(4 * np.exp(0.35 * (score - 3)))).astype(int)
    prior = 100 + 10 * plan + rise * score + rng.normal(0, 10, n)
    frame = pd.DataFrame({
        "score": pd.Series(score).mask(rng.random(n) > answered).astype("Int64"),
        "stratum.plan": np.where(plan, "plus", "basic"),
        "entry": 0, "exit": np.minimum(stay, 8), "cause": np.where(stay <= 8, "lost", ""), "wave": "", "n": 1,
        "control_n": 1, "control_sum": prior, "control_sum_sq": prior**2,
    })  # fmt: skip
    made = make_spec({**SPEC, **spec})
    if made.control is None:
        frame = frame.drop(columns=["control_n", "control_sum", "control_sum_sq"])
    return Counts(add_up(frame), made, Profile("rows", n, n))


def material(counts: Counts, repeats: pd.DataFrame | None = None) -> Material:
    rows, findings = headline(
        spells_of(counts),
        counts,
        np.random.default_rng(1),
        lambda curves: sensitivity_of_headline(curves, counts, repeats),
    )
    more, found = sensitivity_of_counts(counts)
    moved, bounds = sensitivity_of_spells(rows, spells_of(counts), counts)
    return gather(
        Results(
            counts=counts, estimates=tidy([*rows, *more, *moved]), checks=once([*findings, *found, *bounds]),
            at_risk=pd.DataFrame(), projected=pd.DataFrame(),
            backtested=pd.DataFrame(),
        )
    )  # fmt: skip


def asked_again(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    score = rng.integers(1, 6, n)
    again = np.clip(score + rng.integers(-1, 2, n), 1, 5)
    return pd.DataFrame({"score": score, "again": again}).value_counts().rename("n").reset_index()


@cache
def whole() -> tuple[Material, tuple[Block, ...]]:
    m = material(counts_of(), asked_again())
    return m, tuple(sensitivity_pages(m))


BENCHMARKS = "Unmeasured confounding, held against recorded variables"


def titles(parts: list[Block]) -> list[str]:
    return [part.text for part in parts if part.kind == "heading"]


def test_every_section_stands_where_the_data_allow_it() -> None:
    _, parts = whole()
    assert titles(list(parts)) == [
        "Sensitivity analyses", "Unmeasured confounding (E-values)", BENCHMARKS, "Negative control", "Non-response",
        "Measurement error of the score",
    ]  # fmt: skip


def test_nothing_stands_where_they_do_not() -> None:
    everybody = material(counts_of(answered=1.0, control=None, cohort={}))
    assert titles(sensitivity_pages(everybody)) == [
        "Sensitivity analyses",
        "Unmeasured confounding (E-values)",
        BENCHMARKS,
    ]
    one_level = counts_of(answered=1.0, control=None, cohort={})
    alone = Counts(one_level.cells[one_level.cells["score"] == 3], one_level.spec, one_level.profile)
    assert sensitivity_pages(material(alone)) == []


def test_e_values_are_those_of_the_table_and_page_one_has_none() -> None:
    m, parts = whole()
    rows = cells(list(parts), "E-values: scores 4–5 versus score 1.")
    found = {row.scenario: row for row in m.book.where("e_value")}
    assert rows == {
        "Retained after 4 months": [
            f"{found['retained'].estimate:.2f}",
            f"{found['retained'].conf_low:.2f}",
        ],
        "Lost within 4 months": [f"{found['lost'].estimate:.2f}", f"{found['lost'].conf_low:.2f}"],
    }
    assert table(list(parts), "E-values").notes == ()
    values = {name: f"{row.estimate:.1f} ({row.conf_low:.1f})" for name, row in found.items()}
    said = f"in brackets: {values['retained']} for being retained and {values['lost']} for being lost."
    assert said in sentences(list(parts))
    assert "E-value" not in " ".join(limits(m))


@pytest.mark.parametrize(
    ("retained", "lost", "said"),
    [
        (2.94, 1.82, "in brackets: 2.9 (1.5) for being retained and 1.8 (1.5) for being lost."),
        (59.17, 1.82, "in brackets: 59 (1.5) for being retained and 1.8 (1.5) for being lost."),
        (np.inf, 1.82, "in brackets: 1.8 (1.5) for being lost."),
        (np.inf, np.inf, ""),
    ],
)
def test_e_values_that_are_infinite_are_left_out_of_the_sentence(
    retained: float, lost: float, said: str
) -> None:
    m, _ = whole()
    rows, points = m.results.estimates.copy(), {"retained": retained, "lost": lost}
    of_ratio = rows["estimand"] == "e_value"
    rows.loc[of_ratio, "estimate"] = rows.loc[of_ratio, "scenario"].map(points)
    rows.loc[of_ratio, "conf_low"] = 1.5
    text = sentences(sensitivity_pages(gather(replace(m.results, estimates=rows))))
    assert said in text
    assert ("E-values of the ratios" in text) is bool(said)
    assert "∞" not in text


def in_points(share: float) -> str:
    return f"{100 * share:.0f}".replace("-", "−")


def test_a_confounder_is_held_against_the_plan() -> None:
    m, parts = whole()
    main = m.book.headline("retention_difference", "best", "worst")
    (robust,) = m.book.where("robustness_value")
    low, high = (
        m.book.where("retention_difference", scenario=f"confounded_{end}=plan")[0] for end in ("low", "high")
    )
    (check,) = matching(m.results.checks, code="confounder")
    assert main is not None
    said = sentences(list(parts))
    for text in (
        f"at least {100 * robust.estimate:.1f} % of the variance", f"nearer 0, {100 * robust.conf_low:.1f} %.",
        f"as strong as plan could move it to between {in_points(low.estimate)} and {in_points(high.estimate)} points",
        f"between {in_points(low.conf_low)} and {in_points(high.conf_high)} points.",
    ):  # fmt: skip
        assert text in said.replace("\u202f", " ").replace("\u00a0", " "), text
    found = table(list(parts), "How far a confounder as strong")
    (line,) = found.rows
    assert line[:2] == ["Retention after 4 months (points)", "plan"]
    assert line[2:5] == [
        f"{100 * float(str(check.get('outcome'))):.1f}", f"{100 * float(str(check.get('score'))):.1f}",
        in_points(float(str(check.get("without")))),
    ]  # fmt: skip
    assert line[5].startswith(in_points(low.estimate))
    assert line[6].startswith(in_points(high.estimate))


@cache
def ending_early() -> tuple[Material, list[Block]]:
    """Every third customer is followed for two periods alone; those surveyed last."""
    counts = counts_of(answered=1.0, control=None, cohort={})
    cells = counts.cells.loc[counts.cells.index.repeat(counts.cells["n"])].assign(n=1).reset_index(drop=True)
    early = cells.index % 3 == 0
    short = early & (cells["exit"] > 2)
    cells = cells.assign(
        exit=cells["exit"].mask(short, 2), cause=cells["cause"].mask(short, ""),
        wave=np.where(early, "2025Q4", "2025Q1"),
    )  # fmt: skip
    m = material(Counts(add_up(cells), counts.spec, counts.profile))
    return m, sensitivity_pages(m)


def test_customers_whose_follow_up_ended_early_are_shown_to_leave_otherwise() -> None:
    m, parts = ending_early()
    assert "Informative censoring" in titles(parts)
    said = sentences(parts).replace("\u202f", " ")
    shares = {check.group: check.value for check in matching(m.results.checks, code="censored_early")}
    assert f"before 4 months for {100 * shares['best']:.0f} % of the customers who gave 4–5" in said
    (tip,) = m.book.where("tipping_point", scenario="censoring")
    if np.isinf(tip.estimate):
        assert "would not vanish however fast customers who gave 4–5 left" in said
    else:
        assert f"customers who gave 4–5 left {tip.estimate:.1f} times as fast" in said
    (check,) = matching(m.results.checks, code="late_quarters")
    assert f"left {check.value:.2f}" in said
    lines = cells(parts, "Retention after 4 months in per cent, and its difference")
    assert list(lines) == ["0.5", "1.0", "2.0"]
    for delta, scenario in (("0.5", "censored_hazard=0.5"), ("1.0", ""), ("2.0", "censored_hazard=2")):
        row = m.book.best(
            "retention_difference", "best", "kaplan_meier", 4, reference="worst", scenario=scenario
        )
        assert row is not None
        assert lines[delta][2].startswith(in_points(row.estimate))


def test_without_a_benchmark_the_report_says_why() -> None:
    plain = material(counts_of(control=None, cohort={}, adjust={"columns": ()}))
    said = sentences(sensitivity_pages(plain))
    assert "no recorded variable to hold this against" in said
    assert "could move it" not in said
    nothing = counts_of(n=60, control=None, cohort={})
    assert "includes 0 without any confounder" in sentences(sensitivity_pages(material(nothing)))


def test_an_interval_that_holds_no_difference_says_so() -> None:
    few = sensitivity_pages(material(counts_of(60, control=None, cohort={})))
    assert (
        table(few, "E-values")
        .notes[0]
        .startswith("1.00: the 95\u202f% confidence interval of the ratio includes 1")
    )
    assert "vanish" not in sentences(few)


def test_their_retention_and_the_tipping_point_are_told() -> None:
    m, parts = whole()
    said = sentences(list(parts))
    theirs = m.book.get("retention", "not_scored", "kaplan_meier", 4)
    assert theirs is not None
    assert f"{100 * theirs.estimate:.0f}\u202f%" in said
    assert cells(list(parts), "Response by stratum") == {
        "plan: basic": [said_share("basic")],
        "plan: plus": [said_share("plus")],
    }
    tip = m.book.best("tipping_point", "best", "kaplan_meier", 4, reference="worst")
    assert tip is not None
    assert not tip.is_difference  # a share, in per cent
    if 0 < tip.estimate < 1:
        assert f"would vanish if {100 * tip.estimate:.0f}\u202f%" in said
    else:
        assert "even if none of the non-respondents who would have given 4–5 were retained" in said


def test_their_curve_is_drawn_beside_the_others_as_far_as_both_are_known() -> None:
    m, parts = whole()
    (drawn,) = [part for part in parts if part.kind == "figure"]
    assert drawn.name == "retention-unanswered"
    axes = unanswered_curves(m.results.estimates, m.spec)
    lines = dict(zip(("all", "not_scored"), axes.get_lines(), strict=True))
    for group, line in lines.items():
        rows = m.book.where("retention", group=group, adjusted="no", scenario="", stratum="")
        expected = [100.0, *(100 * row.estimate for row in sorted(rows, key=lambda row: row.horizon or 0))]
        assert np.asarray(line.get_ydata(), float).tolist() == pytest.approx(expected, rel=1e-10)
    assert [text.get_text() for text in axes.texts] == ["with a score", "without a score"]
    assert "with a score:" in drawn.alt


def said_share(plan: str) -> str:
    counted = counts_of().cells
    mine = counted[counted["stratum.plan"] == plan]
    return f"{100 * mine.loc[mine['score'].notna(), 'n'].sum() / mine['n'].sum():.0f}\u202f%"


def test_a_clock_that_cannot_start_is_told() -> None:
    counts = counts_of(control=None, cohort={})
    unknown = counts.cells["score"].isna()
    still = counts.cells.assign(
        exit=counts.cells["exit"].mask(unknown, 0), cause=counts.cells["cause"].mask(unknown, "")
    )
    parts = sensitivity_pages(material(Counts(add_up(still), counts.spec, counts.profile)))
    said = sentences(parts)
    assert not [part for part in parts if part.kind == "figure"]
    assert "The retention of non-respondents is not known" in said


@pytest.mark.parametrize("control", [0.0, 8.0, -8.0])
def test_a_control_that_differs_is_a_warning(control: float) -> None:
    parts = sensitivity_pages(material(counts_of(rise=control)))
    warned = sentences(parts, "notice")
    assert ("The groups compared differ in prior, which the score cannot have changed" in warned) == (
        control != 0
    )
    assert ("The interval includes no difference, as expected" in sentences(parts)) == (control == 0)
    assert "The score cannot have changed prior," in sentences(parts)
    assert "standardised to the mix of plan" in sentences(parts)


def test_the_errors_of_the_score_are_told() -> None:
    m, parts = whole()
    said = sentences(list(parts))
    slopes = {row.scenario: row for row in m.book.where("retention_slope")}
    assert "400 customers gave a score twice" in said
    for row in slopes.values():
        assert f"{100 * row.estimate:.1f} [{100 * row.conf_low:.1f}, {100 * row.conf_high:.1f}]" in said
    assert "The corrected difference between 1 and 4–5 is then" in said


def test_figures_of_everybody_say_whose_mix_they_have() -> None:
    everybody = {**SPEC["analysis"], "target": "customers"}
    m = material(counts_of(control=None, cohort={}, analysis=everybody))
    assert "have the mix of plan among all customers, with a score or without" in sentences(
        sensitivity_pages(m)
    )
    assert "they assume that non-respondents otherwise behave as respondents do" in " ".join(limits(m))


def test_small_groups_stay_blank() -> None:
    from cxlink.estimands.suppression import blank_checks, blank_small, small_groups

    counts = counts_of(publish={"smallest_cell": 5000})
    m = material(counts, asked_again())
    given = m.results
    names = small_groups(given.estimates, 5000)
    diagnosed = blank_checks(given.checks, names)
    hidden = gather(replace(given, estimates=blank_small(given.estimates, 5000), checks=diagnosed))
    assert {"not_scored", "all", "best", "worst"} <= names
    said = sentences(sensitivity_pages(hidden))
    assert "E-value" not in said
    assert "vanish" not in said
    assert "a score twice" not in said
    assert "can be followed" not in said
