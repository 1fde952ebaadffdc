"""Partially pooled effects of the score, of strata and of cohorts, used by all Bayesian models.

The linear predictor of a row (cohort c, level k, stratum s) is

- ``levels``: a + L_k + S_s + N_ks + A_c + B_ck, effects that sum to 0 and are shrunk by estimated standard deviations;
- ``monotone``: a + S_s + A_c + (b + N_s + B_c)·x_k, where x is 0 at the worst level, 1 at the best, and rises in
  between by the increments of a simplex, centred on the mean of the levels. The effect is monotone within a stratum,
  with the sign of b estimated (Bürkner & Charpentier 2020, doi 10.1111/bmsp.12195).

A spec's ``linear`` and ``spline`` are fitted as ``levels``: shrinkage smooths sparse levels, and restricts the others
little.

Effects that sum to 0 are written in an orthonormal basis of the space in which they do, u ~ N(0, σ²) in each
direction: the projection of independent normals, which is the distribution of PyMC's ``ZeroSumNormal``.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import polygamma

from cxlink.bayes.pooled_counts import Coding
from cxlink.bayes.priors import EFFECTS, Prior


@dataclass(frozen=True, slots=True)
class EffectBlock:
    """Coefficients with one prior.

    Attributes
    ----------
    name : str
        Name of the effect.
    width : int
        Number of coefficients.
    prior : Prior
        Prior of the coefficients, about its centre. A gamma is the prior of their standard deviation, which is
        estimated; a Dirichlet that of the simplex whose log-ratios they are.
    """

    name: str
    width: int
    prior: Prior

    @property
    def sd_name(self) -> str:
        """Name of the estimated standard deviation; empty where it is fixed."""
        return self.prior.name if self.prior.distribution == "gamma" else ""

    @property
    def sd(self) -> float:
        """Fixed standard deviation, or prior mean of the estimated one."""
        # log-ratios of gammas
        return float(np.sqrt(polygamma(1, self.prior.scale))) if self.simplex else self.prior.scale

    @property
    def simplex(self) -> bool:
        """Whether they are log-ratios of a simplex, whose prior is not normal."""
        return self.prior.distribution == "dirichlet"


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """A linear predictor of rows, in two parts: the score's, which may wane, and the others.

    Attributes
    ----------
    blocks : tuple of EffectBlock
        Blocks of the coefficients, in order.
    mean : float
        Prior mean of the intercept.
    base, score : ndarray of shape (n_rows, n_coefficients)
        The two parts' columns.
    level : int ndarray of shape (n_rows,)
        Position of each row's level.
    n_levels : int
        Levels.
    steps : ndarray of shape (n_levels - 1, n_levels - 2) or None
        Basis of the log increments of a monotone effect; None where the effect is free.
    """

    blocks: tuple[EffectBlock, ...]
    mean: float
    base: np.ndarray
    score: np.ndarray
    level: np.ndarray
    n_levels: int
    steps: np.ndarray | None

    @property
    def at(self) -> dict[str, slice]:
        """Where each block's coefficients are."""
        ends = np.cumsum([0, *(block.width for block in self.blocks)])
        return {
            b.name: slice(int(i), int(j)) for b, i, j in zip(self.blocks, ends[:-1], ends[1:], strict=True)
        }

    def positions(self, v: np.ndarray) -> np.ndarray:
        """Centred x of each level, (..., n_levels), at coefficients (..., n); 1 where the effect is free."""
        if self.steps is None:
            return np.ones((*v.shape[:-1], self.n_levels))
        share = _shares(v[..., self.at["steps"]] @ self.steps.T) if self.steps.shape[1] else None
        rises = np.ones((*v.shape[:-1], self.n_levels - 1)) if share is None else share
        x = np.concatenate([np.zeros((*v.shape[:-1], 1)), np.cumsum(rises, axis=-1)], axis=-1)
        centred: np.ndarray = x - x.mean(axis=-1, keepdims=True)
        return centred

    def parts(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predictor of each row without the score, and the score's part: (..., n_rows) each."""
        slope = v @ self.score.T
        return self.mean + v @ self.base.T, slope * self.positions(v)[..., self.level]

    def gradient(self, v: np.ndarray, base: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Gradient in the coefficients, from that in the two parts, (n_rows,) each."""
        if self.steps is None:
            free: np.ndarray = base @ self.base + score @ self.score
            return free
        x = self.positions(v)[self.level]
        gradient: np.ndarray = base @ self.base + (score * x) @ self.score
        if self.steps.shape[1]:
            at = self.at["steps"]
            over = np.bincount(self.level, score * (self.score @ v), self.n_levels)
            over -= over.mean()
            rises = np.cumsum(over[::-1])[::-1][1:]
            share = _shares(self.steps @ v[at])
            gradient[at] += self.steps.T @ (share * (rises - share @ rises))
        return gradient

    def columns(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives of the two parts in the coefficients: (n_rows, n_coefficients) each."""
        if self.steps is None:
            return self.base, self.score
        x = self.positions(v)[self.level]
        columns = self.score * x[:, None]
        if self.steps.shape[1]:
            share = _shares(self.steps @ v[self.at["steps"]])
            moved = (np.diag(share) - np.outer(share, share)) @ self.steps
            along = np.vstack([np.zeros(moved.shape[1]), np.cumsum(moved, axis=0)])
            along -= along.mean(axis=0)
            columns[:, self.at["steps"]] = (self.score @ v)[:, None] * along[self.level]
        return self.base, columns

    def log_steps(self, v: np.ndarray) -> tuple[float, np.ndarray]:
        """Log density of a simplex's prior, in log-ratios, and its gradient in the coefficients.

        a·Σ log ζ up to a constant, a the concentration; the Jacobian of the softmax on the zero-sum space is n·Π ζ.
        """
        gradient = np.zeros(len(v))
        if self.steps is None or not self.steps.shape[1]:
            return 0.0, gradient
        at = self.at["steps"]
        # the logits sum to 0
        logits = self.steps @ v[at]
        concentration = EFFECTS["steps"].scale
        gradient[at] = concentration * (self.steps.T @ (1 - len(logits) * _shares(logits)))
        most = logits.max()
        summed = len(logits) * (most + np.log(np.exp(logits - most).sum()))
        return float(-concentration * summed), gradient

    def rotated(self, rotation: np.ndarray) -> "Effects":
        """The same predictor of coefficients w, where v = rotation @ w, block by block."""
        steps = None
        if self.steps is not None:
            at = self.at.get("steps", slice(0, 0))
            steps = self.steps @ rotation[at, at]
        return replace(self, base=self.base @ rotation, score=self.score @ rotation, steps=steps)


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A linear predictor without waning: the sum of both parts of `Effects`.

    Attributes
    ----------
    effects : Effects
        Effects of the score, strata and cohorts.
    free : ndarray of shape (n_rows, n_coefficients) or None
        Columns of the sum; None under a monotone effect, whose columns depend on the coefficients.
    """

    effects: Effects
    free: np.ndarray | None

    @property
    def width(self) -> int:
        """Number of coefficients."""
        return len(self.effects.base.T)

    def whole(self, v: np.ndarray) -> np.ndarray:
        """Value of each row, (..., n_rows), at coefficients (..., n)."""
        if self.free is not None:
            free: np.ndarray = self.effects.mean + v @ self.free.T
            return free
        base, score = self.effects.parts(v)
        both: np.ndarray = base + score
        return both

    def gradient(self, v: np.ndarray, by_row: np.ndarray) -> np.ndarray:
        """Gradient in the coefficients, from that in the rows."""
        if self.free is None:
            return self.effects.gradient(v, by_row, by_row)
        free: np.ndarray = by_row @ self.free
        return free

    def slopes(self, v: np.ndarray) -> np.ndarray:
        """Derivative of each row in the coefficients, (n_rows, n_coefficients)."""
        base, score = self.effects.columns(v)
        both: np.ndarray = base + score
        return both

    def rotated(self, rotation: np.ndarray) -> "Predictor":
        """The same of rotated coefficients."""
        return predictor(self.effects.rotated(rotation))


def predictor(effects: Effects) -> Predictor:
    """The sum of both parts of effects."""
    return Predictor(effects, effects.base + effects.score if effects.steps is None else None)


def _shares(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis, faster than scipy's for small arrays."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    share: np.ndarray = raised / raised.sum(axis=-1, keepdims=True)
    return share


def described(effects: Effects, coding: Coding, v: np.ndarray, after: str = "") -> dict[str, np.ndarray]:
    """Parts of a predictor by position: baseline (n_cohorts, n_strata), score (n_cohorts, n_levels, n_strata).

    And the ``position`` of each level under a monotone effect.
    """
    base, score = (part.reshape(coding.shape) for part in effects.parts(v))
    variables = {f"baseline{after}": base[:, 0], f"score{after}": score}
    return variables if effects.steps is None else {**variables, f"position{after}": effects.positions(v)}
