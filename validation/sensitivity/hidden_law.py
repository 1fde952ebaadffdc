"""Customers whose score and outcomes a recorded and a hidden variable both drive, of known strengths."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import SPEND, Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec

LEVELS, NEEDS = (1, 2, 3, 4, 5), ("low", "medium", "high")
WORST, BEST = (1,), (4, 5)
HORIZON, DRAWS = 12, 500
FOLLOW_UP = {8: 0.2, 12: 0.3, 18: 0.5}
_NEED_SHARE, _HIDDEN_SHARE = np.array([0.3, 0.4, 0.3]), np.array([0.5, 0.5])
_LEVEL_SHARE = np.array([0.15, 0.2, 0.25, 0.25, 0.15])
_CENTRED, _NEED, _HIDDEN = np.array(LEVELS) - 3.0, np.array([-1.0, 0.0, 1.0]), np.array([-1.0, 1.0])
_AMOUNTS, _AMOUNT_SHARE = np.array([0.0, 1.0, 3.0]), np.array([0.3, 0.5, 0.2])


@dataclass(frozen=True, slots=True)
class HiddenLaw:
    """How the score, the hazard and spend follow need, which is recorded, and a variable that is not.

    Attributes
    ----------
    name, about : str
        A word, and a sentence.
    score : (float, float)
        Effects of need and of the hidden variable on the log odds of a level, a point of the score.
    outcome : (float, float)
        Effects of both on the log hazard, and with the other sign on log spend.
    judged : bool
        Whether the hidden variable is no stronger than need.
    by_level : tuple of float
        What the hidden variable's effect on the outcome is multiplied by at each level.
    """

    name: str
    about: str
    score: tuple[float, float]
    outcome: tuple[float, float]
    judged: bool = True
    by_level: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0)

    @property
    def share(self) -> np.ndarray:
        """Joint shares of level, need and the hidden variable."""
        push = self.score[0] * _NEED[:, None] + self.score[1] * _HIDDEN
        odds = _LEVEL_SHARE[:, None, None] * np.exp(_CENTRED[:, None, None] * push)
        found: np.ndarray = odds / odds.sum(axis=0) * np.outer(_NEED_SHARE, _HIDDEN_SHARE)
        return found

    @property
    def effect(self) -> np.ndarray:
        """Log of hazards relative to the average customer's, by level, need and the hidden variable."""
        hidden = self.outcome[1] * np.array(self.by_level)[:, None, None] * _HIDDEN
        pushed: np.ndarray = -0.12 * _CENTRED[:, None, None] - self.outcome[0] * _NEED[:, None] - hidden
        return pushed

    @property
    def survival(self) -> np.ndarray:
        """S(t) at t = 0, 1, …, 18, of shape (n_levels, n_needs, 2, 19): hazards fall with time."""
        cumulative = 0.09 * np.arange(19) ** 0.8
        curves: np.ndarray = np.exp(-np.exp(self.effect)[..., None] * cumulative)
        return curves

    @property
    def spend(self) -> np.ndarray:
        """Mean of what a customer spends, by level, need and the hidden variable."""
        return self.scale * float(_AMOUNTS @ _AMOUNT_SHARE)

    @property
    def scale(self) -> np.ndarray:
        """What a customer's amount is a multiple of."""
        return 100 * np.exp(-self.effect)


@cache
def hidden_laws() -> Mapping[str, HiddenLaw]:
    """Every law."""
    table = (
        HiddenLaw("as_strong", "the hidden variable is as strong as need, and acts in the same direction",
                  (0.3, 0.19), (0.35, 0.23)),
        HiddenLaw("opposed", "as strong as need, and against it: the difference that is seen is too small",
                  (0.3, 0.19), (0.35, -0.28)),
        HiddenLaw("half", "half as strong as need on both", (0.3, 0.12), (0.35, 0.14)),
        HiddenLaw("aligned", "it acts on the outcome most where it shifts the weights most: the worst direction",
                  (0.3, 0.19), (0.35, 0.22), by_level=(1.7, 1.0, 0.5, 0.3, 0.9)),
        HiddenLaw("stronger", "twice as strong as need: not bounded by it", (0.15, 0.24), (0.18, 0.28), judged=False),
    )  # fmt: skip
    return {law.name: law for law in table}


def spec_of(law: HiddenLaw) -> CohortSpec:
    """Say what is asked of a law's cohorts: need is adjusted for."""
    return make_spec({
        "cohort": {"name": law.name.replace("_", "-"), "simulated": True},
        "score": {"column": "score", "scale": "1-5", "worst": list(WORST), "best": list(BEST)},
        "subscription": {"duration": "months", "event": "lost"},
        "spend": {"column": "spend", "currency": "EUR", "window_months": 12, "complete": True},
        "adjust": {"columns": ["need"]},
        "analysis": {"draws": DRAWS, "horizon": HORIZON, "tenure_horizons": [HORIZON]},
    })  # fmt: skip


