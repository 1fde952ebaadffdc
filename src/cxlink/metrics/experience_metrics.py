"""Metrics of the answers alone: net promoter score, satisfaction and customer effort."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.metrics.metric_intervals import MetricEstimate, mean_score, net_promoters, share

PROMOTERS, DETRACTORS = (9, 10), tuple(range(7))
Answers = dict[int, float]


@dataclass(frozen=True, slots=True)
class Experience:
    """A metric of the answers.

    Attributes
    ----------
    metric, version, unit : str
        Columns of the metrics table; version ``non_standard`` where the scale or its cut-points are not the source's.
    measure : callable
        From customers by answer, and the level of the interval.
    points : callable
        What an answer adds: the metric is the mean of it.
    bounds : (float, float)
        Where it can be.
    """

    metric: str
    version: str
    unit: str
    measure: Callable[[Answers, float], MetricEstimate]
    points: Callable[[int], float]
    bounds: tuple[float, float]


def nps_cuts(spec: CohortSpec) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Promoters and detractors: of the spec, else the standard ones of 0 to 10; None on another scale."""
    if spec.metrics is not None and spec.metrics.nps is not None:
        return spec.metrics.nps.promoters, spec.metrics.nps.detractors
    standard = (spec.scale.low, spec.scale.high, spec.scale.higher_is_better) == (0, 10, True)
    return (PROMOTERS, DETRACTORS) if standard else None


def experience_metrics(spec: CohortSpec) -> Iterator[Experience]:
    """Metrics that the scale allows: NPS on 0–10 or with cut-points; effort where the spec says so; else satisfaction.

    Nothing in the numbers distinguishes an effort score from satisfaction: effort needs ``[metrics] ces = true``.
    """
    cuts, effort = nps_cuts(spec), spec.metrics is not None and spec.metrics.ces
    if cuts is not None:
        yield _net_promoter_score(spec, *cuts)
    if effort:
        yield from _effort(spec)
    elif (spec.scale.low, spec.scale.high) != (0, 10):
        yield from _satisfaction(spec)


def _net_promoter_score(
    spec: CohortSpec, promoters: tuple[int, ...], detractors: tuple[int, ...]
) -> Experience:
    def measure(answers: Answers, level: float) -> MetricEstimate:
        p, d = (sum(answers.get(k, 0.0) for k in group) for group in (promoters, detractors))
        return net_promoters(p, d, sum(answers.values()), level)

    scale = spec.scale
    standard = (scale.low, scale.high, scale.higher_is_better) == (0, 10, True)
    standard &= (promoters, detractors) == (PROMOTERS, DETRACTORS)
    return Experience(
        "nps", _version(standard), "points", measure,
        lambda answer: 100.0 * ((answer in promoters) - (answer in detractors)), (-100.0, 100.0),
    )  # fmt: skip


def _satisfaction(spec: CohortSpec) -> Iterator[Experience]:
    scale = spec.scale
    standard = (scale.low, scale.high, scale.higher_is_better) == (1, 5, True)
    yield from _answered("csat_top_two_box", "csat_mean", _version(standard), spec)


def _effort(spec: CohortSpec) -> Iterator[Experience]:
    """Version 1: 1–5, low is good. Version 2.0: 1–7 “made it easy”, high is good."""
    scale = spec.scale
    versions = {(1, 5, False): "version_1", (1, 7, True): "version_2"}
    version = versions.get((scale.low, scale.high, scale.higher_is_better), "non_standard")
    yield from _answered("ces_top_two_box", "ces_mean", version, spec)


def _answered(share_name: str, mean_name: str, version: str, spec: CohortSpec) -> Iterator[Experience]:
    """Share of the two best answers, and the mean answer."""
    best = top_two(spec)
    yield Experience(
        share_name, version, "probability",
        lambda answers, level: share(_inside(answers, best), sum(answers.values()), level),
        lambda answer: float(answer in best), (0.0, 1.0),
    )  # fmt: skip
    ends = float(spec.scale.low), float(spec.scale.high)
    yield Experience(
        mean_name, version, "score", lambda answers, level: _mean(answers, spec, level), float, ends
    )


def top_two(spec: CohortSpec) -> tuple[int, ...]:
    """Give the two best answers of the scale; the best one of a scale of two."""
    levels = spec.scale.levels
    return tuple(sorted(levels[-2:] if len(levels) > 2 else levels[-1:]))


def _version(standard: bool) -> str:
    return "standard" if standard else "non_standard"


def _inside(answers: Answers, levels: tuple[int, ...]) -> float:
    return sum(answers.get(level, 0.0) for level in levels)


def _mean(answers: Answers, spec: CohortSpec, level: float) -> MetricEstimate:
    values = np.array(sorted(answers), float)
    n = np.array([answers[k] for k in sorted(answers)], float)
    return mean_score(values, n, (spec.scale.low, spec.scale.high), level)
