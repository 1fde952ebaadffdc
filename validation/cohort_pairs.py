"""Pairs of cohorts with a known change, and the parts that `cxlink compare` splits it into.

Each law differs from the base's in its customers, in its level of losses and spend, in what scores do, or in all three.
The truth of every part is the split of the laws themselves. Hazards change over time differently in each stratum, and
scores act more strongly in some: no additive model holds.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.coding import LOST
from cxlink.cohort.count.counts import SPEND, Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.comparison.changes import outcomes
from cxlink.comparison.decomposition import PARTS, baseline_shift, shapley, states

KINDS = ("mix", "baseline", "effect", "all three")
HORIZON = 6
LEVELS, STRATA = (1, 2, 3, 4, 5), ("basic", "plus", "pro")
_GROUPS = {**{str(level): (level,) for level in LEVELS}, "worst": (1,), "best": (4, 5), "all": LEVELS}
_FOLLOW_UP = {4: 0.15, 6: 0.25, 9: 0.3, 12: 0.3}
"""Periods of follow-up, and the shares of customers with them."""
_SPREAD = 0.7
_BUYS = 0.8


@dataclass(frozen=True, slots=True)
class Law:
    """Who the customers are and what they do; arrays of shape (n_levels, n_strata, …).

    Attributes
    ----------
    share : ndarray (…)
        Joint shares of level and stratum; sum to 1.
    hazard : ndarray (…, 12)
        Of being lost in each period.
    spend : ndarray (…)
        Mean, zeros in.
    """

    share: np.ndarray
    hazard: np.ndarray
    spend: np.ndarray


def law(kind: str) -> Law:
    """Make the law of a new cohort; ``base`` is the base's."""
    mixed, moved, steeper = (kind in (what, "all three") for what in ("mix", "baseline", "effect"))
    strata = np.array([0.3, 0.45, 0.25] if mixed else [0.5, 0.3, 0.2])
    lean = np.array([0.1, 0.25, 0.4] if mixed else [-0.1, 0.1, 0.3])
    centred = np.array(LEVELS) - 3.0
    scores = np.exp(centred[:, None] * lean)
    share = strata * scores / scores.sum(axis=0)
    slope = np.array([0.2, 0.1, 0.15] if steeper else [0.4, 0.25, 0.3])
    log_rate = np.log(0.07) - centred[:, None] * slope + np.array([0.2, 0.0, -0.3]) + 0.35 * moved
    month = np.arange(max(_FOLLOW_UP))
    shape = np.stack([0.8 + 0.4 * np.exp(-month / 4), 1 + 0.02 * month, np.where(month % 6 == 5, 2.0, 0.8)])
    hazard = -np.expm1(-np.exp(log_rate)[..., None] * shape)
    spend = 100 * np.exp(centred[:, None] * slope + np.array([0.0, 0.3, 0.6]) - 0.2 * moved)
    return Law(share, hazard, spend)


def truth(base: Law, new: Law) -> dict[tuple[str, str, str], float]:
    """True part of every change, by estimand, group and part."""
    kept = [np.log1p(-one.hazard[..., :HORIZON]).sum(axis=-1) for one in (base, new)]
    cumulative = [-one for one in kept]
    found: dict[tuple[str, str, str], float] = {}
    for estimand, (first, second) in {"retention": cumulative, "spend": [base.spend, new.spend]}.items():
        factor = np.exp(baseline_shift(base.share, np.log(second / first)))
        values = states(first, second, first * factor, second / factor)
        values = np.exp(-values) if estimand == "retention" else values
        for group, levels in _GROUPS.items():
            at = np.isin(LEVELS, levels)
            split = shapley((base.share[at], new.share[at]), values[:, :, at])
            found |= {(estimand, group, part): float(x) for part, x in zip(PARTS, split, strict=True)}
    return found


