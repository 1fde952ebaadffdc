"""Informative censoring: retention if customers whose follow-up ends before the horizon leave δ times as fast after it.

Delta adjustment and its tipping point (Lipkovich, Ratitch & O'Kelly 2016, doi 10.1002/pst.1738; Jackson et al. 2014,
doi 10.1002/sim.6274), exact on counts. With h_t the hazard of those under observation and κ_t the share of those left
whose follow-up ends with period t, the share O_t = O_{t−1}(1 − h_t)(1 − κ_t) is under observation after it, and

    S_δ(h) = O_{h−1}(1 − h_h) + Σ_{u<h} O_{u−1}(1 − h_u)κ_u · (S(h)/S(u))^δ,

which is Kaplan–Meier at δ = 1.
"""

from dataclasses import dataclass

import numpy as np

from cxlink.groups.curves import Standard
from cxlink.groups.discrete_hazard import hazards, log_survival

_STEPS, _CLOSE, _DIGITS = 200, 1e-12, 14


@dataclass(frozen=True, slots=True, eq=False)
class Censored:
    """A group at the horizon: who was seen to stay, and who was censored before, by when and in which stratum.

    Attributes
    ----------
    seen : ndarray of shape (n_draws,)
        Share seen to outlast the horizon.
    share : ndarray of shape (n_draws, n_terms)
        Shares censored at each period of each term.
    log_left : ndarray of shape (n_draws, n_terms)
        log S(h)/S(u): how much of each is left at the horizon at δ = 1; not positive.
    """

    seen: np.ndarray
    share: np.ndarray
    log_left: np.ndarray

    def retention(self, delta: float) -> np.ndarray:
        """S_δ(h) of each draw; sums that are 1 but for rounding error are 1."""
        left = self.seen + (self.share * np.exp(delta * self.log_left)).sum(axis=1)
        rounded: np.ndarray = np.round(left, _DIGITS)
        return rounded

    def tipping(self, target: np.ndarray) -> np.ndarray:
        """Find δ at which retention is so much.

        Retention falls with δ and is convex in it, so that Newton's steps from 0 rise to the root.

        Parameters
        ----------
        target : ndarray of shape (n_draws,)
            Retention of the other group.

        Returns
        -------
        ndarray of shape (n_draws,)
            0 where it is no more than that at δ = 0, and infinite where it is more at every δ.
        """
        delta = np.zeros(len(target))
        never = self.seen + np.where(self.log_left < 0, 0.0, self.share).sum(axis=1) >= target
        at = np.flatnonzero(~never & (self.seen + self.share.sum(axis=1) > target))
        for _ in range(_STEPS):
            if not at.size:
                break
            left = self.share[at] * np.exp(delta[at, None] * self.log_left[at])
            over = self.seen[at] + left.sum(axis=1) - target[at]
            step = over / -(left * self.log_left[at]).sum(axis=1)
            delta[at] += step
            at = at[step > _CLOSE * (1 + delta[at])]
        return np.where(never, np.inf, delta)


def censored_group(standard: Standard, hazard: np.ndarray, ending: np.ndarray, horizon: int) -> Censored:
    """Lay a group out by when its customers were censored.

    Parameters
    ----------
    standard : Standard
        The group, as an average over curves and entries.
    hazard, ending : ndarray of shape (n_curves, n_periods, n_draws)
        h and κ, as far as the last entry and the horizon after it.
    horizon : int
        In periods after entry.
    """
    log_s = log_survival(hazard)
    n_draws = hazard.shape[-1]
    seen, share, left = np.zeros(n_draws), [], []
    for curve, entry, weight in zip(standard.curve, standard.entry, standard.weight, strict=True):
        end = entry + horizon
        stay, over = 1 - hazard[curve, entry:end], ending[curve, entry:end]
        kept = np.cumprod(np.concatenate([np.ones((1, n_draws)), (stay * (1 - over))[:-1]]), axis=0) * stay
        seen += weight * kept[-1]
        share.append(weight * (kept * over)[:-1])
        left.append(log_s[curve, end] - log_s[curve, entry + 1 : end])
    none = np.zeros((0, n_draws))
    return Censored(seen, np.concatenate([none, *share]).T, np.concatenate([none, *left]).T)


def ending_shares(at_risk: np.ndarray, lost: np.ndarray, censored: np.ndarray) -> np.ndarray:
    """κ: customers whose follow-up ends with a period, of those at risk in it and not lost; 0 where nobody is left."""
    return hazards(at_risk - lost, censored)
