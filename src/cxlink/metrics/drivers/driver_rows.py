"""Drivers of retention and spend: rows of the metrics table, and what is found of the scores themselves."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spell_buckets import bucket_spread
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.over_clusters.cluster_checks import cluster_size
from cxlink.estimands.simultaneous import SIMULTANEOUS
from cxlink.groups.effective_buckets import effective_of
from cxlink.metrics.bucketed_metrics import half_width, symmetric
from cxlink.metrics.drivers.driver_checks import (
    answer_checks,
    level_checks,
    nobody_checks,
    tells_of_few,
    verdicts,
)
from cxlink.metrics.drivers.driver_gains import Gains, retention_gains_of_scores, spend_gains_of_scores
from cxlink.metrics.drivers.driver_metrics import CONTRASTS, GAINS, MEAN, SHARES, VARIABLE
from cxlink.metrics.drivers.joint_cells import JointCells, joint_cells
from cxlink.metrics.drivers.partial_contrasts import PointContrast, retention_contrasts, spend_contrasts
from cxlink.metrics.drivers.simultaneous_contrasts import simultaneous_contrasts
from cxlink.metrics.metric_table import Row, metric_row, tidy_metrics
from cxlink.metrics.power_rows import UNIT


@dataclass(frozen=True, slots=True, eq=False)
class Drivers:
    """What was found of several scores.

    Attributes
    ----------
    table : DataFrame
        Rows of the metrics table; none where there are not two scores to compare.
    checks : tuple of Check
        Scores that cannot be compared, and what follows from the rows.
    """

    table: pd.DataFrame
    checks: tuple[Check, ...] = ()


def drivers_of(counts: Counts, rng: np.random.Generator) -> Drivers:
    """Compare the scores of a cohort, on the customers who gave all of them.

    Parameters
    ----------
    counts : Counts
        Of a cohort with several scores; of one with a single score nothing is found. Where every survey counts,
        customers are compared by their first.
    rng : Generator
        Draws the folds; advanced.
    """
    held, spec = counts.drivers, counts.spec.of_first_surveys
    if held is None or not len(held.cells):
        return Drivers(tidy_metrics([]), nobody_checks(held) if spec.others else ())
    cells = joint_cells(held, spec)
    if tells_of_few(held, spec.publish.smallest_cell):
        return Drivers(tidy_metrics([]), (Check("drivers_withheld", facts={}),))
    size = cluster_size(counts) if spec.cluster_column is not None else np.nan
    size = float(np.nan_to_num(size, nan=1.0))
    checks = [*answer_checks(held, spec.publish.smallest_cell, size), *level_checks(held, cells)]
    if len(cells.scores) < 2:
        return Drivers(tidy_metrics([]), tuple(checks))
    rows = list(_means(cells, spec))
    if held.horizon:
        found = _outcome("retention", retention_gains_of_scores(cells, rng), cells, spec)
        rows, checks = rows + found[0], checks + found[1]
    elif spec.subscription is not None:
        checks.append(Check("drivers_unfollowed", facts={"horizon": spec.horizon, "unit": spec.unit}))
    if spec.spend is not None:
        found = _outcome("spend", spend_gains_of_scores(cells, rng), cells, spec)
        rows, checks = rows + found[0], checks + found[1]
    return Drivers(tidy_metrics(rows), tuple(checks))


def _means(cells: JointCells, spec: CohortSpec) -> Iterator[Row]:
    """Mean of each score on a scale from 0 (worst) to 1 (best)."""
    total = float(cells.n.sum())
    freedom = _freedom(cells, spec, np.inf)
    if cells.bucket is not None:
        freedom = effective_of(np.bincount(cells.bucket, cells.n, BUCKETS))
    for score in cells.scores:
        x = score.points[score.codes] / score.span
        mean = float(cells.n @ x) / total
        error = float(np.sqrt((cells.n @ (x - mean) ** 2) / total / max(total - 1, 1)))
        if cells.bucket is not None:
            error = _over_buckets(cells.n * (x - mean), cells.n, cells.bucket)
        yield _row((MEAN, "", score.name), (mean, error, int(total)), spec, "ratio", freedom)


def _over_buckets(apart: np.ndarray, n: np.ndarray, bucket: np.ndarray) -> float:
    """Standard error of a mean over buckets, from the sums of what customers differ from it by."""
    each, size = (np.bincount(bucket, one, BUCKETS) for one in (apart, n))
    spread = bucket_spread(size[size > 0], np.zeros(int((size > 0).sum()), dtype=int))
    return float(np.sqrt(spread @ each[size > 0] ** 2) / n.sum())


def _freedom(cells: JointCells, spec: CohortSpec, freedom: float) -> float:
    """Degrees of freedom; none of clustered customers whose buckets are no longer known."""
    return 0.0 if spec.cluster_column is not None and cells.bucket is None else freedom


def _outcome(
    outcome: str, gains: Gains | None, cells: JointCells, spec: CohortSpec
) -> tuple[list[Row], list[Check]]:
    """Rows and checks of one outcome."""
    if gains is None:
        return [], [Check("drivers_uncompared", facts={"outcome": outcome})]
    retention = outcome == "retention"
    unit = UNIT if retention else spec.spend.currency if spec.spend is not None else ""
    times = 1000.0 if retention else 1.0
    gains = replace(gains, freedom=_freedom(cells, spec, gains.freedom))
    names = [score.name for score in cells.scores]
    place = {name: i for i, name in enumerate(gains.names)}
    errors = times * np.sqrt(np.maximum(np.diag(gains.covariance), 0.0))
    rows = [
        _row(
            (GAINS[outcome], version, names[j] if j >= 0 else ""),
            (times * value, error, gains.n),
            spec,
            unit,
            gains.freedom,
        )
        for (version, j), value, error in zip(gains.names, gains.values, errors.tolist(), strict=True)
    ]
    shapley = [place["shapley", j] for j in range(len(names))]
    rows += _ahead(outcome, gains, shapley, names, spec)
    rows += _shares(outcome, gains, shapley, names, spec)
    contrasts = [
        replace(one, freedom=_freedom(cells, spec, one.freedom))
        for one in (retention_contrasts(cells) if retention else spend_contrasts(cells))
    ]
    rows += _contrast_rows(outcome, contrasts, spec)
    unknown = [one.name for one in contrasts if np.isnan(one.estimate)]
    checks = [
        Check("driver_inseparable", passed=False, facts={"score": name, "outcome": outcome})
        for name in unknown
    ]
    return rows, [*checks, *verdicts(outcome, rows, names)]


def _contrast_rows(outcome: str, contrasts: list[PointContrast], spec: CohortSpec) -> Iterator[Row]:
    """Rows of the contrasts, each by itself and all of them at once."""
    unit = "probability" if outcome == "retention" else spec.spend.currency if spec.spend is not None else ""
    level = spec.analysis.level
    for one in contrasts:
        found = (one.estimate, one.std_error, one.n)
        yield _row((CONTRASTS[outcome], "partial", one.name), found, spec, unit, one.freedom)
    for name, estimate in simultaneous_contrasts(contrasts, level):
        where = {"version": SIMULTANEOUS, "variable": VARIABLE, "category": name}
        yield metric_row(CONTRASTS[outcome], estimate, level, unit=unit, period="", **where)


def _ahead(
    outcome: str, gains: Gains, shapley: list[int], names: list[str], spec: CohortSpec
) -> Iterator[Row]:
    """How far the score with the largest Shapley value is ahead of each other one."""
    retention = outcome == "retention"
    unit = UNIT if retention else spec.spend.currency if spec.spend is not None else ""
    times = 1000.0 if retention else 1.0
    first = max(shapley, key=lambda place: gains.values[place])
    for place, name in zip(shapley, names, strict=True):
        if place == first:
            continue
        contrast = np.zeros(len(gains.values))
        contrast[first], contrast[place] = 1.0, -1.0
        error = times * float(np.sqrt(max(contrast @ gains.covariance @ contrast, 0.0)))
        value = times * float(contrast @ gains.values)
        yield _row((GAINS[outcome], "ahead", name), (value, error, gains.n), spec, unit, gains.freedom)


def _shares(
    outcome: str, gains: Gains, shapley: list[int], names: list[str], spec: CohortSpec
) -> Iterator[Row]:
    """Shapley values as shares of the whole gain, where its lower limit is above 0."""
    whole, error = float(gains.values[0]), float(np.sqrt(max(gains.covariance[0, 0], 0.0)))
    if not whole - half_width(spec.analysis.level, gains.freedom) * error > 0:
        return
    for place, name in zip(shapley, names, strict=True):
        share = float(gains.values[place]) / whole
        contrast = np.zeros(len(gains.values))
        contrast[place] += 1.0
        contrast[0] -= share
        spread = float(np.sqrt(max(contrast @ gains.covariance @ contrast, 0.0))) / whole
        found = (share, spread, gains.n)
        yield _row((SHARES[outcome], "shapley", name), found, spec, "probability", gains.freedom)


def _row(
    key: tuple[str, str, str], found: tuple[float, float, int], spec: CohortSpec, unit: str, freedom: float
) -> Row:
    """Make a row of a metric, its version and a score."""
    metric, version, name = key
    variable = VARIABLE if name else ""
    return metric_row(
        metric,
        symmetric(found, spec.analysis.level, freedom),
        spec.analysis.level,
        version=version,
        variable=variable,
        category=name,
        period="",
        unit=unit,
    )
