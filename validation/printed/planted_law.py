"""Laws of customers whose every figure is known: how they stay, why they leave, what they spend; no model holds them.

Five score levels and three strata that are confounded with them, two kinds of customers that nobody observes, two
competing causes, and amounts of few values, so that a cohort of any size is a handful of multinomial draws and each
truth a sum over the same table of probabilities.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import product

import numpy as np
import pandas as pd
from scipy.special import expit

from cxlink.cohort.count.counts import CONTROL, SPEND, Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec

DRAWS = 400
HORIZON, GIVEN, WINDOW, LONGEST = 12, 6, 12, 24
LADDER = (6, 12, 18)
LEVELS, PLANS, CAUSES = (1, 2, 3, 4, 5), ("basic", "plus", "premium"), ("price", "service")
WORST, BEST = (1,), (4, 5)
MARGIN_SHARE, DISCOUNT = 0.4, 0.1
RESPONSE = 0.6
"""Share of all customers who have a score."""
FOLLOW_UP = {6: 0.10, 12: 0.20, 18: 0.30, 24: 0.40}
"""Months of follow-up, and the shares of customers with them."""
_MONTH = np.arange(1.0, LONGEST + 1)
_POINTS = np.linspace(-1, 1, len(LEVELS))
_LEVEL_SHARE, _PLAN_SHARE = np.array([0.14, 0.18, 0.23, 0.25, 0.20]), np.array([0.35, 0.40, 0.25])
_WORDS = ("", *CAUSES)

Draw = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Numbers of customers, (…), and shares, (…, k), to customers of each kind: multinomial, or as expected."""


@dataclass(frozen=True, slots=True, eq=False)
class PlantedLaw:
    """Customers by level, stratum and kind (unobserved), with everything that follows.

    Attributes
    ----------
    name, about : str
        A word, and a sentence.
    share : ndarray of shape (n_levels, n_plans, n_kinds)
        Joint shares; sums to 1.
    hazard : ndarray of shape (n_levels, n_plans, n_kinds, n_causes, LONGEST)
        Of each month, by cause: S(t) = exp(−Σ h).
    rates : ndarray of shape (n_values,)
        What a customer can bring a month, 0 first.
    rate_share : ndarray of shape (n_levels, n_plans, n_kinds, n_values)
        With which probability.
    control : ndarray of shape (n_levels, n_plans)
        Probability of the negative control, which is independent of everything else within a level and plan.
    follow_up : mapping of int to float
        Months of follow-up, and the shares of customers with them.
    """

    name: str
    about: str
    share: np.ndarray
    hazard: np.ndarray
    rates: np.ndarray
    rate_share: np.ndarray
    control: np.ndarray
    follow_up: Mapping[int, float] = field(default_factory=lambda: FOLLOW_UP)

    @property
    def survival(self) -> np.ndarray:
        """S(t) of each kind, (n_levels, n_plans, n_kinds, LONGEST + 1)."""
        total = np.cumsum(self.hazard.sum(axis=3), axis=-1)
        return np.exp(-np.concatenate([np.zeros((*total.shape[:3], 1)), total], axis=-1))

    @property
    def of_kind(self) -> np.ndarray:
        """Share of each kind within a level and plan, (n_levels, n_plans, n_kinds)."""
        shares: np.ndarray = self.share / self.share.sum(axis=2, keepdims=True)
        return shares


def spec_of(law: PlantedLaw, seed: int = 0, name: str = "", **sections: object) -> CohortSpec:
    """Say what is asked of a law's cohorts."""
    return make_spec({
        "cohort": {"name": name or law.name.replace("_", "-"), "simulated": True},
        "score": {"column": "score", "scale": "1-5", "worst": list(WORST), "best": list(BEST)},
        "subscription": {"duration": "months", "event": "lost", "cause": "why"},
        "spend": {"column": "spend", "currency": "EUR", "window_months": WINDOW, "complete": True},
        "adjust": {"columns": ["plan"]},
        "analysis": {
            "draws": DRAWS, "horizon": HORIZON, "tenure_horizons": list(LADDER), "given": [GIVEN], "seed": seed,
            "discount": DISCOUNT,
        },
        "value": {"margin": MARGIN_SHARE, "horizon": HORIZON},
        "control": {"column": "before"},
        **sections,
    })  # fmt: skip


