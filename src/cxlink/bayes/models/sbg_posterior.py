"""`bayes_sbg`: the shifted-beta-geometric with hierarchical mean churn and polarisation, for contractual renewals.

Each customer has a churn probability of their own, the same in every period, beta distributed among the customers of
a cohort, level and stratum with mean μ and polarisation φ (Fader & Hardie 2007, doi 10.1002/dir.20074). Whoever is
likely to leave leaves first, so that the hazard of those retained falls with time:

    h_t = α/(α + β + t − 1) = μ/(1 + (t − 1)·φ/(1 − φ)),        α = μ(1−φ)/φ, β = (1−μ)(1−φ)/φ,

and losses are binomial in it: the exact likelihood, with late entry and censoring, since S(t)/S(e) is a product of
hazards. logit μ and logit φ have linear predictors of their own, see `cxlink.bayes.models.partial_pooling`; φ's has
levels, strata and cohorts, μ's their interactions with the score too.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, log_expit, logit

from cxlink.bayes.draws.sampling import LogDensity
from cxlink.bayes.models.density import conditioned, density_of
from cxlink.bayes.models.effect_layout import effects_of
from cxlink.bayes.models.partial_pooling import EffectBlock, Effects, Predictor, described, predictor
from cxlink.bayes.pooled_counts import Coding, PooledPeriods
from cxlink.bayes.priors import POLARISATION, by_name, renewal_priors

MODEL = "bayes_sbg"
_FAR = 30.0
_SOME = 1e-300


@dataclass(frozen=True, slots=True, eq=False)
class Renewals:
    """The likelihood of two predictors, for `cxlink.bayes.models.density`.

    Attributes
    ----------
    coding : Coding
        Cohorts, levels, strata.
    at_risk, kept : ndarray of shape (n_rows, n_periods)
        Of the rows with customers: at risk, and not lost.
    lost : ndarray of shape (n_rows,)
        In all periods.
    every, every_shape : Effects
        Of logit μ and of logit φ, of all rows.
    churn, shape : Predictor
        The same, of the rows with customers.
    """

    coding: Coding
    at_risk: np.ndarray
    kept: np.ndarray
    lost: np.ndarray
    every: Effects
    every_shape: Effects
    churn: Predictor
    shape: Predictor

    @property
    def blocks(self) -> tuple[EffectBlock, ...]:
        """Of the polarisation, then of mean churn."""
        return (*self.every_shape.blocks, *self.every.blocks)

    @property
    def extras(self) -> tuple[tuple[float, float], ...]:
        """None."""
        return ()

    @property
    def cut(self) -> int:
        """Coefficients of the polarisation."""
        return self.shape.width

    def start(self) -> np.ndarray:
        """No effects, at the hazard of the first period with customers."""
        v = np.zeros(self.cut + self.churn.width)
        share = (self.lost.sum() + 0.5) / (self.at_risk.sum() + 1.0)
        v[self.cut + self.every.at["intercept"].start] = logit(share) - self.every.mean
        if self.every.steps is not None:
            v[self.cut + self.every.at["slope"].start] = self._trend()
        return v

    def _trend(self) -> float:
        better = self.churn.effects.level >= self.churn.effects.n_levels / 2
        share = [(self.lost[at].sum() + 0.5) / (self.at_risk[at].sum() + 1.0) for at in (~better, better)]
        return float(np.clip(logit(share[1]) - logit(share[0]), -1.0, 1.0)) or 0.01

    def _links(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logit μ and E = (t − 1)·φ/(1 − φ), (n_rows,) and (n_rows, n_periods)."""
        log_odds = np.clip(self.shape.whole(v[: self.cut]), -_FAR, _FAR)
        churn = np.clip(self.churn.whole(v[self.cut :]), -_FAR, _FAR)
        return churn, np.multiply.outer(np.exp(log_odds), np.arange(float(self.kept.shape[1])))

    def value(self, v: np.ndarray, _: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Log-likelihood with a simplex's prior, and its gradients.

        Σ d·log μ + (r − d)·log(1 − μ + E) − r·log(1 + E): of cells the two logarithms and two divisions alone, since
        E/(x + E) = 1 − x/(x + E).
        """
        churn, odds = self._links(v)
        mean, rest = expit(churn), expit(-churn)
        left, whole = np.maximum(rest[:, None] + odds, _SOME), 1 + odds
        log_likelihood = self.lost @ log_expit(churn)
        log_likelihood += np.vdot(self.kept, np.log(left)) - np.vdot(self.at_risk, np.log(whole))
        ratio, alone = (self.kept / left).sum(axis=1), (self.at_risk / whole).sum(axis=1)
        of_churn = rest * (self.lost - mean * ratio)
        of_shape = alone - rest * ratio - self.lost
        steps, steps_slope = self.every.log_steps(v[self.cut :])
        pull = np.concatenate([
            self.shape.gradient(v[: self.cut], of_shape),
            self.churn.gradient(v[self.cut :], of_churn) + steps_slope,
        ])  # fmt: skip
        return float(log_likelihood) + steps, pull, np.zeros(0)

    def information(self, v: np.ndarray, _: np.ndarray) -> np.ndarray:
        """Expected information of the coefficients."""
        churn, odds = self._links(v)
        mean, rest = (expit(sign * churn)[:, None] for sign in (1, -1))
        hazard = mean / (1 + odds)
        information = self.at_risk * hazard / np.maximum((rest + odds) / (1 + odds), _SOME)
        along = -odds / (1 + odds)
        both, shape = self.churn.slopes(v[self.cut :]), self.shape.slopes(v[: self.cut])
        among = both.T @ ((information * rest**2).sum(axis=1)[:, None] * both)
        across = shape.T @ ((information * rest * along).sum(axis=1)[:, None] * both)
        shapes = shape.T @ ((information * along**2).sum(axis=1)[:, None] * shape)
        return np.block([[shapes, across], [across.T, among]])

    def rotated(self, rotation: np.ndarray) -> "Renewals":
        """The same for rotated coefficients."""
        a, b = rotation[: self.cut, : self.cut], rotation[self.cut :, self.cut :]
        return replace(
            self, every=self.every.rotated(b), every_shape=self.every_shape.rotated(a),
            churn=self.churn.rotated(b), shape=self.shape.rotated(a),
        )  # fmt: skip

    def described(self, v: np.ndarray, _: np.ndarray) -> dict[str, np.ndarray]:
        """Baseline and score of both predictors, by position; see `partial_pooling.described`."""
        shape = described(self.every_shape, self.coding, v[: self.cut], POLARISATION)
        return {**shape, **described(self.every, self.coding, v[self.cut :])}


def renewal_likelihood(pooled: PooledPeriods) -> Renewals:
    """Prepare the likelihood of counts."""
    n_periods = pooled.at_risk.shape[-1]
    at_risk, lost = (part.reshape(-1, n_periods).astype(float) for part in (pooled.at_risk, pooled.lost))
    rows = np.flatnonzero(at_risk.any(axis=1))
    free = replace(pooled.coding, effect="levels")
    priors = by_name(renewal_priors())
    every = effects_of(pooled.coding, priors["intercept"])
    every_shape = effects_of(free, priors[f"intercept{POLARISATION}"], POLARISATION, crossed=False)
    churn, shape = (
        predictor(replace(one, base=one.base[rows], score=one.score[rows], level=one.level[rows]))
        for one in (every, every_shape)
    )
    n_lost = lost[rows].sum(axis=1)
    return Renewals(
        pooled.coding, at_risk[rows], (at_risk - lost)[rows], n_lost, every, every_shape, churn, shape
    )


def renewal_density(pooled: PooledPeriods) -> LogDensity:
    """Log density for `cxlink.bayes.draws.sampling.sample`."""
    return density_of(conditioned(renewal_likelihood(pooled)))
