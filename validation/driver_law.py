"""A law of three scores that go together, of which one drives retention and spend: drawn as counts, with its limits."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from scipy.stats import norm

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.driver_cells import driver_table, followed_chances
from cxlink.cohort.count.outcome_states import CENSORED, RETAINED
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec

HORIZON = 12
CORRELATION = 0.8
HAZARD_RATIO = 1.3
"""Of one standard deviation of the driver."""
LEVELS = {"score": 10, "csat": 5, "helpdesk": 7}
"""Of each score, the driver first."""
_FIRST_CENSORED = 6
_PLANS = {"basic": (0.6, 0.040), "pro": (0.4, 0.025)}
"""Share of each plan, and its monthly hazard of loss at the mean of the driver."""
_AMOUNTS = np.array([0.0, 20.0, 60.0, 150.0])


@dataclass(frozen=True, slots=True, eq=False)
class DriverLaw:
    """Probabilities of cells, each of scores, plan, state at the horizon or time of censoring, and amount spent.

    Attributes
    ----------
    cells : DataFrame
        ``score, csat, helpdesk, stratum.plan, exit, state, y`` of each.
    share : ndarray of shape (n_cells,)
        Its probability.
    """

    cells: pd.DataFrame
    share: np.ndarray

    def drawn(self, customers: int, rng: np.random.Generator) -> Counts:
        """Draw a cohort, as the counts that the package would make of it."""
        return self.counted(rng.multinomial(customers, self.share))

    def expected(self, customers: int) -> Counts:
        """Give the cohort of so many customers in which each cell has its expected number."""
        return self.counted(np.round(customers * self.share).astype(np.int64))

    def counted(self, n: np.ndarray) -> Counts:
        """Make the counts of customers of each cell."""
        spec, seen = spec_of_scores(), n > 0
        own = self.cells[seen].assign(n=n[seen])
        cells = own[["score", "stratum.plan", "exit", "n"]].assign(
            score=own["score"].astype("Int64"),
            entry=0,
            cause=np.where(own["state"] > RETAINED, "lost", ""),
            wave="",
        )
        counts = Counts(add_up(cells), spec, Profile("law", int(n.sum()), int(n.sum())))
        by_state = own.drop(columns=["exit", "y"]).assign(
            spend_n=own["n"], spend_sum=own["n"] * own["y"], spend_sum_sq=own["n"] * own["y"] ** 2
        )
        keys = [
            name for name in by_state.columns if name not in ("n", "spend_n", "spend_sum", "spend_sum_sq")
        ]
        by_state = by_state.groupby(keys, as_index=False, sort=True).sum()
        chances = followed_chances(counts, HORIZON)
        return replace(counts, drivers=driver_table(by_state, spec, chances, HORIZON))


@cache
def spec_of_scores() -> CohortSpec:
    """Give the spec of such a cohort."""
    others = {name: {"column": name, "scale": f"1-{n}"} for name, n in LEVELS.items() if name != "score"}
    return make_spec({
        "score": {"column": "score", "scale": "1-10", "others": others},
        "subscription": {"duration": "months", "event": "left"},
        "spend": {"column": "spend", "complete": True},
        "adjust": {"columns": ["plan"]},
        "analysis": {"horizon": HORIZON},
    })  # fmt: skip


@cache
def driver_law() -> DriverLaw:
    """Give the law.

    Three latent scores are normal with correlation .8, cut into 10, 5 and 7 levels. The level of the first acts on the
    monthly hazard, 1.3 a standard deviation, and on what is spent; the others act on nothing. Follow-up ends after 6 to
    11 months for a quarter of the customers of the basic plan and half of those of the pro plan.
    """
    joint = _joint_levels()
    score = np.arange(1, LEVELS["score"] + 1)
    own = joint.sum(axis=(1, 2))
    z = (score - own @ score) / np.sqrt(own @ (score - own @ score) ** 2)
    parts = []
    for plan, (share, hazard) in _PLANS.items():
        monthly = 1 - np.exp(-hazard * HAZARD_RATIO**-z)
        for exit_, state, chance in _outcomes(monthly, 0.25 if plan == "basic" else 0.5):
            for y, spent in zip(_AMOUNTS, _spending(z).T, strict=True):
                weight = share * joint * (chance * spent)[:, None, None]
                parts.append((plan, exit_, state, y, weight))
    codes = np.indices(joint.shape).reshape(3, -1) + 1
    frames = [
        pd.DataFrame(dict(zip(LEVELS, codes.astype(float), strict=True))).assign(
            **{"stratum.plan": plan, "exit": exit_, "state": state, "y": y, "share": weight.ravel()}
        )
        for plan, exit_, state, y, weight in parts
    ]
    cells = pd.concat(frames, ignore_index=True)
    total = cells.pop("share").to_numpy()
    return DriverLaw(cells, total / total.sum())


def _joint_levels() -> np.ndarray:
    """Probabilities of the levels of three scores, by the factor that they have in common."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    own = []
    for n in LEVELS.values():
        cuts = np.concatenate([[-np.inf], norm.ppf(np.arange(1, n) / n), [np.inf]])
        reach = (cuts[:, None] - np.sqrt(CORRELATION) * nodes) / np.sqrt(1 - CORRELATION)
        own.append(np.diff(norm.cdf(reach), axis=0))
    joint: np.ndarray = np.einsum("q,aq,bq,cq->abc", weights, *own)
    return joint


def _outcomes(monthly: np.ndarray, censored: float) -> list[tuple[int, int, np.ndarray]]:
    """Exit, state and probability, by level of the driver, of loss in each month, of censoring and of retention."""
    there = [(1 - monthly) ** t for t in range(HORIZON + 1)]
    months = range(_FIRST_CENSORED, HORIZON)
    share = censored / len(months)
    found = [
        (t, t, there[t - 1] * monthly * (1 - share * sum(month < t for month in months)))
        for t in range(1, HORIZON + 1)
    ]
    found += [(month, CENSORED, there[month] * share) for month in months]
    return [*found, (HORIZON, RETAINED, there[HORIZON] * (1 - censored))]


def _spending(z: np.ndarray) -> np.ndarray:
    """Probabilities of each amount by level of the driver, (n_levels, n_amounts)."""
    odds = np.exp(np.outer(z, [0.0, 0.1, 0.2, 0.35])) * np.array([0.25, 0.35, 0.3, 0.1])
    share: np.ndarray = odds / odds.sum(axis=1, keepdims=True)
    return share
