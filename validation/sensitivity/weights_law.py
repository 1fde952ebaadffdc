"""Laws of customers of whom another score, that is no stratum, tells both who leaves and who is censored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.follow_up_counts import follow_up_table
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.spec.cohort_spec import make_spec

HORIZON = 12
LEVELS, PLANS = (1, 2, 3, 4, 5), ("basic", "plus", "premium")
WORST, BEST = (1,), (4, 5)
_LEVEL_SHARE, _PLAN_SHARE = np.array([0.15, 0.2, 0.25, 0.25, 0.15]), np.array([0.35, 0.4, 0.25])
_CSAT, _DESK = np.array([1.0, 2.0, 3.0, 4.0, 5.0, np.nan]), np.array([1.0, 2.0, 3.0])
_DESK_SHARE = np.array([0.3, 0.4, 0.3])
_NOT_GIVEN = 0.2
_SCORE, _TIER = np.linspace(-1, 1, 5)[:, None, None, None], np.array([-1.0, 0.0, 1.0])[None, :, None, None]
_POINTS = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 0.0])[None, None, :, None]
_LACKS = np.isnan(_CSAT)[None, None, :, None]
_MONTH = np.arange(1.0, HORIZON + 1)[None, None, None]


@dataclass(frozen=True, slots=True)
class WeightsLaw:
    """How censoring follows csat.

    Attributes
    ----------
    name, about : str
        A word, and what it is.
    unlike : float
        How far its effect differs: by plan, as a share of it, and by as much again from the first month to the last.
    """

    name: str
    about: str
    unlike: float


LAWS: Mapping[str, WeightsLaw] = {
    law.name: law
    for law in (
        WeightsLaw(
            "csat_tells", "csat multiplies the hazard of censoring alike at every score, plan and month", 0.0
        ),
        WeightsLaw(
            "csat_tells_unlike",
            "its effect on censoring is a quarter smaller in the basic plan and larger in the premium one, and falls "
            "by a quarter over the year: the weights take it to be one",
            0.25,
        ),
    )
}


def hazard() -> np.ndarray:
    """Of loss, (n_levels, n_plans, n_csat, HORIZON): csat matters most where the score is high, and less with time."""
    score = 0.5 * np.exp(-_MONTH / 10) * (1 - 0.4 * _TIER) * _SCORE
    csat = (0.8 + 0.3 * _SCORE) * np.exp(-_MONTH / 30) * _POINTS
    found: np.ndarray = 0.05 * np.exp(-score - csat - 0.3 * _TIER + 0.3 * _LACKS) * (1 + np.exp(-_MONTH / 4))
    return found


def ending(law: WeightsLaw) -> np.ndarray:
    """Chance that follow-up ends with a month, of those observed and not lost; nobody's with the last."""
    unlike = (1 + law.unlike * _TIER) * (1 - law.unlike * (_MONTH - 1) / (HORIZON - 1))
    level = np.log(0.05 + 0.015 * _SCORE + 0.02 * (_MONTH > 6)) + 0.2 * _TIER
    found: np.ndarray = -np.expm1(-np.exp(level - 0.9 * unlike * _POINTS + 0.4 * _LACKS))
    found[..., -1] = 0.0
    return found


def share() -> np.ndarray:
    """Joint shares of level, plan and csat, (n_levels, n_plans, n_csat): those who score high give more points."""
    odds = _LEVEL_SHARE[:, None] * np.exp(0.8 * _SCORE[..., 0, 0] * _TIER[..., 0, 0])
    pairs = odds / odds.sum(axis=0) * _PLAN_SHARE
    points = np.where(
        _LACKS[..., 0], 0.0, np.exp(_POINTS[..., 0] * (0.9 * _SCORE[..., 0] + 0.2 * _TIER[..., 0]))
    )
    points = (1 - _NOT_GIVEN) * points / points.sum(axis=-1, keepdims=True) + _NOT_GIVEN * _LACKS[..., 0]
    found: np.ndarray = pairs[..., None] * points
    return found


