import re
from collections.abc import Callable
from dataclasses import replace

import made_up
import made_up_study
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from cxlink.report.estimates_lookup import known_rows
from cxlink.report.figures import calibration_figure as calibration
from cxlink.report.figures import cohort_figures as figures
from cxlink.report.figures import drawing
from cxlink.report.figures import extrapolation_figure as continuations
from cxlink.report.figures import hazard_figure as hazard_curves
from cxlink.report.figures import tenure_ladder as lifetimes
from cxlink.report.figures.study_figures import compared, study_comparison
from cxlink.results import Results

GIVEN = made_up.results()


def _curves(given: Results, **more: object) -> Axes:
    return figures.retention_curves(given.estimates, given.spec, at_risk=given.at_risk, **more)


def _families(given: Results, **more: object) -> Axes:
    return continuations.family_survival(given.estimates, given.projected, given.spec, **more)


def _comparison(_: Results, **more: object) -> Axes:
    rows = [row for row in compared(made_up_study.study().comparison) if row.figure == "one_year_retention"]
    return study_comparison(rows, ["score 1", "scores 9–10"], "One-year retention (%)", scale=100, **more)


FIGURES: dict[str, Callable[..., Axes]] = {
    "scores": lambda given, **more: figures.score_distribution(made_up.N, given.spec, **more),
    "curves": _curves,
    "by_score": lambda given, **more: figures.retention_by_score(given.estimates, given.spec, **more),
    "spend": lambda given, **more: figures.spend_by_score(given.estimates, given.spec, **more),
    "ladder": lambda given, **more: lifetimes.tenure_ladder(given.estimates, given.spec, **more),
    "families": _families,
    "hazards": lambda given, **more: hazard_curves.family_hazards(
        given.estimates, given.projected, given.at_risk, given.spec, **more
    ),
    "calibration": lambda given, **more: calibration.backtest_calibration(
        given.backtested, {"weibull": 1.0}, given.spec.unit, **more
    ),
    "study": _comparison,
}
UNIT = re.compile(r"\((%|months|EUR|number|score|points.*)\)|^Horizon$|% of those at risk")


def intervals(ax: Axes) -> list[np.ndarray]:
    """Every drawn interval as its two ends, along whichever axis it lies."""
    lines = [
        seg for part in ax.collections if isinstance(part, LineCollection) for seg in part.get_segments()
    ]
    return [np.ptp(seg, axis=0) for seg in lines]


@pytest.mark.parametrize("name", FIGURES)
def test_every_axis_says_what_and_in_which_unit(name: str) -> None:
    ax = FIGURES[name](GIVEN)
    assert UNIT.search(ax.get_xlabel()), ax.get_xlabel()
    assert UNIT.search(ax.get_ylabel()), ax.get_ylabel()


@pytest.mark.parametrize("name", FIGURES)
def test_simulated_figures_say_so_and_others_do_not(name: str) -> None:
    marked, plain = FIGURES[name](GIVEN, simulated=True), FIGURES[name](GIVEN, simulated=False)
    assert marked.get_title(loc="right") == "simulated customers"
    assert plain.get_title(loc="right") == ""


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_drawn_on_the_axes_given_and_twice_the_same(name: str) -> None:
    ax = Figure().add_subplot()
    assert FIGURES[name](GIVEN, ax=ax) is ax
    first, second = (drawing.svg(FIGURES[name](GIVEN)) for _ in range(2))
    assert first == second
    assert "<dc:date>" not in first


@pytest.mark.parametrize(
    ("draw", "estimand", "scale"),
    [(figures.retention_by_score, "retention", 100.0), (figures.spend_by_score, "spend", 1.0)],
)
def test_both_readings_of_every_level_have_their_interval(
    draw: Callable[..., Axes], estimand: str, scale: float
) -> None:
    rows = GIVEN.estimates.query(f"estimand == '{estimand}' and stratum == '' and scenario == ''")
    rows = rows[rows["group"].isin([str(level) for level in made_up.N])]
    rows = rows[rows["horizon"].isna() | (rows["horizon"] == 12)]
    assert len(rows) == 20
    drawn = sorted(float(np.hypot(*ends)) for ends in intervals(draw(GIVEN.estimates, GIVEN.spec)))
    wanted = sorted(scale * (rows["conf_high"] - rows["conf_low"]))
    assert drawn == pytest.approx(wanted, abs=1e-10)


