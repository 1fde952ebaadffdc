"""Analyses that are left out where customers are clustered are named: those that the same cohort would have without."""

import numpy as np
import pandas as pd
import pytest
from clustered import account_rows, account_spec
from waves import SPEC, waves

from cxlink import analyse, make_spec, read_cohort
from cxlink.checks import matching
from cxlink.cli.closing_lines import closing_lines
from cxlink.estimands.over_clusters.cluster_checks import left_out_of_clusters
from cxlink.report.check_notes import note
from cxlink.report.content import gather
from cxlink.report.sections.limitations import limits

FULL = {"horizon": 6, "tenure_horizons": [6], "draws": 100}
SHORT = {"duration": "months", "event": "left", "follow_up": "followed"}


def _rows() -> pd.DataFrame:
    """Some of the customers are followed for four months alone; a further score."""
    rows = account_rows(600)
    followed = np.where(np.arange(600) % 3, 12, 4)
    late = rows["months"] > followed
    months = rows["months"].clip(upper=pd.Series(followed))
    csat = (rows["score"] + np.arange(600) % 2).clip(1, 5)
    return rows.assign(months=months, left=rows["left"].mask(late, 0), followed=followed, csat=csat)


def _left(rows: pd.DataFrame, cluster: str | None = "account", **sections: object) -> tuple[str, ...]:
    spec = account_spec(cluster, **sections)
    found = list(left_out_of_clusters(read_cohort(rows, spec).count()))
    return tuple(str(name) for check in found for name in check.facts["left"])  # type: ignore[union-attr]


def test_what_is_left_out_is_what_the_cohort_asks_for() -> None:
    rows = _rows()
    others = {"column": "score", "scale": "1-5", "others": {"csat": {"column": "csat", "scale": "1-5"}}}
    full = {"analysis": FULL, "subscription": SHORT}
    assert _left(rows, None, **full) == ()
    assert _left(rows, subscription=SHORT) == ("simultaneous",)  # a quick analysis
    assert _left(rows, **full) == ("simultaneous", "censoring")
    assert _left(rows, **full, score=others) == ("simultaneous", "censoring", "weights")
    # everybody is followed to the horizon
    assert _left(account_rows(600), analysis=FULL) == ("simultaneous",)
    two = rows.assign(score=rows["score"].clip(1, 2))
    assert _left(two, score={"column": "score", "scale": "1-2"}) == ()


def test_of_surveys_that_all_count_the_tipping_point_is_left_out_where_some_answered_none() -> None:
    table = waves(300, 1)
    silent = table.head(1).assign(customer=10_000, score=np.nan)
    for rows, named in ((table, False), (pd.concat([table, silent]), True)):
        (check,) = left_out_of_clusters(read_cohort(rows, make_spec(SPEC)).count())
        assert ("nonresponse" in check.facts["left"]) == named  # type: ignore[operator]


@pytest.mark.long
def test_the_terminal_and_the_limitations_name_them_and_no_row_of_theirs_is_there() -> None:
    rows = _rows()
    named = (
        "simultaneous intervals of every score against the worst and retention under informative censoring"
    )
    scenarios = {}
    for cluster in ("account", None):
        found = analyse(read_cohort(rows, account_spec(cluster, analysis=FULL, subscription=SHORT))).results
        said = [*closing_lines(found), *limits(gather(found))]
        assert sum(named in line for line in said) == (2 if cluster else 0)
        scenarios[cluster] = set(found.estimates["scenario"])
        checks = matching(found.checks, code="left_out_of_clusters")
        assert [named in note(check) for check in checks] == ([True] if cluster else [])
    assert {"simultaneous", "censored_hazard=2"} <= scenarios[None] - scenarios["account"]
