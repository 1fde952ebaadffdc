"""Forest plots and tables of coefficients show what the tables hold, and say that they are associations."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cohorts import counts_of, random_rows, spec_for

from cxlink.analysis import analyse
from cxlink.cohort.errors import InputError
from cxlink.display import Analysis
from cxlink.report.content import gather
from cxlink.report.document import Paragraph, Picture, Table, plain
from cxlink.report.figures import drawing
from cxlink.report.figures.forest_figures import (
    HAZARDS,
    MOST_LINES,
    SPEND,
    forest_lines,
    hazard_forest,
    in_order,
)
from cxlink.report.figures.score_curves import _heights, level_curves
from cxlink.report.sections.coefficient_section import coefficient_pages
from cxlink.report.sections.retention_section import retention_pages

EXACT = 1e-12  # the same numbers, transformed alike


@pytest.fixture(scope="module")
def made() -> Analysis:
    rows, rng = random_rows(5, 700, strata=2), np.random.default_rng(6)
    rows["spend"] = np.where(rng.random(700) < 0.3, 0.0, np.round(rng.gamma(2, 10.0 * rows["score"]), 2))
    return analyse(counts_of(rows, spec_for(4, ("plan",), spend=True, draws=100)))


def test_every_adjuster_and_level_stands_in_the_forest_with_its_ratio(made: Analysis) -> None:
    for models, estimand in ((HAZARDS, "hazard_ratio"), (SPEND, "spend_ratio")):
        lines = forest_lines(made.estimates, made.coefficients(), made.spec, models)
        headings = [line.label for line in lines if not line.values]
        assert [text.partition(",")[0] for text in headings] == ["Score", "Plan"]
        known = {line.label: line.values for line in lines if line.values}
        terms = made.coefficients().query(
            "adjusted == 'conditional' and term == 'plan' and part in ('', 'mean')"
        )
        for k, model in enumerate(models):
            own = terms[terms["model"] == model]
            assert len(own) >= 1
            for row in own.itertuples():
                expected = np.exp([row.estimate, row.conf_low, row.conf_high])
                np.testing.assert_allclose(known[row.level][k], expected, rtol=EXACT)
            kind = "conditional" if models == HAZARDS else "standardised"
            ratios = made.pick(estimand, model=model, adjusted=kind, reference="worst")
            for row in ratios[ratios["group"].isin(["2", "3", "4", "5"])].itertuples():
                np.testing.assert_allclose(
                    known[row.group][k], [row.estimate, row.conf_low, row.conf_high], rtol=EXACT
                )


def test_pages_say_associations_and_the_table_has_the_same_ratios(made: Analysis) -> None:
    for outcome in ("hazard", "spend"):
        blocks = coefficient_pages(gather(made.results), outcome)
        assert any("not effects" in plain(b.runs) for b in blocks if isinstance(b, Paragraph))
        (drawn,) = (b for b in blocks if isinstance(b, Picture))
        assert drawn.alt.startswith("Forest plot")
        assert "not effects" in drawn.caption
        (shown,) = (b for b in blocks if isinstance(b, Table))
        row = (
            made.coefficients()
            .query("model == 'grouped_ph' and adjusted == 'conditional' and term == 'plan'")
            .iloc[0]
        )
        if outcome == "hazard":
            first = next(line for line in shown.rows if line[1] == row["level"])
            assert first[4].startswith(f"{np.exp(row['estimate']):.2f}")
        else:
            assert shown.header[4:] == [
                "Mean, Poisson", "Mean, gamma", "Odds of any spend", "Amount, gamma", "Geometric mean of amounts",
            ]  # fmt: skip


def test_long_names_are_drawn_whole_and_inside_the_picture(made: Analysis) -> None:
    variable = "Vertragsart und Laufzeitmodell im Bestandskundenbereich der Landesgesellschaften"
    level = "Jahresvertrag mit automatischer Verlängerung"
    long = made.coefficients().replace({"term": {"plan": variable}})
    long.loc[long["term"] == variable, "level"] = level
    axes = hazard_forest(made.estimates, long, made.spec)
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert shown[-1] == level
    assert not any(text.startswith("Score, against") for text in shown)
    headings = [text for text in axes.texts if text.get_fontweight() == "bold"]
    assert [text.get_text()[:12] for text in headings] == ["Score, again", "Vertragsart "]
    assert max(len(text.get_text()) for text in headings) == 70
    drawing.svg(axes)  # a warning of matplotlib is an error
    figure = axes.get_figure()
    assert figure is not None
    inside = figure.bbox
    for text in (*headings, *axes.get_yticklabels()):
        where = text.get_window_extent()
        assert inside.x0 <= where.x0 < where.x1 <= inside.x1
    assert axes.get_window_extent().width > 0.3 * inside.width


def test_what_leaves_the_axis_ends_in_an_arrow_at_its_edge(made: Analysis) -> None:
    ratios = made.estimates.copy()
    mine = (ratios["estimand"] == "hazard_ratio") & (ratios["reference"] == "worst")
    columns = ["estimate", "conf_low", "conf_high"]
    for group, ends in {"2": [1e-4, 1e-5, 1e-3], "3": [0.02, 1e-4, 0.5], "4": [3e3, 0.5, np.inf]}.items():
        ratios.loc[mine & (ratios["group"] == group), columns] = ends
    axes = hazard_forest(ratios, made.coefficients(), made.spec)
    low, high = axes.get_xlim()
    assert (low, high) == (0.01, 100.0)

    def places(mark: str) -> list[tuple[float, float]]:
        own = [line for line in axes.lines if line.get_marker() == mark]
        return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in own]

    names = {
        text.get_text(): place for text, place in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)
    }
    assert places("<") == [(low, names["2"]), (low, names["3"])]
    assert places(">") == [(high, names["4"])]
    assert not {names["2"], names["4"]} & {y for _, y in places("o")}
    assert (0.02, names["3"]) in places("o")
    results = replace(made.results, estimates=ratios)
    (drawn,) = (b for b in coefficient_pages(gather(results), "hazard") if isinstance(b, Picture))
    assert "An arrow at the edge" in drawn.caption
    assert "2: 0.0001" in drawn.alt
    (usual,) = (b for b in coefficient_pages(gather(made.results), "hazard") if isinstance(b, Picture))
    assert "arrow" not in usual.caption


def test_names_of_curves_that_end_at_other_times_stand_at_their_ends() -> None:
    heights = _heights({"1": (3, 0.0), "2": (4, 1.0), "3": (12, 40.0), "4": (12, 42.0), "5": (10, 0.0)})
    assert [heights[level] for level in "125"] == [2.0, 2.0, 2.0]
    assert (heights["3"], heights["4"]) == pytest.approx((38.5, 43.5), abs=1e-9)


def test_small_groups_leave_no_line_and_no_number(made: Analysis) -> None:
    blank = made.coefficients()
    blank.loc[blank["term"] == "plan", ["estimate", "std_error", "conf_low", "conf_high"]] = np.nan
    lines = forest_lines(made.estimates, blank, made.spec, HAZARDS)
    assert [line.label.partition(",")[0] for line in lines if not line.values] == ["Score"]
    (shown,) = (
        b
        for b in coefficient_pages(gather(replace(made.results, coefficients=blank)), "hazard")
        if isinstance(b, Table)
    )
    assert {line[4] for line in shown.rows} == {"–"}


def test_bands_stand_in_the_order_of_their_cuts(made: Analysis) -> None:
    adjust = made.spec.adjust.model_copy(update={"bands": {"age": (3.0, 12.0)}})
    spec = made.spec.model_copy(update={"adjust": adjust})
    rows = pd.DataFrame({"term": ["age", "plan", "age"], "level": [">=12", "plus", "<3"]})
    assert in_order(rows, spec)["level"].tolist() == ["plus", "<3", ">=12"]


@pytest.mark.long
def test_many_categories_are_cut_and_said() -> None:
    rows = random_rows(5, 900, strata=2)
    rows["plan"] = [f"p{k % 60}" for k in range(len(rows))]
    many = analyse(counts_of(rows, spec_for(4, ("plan",), draws=100)))
    caption = next(
        b for b in coefficient_pages(gather(many.results), "hazard") if isinstance(b, Picture)
    ).caption
    assert f"The first {MOST_LINES} are shown" in caption


def test_a_curve_a_score_from_the_worst_to_the_best(made: Analysis) -> None:
    known = level_curves(made.estimates, made.spec)
    assert list(known) == ["1", "2", "3", "4", "5"]
    last = known["3"][-1]
    row = made.pick(
        "retention", group="3", horizon=last.horizon, model="kaplan_meier", adjusted=last.adjusted
    )
    assert last.estimate == row["estimate"].item()
    labels = [text.get_text() for text in made.score_curves().texts]
    assert labels == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("most", [5, 4])
def test_of_many_scores_the_ends_alone_have_a_band_and_the_caption_says_so(
    made: Analysis, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cxlink.report.figures.score_curves.MOST_BANDS", most)
    few = most == 5
    axes = made.score_curves()
    assert len(axes.collections) == (5 if few else 2)
    assert [line.get_linewidth() > 1 for line in axes.lines] == [True, few, few, few, True]
    (caption,) = (
        block.caption
        for block in retention_pages(gather(made.results))
        if isinstance(block, Picture) and block.name == "retention-score-curves"
    )
    assert ("thick lines" in caption) is not few
    assert few or "confidence intervals shaded: scores 1 and 5." in caption


def test_nothing_to_draw_is_refused(made: Analysis) -> None:
    quick = analyse(made.counts, models="quick")
    for draw in (quick.hazard_forest, quick.spend_forest):
        with pytest.raises(InputError, match="quick analysis"):
            draw()
    assert coefficient_pages(gather(quick.results), "hazard") == []
