"""The likelihood of spend as a hurdle and a gamma, in the sums of cells."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import digamma, expit, gammaln, polygamma, softmax

from cxlink.bayes.models.partial_pooling import EffectBlock, Effects, Predictor
from cxlink.bayes.pooled_counts import Coding
from cxlink.bayes.priors import SPEND_PRIORS, by_name

PARTS = ("share", "amount")
_PRIORS = by_name(SPEND_PRIORS)


@dataclass(frozen=True, slots=True, eq=False)
class HurdleGamma:
    """The likelihood of spend, of coefficients of the share, of the amount and of the shape, in that order.

    ℓ = Σ n₀·log(1 − p) + n₊·log p + (k − 1)·Σlog y − (k/m)·Σy + n₊·(k·log(k/m) − log Γ(k))

    Attributes
    ----------
    coding : Coding
        Cohorts, levels, strata: rows are every combination, in row-major order.
    share, amount : Predictor
        Of logit p and of log m.
    shape : ndarray of shape (n_levels, n_shape)
        Columns of log k: 1, and what sums to 0 over levels.
    n, positive, total : ndarray of shape (n_rows,)
        Of each row; 0 without customers.
    spenders, log_total : ndarray of shape (n_levels,)
        n₊ and Σlog y of each level: all that k needs of them.
    """

    coding: Coding
    share: Predictor
    amount: Predictor
    shape: np.ndarray
    n: np.ndarray
    positive: np.ndarray
    total: np.ndarray
    spenders: np.ndarray
    log_total: np.ndarray

    @property
    def blocks(self) -> tuple[EffectBlock, ...]:
        """Of the coefficients, see `posterior_mode.Hierarchy`."""
        named = [
            replace(block, name=f"{block.name}_{part}")
            for part, effects in zip(PARTS, (self.share.effects, self.amount.effects), strict=True)
            for block in effects.blocks
        ]
        named.append(EffectBlock("intercept_shape", 1, _PRIORS["intercept_shape"]))
        if self.shape.shape[1] > 1:
            named.append(EffectBlock("shape", self.shape.shape[1] - 1, _PRIORS["spread_shape"]))
        return tuple(named)

    @property
    def extras(self) -> tuple[tuple[float, float], ...]:
        """No further parameters."""
        return ()

    def _parts(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The coefficients of the share, of the amount and of the shape."""
        first = self.share.width
        second = first + self.amount.width
        return v[..., :first], v[..., first:second], v[..., second:]

    def start(self) -> np.ndarray:
        """Zero effects."""
        return np.zeros(self.share.width + self.amount.width + self.shape.shape[1])

    def predictors(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Logit p and log m of each row, and log k of each level, at coefficients (..., n)."""
        of_share, of_amount, of_shape = self._parts(v)
        return self.share.whole(of_share), self.amount.whole(of_amount), of_shape @ self.shape.T

    def value(self, v: np.ndarray, extra: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Log-likelihood, with the prior of the steps, and its gradient; see `posterior_mode.Hierarchy`."""
        of_share, of_amount, _ = self._parts(v)
        share, amount, log_k = self.predictors(v)
        k, level = np.exp(log_k), self.share.effects.level
        ratio = self.total * np.exp(-amount)
        gone = np.bincount(level, ratio + self.positive * amount, len(k))
        spent = (k - 1) @ self.log_total - k @ gone + self.spenders @ (k * log_k - gammaln(k))
        # −n₀·softplus(η) − n₊·softplus(−η), since softplus(−η) = softplus(η) − η
        hurdle = self.positive @ share - self.n @ np.logaddexp(0, share)
        step_share, pull_share = self.share.effects.log_steps(of_share)
        step_amount, pull_amount = self.amount.effects.log_steps(of_amount)
        by_share = self.positive - self.n * expit(share)
        by_amount = k[level] * (ratio - self.positive)
        by_shape = k * (self.log_total - gone + self.spenders * (log_k + 1 - digamma(k)))
        gradient = np.concatenate(
            [
                self.share.gradient(of_share, by_share) + pull_share,
                self.amount.gradient(of_amount, by_amount) + pull_amount,
                by_shape @ self.shape,
            ]
        )
        return float(spent + hurdle) + step_share + step_amount, gradient, np.zeros(len(extra))

    def information(self, v: np.ndarray, extra: np.ndarray) -> np.ndarray:  # noqa: ARG002  # one signature for all
        """Expected information, conditional on who spent: block-diagonal in the three predictors."""
        of_share, of_amount, _ = self._parts(v)
        share, _, log_k = self.predictors(v)
        k = np.exp(log_k)
        parts = (
            (self.share.slopes(of_share), self.n * expit(share) * expit(-share)),
            (self.amount.slopes(of_amount), self.positive * k[self.share.effects.level]),
            (self.shape, self.spenders * (k**2 * polygamma(1, k) - k)),
        )
        information = np.zeros((len(v), len(v)))
        at = 0
        for columns, weight in parts:
            end = at + columns.shape[1]
            information[at:end, at:end] = columns.T @ (weight[:, None] * columns)
            at = end
        return information

    def rotated(self, rotation: np.ndarray) -> "HurdleGamma":
        """The same likelihood of rotated coefficients, see `posterior_mode.Hierarchy`."""
        first = self.share.width
        second = first + self.amount.width
        return replace(
            self,
            share=self.share.rotated(rotation[:first, :first]),
            amount=self.amount.rotated(rotation[first:second, first:second]),
            shape=self.shape @ rotation[second:, second:],
        )

    def described(self, v: np.ndarray, extra: np.ndarray) -> dict[str, np.ndarray]:  # noqa: ARG002
        """Stored quantities of a draw: the three predictors' tables, and variables with a prior of their own."""
        share, amount, log_k = self.predictors(v)
        of_share, of_amount, of_shape = self._parts(v)
        return {
            "share": share.reshape(self.coding.shape),
            "amount": amount.reshape(self.coding.shape),
            "shape": np.exp(log_k),
            "intercept_shape": np.asarray(of_shape[0] * self.shape[0, 0]),
            **_own(self.share.effects, of_share, "share"),
            **_own(self.amount.effects, of_amount, "amount"),
        }


def _own(effects: Effects, v: np.ndarray, part: str) -> dict[str, np.ndarray]:
    """Effects with fixed standard deviations."""
    at = effects.at
    variables = {"intercept": np.asarray(v[at["intercept"]][0] * effects.base[0, at["intercept"]][0])}
    if "slope" in at:
        variables["slope"] = np.asarray(v[at["slope"]][0] * effects.score[0, at["slope"]][0])
    if effects.steps is not None and effects.steps.shape[1]:
        variables["steps"] = softmax(effects.steps @ v[at["steps"]])
    return {f"{name}_{part}": value for name, value in variables.items()}
