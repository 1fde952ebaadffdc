"""Scores as surveys export them: labels, fractions of the scale, averages."""

import pandas as pd
import pytest
from tabled import cells, count, refusal

from cxlink.report.profile_words import profile_notes

READ = {
    "7 – good": 7, "7 - good": 7, "7 = good": 7, "7: good": 7, "7. good": 7, "7 (good)": 7, "7 stars": 7, "7/10": 7,
    "7 / 10": 7, "7 out of 10": 7, "7 van 10": 7, " 10 - very good ": 10, "1 — slecht, of 2": 1, "7": 7,
    "7.0": 7, "": None,
}  # fmt: skip


@pytest.mark.parametrize("text", READ)
def test_a_label_counts_as_the_number_that_it_begins_with(text: str) -> None:
    found = count(pd.DataFrame({"score": [text, "3"], "months": [3, 4], "lost": [1, 0]}))
    assert cells(found, "score") == {READ[text]: 1, 3: 1}
    labelled = not (text == "" or text.startswith("7.0") or text == "7")
    assert len(found.profile.notes) == labelled


OFF = ("7/5", "7-8", "good", "11 - superb", "-1 = refused", "7.5", "7, 8", "2024-01-02", "7 out of 5")


@pytest.mark.parametrize("text", OFF)
def test_what_is_no_level_is_named(text: str) -> None:
    said = refusal(pd.DataFrame({"score": [text, "3"], "months": [3, 4], "lost": [1, 0]}))
    assert said.startswith(
        "table: score must be a whole number from 1 to 10. 1 of 2 rows fails, in row 1 (found "
    )


def test_averages_are_rounded_where_the_spec_says_so_and_said() -> None:
    table = pd.DataFrame({"score": [6.5, 6.4, 9.6, 0.5, 3], "months": [3] * 5, "lost": [1] * 5})
    found = count(table, score={"round": True})
    assert cells(found, "score") == {7: 1, 6: 1, 10: 1, 1: 1, 3: 1}
    assert profile_notes(found) == [
        "4 scores of score were averages, rounded to the nearest level (halves upwards)."
    ]
    assert "score must be a whole number" in refusal(table)
    for off in (10.5, 0.4, 99.0, -1e18):
        assert "1 of 5 rows fails" in refusal(table.assign(score=[off, 1, 1, 1, 1]), score={"round": True})


def test_averages_in_text_with_a_comma() -> None:
    table = pd.DataFrame({"score": ["6,5", "7"], "months": [3, 3], "lost": [1, 1]})
    assert cells(count(table, score={"round": True}, table={"decimal": ","}), "score") == {7: 2}


def test_what_was_read_from_a_label_is_said() -> None:
    table = pd.DataFrame({"score": ["7 – good", "3 – bad"], "months": [3, 3], "lost": [1, 1]})
    assert profile_notes(count(table)) == [
        "score was read from labels: each counts as the number that it begins with, such as “7 – good”."
    ]