def drawn(rng: np.random.Generator) -> Draw:
    """Draw customers."""
    return lambda n, shares: rng.multinomial(n.astype(np.int64), shares)


def expected(n: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Give as many customers of each kind as are expected."""
    numbers: np.ndarray = n[..., None] * shares
    return numbers


def counts_of(
    law: PlantedLaw, customers: float, spec: CohortSpec, draw: Draw, mix: np.ndarray | None = None
) -> Counts:
    """Draw the counts of a cohort with a score, or give those that are expected, and those without one beside them.

    The latter, as many as `RESPONSE` says, were followed for a year and stayed: only their number is used. With a
    ``mix``, (n_levels, n_plans), the customers of each level and plan are so many.
    """
    pairs = (
        draw(np.array(float(customers)), law.share.ravel()).reshape(law.share.shape)
        if mix is None else draw(mix, law.of_kind)
    )  # fmt: skip
    outcomes, shares = _outcomes(law)
    ended = draw(pairs, shares)
    whole = np.array([followed >= WINDOW for _, _, followed in outcomes])
    spent = draw(ended * whole, np.broadcast_to(law.rate_share[..., None, :], (*ended.shape, len(law.rates))))
    paid = np.array([min(month, WINDOW) for month, _, _ in outcomes], dtype=float)
    cells = add_up(_cells(ended, outcomes, _moments(spent, paid[:, None] * law.rates)))
    scored = _with_control(cells, law, draw)
    n = int(scored["n"].sum())
    return Counts(pd.concat([scored, _unscored(scored, n)], ignore_index=True), spec, Profile(law.name, n, n))


def _outcomes(law: PlantedLaw) -> tuple[list[tuple[int, int, int]], np.ndarray]:
    """Month, cause and follow-up of each way that a spell ends, and shares, (n_levels, n_plans, n_kinds, n_ways)."""
    survival, both = law.survival, law.hazard.sum(axis=3, keepdims=True)
    lost = -np.diff(survival, axis=-1)[:, :, :, None] * law.hazard / both
    ways, shares = [], []
    for months, share in law.follow_up.items():
        for month, cause in product(range(months), range(len(CAUSES))):
            ways.append((month + 1, cause + 1, months))
            shares.append(share * lost[..., cause, month])
        ways.append((months, 0, months))
        shares.append(share * survival[..., months])
    found = np.stack(shares, axis=-1)
    return ways, found / found.sum(axis=-1, keepdims=True)


def _moments(spent: np.ndarray, amount: np.ndarray) -> list[np.ndarray]:
    """Sums of `SPEND` by way; ``amount`` is of shape (n_ways, n_values)."""
    log = np.log(np.where(amount > 0, amount, 1.0))
    parts = (np.ones_like(amount), amount == 0, amount, amount**2, log, log**2, amount * log)
    return [(spent * part).sum(axis=-1) for part in parts]


def _cells(ended: np.ndarray, ways: list[tuple[int, int, int]], sums: list[np.ndarray]) -> pd.DataFrame:
    whole = np.round(ended).astype(np.int64)
    at = np.nonzero(whole)
    month, cause, _ = (np.array(column)[at[3]] for column in zip(*ways, strict=True))
    return pd.DataFrame({
        "score": pd.array(np.array(LEVELS)[at[0]], dtype="Int64"),
        "stratum.plan": np.array(PLANS, dtype=object)[at[1]], "entry": 0, "exit": month,
        "cause": np.array(_WORDS, dtype=object)[cause], "wave": "", "n": whole[at],
        **{name: part[at] for name, part in zip(SPEND, sums, strict=True)},
    })  # fmt: skip


def _with_control(cells: pd.DataFrame, law: PlantedLaw, draw: Draw) -> pd.DataFrame:
    plan = pd.Categorical(cells["stratum.plan"], categories=PLANS).codes.astype(int)
    p = law.control[cells["score"].to_numpy(int) - 1, plan]
    yes = draw(cells["n"].to_numpy(float), np.stack([p, 1 - p], axis=1))[:, 0]
    return cells.assign(control_n=cells["n"], control_sum=yes, control_sum_sq=yes)


def _unscored(scored: pd.DataFrame, n: int) -> pd.DataFrame:
    one = scored.iloc[[0]].assign(score=pd.array([None], dtype="Int64"), exit=WINDOW, cause="")
    numbers = [name for name in scored if name in {*SPEND, *CONTROL}]
    one[numbers] = 0
    return one.assign(n=round(n * (1 - RESPONSE) / RESPONSE))


def _law(
    name: str,
    about: str,
    log_hazard: np.ndarray,
    effect: np.ndarray,
    heavy: np.ndarray,
    factors: tuple[float, float],
    control: float,
) -> PlantedLaw:
    """Put a law together.

    ``log_hazard`` (n_causes, LONGEST) and ``effect`` (n_levels, n_plans, n_causes, LONGEST) add up; ``heavy`` is the
    share of heavy users by level and plan, and ``factors`` the hazards of light and heavy ones over the rest.
    """
    tilt = np.exp(0.35 * np.outer(np.arange(5) - 2, np.arange(3) - 1))
    joint = _LEVEL_SHARE[:, None] * _PLAN_SHARE * tilt
    kinds = np.stack([1 - heavy, heavy], axis=-1)
    share = joint[..., None] * kinds
    plan = np.array([0.35, 0.0, -0.35])[:, None, None]
    base = np.exp(log_hazard + effect + plan)[:, :, None]
    hazard = base * np.array(factors)[:, None, None]
    rates = np.array([0.0, 5.0, 12.0, 30.0, 80.0])
    light, much = np.array([0.25, 0.45, 0.30, 0, 0]), np.array([0.02, 0.08, 0.30, 0.45, 0.15])
    rate_share = np.broadcast_to(np.stack([light, much]), (*heavy.shape, 2, len(rates)))
    chance = expit(-0.6 + 0.8 * (np.arange(3) - 1) + control * _POINTS[:, None])
    return PlantedLaw(name, about, share / share.sum(), hazard, rates, rate_share, chance)


@cache
def planted_laws() -> dict[str, PlantedLaw]:
    """Every law, by name."""
    flat = np.log(np.full((2, LONGEST), 0.035) * np.array([0.4, 0.6])[:, None])
    early = np.log((1 + 1.5 * np.exp(-_MONTH / 4)) * 0.022)
    spikes = np.where(_MONTH % 12 == 0, np.log(6.0), 0.0)
    strength = np.array([1.4, 0.9, 0.4])[:, None, None]
    line, cause = -_POINTS[:, None, None, None], np.array([0.2, 1.0])[:, None]
    even, leaning = np.full((5, 3), 0.5), expit(1.2 * _POINTS[:, None] + np.array([-0.6, 0.0, 0.6]))
    steady = 0.8 * line * strength * cause * np.ones(LONGEST)
    fading = 1.3 * line * strength * 0.5 ** ((_MONTH - 1) / 4) * np.ones((2, 1))
    turning = 1.0 * line * strength * np.where(_MONTH <= 8, 1.0, -0.5) * cause
    laws = (
        _law(
            "heavy_users_stay", "Heavy users score high and stay longer; the score acts on one of the two causes, "
            "most of all on the cheapest plan.", flat, steady, leaning, (1.6, 0.4), 0.8,
        ),
        _law(
            "fading", "The score's effect on both causes halves every four months, and differs between the plans.",
            np.stack([early, early + 0.2]), fading, even, (1.0, 1.0), 0.0,
        ),
        _law(
            "turning", "After eight months the score's effect on one cause turns round; renewals after a year; heavy "
            "users leave sooner.", np.stack([flat[0] + spikes, flat[1]]), turning, leaning, (0.6, 1.5), 0.3,
        ),
        _law(
            "no_effect", "Scores go with plans that stay longer, and have no effect of their own.",
            np.stack([early, early - 0.3]), 0.0 * steady, np.broadcast_to([0.2, 0.4, 0.6], (5, 3)), (1.5, 0.5), 0.0,
        ),
    )  # fmt: skip
    return {law.name: law for law in laws}
