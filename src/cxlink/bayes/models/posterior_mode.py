"""The mode of a hierarchical posterior, for the normal approximation of `cxlink.bayes.models.density`."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from scipy.optimize import brentq

from cxlink.bayes.models.partial_pooling import EffectBlock
from cxlink.bayes.priors import GAMMA_SHAPE

_ROUNDS = 40
_NEWTON = 60
_SETTLED = 0.02
_STEP = 2.0
_LOWEST, _HIGHEST = -14.0, 5.0


class Hierarchy(Protocol):
    """A likelihood of coefficients whose priors are normal by block."""

    @property
    def blocks(self) -> tuple[EffectBlock, ...]:
        """Blocks of the coefficients, each conditioned on those after it."""

    @property
    def extras(self) -> tuple[tuple[float, float], ...]:
        """Mean and standard deviation of the normal priors of further parameters, which are standardised elsewhere."""

    def start(self) -> np.ndarray:
        """Starting values of the coefficients."""

    def value(self, v: np.ndarray, extra: np.ndarray, /) -> tuple[float, np.ndarray, np.ndarray]:
        """Log-likelihood, with the prior of a simplex, and its gradients over coefficients and further parameters."""

    def information(self, v: np.ndarray, extra: np.ndarray, /) -> np.ndarray:
        """Expected information of the coefficients, (n, n)."""

    def rotated(self, rotation: np.ndarray) -> "Hierarchy":
        """The same likelihood of coefficients w, where v = rotation @ w."""

    def described(self, v: np.ndarray, extra: np.ndarray, /) -> dict[str, np.ndarray]:
        """Stored quantities of a draw of coefficients and further parameters."""


@dataclass(frozen=True, slots=True, eq=False)
class Mode:
    """Coefficients and standard deviations near the posterior mode, and the information there."""

    v: np.ndarray
    log_sd: np.ndarray
    information: np.ndarray


def slices(blocks: Sequence[EffectBlock]) -> list[slice]:
    """Where each block's coefficients are."""
    ends = np.cumsum([0, *(block.width for block in blocks)])
    return [slice(int(a), int(b)) for a, b in pairwise(ends)]


def prior_sd_means(blocks: Sequence[EffectBlock]) -> dict[str, float]:
    """Prior means of the estimated standard deviations, by name."""
    return {block.sd_name: block.sd for block in blocks if block.sd_name}


def groups(blocks: Sequence[EffectBlock]) -> np.ndarray:
    """Position of each coefficient's standard deviation among the estimated ones, (n,); −1 where it is fixed."""
    names = list(prior_sd_means(blocks))
    return np.concatenate([np.full(b.width, names.index(b.sd_name) if b.sd_name else -1) for b in blocks])


def fixed_precision(blocks: Sequence[EffectBlock]) -> np.ndarray:
    """1/σ² of coefficients with a fixed standard deviation, (n,); 0 elsewhere."""
    precision = [0.0 if b.sd_name else 1 / b.sd**2 for b in blocks]
    return np.concatenate([np.full(b.width, one) for b, one in zip(blocks, precision, strict=True)])


def mode_of(likelihood: Hierarchy) -> Mode:
    """Find coefficients and standard deviations by alternating Fisher scoring and EM (a Laplace approximation).

    The standard deviations converge to some per cent, which suffices to locate a normal approximation.
    """
    blocks, extra = likelihood.blocks, np.zeros(len(likelihood.extras))
    group, fixed = groups(blocks), fixed_precision(blocks)
    means = np.array(list(prior_sd_means(blocks).values()))
    log_sd, v = np.log(means), likelihood.start()
    for round_ in range(_ROUNDS):
        precision = fixed + np.where(group >= 0, np.exp(-2 * np.append(log_sd, 0.0)[group]), 0.0)
        v, information = _scored(likelihood, v, extra, precision, _NEWTON if round_ == 0 else 4)
        second_moment = v**2 + np.diag(np.linalg.inv(information + np.diag(precision)))
        updated = np.array([
            _likely(int((group == k).sum()), float(second_moment[group == k].sum()), mean)
            for k, mean in enumerate(means)
        ])  # fmt: skip
        change = np.abs(updated - log_sd).max(initial=0.0)
        log_sd = updated
        if change < _SETTLED:
            break
    return Mode(v, log_sd, information)


def _scored(
    likelihood: Hierarchy, v: np.ndarray, extra: np.ndarray, precision: np.ndarray, most: int
) -> tuple[np.ndarray, np.ndarray]:
    normal = np.concatenate([np.full(b.width, not b.simplex) for b in likelihood.blocks])
    penalty = np.where(normal, precision, 0.0)
    value, gradient, _ = likelihood.value(v, extra)
    for _ in range(most):
        information = likelihood.information(v, extra)
        step = np.linalg.solve(information + np.diag(precision), gradient - penalty * v)
        step *= min(1.0, _STEP / max(float(np.abs(step).max()), 1e-300))
        before = value - 0.5 * penalty @ v**2
        for _ in range(30):
            value, gradient, _ = likelihood.value(v + step, extra)
            if value - 0.5 * penalty @ (v + step) ** 2 >= before - 1e-9 * abs(before):
                break
            step = step / 2
        v = v + step
        if np.abs(step).max() < 1e-5:
            break
    return v, likelihood.information(v, extra)


def _likely(n: int, squares: float, mean: float) -> float:
    """Log standard deviation at the mode, from its gamma prior and n normal effects with this sum of squares."""

    def slope(u: float) -> float:
        return (GAMMA_SHAPE - n) + squares * float(np.exp(-2 * u)) - GAMMA_SHAPE / mean * float(np.exp(u))

    return float(brentq(slope, _LOWEST, _HIGHEST)) if slope(_LOWEST) > 0 > slope(_HIGHEST) else _LOWEST
