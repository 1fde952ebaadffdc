"""Accounts of customers who are alike: laws whose every figure is known, drawn as counts by bucket.

An account's customers are retained for a year with a probability that is beta distributed about that of their score and
stratum, so that the intraclass correlation of the outcome is .3 whatever the score; those who are lost leave as
proportional hazards would have them. What they spend is gamma distributed about an account's own factor, with the same
intraclass correlation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd
from scipy.special import betaincinv

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import has_spend, spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.groups.curves import restricted_mean
from cxlink.groups.standardisation import pair_lookup, standardised
from cxlink.groups.support import reaches

ICC, HORIZON, DRAWS = 0.3, 12, 400
LEVELS, N_STRATA = tuple(range(1, 11)), 12
WORST, BEST = (1,), (9, 10)
LARGE = 150
"""Customers of each account, where there are eight."""
_LEVEL_SHARE = np.array([0.09, 0.06, 0.07, 0.08, 0.10, 0.11, 0.13, 0.14, 0.12, 0.10])
_BETWEEN = 0.5
"""Variance of an account's factor of spend."""
_WITHIN = _BETWEEN * (1 / ICC - 1) / (1 + _BETWEEN)
"""Of a customer's about it: both have the intraclass correlation `ICC`."""


@dataclass(frozen=True, slots=True, eq=False)
class AccountLaw:
    """How accounts are made.

    Attributes
    ----------
    name, about : str
        A word, and a sentence.
    sizes : ndarray of shape (n_sizes,)
        Probability of 1, 2, … customers.
    by_account : bool
        Whether all customers of an account have one score.
    """

    name: str
    about: str
    sizes: np.ndarray
    by_account: bool = True


@cache
def account_laws() -> Mapping[str, AccountLaw]:
    """Give the laws by name."""
    few, zipf = np.full(6, 1 / 6), 1 / np.arange(1.0, 201) ** 2
    large = np.eye(LARGE)[-1]
    laws = (
        AccountLaw("by_account", "accounts of 1 to 6 customers, one score each", few),
        AccountLaw(
            "inside", "accounts of 1 to 6 customers, each with a score of its own", few, by_account=False
        ),
        AccountLaw(
            "zipf", "accounts of 1 to 200 customers (Zipf, exponent 2), one score each", zipf / zipf.sum()
        ),
        AccountLaw(
            "eight",
            f"eight accounts of {LARGE} customers, each with a score of its own",
            large,
            by_account=False,
        ),
    )
    return {law.name: law for law in laws}


def spec_of(*, clustered: bool) -> CohortSpec:
    """Say what is asked of a cohort."""
    return make_spec({
        "cohort": {"simulated": True, **({"cluster": "account"} if clustered else {})},
        "score": {"column": "score", "scale": "1-10", "worst": list(WORST), "best": list(BEST)},
        "subscription": {"duration": "months", "event": "lost"},
        "spend": {"column": "spend", "currency": "EUR", "complete": True},
        "adjust": {"columns": ["segment"]},
        "analysis": {"draws": DRAWS, "horizon": HORIZON, "tenure_horizons": [HORIZON]},
    })  # fmt: skip


def retained() -> np.ndarray:
    """Probability of being retained for a year, (n_levels, n_strata): additive on the scale of proportional hazards."""
    hazard = np.exp(-0.9 - 0.12 * (np.arange(10)[:, None] - 4.5) + 0.08 * (np.arange(N_STRATA) - 5.5))
    return np.exp(-hazard)


def spent() -> np.ndarray:
    """Mean spend, (n_levels, n_strata)."""
    return 100 * np.exp(0.05 * (np.arange(10)[:, None] - 4.5) + 0.05 * (np.arange(N_STRATA) - 5.5))


def stratum_shares() -> np.ndarray:
    """Share of each stratum within a level, (n_levels, n_strata): confounded with the score."""
    odds = np.exp(0.02 * (np.arange(10)[:, None] - 4.5) * (np.arange(N_STRATA) - 5.5))
    shares: np.ndarray = odds / odds.sum(axis=1, keepdims=True)
    return shares


