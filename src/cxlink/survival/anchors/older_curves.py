"""Shares of an older cohort that stayed, by Kaplan–Meier in a younger cohort's mix, and their sampling error."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.spells import Spells, risk_sets
from cxlink.groups.discrete_hazard import EXTINCT, hazards
from cxlink.groups.requests import own_entries
from cxlink.groups.support import FEWEST_AT_RISK, last_with
from cxlink.survival.bootstrap import resample

_DRAWS, _SEED = 400, 20261129


def followed_to(spells: Spells) -> int:
    """Last period after the survey in which ten of all customers are at risk, from the latest entry."""
    everybody = np.arange(spells.n_pairs)
    at_risk, _ = risk_sets(spells, (everybody,))(spells.n)
    return int(last_with([own_entries(spells, "all", everybody, 0)], at_risk, FEWEST_AT_RISK)[0])


@dataclass(frozen=True, slots=True)
class OlderShare:
    """Of those who had stayed to a start, the share that stayed to a period.

    Attributes
    ----------
    share : float
        Between 0 and 1.
    n : float
        Customers whose sampling error is that of the share: (1 − share) / (n·share) is the variance of its log.
    """

    share: float
    n: float


@dataclass(frozen=True, slots=True, eq=False)
class OlderCurves:
    """Curves of an older cohort, to be averaged over a younger one's mix.

    Attributes
    ----------
    spells : Spells
        The older cohort.
    members : tuple of int ndarray
        Its pairs of level and stratum that are pooled into each curve.
    curve, entry : int ndarray of shape (n_terms,)
        Whose curve, from which entry on.
    weight : ndarray of shape (n_terms,)
        Shares of the younger cohort's customers.
    """

    spells: Spells
    members: tuple[np.ndarray, ...]
    curve: np.ndarray
    entry: np.ndarray
    weight: np.ndarray

    def supported(self, period: int) -> bool:
        """Whether each curve has ten at risk from each entry on, for so many periods."""
        at_risk, _ = risk_sets(self.spells, self.members)(self.spells.n)
        return all(
            e + period <= at_risk.shape[1] and at_risk[c, e : e + period].min() >= FEWEST_AT_RISK
            for c, e in zip(self.curve, self.entry, strict=True)
        )

    def shares(self, start: int, periods: Sequence[int]) -> dict[int, OlderShare]:
        """Give the share of those retained at a start by period; none where nobody was lost since, or all were.

        The variance is that of a bootstrap of the customers.
        """
        count = risk_sets(self.spells, self.members)
        own = self._log_shares(*count(self.spells.n[:, None]), start, periods)[:, 0]
        (weights,) = resample(self.spells, _DRAWS, _DRAWS, np.random.default_rng(_SEED))
        variance = self._log_shares(*count(weights), start, periods).var(axis=1, ddof=1)
        share = np.exp(own)
        return {
            period: OlderShare(float(p), max(float((1 - p) / (p * v)), 1.0))
            for period, p, v in zip(periods, share, variance, strict=True)
            if 0 < p < 1 and v > 0
        }

    def _log_shares(
        self, at_risk: np.ndarray, lost: np.ndarray, start: int, periods: Sequence[int]
    ) -> np.ndarray:
        """Give log S(period)/S(start), of shape (n_periods, n_draws)."""
        with np.errstate(divide="ignore"):
            step = np.maximum(np.log1p(-hazards(at_risk, lost)), EXTINCT)
        log_s = np.concatenate([np.zeros_like(step[:, :1]), np.cumsum(step, axis=1)], axis=1)
        logs = []
        for t in (start, *periods):
            ratio = log_s[self.curve, self.entry + t] - log_s[self.curve, self.entry]
            logs.append(np.log(self.weight @ np.exp(ratio)))
        return np.asarray(np.array(logs[1:]) - logs[0])


def older_curves(
    old: Spells, new: Spells, levels: Sequence[int], strata: np.ndarray | None
) -> OlderCurves | None:
    """Lay out the curves of an older cohort's customers of some levels.

    Parameters
    ----------
    old, new : Spells
        The older and the younger cohort.
    levels : sequence of int
        The levels, as scores.
    strata : int ndarray of shape (n_strata,) or None
        Position among the older cohort's strata of each of the younger one's, -1 where it has none such; None: its
        customers are pooled, as they are mixed there.

    Returns
    -------
    OlderCurves or None
        None where the younger cohort has nobody of these levels, or the older one nobody of a stratum that it has.
    """
    theirs = np.isin(np.array(old.levels)[old.level], levels)
    ours = np.isin(np.array(new.levels)[new.level[new.pair]], levels)
    members: tuple[np.ndarray, ...] = (np.flatnonzero(theirs),)
    if strata is None:
        curve = np.zeros(int(ours.sum()), int)
    else:
        curve = strata[new.stratum[new.pair[ours]]]
        members = tuple(np.flatnonzero(theirs & (old.stratum == s)) for s in range(len(old.strata)))
    if not ours.any() or (curve < 0).any() or not all(len(members[c]) for c in np.unique(curve)):
        return None
    keys, at = np.unique(np.column_stack([curve, new.entry[ours]]), axis=0, return_inverse=True)
    n = np.bincount(at.ravel(), new.n[ours])
    return OlderCurves(old, members, keys[:, 0], keys[:, 1], n / n.sum())
