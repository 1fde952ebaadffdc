"""Partially pooled effects of the score, of strata and of cohorts: what the Bayesian models share.

The linear predictor of a row (cohort c, level k, stratum s) is

- ``levels``: a + L_k + S_s + N_ks + A_c + B_ck, effects that sum to 0 and are shrunk by estimated standard deviations;
- ``monotone``: a + S_s + A_c + (b + N_s + B_c)·x_k, where x is 0 at the worst level, 1 at the best, and rises in
  between by the increments of a simplex, centred on the mean of the levels. The effect never turns back within a
  stratum; b has the sign that the counts choose (Bürkner & Charpentier 2020, doi 10.1111/bmsp.12195).

A spec's ``linear`` and ``spline`` are fitted as ``levels``: where levels are sparse shrinkage does what those
forms are chosen for, and where they are not it imposes nothing.

Effects that sum to 0 are written in an orthonormal basis of the space in which they do, u ~ N(0, σ²) in each
direction: the projection of independent normals, which is the distribution of PyMC's ``ZeroSumNormal``.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import polygamma

from cxlink.bayes.pooled_counts import Coding, zero_sum
from cxlink.bayes.priors import EFFECTS, Prior


@dataclass(frozen=True, slots=True)
class EffectBlock:
    """Coefficients with one prior.

    Attributes
    ----------
    name : str
        Of the effect.
    width : int
        Coefficients.
    prior : Prior
        Theirs, about its centre; a gamma is that of their standard deviation, which is learnt. A Dirichlet is that
        of the simplex whose log-ratios they are.
    """

    name: str
    width: int
    prior: Prior

    @property
    def spread(self) -> str:
        """Name of the learnt standard deviation; empty where it is given."""
        return self.prior.name if self.prior.distribution == "gamma" else ""

    @property
    def sd(self) -> float:
        """Standard deviation that is given, or prior mean of the learnt one."""
        # log-ratios of gammas
        return float(np.sqrt(polygamma(1, self.prior.scale))) if self.simplex else self.prior.scale

    @property
    def simplex(self) -> bool:
        """Whether they are log-ratios of a simplex, whose prior is not normal."""
        return self.prior.distribution == "dirichlet"


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """A linear predictor of rows, in two parts: what wanes is the score's.

    Attributes
    ----------
    blocks : tuple of EffectBlock
        Of the coefficients, in order.
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
        """Give x of each level, centred, (..., n_levels), at coefficients (..., n); 1 where the effect is free."""
        if self.steps is None:
            return np.ones((*v.shape[:-1], self.n_levels))
        share = _shares(v[..., self.at["steps"]] @ self.steps.T) if self.steps.shape[1] else None
        rises = np.ones((*v.shape[:-1], self.n_levels - 1)) if share is None else share
        x = np.concatenate([np.zeros((*v.shape[:-1], 1)), np.cumsum(rises, axis=-1)], axis=-1)
        centred: np.ndarray = x - x.mean(axis=-1, keepdims=True)
        return centred

    def parts(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Each row's predictor without the score, and the score's part: (..., n_rows) each."""
        slope = v @ self.score.T
        return self.mean + v @ self.base.T, slope * self.positions(v)[..., self.level]

    def pulled(self, v: np.ndarray, base: np.ndarray, score: np.ndarray) -> np.ndarray:
        """Gradient over coefficients, from that over the two parts, (n_rows,) each."""
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
        """Derivatives of the two parts over coefficients: (n_rows, n_coefficients) each."""
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
        """Log density of a simplex's prior, in log-ratios, and its gradient over the coefficients.

        a·Σ log ζ up to a constant, a the concentration: the Jacobian of the softmax on what sums to 0 is n·Π ζ.
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

    def rotated(self, turn: np.ndarray) -> "Effects":
        """The same predictor of coefficients w, where v = turn @ w; turns within blocks only."""
        steps = None
        if self.steps is not None:
            at = self.at.get("steps", slice(0, 0))
            steps = self.steps @ turn[at, at]
        return replace(self, base=self.base @ turn, score=self.score @ turn, steps=steps)


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """A linear predictor in which nothing wanes: both parts of `Effects` as one.

    Attributes
    ----------
    effects : Effects
        Of the score, strata and cohorts.
    free : ndarray of shape (n_rows, n_coefficients) or None
        Columns of all of them where they are fixed; None under a monotone effect, whose columns vary.
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

    def pulled(self, v: np.ndarray, by_row: np.ndarray) -> np.ndarray:
        """Gradient over coefficients, from that over rows."""
        if self.free is None:
            return self.effects.pulled(v, by_row, by_row)
        free: np.ndarray = by_row @ self.free
        return free

    def slopes(self, v: np.ndarray) -> np.ndarray:
        """Derivative of each row over coefficients, (n_rows, n_coefficients)."""
        base, score = self.effects.columns(v)
        both: np.ndarray = base + score
        return both

    def rotated(self, turn: np.ndarray) -> "Predictor":
        """The same of turned coefficients."""
        return predictor(self.effects.rotated(turn))


def predictor(effects: Effects) -> Predictor:
    """Put both parts of effects together."""
    return Predictor(effects, effects.base + effects.score if effects.steps is None else None)


def _shares(logits: np.ndarray) -> np.ndarray:
    """Softmax over the last axis; scipy's takes longer than all else here."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    share: np.ndarray = raised / raised.sum(axis=-1, keepdims=True)
    return share


def effects_of(coding: Coding, intercept: Prior, after: str = "", *, crossed: bool = True) -> Effects:
    """Lay out the score, strata and cohorts for rows in row-major order of (cohort, level, stratum).

    Parameters
    ----------
    coding : Coding
        What there is; a variable of one category has no effect.
    intercept : Prior
        Of the intercept; those of effects are `EFFECT_PRIORS`.
    after : str
        Suffix of the names of standard deviations, to distinguish two predictors.
    crossed : bool
        Whether the score's effect differs between strata and between cohorts.
    """
    n_cohorts, n_levels, n_strata = coding.shape
    cohort, level, stratum = (x.ravel() for x in np.indices(coding.shape))
    of_cohort, of_level, of_stratum = (
        zero_sum(n)[at] for n, at in ((n_cohorts, cohort), (n_levels, level), (n_strata, stratum))
    )
    one = np.ones((len(level), 1))
    rising = coding.effect == "monotone" and n_levels > 1
    main, inside = ("slope", one) if rising else ("level", of_level)
    blocks: list[tuple[str, np.ndarray, bool]] = [("intercept", one, False), (main, inside, True)]
    if rising:
        blocks.append(("steps", np.zeros((len(level), n_levels - 2)), True))
    blocks += [("stratum", of_stratum, False), ("cohort", of_cohort, False)]
    if crossed:
        blocks.append((f"cohort_{main}", _crossed(of_cohort, inside), True))
        blocks.append((f"{main}_stratum", _crossed(inside, of_stratum), True))
    blocks = [(name, columns, score) for name, columns, score in blocks if columns.shape[1]]
    every = np.concatenate([columns for _, columns, _ in blocks], axis=1)
    of_score = np.concatenate([np.full(columns.shape[1], score) for _, columns, score in blocks])
    return Effects(
        blocks=tuple(
            EffectBlock(name, columns.shape[1], intercept if name == "intercept" else _prior(name, after))
            for name, columns, _ in blocks
        ),
        mean=intercept.centre,
        base=np.where(of_score, 0.0, every),
        score=np.where(of_score, every, 0.0),
        level=level,
        n_levels=n_levels,
        steps=zero_sum(n_levels - 1) if rising else None,
    )


def _crossed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    crossed: np.ndarray = (a[:, :, None] * b[:, None, :]).reshape(len(a), -1)
    return crossed


def _prior(name: str, after: str) -> Prior:
    """Of an effect's coefficients, or of their standard deviation."""
    learnt = f"spread_{name.replace('slope', 'level')}"
    return EFFECTS[name if name in EFFECTS else learnt].called(after)


def described(effects: Effects, coding: Coding, v: np.ndarray, after: str = "") -> dict[str, np.ndarray]:
    """Parts of a predictor by position: baseline (n_cohorts, n_strata), score (n_cohorts, n_levels, n_strata).

    And the ``position`` of each level under a monotone effect.
    """
    base, score = (part.reshape(coding.shape) for part in effects.parts(v))
    variables = {f"baseline{after}": base[:, 0], f"score{after}": score}
    return variables if effects.steps is None else {**variables, f"position{after}": effects.positions(v)}
