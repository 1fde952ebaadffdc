"""What clusters do to an analysis: the design effect of the cohort's own retention and spend, and what is left out."""

from collections.abc import Iterator

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import Counts
from cxlink.estimands.support_checks import until

_SIZES = ("clusters", "surveyed_customers")


def checks_of_clusters(counts: Counts) -> list[Check]:
    """Give what clusters do to an analysis: `design_effects` and `left_out_of_clusters`."""
    return [*design_effects(counts), *left_out_of_clusters(counts)]


def design_effects(counts: Counts) -> Iterator[Check]:
    """Compare variances over buckets of clusters with those of independent customers.

    With U_b the sum of the deviations from the mean over the customers of bucket b, the design effect is
    G / (G − 1)·Σ U_b² / Σ_i (y_i − ȳ)²; with clusters of mean size m, weighted by customers, the intraclass correlation
    is (effect − 1) / (m − 1) (Kish 1965). Retention is of the customers who were followed to the horizon, or lost
    before.

    Yields
    ------
    Check
        ``design_effect`` with the facts ``icc`` and ``size``; nothing where customers are not clustered, no cluster has
        two, or nothing varies.
    """
    size = cluster_size(counts)
    if "bucket" not in counts.cells or not size > 1:
        return
    spec, scored = counts.spec, counts.scored
    bucket = scored["bucket"].to_numpy(int)
    if spec.subscription is not None:
        n, span = scored["n"].to_numpy(float), (scored["exit"] - scored["entry"]).to_numpy()
        lost = (scored["cause"] != "").to_numpy() & (span <= spec.horizon)
        known = n * (lost | (span >= spec.horizon))
        sums = known, known * ~lost, known * ~lost
        yield from _effect("retention", bucket, sums, size, until(spec))
    if spec.spend is not None:
        moments = tuple(scored[name].to_numpy(float) for name in ("spend_n", "spend_sum", "spend_sum_sq"))
        yield from _effect("spend", bucket, moments, size, {})


def left_out_of_clusters(counts: Counts) -> Iterator[Check]:
    """Name the analyses that a cohort would have if its customers, or surveys, were independent.

    Their draws are of independent ones, so that an interval of theirs would be too narrow.

    Yields
    ------
    Check
        ``left_out_of_clusters`` with the fact ``left``: ``simultaneous`` (intervals of every level against the worst
        band), ``censoring`` (retention if hazards after censoring were others, and its tipping point), ``weights``
        (for censoring, by the other scores), ``nonresponse`` (the tipping point of customers without a score, where
        every survey counts). Nothing of independent customers, or where none of these is asked for.
    """
    spec, scored = counts.spec, counts.scored
    if spec.cluster_column is None:
        return
    full = spec.analysis.models != "quick" and spec.subscription is not None
    early = (scored["cause"] == "") & (scored["exit"] - scored["entry"] < spec.horizon)
    unscored = bool(counts.cells["score"].isna().any())
    asked = {
        "simultaneous": scored["score"].nunique() > len(("best", "worst")),
        "censoring": full and bool(early.any()),
        "weights": full and bool(early.any()) and bool(spec.others),
        "nonresponse": spec.subscription is not None and spec.every_survey and unscored,
    }
    left = tuple(name for name, is_asked in asked.items() if is_asked)
    if left:
        yield Check("left_out_of_clusters", facts={"left": left})


def cluster_size(counts: Counts) -> float:
    """Give the mean size of a customer's cluster; NaN where it is not known, or customers are independent."""
    sizes = [remark.facts["size"] for remark in counts.profile.notes if remark.code in _SIZES]
    return float(np.mean([float(str(size)) for size in sizes])) if sizes else np.nan


def _effect(
    outcome: str, bucket: np.ndarray, sums: tuple[np.ndarray, ...], size: float, facts: dict[str, Fact]
) -> Iterator[Check]:
    n, total, squares = sums
    if not n.sum() > 0:
        return
    mean = total.sum() / n.sum()
    within = squares.sum() - n.sum() * mean**2
    each = np.bincount(bucket, total - n * mean, BUCKETS)
    n_buckets = int((np.bincount(bucket, n, BUCKETS) > 0).sum())
    if not within > 1e-12 * squares.sum() or n_buckets < 2:
        return
    effect = float(n_buckets / (n_buckets - 1) * (each**2).sum() / within)
    yield Check(
        "design_effect",
        value=effect,
        facts={"case": outcome, "icc": (effect - 1) / (size - 1), "size": size, **facts},
    )