def drawn(one: Law, n: int, spec: CohortSpec, rng: np.random.Generator) -> Counts:
    """Draw a cohort's counts: of retention where the spec has a subscription, else of spend."""
    size = rng.multinomial(n, one.share.ravel())
    level, stratum = np.divmod(np.arange(size.size), len(STRATA))
    if spec.subscription is not None:
        cell, leave, lost, counted = _spells(one, size, rng)
    else:
        cell = np.flatnonzero(size)
        leave, lost, counted = np.zeros(len(cell), int), np.zeros(len(cell), bool), size[cell]
    cells = pd.DataFrame({
        "score": pd.array(np.array(LEVELS)[level[cell]], dtype="Int64"),
        "stratum.plan": np.array(STRATA, dtype=object)[stratum[cell]],
        "entry": 0, "exit": leave, "cause": np.where(lost, LOST, ""), "wave": "", "n": counted,
    })  # fmt: skip
    if spec.spend is not None:
        cells = cells.assign(**dict(zip(SPEND, _spent(one.spend.ravel()[cell], counted, rng), strict=True)))
    return Counts(add_up(cells), spec, Profile(spec.cohort.name, n, n))


def _spells(
    one: Law, size: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cell, exit, whether lost and number of customers of each spell."""
    kept = np.cumprod(1 - one.hazard.reshape(size.size, -1), axis=1)
    kept = np.pad(kept, ((0, 0), (1, 0)), constant_values=1.0)
    outcomes_, parts = [], []
    for months, share in _FOLLOW_UP.items():
        outcomes_ += [(t, True) for t in range(1, months + 1)] + [(months, False)]
        parts += [-share * np.diff(kept[:, : months + 1], axis=1), share * kept[:, [months]]]
    shares = np.concatenate(parts, axis=1)
    counted = rng.multinomial(size, shares / shares.sum(axis=1, keepdims=True))
    cell, outcome = np.nonzero(counted)
    leave, lost = (np.array(column)[outcome] for column in zip(*outcomes_, strict=True))
    return cell, leave, lost, counted[cell, outcome]


def _spent(mean: np.ndarray, n: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Sums of `SPEND`: a share of the customers buys for a log-normal amount."""
    buys = rng.binomial(n, _BUYS)
    at = np.repeat(np.arange(len(n)), buys)
    log_y = np.log(mean[at] / _BUYS) - _SPREAD**2 / 2 + _SPREAD * rng.standard_normal(len(at))
    y = np.exp(log_y)
    return [n, n - buys, *(np.bincount(at, v, len(n)) for v in (y, y**2, log_y, log_y**2, y * log_y))]


def spec_of(estimand: str, name: str, draws: int, seed: int) -> CohortSpec:
    """Say of a simulated cohort what `drawn` counts."""
    said: dict[str, Any] = {
        "cohort": {"name": name, "simulated": True},
        "score": {"column": "score", "scale": "1-5", "worst": [1], "best": [4, 5]},
        "adjust": {"columns": ["plan"]},
        "analysis": {"horizon": HORIZON, "draws": draws, "seed": seed},
    }
    if estimand == "retention":
        said["subscription"] = {"duration": "months", "event": "lost"}
    else:
        said["spend"] = {"column": "spend", "complete": True}
    return make_spec(said)


def replicated(
    kind: str, customers: int, draws: int, number: int, rng: np.random.Generator
) -> list[dict[str, Any]]:
    """Draw a pair of cohorts for each outcome, and give every part of its change, with its ``truth``.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    customers, draws, number : int
        Customers in each cohort, draws of each comparison, and their seed.
    rng : Generator
        Advanced.

    Returns
    -------
    list of dict
        ``estimand, group, part, estimate, std_error, conf_low, conf_high, truth``; parts that are nothing by definition
        (scores within a single level) are left out.
    """
    base, new = law("base"), law(kind)
    known = truth(base, new)
    rows: list[dict[str, Any]] = []
    for estimand in ("retention", "spend"):
        pair = [
            drawn(one, customers, spec_of(estimand, name, draws, number), rng)
            for one, name in ((base, "base"), (new, "new"))
        ]
        rows += outcomes(pair[0], pair[1], HORIZON)[0].changes
    single = {str(level) for level in LEVELS}
    return [
        {**row, "truth": known[row["estimand"], row["group"], row["part"]]}
        for row in rows
        if row["part"] != "mix_score" or row["group"] not in single
    ]
