"""`bayes` of retention: a discrete-time hazard with a random-walk baseline and partially pooled effects.

A customer at risk in period t is lost with probability 1 − exp(−e^η), the complementary log-log link (Prentice &
Gloeckler 1978, doi 10.2307/2529588), so that e^η is the increment of the cumulative hazard in t and effects are log
hazard ratios:

    η = w_t + (a + S_s + A_c) + ω_t·(score's effect),        w_1 = 0, w_t = w_{t−1} + N(0, σ²).

Losses are binomial in each cohort, level, stratum and period: exact for grouped durations, late entry and censoring.
Beyond follow-up the steps of the random walk are drawn after sampling, with each draw's own σ. With waning
ω_t = 2^(−(t−1)/half-life) in place of 1, exponential waning: the form without a fixed end among those reviewed by
Taylor et al. 2024 (doi 10.1007/s40273-024-01423-6).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logit

from cxlink.bayes.draws.sampling import LogDensity
from cxlink.bayes.models.binomial_cells import Products, cell_terms, information_ratio, products_of, waned
from cxlink.bayes.models.density import conditioned, density_of
from cxlink.bayes.models.effect_layout import effects_of
from cxlink.bayes.models.partial_pooling import EffectBlock, Effects, described
from cxlink.bayes.pooled_counts import Coding, PooledPeriods
from cxlink.bayes.priors import Prior, by_name, hazard_priors

MODEL = "bayes"
_MOST = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Hazards:
    """The likelihood of a random walk and effects, for `cxlink.bayes.models.density`.

    Attributes
    ----------
    coding : Coding
        Cohorts, levels, strata.
    at_risk, lost : ndarray of shape (n_rows, n_periods)
        Of the rows with customers.
    products : Products
        The same counts, for a predictor that is a sum of a row's and a period's.
    walk : ndarray of shape (n_periods, n_periods - 1)
        Basis of the baseline's path.
    step : Prior
        Prior of the standard deviation of the random walk's steps.
    every, effects : Effects
        Of all rows, and of those with customers.
    half_life : Prior or None
        Prior of the log half-life of the score's effect; None where it is constant.
    """

    coding: Coding
    at_risk: np.ndarray
    lost: np.ndarray
    products: Products
    walk: np.ndarray
    step: Prior
    every: Effects
    effects: Effects
    half_life: Prior | None

    @property
    def blocks(self) -> tuple[EffectBlock, ...]:
        """The steps of the random walk first, since all other blocks are conditioned on the path."""
        n_steps = self.walk.shape[1]
        first = (EffectBlock("walk", n_steps, self.step),) if n_steps else ()
        return (*first, *self.every.blocks)

    @property
    def extras(self) -> tuple[tuple[float, float], ...]:
        """The log half-life."""
        return () if self.half_life is None else ((self.half_life.centre, self.half_life.scale),)

    def start(self) -> np.ndarray:
        """No effects, at the overall hazard."""
        v = np.zeros(self.walk.shape[1] + self.every.base.shape[1])
        share = (self.lost.sum() + 0.5) / (self.at_risk.sum() + 1.0)
        v[self.walk.shape[1] + self.every.at["intercept"].start] = np.log(-np.log1p(-share)) - self.every.mean
        if self.every.steps is not None:
            v[self.walk.shape[1] + self.every.at["slope"].start] = self._trend()
        return v

    def _trend(self) -> float:
        """A starting value of the slope, from the logits of the worse and the better half of the levels."""
        better = self.effects.level >= self.effects.n_levels / 2
        share = [(self.lost[at].sum() + 0.5) / (self.at_risk[at].sum() + 1.0) for at in (~better, better)]
        return float(np.clip(logit(share[1]) - logit(share[0]), -1.0, 1.0)) or 0.01

    def _weights(self, extra: np.ndarray) -> np.ndarray:
        """ω, (n_periods,)."""
        if self.half_life is None:
            return np.ones(len(self.walk))
        return waned(len(self.walk), np.exp(self.half_life.centre + self.half_life.scale * extra[0]))

    def _predictor(self, v: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """η of each cell, and the score's part of each row."""
        n_steps = self.walk.shape[1]
        base, score = self.effects.parts(v[n_steps:])
        path = self.walk @ v[:n_steps]
        if self.half_life is None:
            return np.minimum(path + (base + score)[:, None], _MOST), score
        return np.minimum(path + base[:, None] + score[:, None] * weights, _MOST), score

    def value(self, v: np.ndarray, extra: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Log-likelihood with a simplex's prior, and its gradients."""
        n_steps = self.walk.shape[1]
        steps, steps_slope = self.every.log_steps(v[n_steps:])
        if self.half_life is None:
            path, total = self.walk @ v[:n_steps], np.add(*self.effects.parts(v[n_steps:]))
            log_likelihood, by_row, by_period = self.products.terms(path, total)
            effects = self.effects.gradient(v[n_steps:], by_row, by_row) + steps_slope
            return log_likelihood + steps, np.concatenate([by_period @ self.walk, effects]), np.zeros(0)
        weights = self._weights(extra)
        eta, score = self._predictor(v, weights)
        log_likelihood, slope = cell_terms(self.at_risk, self.lost, eta)
        effects = self.effects.gradient(v[n_steps:], slope.sum(axis=1), slope @ weights) + steps_slope
        pull = np.concatenate([slope.sum(axis=0) @ self.walk, effects])
        # dω/d log(half-life) = −ω·log ω
        moved = -weights * np.log(np.maximum(weights, 1e-300)) * self.half_life.scale
        return log_likelihood + steps, pull, np.array([float(score @ (slope @ moved))])

    def information(self, v: np.ndarray, extra: np.ndarray) -> np.ndarray:
        """Expected information of the random walk's steps and the effects."""
        n_steps, weights = self.walk.shape[1], self._weights(extra)
        eta, _ = self._predictor(v, weights)
        hazard = np.exp(eta)
        information = self.at_risk * hazard * information_ratio(hazard)
        base, score = self.effects.columns(v[n_steps:])
        both = (information @ weights)[:, None] * score
        over_walk = self.walk.T @ (information.T @ base + weights[:, None] * (information.T @ score))
        among = base.T @ (information.sum(axis=1)[:, None] * base + both) + both.T @ base
        among += score.T @ ((information @ weights**2)[:, None] * score)
        walk = self.walk.T @ (information.sum(axis=0)[:, None] * self.walk)
        return np.block([[walk, over_walk], [over_walk.T, among]])

    def rotated(self, rotation: np.ndarray) -> "Hazards":
        """The same for rotated coefficients."""
        n_steps = self.walk.shape[1]
        rest = rotation[n_steps:, n_steps:]
        return replace(
            self, walk=self.walk @ rotation[:n_steps, :n_steps], every=self.every.rotated(rest),
            effects=self.effects.rotated(rest),
        )  # fmt: skip

    def described(self, v: np.ndarray, extra: np.ndarray) -> dict[str, np.ndarray]:
        """``walk``; ``baseline`` by cohort and stratum; ``score`` by cohort, level and stratum; ``log_half_life``."""
        n_steps = self.walk.shape[1]
        variables = {"walk": self.walk @ v[:n_steps], **described(self.every, self.coding, v[n_steps:])}
        return variables if self.half_life is None else {**variables, "log_half_life": extra[0]}


def hazard_likelihood(pooled: PooledPeriods, per_year: int, *, waning: bool = False) -> Hazards:
    """Prepare the likelihood.

    Parameters
    ----------
    pooled : PooledPeriods
        The counts.
    per_year : int
        Periods a year: priors are about a year.
    waning : bool
        Whether the score's effect may wane.
    """
    n_periods = pooled.at_risk.shape[-1]
    at_risk, lost = (part.reshape(-1, n_periods).astype(float) for part in (pooled.at_risk, pooled.lost))
    rows = np.flatnonzero(at_risk.any(axis=1))
    priors = by_name(hazard_priors(per_year))
    every = effects_of(pooled.coding, priors["intercept"])
    fitted = replace(every, base=every.base[rows], score=every.score[rows], level=every.level[rows])
    return Hazards(
        coding=pooled.coding, at_risk=at_risk[rows], lost=lost[rows],
        products=products_of(at_risk[rows], lost[rows]),
        walk=np.tril(np.ones((n_periods, n_periods)), -1)[:, : n_periods - 1], step=priors["spread_walk"],
        every=every, effects=fitted, half_life=priors["log_half_life"] if waning else None,
    )  # fmt: skip


def hazard_density(pooled: PooledPeriods, per_year: int, *, waning: bool = False) -> LogDensity:
    """Log density for `cxlink.bayes.draws.sampling.sample`; see `hazard_likelihood`."""
    return density_of(conditioned(hazard_likelihood(pooled, per_year, waning=waning)))