def test_unadjusted_is_hollow_beside_standardised_and_filled_alone() -> None:
    def hollow(ax: Axes) -> int:
        dots = [line for line in ax.lines if len(line.get_xdata())]
        return sum(to_rgb(line.get_markerfacecolor()) == (1, 1, 1) for line in dots)

    assert hollow(figures.retention_by_score(GIVEN.estimates, GIVEN.spec)) == 10
    alone = GIVEN.estimates[GIVEN.estimates["adjusted"] == "no"]
    assert hollow(figures.retention_by_score(alone, GIVEN.spec)) == 0


def test_a_curve_ends_where_nobody_is_left_and_names_its_kind_where_others_differ() -> None:
    rows = GIVEN.estimates.query("not (group == 'all' and adjusted == 'standardised')").copy()
    rows.loc[(rows["group"] == "worst") & (rows["horizon"] > 14), "estimate"] = 0.0
    ax = figures.retention_curves(rows, GIVEN.spec)
    lengths = {line.get_color(): len(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) > 2}
    assert lengths[drawing.group_color("worst")] == 16
    assert {text.get_text() for text in ax.texts} == {"scores 9–10", "all scores\n(unadjusted)", "score 1"}


def test_curves_start_at_one_carry_their_bands_and_the_table_values() -> None:
    ax = figures.retention_curves(GIVEN.estimates, GIVEN.spec)
    curves = {line.get_color(): line for line in ax.lines if len(line.get_xdata()) > 2}
    assert len(curves) == sum(isinstance(part, PolyCollection) for part in ax.collections) == 3
    best = curves[drawing.group_color("best")]
    rows = GIVEN.estimates.query("estimand == 'retention' and model == 'kaplan_meier' and group == 'best'")
    rows = rows.query("adjusted == 'standardised' and stratum == '' and scenario == '' and cause == ''")
    assert list(best.get_xdata()) == list(range(25))
    assert best.get_ydata() == pytest.approx([100, *(100 * rows["estimate"])], abs=1e-10)


def test_numbers_at_risk_are_those_of_the_period_that_ends_at_the_tick() -> None:
    ax = _curves(GIVEN)
    at = GIVEN.at_risk.set_index(["group", "period"])["at_risk"]
    written = {text.get_text() for text in ax.texts}
    for tick in (3, 12, 24):
        assert f"{at['best', tick]:,}".replace(",", "\u202f") in written
    assert f"{at['best', 1]:,}".replace(",", "\u202f") in written
    few = made_up.results({"publish": {"smallest_cell": 100}})
    hidden = {text.get_text() for text in _curves(few).texts}
    assert str(at["worst", 24]) not in hidden
    assert "–" in hidden
    blank = GIVEN.at_risk.assign(
        at_risk=GIVEN.at_risk["at_risk"].astype("Int64").mask(GIVEN.at_risk["period"] == 12)
    )
    ax = figures.retention_curves(GIVEN.estimates, GIVEN.spec, at_risk=blank)
    assert [text.get_text() for text in ax.texts].count("–") == 3


def test_what_is_extrapolated_is_hollow_and_dashed_and_what_is_not_is_filled() -> None:
    ax = lifetimes.tenure_ladder(GIVEN.estimates, GIVEN.spec)
    hollow = [line for line in ax.lines if to_rgb(line.get_markerfacecolor()) == (1, 1, 1)]
    assert len(hollow) == 2 * 3  # the average at 36, 60 and 120 months; 24 months were observed
    dashed = [part for part in ax.collections if part.get_linestyle()[0][1] is not None]
    assert len(dashed) == 6
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        f"to {h} months" for h in (24, 36, 60, 120)
    ]


def test_the_range_behind_a_dot_is_that_of_the_single_families() -> None:
    ax = lifetimes.tenure_ladder(GIVEN.estimates, GIVEN.spec)
    rows = GIVEN.estimates.query("estimand == 'tenure' and group == 'best' and horizon == 120")
    own = rows[~rows["model"].str.startswith(("spliced", "kaplan"))]["estimate"]
    wide = [part.get_segments()[0][:, 0] for part in ax.collections if part.get_linewidth()[0] == 6]
    assert any(np.allclose(ends, [own.min(), own.max()]) for ends in wide)


@pytest.mark.parametrize(
    ("name", "mark"), [("ladder", "range of the families"), ("families", "a family"), ("hazards", "a family")]
)
def test_families_are_in_the_legend_only_where_one_was_fitted(name: str, mark: str) -> None:
    for given, there in ((GIVEN, True), (made_up.without_families(GIVEN), False)):
        legend = FIGURES[name](given).get_legend()
        assert (mark in [text.get_text() for text in legend.get_texts()]) is there


