"""Pairs of cohorts of the study's design, ten levels and twelve strata, between which a known change is planted.

Of mix, baseline and effect each alone or all together, of 2, 5 or 10 points: of retention, or per cent of mean spend.
The mix changes the figure of the whole cohort by so much, and so does the baseline; the effect that of the worst score.
No additive model holds: the score acts on the hazard more strongly in some strata, customers differ in ways nobody
observes, and the effect that is planted is 1.3 times as large in half of the strata as on average.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from scipy.optimize import brentq

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.comparison.changes import outcomes
from cxlink.comparison.decomposition import PARTS, baseline_shift, shapley, states
from cxlink.study.cells import draw, spec_of
from cxlink.study.population import HORIZON, LEVELS
from cxlink.study.processes import Process, study_subscription, study_transaction

NONE, TOGETHER = "none", "together"
KINDS = (NONE, "mix", "baseline", "effect", TOGETHER)
POINTS = (2, 5, 10)
ESTIMANDS = ("retention", "spend")
_MIDDLE = 6
_STRONGER = 0.3


@cache
def base_process(estimand: str) -> Process:
    """Give the base cohort's process."""
    return replace(study_subscription(), spending=None) if estimand == "retention" else study_transaction()


def changed(process: Process, mix: float = 0.0, baseline: float = 0.0, effect: float = 0.0) -> Process:
    """Change a process: odds of a level by e^mix a point, hazards or means by e^baseline, and by e^effect a point."""
    points = np.array(LEVELS) - _MIDDLE
    n_strata = len(process.scored)
    strata = np.linspace(-2, 2, n_strata)[:, None]
    scored = process.scored * np.exp(mix * (points + strata))
    slope = effect * (1 + _STRONGER * np.where(np.arange(n_strata) % 2 == 0, 1, -1))[:, None]
    factor = np.exp(baseline + slope * points)[..., None]
    other = replace(process, scored=scored / scored.sum())
    if process.survival is not None:
        return replace(other, survival=process.survival**factor)
    assert process.spending is not None
    return replace(other, spending=replace(process.spending, mean=process.spending.mean * factor))


@cache
def planted(estimand: str, kind: str, points: int) -> Process:
    """Give the new cohort's process."""
    base = base_process(estimand)
    which = KINDS[1:-1] if kind == TOGETHER else () if kind == NONE else (kind,)
    return changed(base, **{part: _size(estimand, part, points) for part in which})


def _size(estimand: str, part: str, points: int) -> float:
    """Find how far a process is to be changed."""
    base = base_process(estimand)
    group = "worst" if part == "effect" else "all"
    levels = np.isin(LEVELS, _groups(base)[group])
    n = base.scored.T[levels]
    scale = 1.0 if estimand == "retention" else (n * _values(base)[levels]).sum() / n.sum()

    def miss(size: float) -> float:
        split = truth(base, changed(base, **{part: size}))
        return abs(split[group, part]) / scale - points / 100

    return float(brentq(miss, 0, 1, xtol=1e-10))


def _values(process: Process) -> np.ndarray:
    """Cumulative hazards to the horizon, or mean spend: (n_levels, n_strata)."""
    if process.survival is not None:
        cumulative: np.ndarray = -np.log(process.survival[..., HORIZON].T)
        return cumulative
    assert process.spending is not None
    spending = process.spending
    mean: np.ndarray = (spending.class_share[:, None] * spending.buys * spending.mean).sum(axis=-1).T
    return mean


def truth(base: Process, new: Process) -> dict[tuple[str, str], float]:
    """Give the true parts of the change by group and part: the split of the processes themselves."""
    first, second = _values(base), _values(new)
    factor = np.exp(baseline_shift(base.scored.T, np.log(second / first)))
    values = states(first, second, first * factor, second / factor)
    values = np.exp(-values) if base.survival is not None else values
    parts: dict[tuple[str, str], float] = {}
    for group, levels in _groups(base).items():
        at = np.isin(LEVELS, levels)
        split = shapley((base.scored.T[at], new.scored.T[at]), values[:, :, at])
        parts |= {(group, part): float(x) for part, x in zip(PARTS, split, strict=True)}
    return parts


def _groups(process: Process) -> dict[str, tuple[int, ...]]:
    singles = {str(level): (level,) for level in LEVELS}
    return {**singles, "worst": process.worst, "best": process.best, "all": LEVELS}


def drawn_pair(
    estimand: str, change: tuple[str, int], sizes: tuple[int, int], draws: int, rng: np.random.Generator
) -> tuple[Counts, Counts]:
    """Draw the counts of a base and of a new cohort; the arguments are those of `replicated`."""
    processes, seed = (base_process(estimand), planted(estimand, *change)), int(rng.integers(2**31))
    base, new = (
        draw(process, n, _named(spec_of(process, draws), name, seed), rng)
        for process, n, name in zip(processes, sizes, ("base", "new"), strict=True)
    )
    return base, new


def replicated(
    estimand: str, change: tuple[str, int], sizes: tuple[int, int], draws: int, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Draw a pair of cohorts, and give every part of its change with its ``truth``.

    Parameters
    ----------
    estimand : str
        One of `ESTIMANDS`.
    change : (str, int)
        One of `KINDS`, and points.
    sizes : (int, int)
        Customers with a score, of the base and of the new cohort.
    draws : int
        Of each comparison.
    rng : Generator
        Advanced.

    Yields
    ------
    dict
        ``estimand, group, part, estimate, std_error, conf_low, conf_high, truth``; parts that are nothing by definition
        (scores within a single level) are left out.
    """
    processes = base_process(estimand), planted(estimand, *change)
    parts, pair = truth(*processes), drawn_pair(estimand, change, sizes, draws, rng)
    single = {group for group, levels in _groups(processes[0]).items() if len(levels) == 1}
    for row in outcomes(pair[0], pair[1], HORIZON)[0].changes:
        if row["part"] != "mix_score" or row["group"] not in single:
            yield {**row, "truth": parts[row["group"], row["part"]]}


def _named(spec: CohortSpec, name: str, seed: int) -> CohortSpec:
    said = spec.model_dump(exclude_none=True)
    said["cohort"]["name"], said["analysis"]["seed"] = name, seed
    return make_spec(said)
