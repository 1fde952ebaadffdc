"""What is true of a law, by sums over its table: standardised to a cohort's own mix of levels and strata.

Nothing here calls the package's estimators: averages, conditional averages, areas and values are written out. With
n_ls the cohort's customers of level l in stratum s, a group is Σ_l a_l Σ_s w_s θ_ls, w_s ∝ Σ_l n_ls, a_l ∝ Σ_s n_ls;
of those who have stayed k periods w_s(k) ∝ Σ_l n_ls S_ls(k) and a_l(k) ∝ Σ_s n_ls S_ls(k).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cxlink.cohort.count.counts import Counts
from validation.printed.planted_law import (
    BEST,
    CAUSES,
    DISCOUNT,
    GIVEN,
    HORIZON,
    LADDER,
    LEVELS,
    PLANS,
    WORST,
    PlantedLaw,
)  # fmt: skip

Row = dict[str, Any]
GROUPS = {"worst": WORST, "best": BEST, "3": (3,)}
"""Those that are judged: both bands, and the level between them."""
LAGS = (1, 3)
RATE = float(np.log1p(DISCOUNT)) / 12
_FARTHEST_MEDIAN = 15.0
"""Inside follow-up; a median nearer to its end is not reached in every cohort, and not asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class PairTruths:
    """Of every level and stratum.

    Attributes
    ----------
    survival, earned : ndarray of shape (n_levels, n_strata, n_months + 1)
        S(t), and what a customer pays on average at the beginning of period t + 1, nothing where lost before.
    lost : ndarray of shape (n_levels, n_strata, n_causes, n_months + 1)
        Share lost to each cause by t.
    control : ndarray of shape (n_levels, n_strata)
        Probability of the negative control.
    """

    survival: np.ndarray
    lost: np.ndarray
    earned: np.ndarray
    control: np.ndarray

    def after(self, months: int) -> "PairTruths":
        """Give the same of those who have stayed so long."""
        start = self.survival[..., months, None]
        lost = (self.lost[..., months:] - self.lost[..., months, None]) / start[..., None, :]
        survival, earned = self.survival[..., months:] / start, self.earned[..., months:] / start
        return replace(self, survival=survival, lost=lost, earned=earned)


def pair_truths(law: PlantedLaw) -> PairTruths:
    """Sum over the kinds of customers that nobody observes."""
    kind, survival = law.of_kind[..., None], law.survival
    step = -np.diff(survival, axis=-1)[:, :, :, None] * law.hazard / law.hazard.sum(axis=3, keepdims=True)
    lost = np.cumsum((kind[..., None] * step).sum(axis=2), axis=-1)
    mean = (law.rate_share @ law.rates)[..., None]
    return PairTruths(
        (kind * survival).sum(axis=2), np.concatenate([np.zeros((*lost.shape[:3], 1)), lost], axis=-1),
        (kind * survival * mean).sum(axis=2), law.control,
    )  # fmt: skip


def beside(parts: list[PairTruths]) -> PairTruths:
    """Put strata beside one another, of several cohorts or entries; all to the shortest of them."""
    months = min(one.survival.shape[-1] for one in parts)
    return PairTruths(
        np.concatenate([one.survival[..., :months] for one in parts], axis=1),
        np.concatenate([one.lost[..., :months] for one in parts], axis=1),
        np.concatenate([one.earned[..., :months] for one in parts], axis=1),
        np.concatenate([one.control for one in parts], axis=1),
    )


def mix_of(counts: Counts, *others: str) -> np.ndarray:
    """Customers of each level and plan, (n_levels, n_plans); with another column, its values one after another."""
    cells = counts.scored
    parts = [cells] if not others else [part for _, part in cells.groupby(others[0], sort=True)]
    plans = [
        part["stratum.plan"].map({name: k for k, name in enumerate(PLANS)}).to_numpy(int) for part in parts
    ]
    found = np.zeros((len(LEVELS), len(PLANS) * len(parts)))
    for k, (part, plan) in enumerate(zip(parts, plans, strict=True)):
        np.add.at(found, (part["score"].to_numpy(int) - 1, k * len(PLANS) + plan), part["n"].to_numpy(float))
    return found


def averaged(pairs: np.ndarray, strata: np.ndarray, levels: np.ndarray) -> dict[str, np.ndarray]:
    """Average figures of pairs, (n_levels, n_strata, …), by group; the weights need not sum to 1."""
    by_level, found = levelled(pairs, strata), {}
    for name, inside in GROUPS.items():
        at = np.array(inside) - 1
        found[name] = np.einsum("l,l...->...", levels[at] / levels[at].sum(), by_level[at])
    return found