def test_a_step_that_was_observed_is_not_the_average_of_families() -> None:
    found = lifetimes.steps(known_rows(GIVEN.estimates, estimand="tenure", group="best", given=0))
    assert [(step.horizon, step.middle.model) for step in found] == [
        (24, "kaplan_meier"), (36, "spliced"), (60, "spliced"), (120, "spliced"),
    ]  # fmt: skip


def test_no_observed_mean_stands_against_an_average() -> None:
    rows = known_rows(GIVEN.estimates, estimand="tenure", group=("best", "worst"), given=0)
    # of the worst nobody is left, so that its curve goes on
    (counted,) = [r for r in rows if (r.group, r.model, r.horizon) == ("worst", "kaplan_meier", 24)]
    found = lifetimes.steps([*rows, *(replace(counted, horizon=h) for h in (36, 60, 120))])
    assert {(step.horizon, step.middle.model) for step in found} == {
        (24, "kaplan_meier"), (36, "spliced"), (60, "spliced"), (120, "spliced"),
    }  # fmt: skip
    assert len(found) == 8


def test_a_text_that_no_layout_has_room_for_makes_the_picture_wider_and_no_warning() -> None:
    with drawing.canvas(None, (3, 1)) as axes:
        axes.set_yticks([0.5], ["x" * 200])
        made = drawing.svg(axes)
    width = float(made.split('width="', 1)[1].split("pt", 1)[0])
    assert width > 200 * 3


def test_observed_losses_are_smoothed_over_their_customers() -> None:
    given = pd.DataFrame(
        {"group": "all", "period": range(1, 6), "at_risk": [100, 80, 60, 40, 9], "lost": [10, 4, 6, 2, 1]}
    )
    seen = hazard_curves.observed_hazard(GIVEN.estimates, given, GIVEN.spec)
    assert seen.period.tolist() == [1, 2, 3, 4]  # the fifth has fewer than ten at risk
    assert seen.raw == pytest.approx([10 / 100, 4 / 80, 6 / 60, 2 / 40], abs=1e-12)
    assert seen.smooth == pytest.approx([14 / 180, 20 / 240, 12 / 180, 8 / 100], abs=1e-12)
    # Wilson's interval of 8 in 100, worked with z = 1.96
    assert (seen.low[-1], seen.high[-1]) == pytest.approx((0.0411, 0.1500), abs=1e-4)


def test_fitted_losses_per_period_are_those_of_the_curve() -> None:
    survival = pd.Series([1.0, 0.9, 0.81, 0.81 * 0.64], index=[0, 1, 2, 4])
    middle, hazard = hazard_curves.fitted_hazard(survival)
    assert middle.tolist() == [1, 2, 3.5]
    assert hazard == pytest.approx([0.1, 0.1, 0.2], abs=1e-12)


def test_the_mixture_of_the_backtest_weighs_what_was_fitted_from_an_origin() -> None:
    known = GIVEN.backtested.query("not (kind == 'cure' and origin == 8)")
    mixed = calibration.mixture(known, {"weibull": 0.25, "log_logistic": 0.65, "cure": 0.1})
    first = mixed.query("origin == 8 and level == 0").iloc[0]
    assert first["predicted"] == pytest.approx(0.5 + (0.25 * 0.02 - 0.65 * 0.04) / 0.9, abs=1e-12)
    later = mixed.query("origin == 13 and level == 3").iloc[0]
    assert later["predicted"] == pytest.approx(0.8 + 0.25 * 0.02 - 0.65 * 0.04 + 0.1 * 0.1, abs=1e-12)
    assert calibration.mixture(known, {}).empty


def test_families_are_drawn_as_fitted_and_dashed_beyond_the_last_customers_at_risk() -> None:
    ax = _families(GIVEN)
    drawn = [line for line in ax.lines if len(line.get_xdata()) > 2]
    dashed = [line for line in drawn if line.get_linestyle() == "--"]
    assert len(dashed) == 2 * len(made_up.FAMILIES)
    assert {(min(line.get_xdata()), max(line.get_xdata())) for line in dashed} == {(24, 120)}
    rows = GIVEN.projected.query(
        "model == 'weibull' and group == 'best' and time >= 24 and adjusted == 'standardised'"
    )
    wanted = 100 * rows["estimate"].to_numpy()
    assert any(
        len(line.get_ydata()) == len(wanted) and np.allclose(line.get_ydata(), wanted) for line in dashed
    )
    observed = [line for line in drawn if list(line.get_xdata()) == list(range(25))]
    assert len(observed) == 2
    names = [text.get_text() for text in ax.texts]
    assert names.count("Weibull") == 2
    assert {"scores 9–10, spliced estimate", "score 1, spliced estimate"} < set(names)


