"""The study's third chart and the public curves, as their readers meet them."""

from dataclasses import replace

import made_up
import made_up_study
import numpy as np
import pandas as pd
import pytest
from as_read import sentences, squeezed, study, table
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from cxlink.report.figures import drawing
from cxlink.report.figures.third_chart_figure import Printed, by_family, by_heterogeneity
from cxlink.report.study_sections.public_curves_section import projection, public_curves_section
from cxlink.report.study_sections.third_chart_section import printed_membership, third_chart_section

SPEC = made_up.results().spec
PRINTED = Printed(
    {"worst": np.nan, "best": 6.0}, {"worst": "a little over a year", "best": "another six years"}
)


@pytest.fixture(scope="module", name="chart")
def _chart() -> list[dict[str, object]]:
    return third_chart_section(made_up_study.study(), PRINTED, SPEC, 2)


def _one_window() -> pd.DataFrame:
    curves = made_up_study.public_curves()
    return curves[(curves["segment"] == "Regular") & (curves["fitted_to"] == 2)]


def test_the_third_chart_says_what_the_article_did_and_what_must_hold_for_six_years(chart) -> None:
    said = sentences(chart)
    for piece in (
        "“a little over a year” for the lowest score and “another six years” for the highest",
        "All of them keep 43\u202f% of the customers with score 1 and 74\u202f% of those with scores 9–10",
        # 10 % less than a loss of 26 % is 23.4 %.
        "which lost 26\u202f% of its customers in the first year, loses 23.4\u202f%",
        "For score 1 the assumption matters less: where the mean is finite, it lies between 1.2 and 2.3 years",
        "For scores 9–10 it is decisive: from 3.3 to 257 years",
        "3.3 years at φ = 0\u202f%, 5.4 years at φ = 10\u202f% and 74.5 years at φ = 20\u202f%",
        "Under Gompertz, some values of φ have no finite mean: part of the customers never leave",
        "must keep 68.7\u202f% (generalised gamma, q = −0.5) to 76.9\u202f% (shifted-beta-geometric)",
        "at the same φ customers with score 1 stay 1.4 years",
    ):
        assert piece in said, piece


def test_the_third_chart_has_a_line_an_assumption_with_no_end_and_no_curve_told_apart(chart) -> None:
    rows = table(chart, "Years of further membership").rows
    assert rows == [
        ["Constant rate (exponential)", "Score 1", "1.2", "–", "–", "", "–"],
        ["", "Scores 9–10", "3.3", "–", "–", "–", "–"],
        ["Shifted-beta-geometric", "Score 1", "1.2", "1.4", "1.8", "", "1.4"],
        ["", "Scores 9–10", "3.3", "5.4", "74.5", "76.9\u202f%", "6.0"],
        ["Generalised gamma, q = −0.5", "Score 1", "1.5", "1.8", "2.3", "", "1.2"],
        ["", "Scores 9–10", "12.3", "22.0", "257", "68.7\u202f%", "6.0"],
        ["Gompertz", "Score 1", "1.2", "∞", "∞", "", "–"],
        ["", "Scores 9–10", "3.3", "∞", "∞", "–", "–"],
    ]


def test_the_third_chart_without_any_way_to_six_years_says_so() -> None:
    made = made_up_study.study()
    made = replace(made, six_years=made.six_years.assign(second_year_of_best=np.nan))
    assert "No assumption here gives 6 years." in sentences(third_chart_section(made, PRINTED, SPEC, 2))


def test_years_are_drawn_on_a_log_scale_with_what_was_printed() -> None:
    ax = by_heterogeneity(made_up_study.third_chart(), PRINTED, SPEC)
    assert ax.get_yscale() == "log"
    worst, best = (to_rgb(drawing.group_color(group)) for group in ("worst", "best"))
    level = [
        line for line in ax.lines if len(set(line.get_ydata())) == 1 and list(line.get_xdata()) == [0, 1]
    ]
    assert {(to_rgb(line.get_color()), line.get_ydata()[0]) for line in level} == {(worst, 1.0), (best, 6.0)}
    written = {text.get_text() for text in ax.texts}
    assert written == {"published: “a little over a year”", "published: “another six years”"}
    thick = [line for line in ax.lines if line.get_linewidth() == 2 and len(line.get_xdata()) == 3]
    drawn = {to_rgb(line.get_color()): list(line.get_ydata()) for line in thick}
    assert drawn == {worst: [1.2, 1.4, 1.8], best: [3.3, 5.4, 74.5]}
    np.testing.assert_allclose(thick[0].get_xdata(), [0, 10, 20], atol=1e-12)


