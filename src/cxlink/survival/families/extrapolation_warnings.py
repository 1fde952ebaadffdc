"""What makes an extrapolation implausible: reported with its reason, and never a ground for dropping a family.

Leaving a family out after having seen what it says would choose by result; the average keeps its fixed menu, and the
report warns the reader of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.spells import PersonPeriods
from cxlink.survival.families.fitted import Fit
from cxlink.survival.survival import Survival

_MATURE = 0.05
_TURNED = 0.02
_FURTHER = 3
_LONGEST_CYCLE = 24
_TIMES = 2.0
_CLEAR = 3.0


@dataclass(frozen=True, slots=True)
class Spike:
    """Losses that come back every so many periods.

    Attributes
    ----------
    every : int
        Periods between them.
    ratio : float
        Hazard at its multiples over that of their neighbours, the smallest of them.
    """

    every: int
    ratio: float


def family_warnings(fits: Sequence[Fit], tenures: Sequence[Survival], periods: PersonPeriods) -> list[Check]:
    """Screen each fitted family.

    Parameters
    ----------
    fits : sequence of Fit
        Families.
    tenures : sequence of Survival
        What they say, in the same order, the score's effect lasting for ever.
    periods : PersonPeriods
        What they were fitted to.
    """
    end = int(np.flatnonzero(periods.at_risk.sum(axis=0) > 0).max(initial=0)) + 1
    weight = periods.at_risk[:, 0] + 0.0
    weight = weight if weight.sum() > 0 else periods.at_risk.sum(axis=1) + 0.0
    warnings: list[Check] = []
    for fit, tenure in zip(fits, tenures, strict=True):
        warnings += _never_leaving(fit, periods, weight / weight.sum(), end)
        warnings += _endless(tenure)
        warnings += _turning(fit, periods, weight / weight.sum(), end)
    return warnings


def _warning(code: str, model: str, value: float, **facts: Fact) -> Check:
    return Check(code, model, value=value, passed=False, facts=facts)


def _log_survival(fit: Fit, periods: PersonPeriods, time: np.ndarray) -> np.ndarray:
    """Log S of each pair at the estimate, of shape (n_pairs, n_times)."""
    linked = [part[0][:, None] for part in fit.linked(fit.estimate[None], periods.level, periods.stratum)]
    with np.errstate(all="ignore"):
        log_survival: np.ndarray = np.asarray(fit.family.linked(time, *linked)) + np.zeros(
            (len(periods.level), 1)
        )
    finite: np.ndarray = np.nan_to_num(log_survival, nan=-np.inf)
    return finite


def _never_leaving(fit: Fit, periods: PersonPeriods, weight: np.ndarray, end: int) -> Iterator[Check]:
    name, kind = fit.family.name, fit.family.kind
    if kind == "gompertz" and fit.estimate[-1] < 0 and "shape" not in fit.at_bound:
        share = float(weight @ np.exp(_log_survival(fit, periods, np.array([1e6])))[:, 0])
        if share > 0.001:
            yield _warning("implicit_cure", name, share, case="falling_hazard")
    if kind == "spline":
        late = _log_survival(fit, periods, np.array([10.0 * end, 20.0 * end]))
        if (late[:, 1] >= late[:, 0]).any():
            share = float(weight @ np.exp(late[:, 1]))
            yield _warning("implicit_cure", name, share, case="held_level")
    if kind == "cure":
        cured = fit.linked(fit.estimate[None], periods.level, periods.stratum)[0][0]
        share = float(weight @ (1 / (1 + np.exp(-cured))))
        survival = np.exp(_log_survival(fit, periods, np.array([float(end)])))[:, 0]
        pi = 1 / (1 + np.exp(-cured))
        uncured = float(weight @ np.clip((survival - pi) / np.maximum(1 - pi, 1e-12), 0, 1))
        if share > 0.001 and uncured > _MATURE:
            yield _warning("immature_cure", name, uncured, cured=share)


def _endless(tenure: Survival) -> Iterator[Check]:
    share = float(np.isinf(tenure.area.draws[..., -1]).mean())
    if share > 0:
        yield _warning("infinite_mean", tenure.model, share)


def _turning(fit: Fit, periods: PersonPeriods, weight: np.ndarray, end: int) -> Iterator[Check]:
    """Find a hazard that falls at the end of follow-up and rises later, or the reverse."""
    time = np.unique(np.linspace(max(end // 2, 1), _FURTHER * end, 61).round())
    if len(time) < 5:
        return
    middle = int(np.argsort(weight @ np.eye(len(weight)))[-1])
    log_s = _log_survival(fit, periods, time)[middle]
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = -np.diff(log_s) / np.diff(time)
    inside = time[1:] <= end
    if not np.isfinite(hazard).all() or not inside.any() or inside.all() or hazard.max() <= 0:
        return
    at_end, beyond = hazard[inside], hazard[~inside]
    way = np.sign(at_end[-1] - at_end[0])
    extreme = beyond.max() if way > 0 else beyond.min()
    if way and abs(beyond[-1] - extreme) > _TURNED * at_end[-1] and way * (extreme - beyond[-1]) > 0:
        turn = float(time[1:][~inside][np.flatnonzero(beyond == extreme)[0]])
        case = "rises_then_falls" if way > 0 else "falls_then_rises"
        yield _warning("turning_hazard", fit.family.name, turn, case=case)


def spike(periods: PersonPeriods) -> Spike | None:
    """Find losses that come at every m-th period: there the hazard is over twice that of the neighbouring periods.

    Judged at each multiple of m within follow-up, at three standard errors of the log ratio; the shortest such cycle
    is given. Renewals make them: no family here has such a hazard, and the remedy is to count in renewal terms.

    Parameters
    ----------
    periods : PersonPeriods
        The counts.

    Returns
    -------
    Spike or None
    """
    r, d = (counts.sum(axis=0).astype(float) for counts in (periods.at_risk, periods.lost))
    n = int(np.flatnonzero(r > 0).max(initial=-1)) + 1
    for every in range(3, min(_LONGEST_CYCLE, n) + 1):
        at = np.arange(every, n + 1, every) - 1
        ratios = [_against_neighbours(r[:n], d[:n], int(t)) for t in at]
        finite = [ratio for ratio in ratios if not np.isnan(ratio)]
        if len(finite) == len(ratios) and finite and min(finite) > _TIMES:
            return Spike(every, float(min(finite)))
    return None


def _against_neighbours(r: np.ndarray, d: np.ndarray, t: int) -> float:
    """Hazard in a period over that of its neighbours; NaN where the difference is not clear."""
    beside = [k for k in (t - 1, t + 1) if 0 <= k < len(r)]
    around_r, around_d = r[beside].sum(), d[beside].sum() + 0.5
    if r[t] == 0 or around_r == 0 or d[t] == 0:
        return np.nan
    ratio = (d[t] / r[t]) / (around_d / around_r)
    error = np.sqrt(1 / d[t] + 1 / around_d)
    return float(ratio) if np.log(ratio) > _CLEAR * error else np.nan
