"""The report of the published study: its first page, and what it says of tenure."""

from pathlib import Path

import made_up
import made_up_study
import numpy as np
import pytest
from as_read import sentences, squeezed, study, table

from cxlink.report.analysis_document import make_document
from cxlink.report.document import plain
from cxlink.report.figures.study_figures import compared
from cxlink.report.report_files import write_document
from cxlink.report.study_sections.study_replications import replications_section
from cxlink.report.study_sections.study_section import study_pages

GIVEN = made_up.results()


def test_the_study_says_first_that_no_records_exist_and_why_six_years_do_not_fit() -> None:
    first = study()[0]
    opening = first.index(
        "No customer records of the study were ever published. Both cohorts in this report are simulated"
    )
    assert opening < 350
    for number in ("43.2 [41.0, 45.5]", "2.42 [2.30, 2.50]", "Score 1 43", "Scores 9–10 74"):
        assert squeezed(number) in squeezed(first)
    assert squeezed("the adjusted intervals contain the truth for 4, the naive ones for 1.") in squeezed(
        first
    )
    whole = squeezed(" ".join(study()))
    assert (
        squeezed("43 % retained after a year means 1.2 years and 74 % retained after a year means 3.3 years")
        in whole
    )
    assert squeezed("Constant rate of loss, mean −1/ln r 1.19 3.32 84.6 %") in whole
    assert squeezed("Weibull, integral of S; common shape 0.745 1.50 6.00 –") in whole
    assert squeezed("printed (“a little over a year”)") in whole
    assert squeezed("No finite estimate: the average includes a family") in whole


def test_the_study_gives_its_result_in_numbers_and_picture_on_page_one() -> None:
    first = study()[0]
    for said in (
        "after a year 43 % (score 1) and 74 % (scores 9–10) of a subscription",
        "compared naively give 39.0 % [37.0, 41.0] (score 1) and 77.0 % [76.0, 78.0] (scores 9–10)",
        "spend 140 % more in a year than those with scores 1–3: a ratio of 2.4. The truth here is "
        "2.40, the naive ratio 2.90 [2.70, 3.10], the adjusted one 2.42 [2.30, 2.50].",
        "Figure 1.", "Table 1.",
    ):  # fmt: skip
        assert squeezed(said) in squeezed(first), said
    assert "Why 43" not in first
    assert "Why 43" in study()[1]


@pytest.mark.long
@pytest.mark.usefixtures("empty_pictures")
def test_the_study_has_the_figures_of_both_cohorts_under_names_of_their_own(tmp_path: Path) -> None:
    write_document(make_document(made_up_study.study()), tmp_path, ("pdf", "html"))
    names = sorted(path.stem for path in (tmp_path / "figures").iterdir())
    assert {"study-comparison", "1-overview", "1-retention-curves", "2-overview", "2-spend-by-score"} <= set(
        names
    )
    assert "2-retention-curves" not in names


@pytest.mark.long
def test_the_study_counts_the_intervals_that_hold_the_truth() -> None:
    made = made_up_study.study()
    made.comparison.loc[0, ["adjusted_low", "adjusted_high"]] = [0.44, 0.45]
    said = [plain(part.runs) for part in study_pages(made) if part.kind == "paragraph"]
    assert any("contain the truth for 3, the naive ones for 1." in text for text in said)
    rows = compared(made.comparison)
    assert rows[2].horizon is None
    assert np.isnan(rows[6].published)


@pytest.mark.long
def test_the_study_says_where_tenure_beyond_follow_up_missed_the_truth() -> None:
    made = made_up_study.study()
    said = sentences(study_pages(made))
    assert "observed curves: 1 of 1 adjusted intervals contain the truth." in said
    assert "and 1 of 2 intervals miss the truth: those of score 1 (36 months)." in said
    assert "15.2 [14.7,\u00a015.8], where 14.3 is true" in said
    made.comparison.loc[5, "adjusted_low"] = 14.0
    assert "in this sample all 2 intervals contain the truth" in sentences(study_pages(made))


@pytest.mark.long
def test_the_study_names_rows_by_score_and_horizon_and_infinite_ones_in_words() -> None:
    parts = study_pages(made_up_study.study())
    rows = table(parts, "Mean tenure within each horizon").rows
    assert [row[:3] for row in rows] == [
        ["Within 12 months", "Score 1", "–"], ["Within 36 months", "Score 1", "–"], ["", "Scores 9–10", "–"],
        ["Without a horizon (years)", "Score 1", "–\u202fᵃ"], ["", "Scores 9–10", "6\u202fᵇ"],
    ]  # fmt: skip
    assert rows[-1][3:] == ["5.1", "5.9 [4.0,\u00a08.0]", "no finite estimate"]


def test_tenure_has_a_table_of_its_own_with_fewer_cohorts_and_says_their_error() -> None:
    parts = replications_section(made_up_study.replications(), GIVEN.spec)
    _, first, whole, second, tenure = parts
    assert "500 further cohorts" in "".join(str(run) for run in first.runs)
    said = "".join(str(run) for run in second.runs)
    # √(.95·.05/100)
    assert "from 100 such cohorts" in said
    assert "Monte Carlo standard error of 2.2 points" in said
    assert "in 93 to 99 of 100 cohorts" in said
    assert [column.header for column in tenure.columns][:3] == [
        "Horizon",
        *(c.header for c in whole.columns[1:3]),
    ]
    assert tenure.columns[0].cells == ("60 months", "")
    assert "months" in tenure.caption
    kept = made_up_study.replications().query("figure != 'restricted_mean_tenure'")
    assert len(replications_section(kept, GIVEN.spec)) == 3