def test_a_range_without_end_is_an_arrow_at_the_edge() -> None:
    ax = by_family(made_up_study.third_chart())
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == [
        "constant rate (exponential)", "shifted-beta-geometric", "generalised gamma, q = −0.5", "Gompertz",
    ]  # fmt: skip
    arrows = [line for line in ax.lines if line.get_marker() == ">" and len(line.get_xdata())]
    # Gompertz in both bands, and 257 years, which are beyond the axis.
    assert sorted(round(float(line.get_ydata()[0])) for line in arrows) == [2, 3, 3]
    dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert dots == [1.2, 3.3, 1.2, 3.3, 1.5, 12.3, 1.2, 3.3]


def test_observed_years_are_filled_where_they_were_fitted_to_and_hollow_after() -> None:
    ax = projection(_one_window())
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in dots] == [[0, 1, 2], [3, 4, 5, 6]]
    assert dots[1].get_markerfacecolor() == "white"
    np.testing.assert_allclose(dots[1].get_ydata(), 100 * (1 + np.arange(3, 7)) ** -0.5, rtol=1e-12)
    hairs = [line for line in ax.lines if line.get_color() == drawing.GREY]
    assert len(hairs) == 2
    assert all(line.get_ydata()[0] == 100 for line in ax.lines if line is not dots[1])


def test_the_public_curves_count_what_was_covered_and_what_failed() -> None:
    parts = public_curves_section(made_up_study.study(), 2)
    said = sentences(parts)
    for piece in (
        "fitted to years 1–2 and 1–4 of each segment, taken as 1\u202f000 customers",
        "From year 3 on, that interval contains the observed share in 15 of 16 cases",
        "narrower than that of an average with equal weights in 14 of the 16, and on average over the years in 3 of "
        "the 4 panels: 11.2 points wide compared with 14.5",
        # 0.37/0.378 − 1 and 0.65/0.678 − 1; 0.35/0.378 − 1 and 0.55/0.678 − 1
        "by −2.1\u202f% (Regular) and −4.1\u202f% (High End) of that share; fitted to 2 years, by −7.4\u202f% "
        "(Regular) and −18.9\u202f% (High End)",
        "10.0\u202f% where 37.8\u202f% stayed (Regular) and 30.0\u202f% where 67.8\u202f% stayed (High End)",
    ):
        assert piece in said, piece
    rows = table(parts, "Customers retained in year 6").rows
    assert rows[2] == [
        "High End, years 1–2", "67.8", "30.0", "55.0 [50.0,\u00a060.0]", "55.0 [50.0,\u00a060.0]",
        "55.0 [50.0,\u00a060.0]", "3 of 4",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "draw",
    [
        lambda ax: by_heterogeneity(made_up_study.third_chart(), PRINTED, SPEC, ax=ax),
        lambda ax: by_family(made_up_study.third_chart(), ax=ax),
        lambda ax: projection(_one_window(), ax=ax),
    ],
)
def test_pictures_are_drawn_where_asked_twice_the_same_and_name_their_units(draw) -> None:
    def drawn() -> Axes:
        with drawing.canvas(None, (3, 3)) as ax:
            assert draw(ax) is ax
        return ax

    ax = drawn()
    assert any(unit in ax.get_xlabel() for unit in ("(years)", "(%)"))
    assert drawing.svg(ax) == drawing.svg(drawn())
    assert isinstance(draw(None).get_figure(), Figure)


@pytest.mark.long
def test_the_report_of_the_study_holds_both_and_where_its_words_come_from() -> None:
    whole = squeezed(" ".join(study()))
    for title in (
        "The study’s third chart",
        "projections checked on two public curves",
        "Real customers, not simulated.",
    ):
        assert squeezed(title) in whole
    rows = [row for row in made_up_study.study().comparison.itertuples() if row.figure.startswith("expected")]
    found = printed_membership(rows)
    assert found.words == PRINTED.words
    assert found.years["best"] == 6.0
    assert np.isnan(found.years["worst"])
