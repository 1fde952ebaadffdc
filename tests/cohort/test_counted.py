"""Everything that an analysis counts, counted once."""

import pandas as pd

from cxlink.analysis import analyse
from cxlink.cohort.counted import counted
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.cohort.table import read_cohort

ROWS = pd.DataFrame({
    "score": [1] * 10 + [5] * 10, "months": [1, 2, 3, 4, 6] * 4, "lost": [1, 1, 0, 1, 0] * 4,
})  # fmt: skip


def spec_for(**more: object) -> CohortSpec:
    return make_spec({
        "score": {"column": "score", "scale": "1-5"},
        "subscription": {"duration": "months", "event": "lost", **more}, "analysis": {"horizon": 4, "draws": 100},
    })  # fmt: skip


def test_rows_give_the_other_convention_and_counts_do_not() -> None:
    cohort = read_cohort(ROWS, spec_for())
    every, alone = counted(cohort), counted(cohort.count())
    # a loss recorded at 1 fell in the first period, or after one whole period
    assert every.counts.cells.loc[every.counts.cells["cause"] != "", "exit"].min() == 1
    assert every.other is not None
    assert every.other.cells.loc[every.other.cells["cause"] != "", "exit"].min() == 2
    assert (alone.other, alone.repeats, alone.naive) == (None, None, None)
    assert alone.counts.cells.equals(every.counts.cells)


def test_who_entered_late_is_counted_from_the_start_as_well() -> None:
    late = read_cohort(ROWS.assign(months=ROWS["months"] + 3), spec_for(window=3))
    for every in (counted(late), counted(late.count())):
        assert every.naive is not None
        assert set(every.counts.cells["entry"]) - {0}
        assert set(every.naive.cells["entry"]) == {0}
        assert every.naive.cells["n"].sum() == every.counts.cells["n"].sum()


def test_an_analysis_of_counts_differs_only_by_what_needs_rows() -> None:
    cohort = read_cohort(ROWS, spec_for())
    rows, counts = analyse(cohort), analyse(cohort.count())
    pd.testing.assert_frame_equal(rows.estimates, counts.estimates)
    assert len(rows.checks()) == len(counts.checks()) + 2  # both sides under the other convention
