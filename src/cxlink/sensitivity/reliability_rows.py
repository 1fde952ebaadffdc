"""The score's reliability, and linear associations corrected for it, as rows of the estimates table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.tidy import interval, row
from cxlink.sensitivity.reliability import (
    FEWEST_PAIRS,
    Line,
    Reliability,
    corrected,
    line_through,
    reliability,
)
from cxlink.survival.survival import Survival

Row = dict[str, Any]
CORRECTED = "measurement_error"
ASKED_TWICE = "asked_twice"


def reliability_rows(
    repeats: pd.DataFrame, curves: Survival | None, spec: CohortSpec, rng: np.random.Generator
) -> tuple[list[Row], list[Check]]:
    """Reliability of the score, and the linear association with retention corrected for measurement error.

    Parameters
    ----------
    repeats : DataFrame
        ``score, again, n``: customers by their first and their second score.
    curves : Survival or None
        Of the headline, with draws; None where there are none.
    spec : CohortSpec
        Its horizon, groups and level.
    rng : Generator
        Advanced.

    Returns
    -------
    rows, findings
        Both empty where customers have one row each; a check where too few have two scores, or λ is not clearly
        positive.
    """
    if spec.cohort.repeat == "error":
        return [], []
    result, n = reliability(repeats), int(repeats["n"].sum())
    if result is None:
        too_few = Check("pairs", "test_retest", value=float(n), facts={"case": "few", "least": FEWEST_PAIRS})
        return [], [too_few]
    n_draws, level = spec.analysis.draws, spec.analysis.level
    names = {"model": "test_retest", "group": ASKED_TWICE, "adjusted": "no", "n": result.n}
    correlations, slopes = result.correlation_draws(n_draws, rng), result.slope_draws(n_draws, rng)
    rows = [
        row("score_reliability", result.correlation, correlations, level, "ratio", **names),
        row("score_calibration", result.slope, slopes, level, "ratio", **names),
    ]
    effect = _effect(curves, spec) if curves is not None else None
    if effect is None:
        return rows, [_selection_check(result)]
    rows += effect_rows(effect, spec)
    if interval(slopes, level)[1] <= 0:
        return rows, [Check("score_calibration", "test_retest", value=float(result.slope), passed=False)]
    rows += effect_rows(effect, spec, (result.slope, slopes))
    return rows, [_selection_check(result)]


def _selection_check(result: Reliability) -> Check:
    return Check("pairs", "test_retest", value=float(result.n), facts={"case": "stayed"})


@dataclass(frozen=True, slots=True)
class Effect:
    """A linear association of the score with retention at the horizon.

    Attributes
    ----------
    line : Line
        Its slope.
    apart : float
        Difference of the mean scores of the headline's two groups; NaN where one has no customers.
    n : int
        Customers in the first of these groups.
    labels : dict of str to str
        ``adjusted``, ``stratum``, ``scenario`` of the curves.
    """

    line: Line
    apart: float
    n: int
    labels: dict[str, str]


def _effect(curves: Survival, spec: CohortSpec) -> Effect | None:
    """Fit a linear trend to the levels' retention at the horizon."""
    at = {int(t): k for k, t in enumerate(curves.times)}.get(spec.horizon)
    levels = {str(level): level for level in spec.scale.levels}
    own = [g for g in curves.own if curves.groups[g] in levels]
    if at is None or not own:
        return None
    level, n = np.array([levels[curves.groups[g]] for g in own]), curves.n[own]
    line = line_through(level, n, curves.point[own, at], curves.draws[:, own, at])
    if line is None:
        return None
    inside = [np.isin(level, spec.group(side)) for side in spec.contrast(spec.analysis.contrasts[0])]
    occupied = all(n[side].sum() for side in inside)
    means = [n[side] @ level[side] / n[side].sum() if occupied else np.nan for side in inside]
    return Effect(line, float(means[0] - means[1]), int(n[inside[0]].sum()), curves.labels)


def effect_rows(
    effect: Effect, spec: CohortSpec, calibration: tuple[float, np.ndarray] | None = None
) -> Iterator[Row]:
    """Slope per point of the score, and the implied difference between the headline's two groups.

    Parameters
    ----------
    effect : Effect
        Without correction.
    spec : CohortSpec
        Its horizon, contrasts and level.
    calibration : (float, ndarray of shape (n_draws,)), optional
        λ and draws of it; the rows are then corrected, scenario `CORRECTED`. A difference of two probabilities is
        limited to −1 to 1.
    """
    value, draws = effect.line.slope, effect.line.draws
    names: Row = {"model": "line", "horizon": spec.horizon, **effect.labels}
    if calibration is not None:
        value, draws = corrected(value, draws, calibration)
        names["scenario"] = CORRECTED
    level = spec.analysis.level
    yield row("retention_slope", value, draws, level, "probability", group="all", n=effect.line.n, **names)
    if np.isnan(effect.apart):
        return
    group, reference = spec.contrast(spec.analysis.contrasts[0])
    names |= {"group": group, "reference": reference, "n": effect.n}
    value, draws = float(np.clip(effect.apart * value, -1, 1)), np.clip(effect.apart * draws, -1, 1)
    yield row("retention_difference", value, draws, level, "probability", **names)
