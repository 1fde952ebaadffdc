"""Comparisons of clustered cohorts: errors over buckets, shared accounts, few of them, and one cohort without."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.comparison.changes import CALIBRATION, CHANGES, OutcomeChange, outcomes, response_rows, table_of
from cxlink.comparison.clustered.bucket_noise import bucketed_cells
from cxlink.comparison.clustered.paired_buckets import PairedBuckets
from cxlink.comparison.recommendation import UNKNOWN, verdict_of
from cxlink.report.change_sections.cluster_lines import cluster_lines
from cxlink.report.change_sections.comparison_document import comparison_document
from cxlink.verbs import compare
from validation.account_law import HORIZON, account_laws, alone, drawn_counts


def called(counts: Counts, name: str, cluster: str | None = None) -> Counts:
    """The counts under a name of their own, and of the column of their clusters."""
    spec = counts.spec
    changes = {"name": name} | ({"cluster": cluster} if cluster else {})
    spec = spec.model_copy(update={"cohort": spec.cohort.model_copy(update=changes)})
    return replace(counts, spec=spec, profile=replace(counts.profile, fingerprint=name))


@cache
def pair() -> tuple[Counts, Counts]:
    """Two cohorts of one law, 1,500 customers each."""
    rng = np.random.default_rng(8)
    law = account_laws()["by_account"]
    return called(drawn_counts(law, 1500, rng), "old"), called(drawn_counts(law, 1500, rng), "new")


@cache
def compared(base_alone: bool = False) -> tuple[OutcomeChange, ...]:
    base, new = pair()
    return tuple(outcomes(called(alone(base), "old") if base_alone else base, new, HORIZON))


def changes_of(found: OutcomeChange) -> pd.DataFrame:
    return table_of(found.changes, CHANGES).set_index(["group", "part"])


def bucket_variance(counts: Counts, x: np.ndarray, n: np.ndarray) -> float:
    """G / (G − 1)·Σ (x_b − R·n_b)² / n²."""
    bucket = counts.cells["bucket"].to_numpy(int)
    sums, sizes = np.bincount(bucket, x, 200), np.bincount(bucket, n, 200)
    g = (sizes > 0).sum()
    moved: np.ndarray = sums - sums.sum() / sizes.sum() * sizes
    return float(g / (g - 1) * (moved**2).sum() / sizes.sum() ** 2)


@pytest.mark.long
def test_errors_of_totals_are_those_of_buckets_of_both_cohorts() -> None:
    for found in compared():
        expected = 0.0
        for one in pair():
            n = one.cells["n"].to_numpy(float)
            kept = n * (one.cells["cause"] == "").to_numpy()
            spend = one.cells["spend_sum"].to_numpy(float)
            expected += bucket_variance(one, kept if found.estimand == "retention" else spend, n)
        row = changes_of(found).loc[("all", "total")]
        # buckets are shared by hash alone: their covariance is noise of some 1/√200; 400 draws
        assert row["std_error"] == pytest.approx(np.sqrt(expected), rel=0.25)
        independent = changes_of(outcomes(*map(alone, pair()), HORIZON)[found.estimand == "spend"])
        assert row["std_error"] > 1.1 * independent.loc[("all", "total"), "std_error"]
        assert row["estimate"] == pytest.approx(
            independent.loc[("all", "total"), "estimate"], abs=1e-9 * max(1.0, abs(row["estimate"]))
        )


def test_an_account_in_both_cohorts_counts_once() -> None:
    base = pair()[0]
    for found in outcomes(base, called(base, "again"), HORIZON):
        row = changes_of(found).loc[("all", "total")]
        assert row["std_error"] < 1e-12 * max(1.0, found.calibration[0]["estimate"])
    for found in outcomes(base, called(base, "again", cluster="household"), HORIZON):
        assert changes_of(found).loc[("all", "total"), "std_error"] > 0.01


def test_parts_add_up_and_nothing_is_left_without_an_interval() -> None:
    for found in compared():
        changes = (
            changes_of(found).reset_index().pivot_table(index="group", columns="part", values="estimate")
        )
        total = changes[["mix_strata", "mix_score", "baseline", "effect"]].sum(axis=1)
        np.testing.assert_allclose(total, changes["total"], atol=1e-9 * changes["total"].abs().max())
        assert found.clustered == (True, True)
        assert found.without_interval == ()
        assert cluster_lines(found) == []


def test_degrees_of_freedom_are_those_of_both_cohorts_buckets() -> None:
    first, second = np.zeros((1, 1, 200)), np.zeros((1, 1, 200))
    first[0, 0, :4], second[0, 0, 2:6] = 10, 20
    every = np.ones((1, 1), bool)
    # a quarter of each cohort in a bucket: q is (1/4)² in buckets 0 and 1, twice that in 2 and 3, (1/4)² in 4 and 5
    q = np.array([1, 1, 2, 2, 1, 1]) / 16
    both = PairedBuckets((first, second))
    assert both.effective(every) == pytest.approx(q.sum() ** 2 / (q**2).sum())
    assert both.effective(every, new_alone=True) == pytest.approx(4)
    assert PairedBuckets((first, None)).effective(every) == pytest.approx(4)
    assert PairedBuckets((first, None)).effective(every, new_alone=True) == np.inf
    assert PairedBuckets((None, None)).freedom([every]).tolist() == [[np.inf] * 2] * 2


def test_likeness_is_what_the_variance_over_buckets_says() -> None:
    n = np.zeros((1, 1, 200))
    n[0, 0, :10] = 6
    # 60 customers of variance .2, their mean's variance (1 + .3·5)·.2/60
    made = bucketed_cells(n, np.array([[2.5 * 0.2 / 60]]), np.array([[0.2]]))
    assert made.likeness == pytest.approx(0.3)
    assert made.inflation == pytest.approx(np.array([[2.5]]))
    assert made.overall == pytest.approx(2.5)
    assert bucketed_cells(n, np.array([[0.2 / 90]]), np.array([[0.2]])).likeness == 0


def test_cells_of_one_bucket_are_drawn_alike_as_their_customers_are() -> None:
    n = np.zeros((2, 2, 200))
    n[0, 0, 3], n[0, 1, 3], n[1, 0, 5] = 6, 6, 6
    n[1, 1, :2] = 6
    made = replace(bucketed_cells(n, np.full((2, 2), np.nan), np.full((2, 2), np.nan)), likeness=0.3)
    drawn = made.alike(made.buckets == 1, 40_000, np.random.default_rng(2))
    expected = 0.3 * 6 / (1 + 5 * 0.3)
    correlation = np.corrcoef(drawn)
    assert correlation[0, 1] == pytest.approx(expected, abs=4 / 200)
    assert correlation[0, 2] == pytest.approx(0, abs=4 / 200)
    assert drawn.std() == pytest.approx(1, abs=4 / np.sqrt(2 * 40_000))


def test_of_one_cohort_without_clusters_it_is_said() -> None:
    retention = compared(base_alone=True)[0]
    assert retention.clustered == (False, True)
    (said,) = cluster_lines(retention)
    assert "errors are over the clusters of new, while customers of old" in said
    both, mixed = (
        changes_of(one[0]).loc[("all", "total"), "std_error"] for one in (compared(), compared(True))
    )
    assert mixed < both


@pytest.mark.long
def test_under_six_accounts_an_estimate_stands_alone_and_nothing_is_judged() -> None:
    few = []
    for one in pair():
        bucket = one.cells["bucket"] % 5
        few.append(replace(one, cells=add_up(one.cells.assign(bucket=bucket))))
    found = compare(few)
    assert found.changes["conf_low"].isna().all()
    assert found.changes["estimate"].notna().all()
    assert {one.verdict for one in found.verdicts} == {UNKNOWN}
    text = repr(comparison_document(found))
    assert "not judged" in text
    assert "effectively under 6 buckets" in text
    assert "nan" not in text
    assert "Too few clusters stand behind it for 95" in text
    assert "no estimate has an interval" in text


def test_response_is_compared_over_buckets() -> None:
    base, new = pair()
    cohorts = []
    for at, one in enumerate((base, new)):
        cells = one.cells.copy()
        silent = (cells["bucket"] + at) % 4 == 0
        cells["score"] = cells["score"].mask(silent)
        cohorts.append(replace(one, cells=add_up(cells)))
    (row,) = response_rows(*cohorts)
    variance = 0.0
    moved = []
    for one in cohorts:
        bucket, n = one.cells["bucket"].to_numpy(int), one.cells["n"].to_numpy(float)
        scored = n * one.cells["score"].notna().to_numpy()
        variance += bucket_variance(one, scored, n)
        g = len(np.unique(bucket))
        moved.append(
            np.bincount(bucket, scored - scored.sum() / n.sum() * n, 200) / n.sum() * np.sqrt(g / (g - 1))
        )
    assert row["std_error"] == pytest.approx(np.sqrt(variance - 2 * moved[0] @ moved[1]), rel=1e-9)
    assert row["conf_low"] < row["estimate"] < row["conf_high"]
    (mixed,) = response_rows(replace(alone(base), cells=alone(cohorts[0]).cells), cohorts[1])
    assert mixed["std_error"] < row["std_error"]


def test_verdicts_of_one_law_are_valid() -> None:
    for found in compared():
        judged = verdict_of(table_of(found.calibration, CALIBRATION))
        assert judged.verdict == "valid"
