"""The page about falling scores of simulated customers: words that follow the interval, and the truth beside it."""

import made_up
import made_up_study
import pandas as pd
import pytest
from as_read import cells, sentences

from cxlink.report.document import Block
from cxlink.report.study_sections.known_change_section import known_change_pages


def _page(changes: pd.DataFrame | None = None) -> list[Block]:
    return known_change_pages(
        made_up_study.changes() if changes is None else changes, 7, made_up.results().spec
    )


def test_both_contrasts_stand_beside_the_truth() -> None:
    said = sentences(_page())
    assert "-n 900 --seed 7 --waves 4" in said
    assert "800 subscribers answered 1\u202f900 surveys" in said
    assert "differs by −7.6 [−9.2,\u00a0−6.0] percentage points" in said
    assert "the true difference is −8.7" in said
    assert "more often after 12 months than those whose score did not move, by 4.8 [2.8,\u00a06.8]" in said
    assert "The fall is no warning of its own" in said
    assert "Of the 4 intervals in the table, 3 contain the truth." in said


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(-0.02, 0.07, "an interval that includes 0"), (-0.09, -0.01, "the fall would be a warning of its own")],
)
def test_the_words_follow_the_interval(low: float, high: float, words: str) -> None:
    changes = made_up_study.changes()
    changes.loc[1, ["conf_low", "conf_high"]] = low, high
    assert words in sentences(_page(changes))


def test_the_table_has_a_row_for_each_contrast() -> None:
    rows = cells(_page(), "Retention after 12 months by change")
    assert rows["Rose, against the same present score"] == [
        "450", "73.4", "75.8", "−2.4 [−4.2,\u00a0−0.6]", "−5.0",
    ]  # fmt: skip


def test_without_such_surveys_there_is_no_page() -> None:
    assert _page(pd.DataFrame()) == []
    assert _page(made_up_study.changes().iloc[2:]) == []
