"""The page about scores of simulated customers: what is true, and words that follow the intervals."""

import made_up
import made_up_study
import pandas as pd
from as_read import cells, sentences

from cxlink.report.document import Block
from cxlink.report.study_sections.known_driver_section import known_driver_pages


def _page(drivers: pd.DataFrame | None = None) -> list[Block]:
    return known_driver_pages(
        made_up_study.drivers() if drivers is None else drivers, 7, made_up.results().spec
    )


def test_the_page_says_which_score_acts_and_which_intervals_exclude_zero() -> None:
    said = sentences(_page())
    assert "400 subscribers gave “score”, “calm” and “ease”" in said
    assert "-n 900 --seed 7 --scores" in said
    assert "only “score” acts on whether they stay; “calm” and “ease” are noisy readings" in said
    by_itself, together = said.split("All scores together.")
    assert "for each of these 2 scores: “score” 3.6 [3.4,\u00a03.9] and “calm” 5.9" in by_itself
    assert by_itself.rstrip().endswith("The interval of “ease” includes 0.")
    assert "excludes 0 for 2 scores: “score” 3.7 [3.2,\u00a04.3] and “ease” 0.9" in together
    assert "The interval of “calm” includes 0." in together
    assert "Of the 3 intervals with the other scores held constant, 2 contain the truth." in together


def test_one_score_that_remains_is_named_alone() -> None:
    drivers = made_up_study.drivers()
    drivers.loc[2, "beside_others_low"] = -0.001
    said = sentences(_page(drivers))
    assert "one score remains: “score” 3.7 [3.2,\u00a04.3]." in said
    assert "The intervals of “calm” and “ease” include 0." in said
    assert "3 contain the truth" in said


def test_the_table_gives_the_truth_beside_both_readings() -> None:
    rows = cells(_page(), "Customers retained after 12 months")
    assert rows["calm"] == [
        "5.9 [5.4,\u00a06.5]", "−0.3 [−1.2,\u00a00.5]", "0.0", "15.8 [13.1,\u00a018.5]", "−0.1 [−0.3,\u00a00.2]",
    ]  # fmt: skip


def test_without_such_scores_there_is_no_page() -> None:
    assert _page(pd.DataFrame()) == []
