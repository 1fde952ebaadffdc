"""A run whose surveys all count: page one, the section on a falling score, its table, figure, files and refusals."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from waves import SPEC, waves

from cxlink import Analysis, InputError, analyse, load_counts, load_run, make_spec, read_cohort
from cxlink.cli.closing_lines import closing_lines
from cxlink.report.content import gather
from cxlink.report.document import Paragraph, Picture, Strong, Table
from cxlink.report.falling.falling_section import answers, falling_pages
from cxlink.results import Results

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return analyse(read_cohort(waves(2500, 3, planted=0.8), make_spec(SPEC)))


def _text(results: Results) -> str:
    runs = [block.runs for block in falling_pages(gather(results)) if isinstance(block, Paragraph)]
    return " ".join(run.text if isinstance(run, Strong) else run for text in runs for run in text)


def _moved(results: Results, low: float, high: float) -> Results:
    """The same with another interval of the second contrast, and nothing else."""
    rows = results.estimates.copy()
    at = (rows["scenario"] == "fall_given_present") & (rows["estimand"] == "retention_difference")
    rows.loc[at, ["conf_low", "conf_high"]] = low, high
    return replace(results, estimates=rows)


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((-0.2, -0.001), "A fall is alarming:"),
        ((-0.2, 0.0), "That a fall is a warning of its own is not shown:"),
        ((-0.2, 0.001), "That a fall is a warning of its own is not shown:"),
        ((0.0, 0.2), "A fall is no warning of its own:"),
        ((np.nan, np.nan), "Whether a fall is a warning of its own is not known:"),
    ],
)
def test_the_words_follow_the_interval_of_the_second_contrast(
    analysis: Analysis, interval: tuple[float, float], said: str
) -> None:
    assert said in _text(_moved(analysis.results, *interval))


def _answering(results: Results, low: float, high: float) -> Results:
    """The same with another interval of how much less often customers answered again after what scores fell to."""
    checks = tuple(
        replace(check, low=low, high=high, passed=low <= 0 <= high)
        if check.code == "answered_again_by_fall"
        else check
        for check in results.checks
    )
    return replace(results, checks=checks)


@pytest.mark.parametrize(
    ("answering", "said"),
    [
        ((-0.2, -0.001), "again less often after the scores that it fell to"),
        ((-0.2, 0.0), "A fall is alarming:"),
        ((0.0, 0.2), "A fall is alarming:"),
        ((0.001, 0.2), "again more often after the scores that it fell to"),
    ],
)
def test_a_fall_is_not_called_alarming_where_answering_again_differs_by_the_score(
    analysis: Analysis, answering: tuple[float, float], said: str
) -> None:
    found = _text(_answering(_moved(analysis.results, -0.2, -0.001), *answering))
    assert said in found
    assert ("A fall is alarming" in found) == said.startswith("A fall")
    open_ = _text(_answering(_moved(analysis.results, -0.2, 0.001), *answering))
    assert "That a fall is a warning of its own is not shown:" in open_


def test_what_decides_who_answers_again_is_said_to_work_either_way(analysis: Analysis) -> None:
    assert "can look more or less alarming than it is" in _text(analysis.results)


def test_a_planted_effect_of_the_fall_is_found_and_said_on_page_one(
    analysis: Analysis, tmp_path: Path
) -> None:
    found = analysis.changes().set_index(["change", "given"])
    second = found.loc[("fell", "present")]
    assert second["conf_high"] < 0
    assert second["difference"] == pytest.approx(second["changed"] - second["stayed"], abs=1e-12)
    assert "A fall is alarming:" in _text(analysis.results)
    n = int(analysis.counts.scored["n"].sum())
    customers = waves(2500, 3, planted=0.8)["customer"].nunique()
    assert answers(gather(analysis.results)).replace("\u202f", "") == f"{customers} customers in {n} surveys"
    analysis.write(tmp_path / "run")
    again = load_run(tmp_path / "run")
    pd.testing.assert_frame_equal(again.changes(), analysis.changes(), rtol=1e-9)
    kept = load_counts(tmp_path / "run" / "counts.parquet")
    pd.testing.assert_frame_equal(kept.cells, analysis.counts.cells, check_dtype=False)
    assert closing_lines(analysis.results)[0].endswith("surveys")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "n: surveys with a score" in page
    assert "n: customers with a score" not in page
    assert page.index("Every survey counts") < page.index("A fall is alarming") < page.rindex("Limitations")


def test_the_section_has_one_figure_and_tables_of_both_contrasts_of_changes_and_of_quarters(
    analysis: Analysis,
) -> None:
    blocks = falling_pages(gather(analysis.results))
    assert [block.name for block in blocks if isinstance(block, Picture)] == ["falling-score"]
    changes, quarters = (block for block in blocks if isinstance(block, Table))
    assert len(changes.columns[0].cells) == 4
    assert list(quarters.columns[0].cells) == ["2024\u00a0Q1", "2024\u00a0Q2", "2024\u00a0Q3"]
    assert "over calendar time" in _text(analysis.results)


def test_the_figure_has_the_three_curves_of_the_leading_models(analysis: Analysis) -> None:
    axes = analysis.falling_score()
    ends = sorted(
        round(float(line.get_ydata()[-1]), 6) for line in axes.get_lines() if len(line.get_ydata()) > 2
    )
    found = analysis.changes().set_index(["change", "given"])
    present, last = found.loc[("fell", "present")], found.loc[("fell", "last")]
    assert ends == sorted(round(100 * x, 6) for x in (present["changed"], present["stayed"], last["stayed"]))
    assert {text.get_text() for text in axes.texts} >= {"score fell", "stayed at the last score"}
    assert {text.get_text() for text in analysis.falling_score(move="rise").texts} >= {"score rose"}


def test_a_cohort_of_one_survey_a_customer_says_so_and_has_no_figure() -> None:
    once = analyse(read_cohort(waves(300, 1).drop_duplicates("customer"), make_spec(SPEC)))
    assert "Every customer answered one survey" in _text(once.results)
    assert once.changes().empty
    assert len(once.headline())
    with pytest.raises(InputError, match="no score that fell is compared"):
        once.falling_score()


def test_small_groups_are_blank_and_the_counts_have_no_bucket() -> None:
    small = {**SPEC, "publish": {"smallest_cell": 400}}
    found = analyse(read_cohort(waves(900, 3), make_spec(small)))
    changed = found.estimates[found.estimates["group"].isin(["fell", "rose", "stayed"])]
    assert changed.loc[changed["n"].isna(), "estimate"].isna().all()
    assert (changed["n"].dropna() >= 400).all()
    assert changed["n"].isna().any()