def drawn_counts(law: AccountLaw, customers: int, rng: np.random.Generator) -> Counts:
    """Draw a cohort of about so many customers, counted by bucket."""
    mean = float(law.sizes @ np.arange(1, len(law.sizes) + 1))
    sizes = rng.choice(np.arange(1, len(law.sizes) + 1), round(customers / mean), p=law.sizes)
    account = np.repeat(np.arange(len(sizes)), sizes)
    n = len(account)
    level = (
        rng.choice(10, len(sizes), p=_LEVEL_SHARE)[account]
        if law.by_account
        else rng.choice(10, n, p=_LEVEL_SHARE)
    )
    stratum = (rng.random(n)[:, None] > np.cumsum(stratum_shares(), axis=1)[level, :-1]).sum(axis=1)
    p = retained()[level, stratum]
    # one uniform number an account, so that its customers, whatever their scores, are alike
    own = betaincinv(p * (1 / ICC - 1), (1 - p) * (1 / ICC - 1), rng.random(len(sizes))[account])
    stays = rng.random(n) < own
    gone = np.ceil(HORIZON * np.log1p(-rng.random(n) * (1 - p)) / np.log(p)).astype(int)
    months = np.where(stays, HORIZON, np.clip(gone, 1, HORIZON))
    factor = rng.gamma(1 / _BETWEEN, _BETWEEN, len(sizes))[account]
    spend = (spent()[level, stratum] * factor * rng.gamma(1 / _WITHIN, _WITHIN, n)).round(2)
    spend = np.maximum(spend, 0.01)
    cells = pd.DataFrame({
        "score": level + 1, "stratum.segment": [f"s{k:02d}" for k in stratum], "entry": 0, "exit": months,
        "cause": np.where(stays, "", "lost"), "wave": "",
        "bucket": rng.integers(0, BUCKETS, len(sizes))[account], "n": 1, "spend_n": 1, "spend_zero": 0,
        "spend_sum": spend, "spend_sum_sq": spend**2, "spend_sum_log": np.log(spend),
        "spend_sum_log_sq": np.log(spend) ** 2, "spend_sum_y_log": spend * np.log(spend),
    }).astype({"score": "Int64"})  # fmt: skip
    return Counts(add_up(cells), spec_of(clustered=True), Profile(law.name, n, n))


def alone(counts: Counts) -> Counts:
    """The same customers, taken for independent ones."""
    return replace(counts, cells=add_up(counts.cells.drop(columns="bucket")), spec=spec_of(clustered=False))


def truths(counts: Counts, *, observed: bool = False) -> dict[tuple[str, str, str], float]:
    """Standardised truths by estimand, group and reference, over the strata and levels' shares that a cohort has.

    Parameters
    ----------
    counts : Counts
        A cohort of the law.
    observed : bool
        Whether the strata are those with common support alone, as estimates by level and stratum have them.
    """
    spells, spec = spells_of(counts), counts.spec
    asked = (reaches(spells, spec.horizon), has_spend(spells)) if observed else (None, None)
    curve = retained()[..., None] ** (np.arange(HORIZON + 1) / HORIZON)
    values = {
        "retention": (asked[0], curve),
        "tenure": (asked[0], curve),
        "spend": (asked[1], spent()[..., None]),
    }
    found: dict[tuple[str, str, str], float] = {}
    for estimand, (supported, value) in values.items():
        request = standardised(spells, spec, supported)
        if request is None:
            continue
        lookup = pair_lookup(spells, extrapolated=not observed)
        stratum = spells.strata["stratum.segment"].str[1:].astype(int).to_numpy()
        of_curve = np.zeros((lookup.max() + 1, value.shape[-1]))
        inside = lookup >= 0
        of_curve[lookup[inside]] = value[np.ix_(np.array(spells.levels) - 1, stratum)][inside]
        names = [one.group for one in request.standards]
        average = np.array([one.weight @ of_curve[one.curve] for one in request.standards])
        # tenure is the area under the averaged curve, not the average of areas: they differ within a period
        mean = (restricted_mean(average, HORIZON) if estimand == "tenure" else average[:, -1]).tolist()
        found |= {(estimand, names[at], ""): mean[at] for at in request.own}
        for a, b in request.contrasts:
            found[f"{estimand}_difference", names[a], names[b]] = mean[a] - mean[b]
            found[f"{estimand}_ratio", names[a], names[b]] = mean[a] / mean[b]
    return found