def test_without_families_a_curve_is_named_by_its_group_and_observed_or_beyond_by_the_legend() -> None:
    alone = GIVEN.projected[GIVEN.projected["model"] == "spliced"]
    ax = continuations.family_survival(GIVEN.estimates, alone, GIVEN.spec)
    assert [text.get_text() for text in ax.texts] == ["scores 9–10", "score 1"]
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["observed", "beyond follow-up"]


def test_of_many_families_the_average_and_the_edges_are_named() -> None:
    weibull = GIVEN.projected[GIVEN.projected["model"] == "weibull"]
    rows = pd.concat([GIVEN.projected, *(weibull.assign(model=f"spline_{k}") for k in range(1, 5))])
    ax = continuations.family_survival(GIVEN.estimates, rows, GIVEN.spec)
    edges = ["exponential", "shifted-beta-geometric"]
    assert [text.get_text() for text in ax.texts] == [
        *edges, "scores 9–10, spliced estimate", *edges, "score 1, spliced estimate",
    ]  # fmt: skip


def test_suppressed_levels_are_not_drawn() -> None:
    hidden = GIVEN.estimates.copy()
    hidden.loc[hidden["group"] == "2", ["estimate", "conf_low", "conf_high"]] = np.nan
    assert len(intervals(figures.retention_by_score(hidden, GIVEN.spec))) == 18
    bars = figures.score_distribution({**made_up.N, 2: None}, GIVEN.spec)
    assert [bar.get_height() for bar in bars.patches][:3] == [1210, 0, 770]
    assert [text.get_text() for text in bars.texts][:2] == ["1\u202f210", "–"]


def test_a_currency_with_dollars_is_no_formula() -> None:
    given = made_up.results({"spend": {"column": "x", "complete": True, "currency": "$a_b$ 東"}})
    ax = figures.spend_by_score(given.estimates, given.spec)
    assert ax.get_ylabel() == "Mean spend\nin 12 months ($a_b$ [U+6771])"
    assert not ax.yaxis.label.get_parse_math()
    drawing.svg(ax)


def test_colours_of_scores_grow_darker_and_stand_out_against_white() -> None:
    def luminance(color: drawing.Color) -> float:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    light = [luminance(color) for color in drawing.score_colors(10)]
    assert light == sorted(light, reverse=True)
    assert 1.05 / (max(light) + 0.05) >= 3


def test_labels_are_moved_apart_and_keep_their_order() -> None:
    assert drawing.apart([10, 50], 6) == [10, 50]
    assert drawing.apart([50, 50], 6) == pytest.approx([47, 53])
    moved = drawing.apart([52, 50, 51], 6)
    assert np.argsort(moved).tolist() == [1, 2, 0]
    assert np.diff(sorted(moved)) == pytest.approx([6, 6], abs=1e-6)
    held = drawing.apart([0.1 * k for k in range(10)], 4, floor=1)
    assert min(held) >= 1
    assert np.diff(held).min() >= 4 - 1e-9


@pytest.mark.parametrize(
    ("last", "unit", "ticks"), [(24, "month", 9), (7, "month", 8), (365, "day", 5), (5, "year", 6)]
)
def test_time_ticks_are_round_and_few(last: int, unit: str, ticks: int) -> None:
    found = figures.time_ticks(last, unit)
    assert found[0] == 0
    assert found[-1] <= last
    assert len(found) == ticks


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.08, 12, [0.1, 1, 10]),
        (0.4, 2.1, [0.5, 1, 2]),
        (0.6, 1.9, [0.7, 1, 1.5]),
        (0.85, 1.3, [0.9, 1, 1.2]),
        (1e-8, 1e9, [1e-8, 1e-6, 1e-4, 1e-2, 1, 1e2, 1e4, 1e6, 1e8]),
    ],
)
def test_an_axis_of_ratios_has_round_ticks_whatever_its_width(
    low: float, high: float, ticks: list[float]
) -> None:
    assert drawing.ratio_ticks(low, high) == pytest.approx(ticks, rel=1e-12)
    narrow = drawing.ratio_ticks(0.97, 1.02)
    assert len(narrow) >= 3
    assert all(0.97 <= tick <= 1.02 for tick in narrow)
