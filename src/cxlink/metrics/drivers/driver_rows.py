"""Drivers of retention and spend: rows of the metrics table, and what is found of the scores themselves."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.spec.cohort_spec import CohortSpec
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
from cxlink.metrics.metric_intervals import MetricEstimate
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
        Of a cohort with several scores; of one with a single score nothing is found.
    rng : Generator
        Draws the folds; advanced.
    """
    held, spec = counts.drivers, counts.spec
    if held is None or not len(held.cells):
        return Drivers(tidy_metrics([]), nobody_checks(held) if spec.others else ())
    cells = joint_cells(held, spec)
    if tells_of_few(held, spec.publish.smallest_cell):
        return Drivers(tidy_metrics([]), (Check("drivers_withheld", facts={}),))
    checks = [*answer_checks(held, spec.publish.smallest_cell), *level_checks(held, cells)]
    if len(cells.scores) < 2:
        return Drivers(tidy_metrics([]), tuple(checks))
    rows = list(_means(cells, spec))
    if held.horizon:
        found = _outcome("retention", retention_gains_of_scores(cells, rng), cells, spec)
        rows, checks = rows + found[0], checks + found[1]
    elif spec.subscription is not None:
        checks.append(Check("drivers_unfollowed", facts={"horizon": spec.horizon, "unit": spec.unit}))
    if spec.spend is not None:
        found = _outcome("spend", spend_gains_of_scores(cells), cells, spec)
        rows, checks = rows + found[0], checks + found[1]
    return Drivers(tidy_metrics(rows), tuple(checks))


def _means(cells: JointCells, spec: CohortSpec) -> Iterator[Row]:
    """Mean of each score on a scale from 0 (worst) to 1 (best)."""
    total = float(cells.n.sum())
    for score in cells.scores:
        x = score.points[score.codes] / score.span
        mean = float(cells.n @ x) / total
        error = float(np.sqrt((cells.n @ (x - mean) ** 2) / total / max(total - 1, 1)))
        yield _row((MEAN, "", score.name), (mean, error, int(total)), spec, "ratio")


def _outcome(
    outcome: str, gains: Gains | None, cells: JointCells, spec: CohortSpec
) -> tuple[list[Row], list[Check]]:
    """Rows and checks of one outcome."""
    if gains is None:
        return [], [Check("drivers_uncompared", facts={"outcome": outcome})]
    retention = outcome == "retention"
    unit = UNIT if retention else spec.spend.currency if spec.spend is not None else ""
    times = 1000.0 if retention else 1.0
    names = [score.name for score in cells.scores]
    place = {name: i for i, name in enumerate(gains.names)}
    errors = times * np.sqrt(np.maximum(np.diag(gains.covariance), 0.0))
    rows = [
        _row(
            (GAINS[outcome], version, names[j] if j >= 0 else ""), (times * value, error, gains.n), spec, unit
        )
        for (version, j), value, error in zip(gains.names, gains.values, errors.tolist(), strict=True)
    ]
    shapley = [place["shapley", j] for j in range(len(names))]
    rows += _ahead(outcome, gains, shapley, names, spec)
    rows += _shares(outcome, gains, shapley, names, spec)
    contrasts = retention_contrasts(cells) if retention else spend_contrasts(cells)
    rows += [_contrast_row(outcome, one, spec) for one in contrasts]
    unknown = [one.name for one in contrasts if np.isnan(one.estimate)]
    checks = [
        Check("driver_inseparable", passed=False, facts={"score": name, "outcome": outcome})
        for name in unknown
    ]
    return rows, [*checks, *verdicts(outcome, rows, names)]


def _contrast_row(outcome: str, one: PointContrast, spec: CohortSpec) -> Row:
    unit = "probability" if outcome == "retention" else spec.spend.currency if spec.spend is not None else ""
    return _row((CONTRASTS[outcome], "partial", one.name), (one.estimate, one.std_error, one.n), spec, unit)


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
        yield _row((GAINS[outcome], "ahead", name), (value, error, gains.n), spec, unit)


def _shares(
    outcome: str, gains: Gains, shapley: list[int], names: list[str], spec: CohortSpec
) -> Iterator[Row]:
    """Shapley values as shares of the whole gain, where its lower limit is above 0."""
    whole, error = float(gains.values[0]), float(np.sqrt(max(gains.covariance[0, 0], 0.0)))
    if whole - _reach(spec) * error <= 0:
        return
    for place, name in zip(shapley, names, strict=True):
        share = float(gains.values[place]) / whole
        contrast = np.zeros(len(gains.values))
        contrast[place] += 1.0
        contrast[0] -= share
        spread = float(np.sqrt(max(contrast @ gains.covariance @ contrast, 0.0))) / whole
        yield _row((SHARES[outcome], "shapley", name), (share, spread, gains.n), spec, "probability")


def _reach(spec: CohortSpec) -> float:
    return float(ndtri((1 + spec.analysis.level) / 2))


def _row(key: tuple[str, str, str], found: tuple[float, float, int], spec: CohortSpec, unit: str) -> Row:
    """Make a row of a metric, its version and a score."""
    metric, version, name = key
    value, error, n = found
    reach = _reach(spec) * error
    estimate = MetricEstimate(value, error, value - reach, value + reach, n)
    variable = VARIABLE if name else ""
    return metric_row(
        metric,
        estimate,
        spec.analysis.level,
        version=version,
        variable=variable,
        category=name,
        period="",
        unit=unit,
    )