def levelled(pairs: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Average figures of pairs over the strata, (n_levels, …)."""
    by_level: np.ndarray = np.einsum("s,ls...->l...", strata / strata.sum(), pairs)
    return by_level


def area(curve: np.ndarray, horizon: int) -> float:
    """∫ to a horizon of a curve that is log-linear between whole periods: Σ (a − b)/log(a/b)."""
    a, b = curve[:horizon], curve[1 : horizon + 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        step = np.where(np.isclose(a, b, rtol=1e-12), a, (a - b) / np.log(a / b))
    return float(step.sum())


def curve_truths(pairs: PairTruths, n: np.ndarray, ladder: Sequence[int] = LADDER) -> Iterator[Row]:
    """Give retention, tenure and what is read off the same curves, incidence, lags and remaining tenure."""
    curves = averaged(pairs.survival, n.sum(axis=0), n.sum(axis=1))
    by_cause = averaged(pairs.lost[..., HORIZON], n.sum(axis=0), n.sum(axis=1))
    retained = {h: {g: float(s[h]) for g, s in curves.items()} for h in ladder}
    stayed = {h: {g: area(s, h) for g, s in curves.items()} for h in ladder}
    for h in ladder:
        yield from both_rows("retention", retained[h], horizon=h)
        yield from both_rows("tenure", stayed[h], horizon=h)
        yield from both_rows("time_lost", {g: h - value for g, value in stayed[h].items()}, horizon=h)
        yield from own_rows(
            "tenure_curtate", {g: float(s[1 : h + 1].sum()) for g, s in curves.items()}, horizon=h
        )
        less = {g: area(s * np.exp(-RATE * np.arange(len(s))), h) for g, s in curves.items()}
        yield from own_rows("tenure_discounted", less, horizon=h)
    farthest = _FARTHEST_MEDIAN if tuple(ladder) == LADDER else ladder[-1]
    medians = {g: half_left(s) for g, s in curves.items()}
    yield from own_rows("tenure_median", {g: m for g, m in medians.items() if m <= farthest})
    for k, cause in enumerate(CAUSES):
        yield from own_rows(
            "cumulative_incidence",
            {g: float(x[k]) for g, x in by_cause.items()},
            horizon=HORIZON,
            cause=cause,
        )
    for lag in LAGS:
        late = {g: float(s[HORIZON - lag]) for g, s in _retained(pairs, n, lag).items()}
        yield from both_rows("retention", late, horizon=HORIZON, scenario=f"lag={lag}")
    later = _retained(pairs, n, GIVEN)
    for h in ladder[:2]:
        rest = {g: area(s, h) for g, s in later.items()}
        yield from both_rows("remaining_tenure", rest, horizon=h, given=GIVEN, ratio=False)


def _retained(pairs: PairTruths, n: np.ndarray, months: int) -> dict[str, np.ndarray]:
    left = n * pairs.survival[..., months]
    return averaged(pairs.after(months).survival, left.sum(axis=0), left.sum(axis=1))


def half_left(curve: np.ndarray) -> float:
    """When a curve falls to one half, log-linearly within a period; infinite if it does not."""
    below = np.flatnonzero(curve <= 0.5)
    if not below.size:
        return float("inf")
    t = int(below[0])
    return t - 1 + float(np.log(curve[t - 1] / 0.5) / np.log(curve[t - 1] / curve[t]))


def own_rows(estimand: str, by_group: dict[str, float], **where: object) -> Iterator[Row]:
    """Give rows of groups."""
    for group, value in by_group.items():
        yield truth_row(estimand, value, group, "", **where)


def both_rows(
    estimand: str, by_group: dict[str, float], *, ratio: bool = True, **where: object
) -> Iterator[Row]:
    """Give rows of groups, and of each against the worst: difference, and ratio where it is printed."""
    yield from own_rows(estimand, by_group, **where)
    worst = by_group["worst"]
    for group, value in by_group.items():
        if group != "worst":
            yield truth_row(f"{estimand}_difference", value - worst, group, "worst", **where)
            if ratio:
                yield truth_row(f"{estimand}_ratio", value / worst, group, "worst", **where)


def truth_row(estimand: str, truth: float, group: str, reference: str, **where: object) -> Row:
    """Give one row."""
    return {"estimand": estimand, "group": group, "reference": reference, "truth": truth, **where}
