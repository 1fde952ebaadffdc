"""How well each coding of the answers predicts retention and spend: rows of the metrics table."""

from collections.abc import Iterator

import numpy as np
from scipy.special import ndtri

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.metrics.experience_metrics import nps_cuts, top_two
from cxlink.metrics.metric_intervals import MetricEstimate
from cxlink.metrics.metric_table import Row, metric_row
from cxlink.metrics.predictive_power import FULL, CodingGain, retention_gains, spend_gains
from cxlink.spend.spend_cells import spend_cells

METRICS = {"retention": "log_score_retention", "spend": "log_score_spend"}
UNIT = "millinat"
"""Thousandths of a nat a customer: nats per 1,000 customers."""


def coding_classes(spec: CohortSpec, levels: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Class of each level under each coding by classes; a coding that puts all customers in one class is left out."""
    cuts, best = nps_cuts(spec), top_two(spec)
    classes = {"top_two_box": [int(level in best) for level in levels]}
    if cuts is not None:
        classes["nps_class"] = [2 * (k in cuts[0]) + (k not in cuts[0] and k not in cuts[1]) for k in levels]
    dense = {name: np.unique(of, return_inverse=True)[1] for name, of in classes.items()}
    return {name: tuple(int(k) for k in of) for name, of in sorted(dense.items()) if of.max() > 0}


def power_rows(counts: Counts, rng: np.random.Generator) -> Iterator[Row]:
    """Compare NPS class, top two boxes, the score as a number and each level by itself.

    Parameters
    ----------
    counts : Counts
        Of customers with two scores or more.
    rng : Generator
        Draws the folds; advanced.
    """
    spec = counts.spec
    if not len(counts.scored):
        return
    spells = spells_of(counts)
    if len(spells.levels) < 2:
        return
    classes = coding_classes(spec, spells.levels)
    if spec.subscription is not None:
        yield from _rows("retention", retention_gains(spells, classes, rng), spec)
    if spec.spend is not None and counts.scored["spend_n"].sum():
        yield from _rows("spend", spend_gains(spend_cells(counts, spells), classes), spec)


def _rows(outcome: str, gains: list[CodingGain], spec: CohortSpec) -> Iterator[Row]:
    reach = float(ndtri((1 + spec.analysis.level) / 2))
    for kind in ("", "_ahead"):
        for gain in gains:
            if kind and gain.coding == FULL:
                continue
            mean, error = (gain.over_full, gain.over_full_error) if kind else (gain.gain, gain.std_error)
            low, high = 1000 * (mean - reach * error), 1000 * (mean + reach * error)
            estimate = MetricEstimate(1000 * mean, 1000 * error, low, high, gain.n)
            yield metric_row(
                f"{METRICS[outcome]}{kind}", estimate, spec.analysis.level, version=gain.coding, unit=UNIT
            )