def observed(law: WeightsLaw) -> tuple[np.ndarray, np.ndarray]:
    """Shares lost in each month, and with follow-up ending with it, the last month's being those who stayed."""
    h, k = hazard(), ending(law)
    kept = np.cumprod((1 - h) * (1 - k), axis=-1)
    before = np.concatenate([np.ones((*kept.shape[:-1], 1)), kept[..., :-1]], axis=-1)
    over = before * (1 - h) * k
    over[..., -1] = (before * (1 - h))[..., -1]
    return before * h, over


@cache
def _cells(law: WeightsLaw) -> tuple[pd.DataFrame, np.ndarray]:
    """Every way that a customer can be observed, and its probability."""
    ways = np.concatenate(observed(law), axis=-1)
    chance = share()[..., None, None] * _DESK_SHARE[:, None] * ways[..., None, :]
    level, plan, csat, desk, way = (axis.ravel() for axis in np.indices(chance.shape))
    cells = pd.DataFrame({
        "csat": _CSAT[csat], "desk": _DESK[desk], "score": np.array(LEVELS)[level],
        "stratum.plan": np.array(PLANS, dtype=object)[plan], "entry": 0, "exit": way % HORIZON + 1,
        "lost": (way < HORIZON).astype(int),
    })  # fmt: skip
    return cells, chance.ravel() / chance.sum()


def drawn_counts(law: WeightsLaw, customers: int, draws: int, rng: np.random.Generator) -> Counts:
    """Draw the counts of a cohort, by all scores as well."""
    cells, chance = _cells(law)
    n = rng.multinomial(customers, chance)
    own = cells[n > 0].assign(n=n[n > 0])
    spec = make_spec({
        "cohort": {"name": law.name, "simulated": True},
        "score": {
            "column": "score", "scale": "1-5", "worst": list(WORST), "best": list(BEST),
            "others": {"csat": {"column": "csat", "scale": "1-5"}, "desk": {"column": "desk", "scale": "1-3"}},
        },
        "subscription": {"duration": "months", "event": "lost"}, "adjust": {"columns": ["plan"]},
        "analysis": {"draws": draws, "horizon": HORIZON, "seed": int(rng.integers(2**31))},
    })  # fmt: skip
    plain = own[["score", "stratum.plan", "entry", "exit", "n"]].assign(
        score=own["score"].astype("Int64"), cause=np.where(own["lost"] == 1, "lost", ""), wave=""
    )
    plain = plain[["score", "stratum.plan", "entry", "exit", "cause", "wave", "n"]]
    counts = Counts(add_up(plain), spec, Profile(law.name, customers, customers))
    return replace(counts, follow_up=follow_up_table(own, spec, HORIZON))


def retention() -> np.ndarray:
    """Retention at the horizon of each level and plan if nobody were censored, (n_levels, n_plans)."""
    n = share()
    found: np.ndarray = (n * np.prod(1 - hazard(), axis=-1)).sum(axis=-1) / n.sum(axis=-1)
    return found


def truths(counts: Counts) -> dict[tuple[str, str], float]:
    """By estimand and group, in the cohort's own mix of scores and plans."""
    mix = counts.cells.pivot_table(
        index="score", columns="stratum.plan", values="n", aggfunc="sum", fill_value=0
    )
    n = mix.reindex(index=LEVELS, columns=PLANS, fill_value=0).to_numpy(float)
    by_level = retention() @ n.sum(axis=0) / n.sum()

    def band(levels: tuple[int, ...]) -> float:
        at = np.array(levels) - 1
        return float(by_level[at] @ n.sum(axis=1)[at] / n.sum(axis=1)[at].sum())

    best, worst = band(BEST), band(WORST)
    return {
        ("retention", "best"): best, ("retention", "worst"): worst, ("retention_difference", "best"): best - worst,
    }  # fmt: skip