def drawn_counts(law: HiddenLaw, customers: int, rng: np.random.Generator) -> Counts:
    """Draw the counts of a cohort; the hidden variable is in none of its columns."""
    kinds = rng.multinomial(customers, law.share.ravel())
    survival = law.survival.reshape(len(kinds), -1)
    ways, shares = [], []
    for months, share in FOLLOW_UP.items():
        ways += [(t, "lost", months) for t in range(1, months + 1)] + [(months, "", months)]
        shares += [-share * np.diff(survival[:, : months + 1], axis=1), share * survival[:, [months]]]
    found = np.concatenate(shares, axis=1)
    n = rng.multinomial(kinds, found / found.sum(axis=1, keepdims=True))
    kind, way = np.nonzero(n)
    leave, cause, _ = (np.array(column)[way] for column in zip(*ways, strict=True))
    level, need, _ = np.unravel_index(kind, law.share.shape)
    bought = rng.multinomial(n[kind, way], _AMOUNT_SHARE)
    amount = law.scale.ravel()[kind][:, None] * _AMOUNTS
    log = np.log(np.where(amount > 0, amount, 1.0))
    parts = (np.ones_like(amount), amount == 0, amount, amount**2, log, log**2, amount * log)
    cells = pd.DataFrame({
        "score": pd.array(np.array(LEVELS)[level], dtype="Int64"),
        "stratum.need": np.array(NEEDS, dtype=object)[need], "entry": 0, "exit": leave, "cause": cause, "wave": "",
        "n": n[kind, way],
        **{name: (bought * part).sum(axis=1) for name, part in zip(SPEND, parts, strict=True)},
    })  # fmt: skip
    return Counts(add_up(cells), spec_of(law), Profile(law.name, customers, customers))


def truths(law: HiddenLaw, counts: Counts) -> dict[str, float]:
    """Differences between best and worst if nothing were hidden, in the cohort's own mix of needs and levels.

    Returns
    -------
    dict of str to float
        ``retention_difference`` and ``spend_difference``.
    """
    cells = counts.cells
    need = cells.groupby("stratum.need")["n"].sum().reindex(NEEDS, fill_value=0).to_numpy(float)
    level = cells.groupby("score")["n"].sum().reindex(LEVELS, fill_value=0).to_numpy(float)
    weight = np.outer(need / need.sum(), _HIDDEN_SHARE)
    means = {"retention_difference": law.survival[..., HORIZON], "spend_difference": law.spend}
    return {
        name: _band(mean, weight, level, BEST) - _band(mean, weight, level, WORST)
        for name, mean in means.items()
    }


def _band(mean: np.ndarray, weight: np.ndarray, level: np.ndarray, band: tuple[int, ...]) -> float:
    at = np.array(band) - 1
    by_level = np.einsum("nh,lnh->l", weight, mean[at])
    return float(by_level @ level[at] / level[at].sum())


def strengths(law: HiddenLaw) -> dict[str, tuple[float, float]]:
    """Strength of need and of the hidden variable in the law itself, by its sums over customers of both sides.

    Returns
    -------
    dict of str to (float, float)
        By ``need`` and ``hidden``: what each adds to what is explained of the outcome, relative to what is left with
        need alone, and by what factor less 1 it raises the mean square of the weights.
    """
    used = np.array([*WORST, *BEST]) - 1
    share, weight = law.share[used] / law.share[used].sum(), np.outer(_NEED_SHARE, _HIDDEN_SHARE)
    total = law.share.sum(axis=(1, 2))[used]
    part = np.concatenate([np.ones(len(WORST)), total[len(WORST) :] / total[len(WORST) :].sum()])
    retained = law.survival[used, ..., HORIZON]
    neither = _moments(share.sum(axis=(1, 2)), _mean(retained, share, (1, 2)), part)
    need = _moments(share.sum(axis=2), _mean(retained, share, (2,)), part[:, None] * weight.sum(axis=1))
    both = _moments(share, retained, part[:, None, None] * weight)
    return {
        "need": ((neither[0] - need[0]) / need[0], need[1] / neither[1] - 1),
        "hidden": ((need[0] - both[0]) / need[0], both[1] / need[1] - 1),
    }


def _mean(retained: np.ndarray, share: np.ndarray, over: tuple[int, ...]) -> np.ndarray:
    found: np.ndarray = (share * retained).sum(axis=over) / share.sum(axis=over)
    return found


def _moments(share: np.ndarray, mean: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    return float((share * mean * (1 - mean)).sum()), float((weight**2 / share).sum())
