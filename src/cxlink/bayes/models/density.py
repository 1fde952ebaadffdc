"""Hierarchical posteriors in coordinates in which they are nearly normal, whatever the number of customers.

Coefficients v are N(0, σ²) by block, with unknown standard deviations σ. The centred parameterisation is best where the
counts are informative of a coefficient, the non-centred one elsewhere (Papaspiliopoulos, Roberts & Sköld 2007,
doi 10.1214/088342307000000014); here each is standardised by its conditional
distribution given σ and the blocks after it under a normal likelihood:

    (diag(Λ + 1/σ²) + C) v = n + √(Λ + 1/σ²)·z,        z about N(0, 1),

with Λ (information), C (strictly above the blocks on the diagonal) and n from the expected information at the posterior
mode, blocks rotated so that Λ is diagonal. The intercept is conditioned on all other blocks, and interactions, which
are estimated least precisely, come first: the effect of a cohort without data varies by σ, and the intercept varies
against it. The map is exact and its Jacobian is included, so that the posterior is that of the model for any quality of
the approximation.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dtrsv

from cxlink.bayes.draws.sampling import Evaluate, LogDensity
from cxlink.bayes.models.posterior_mode import (
    Hierarchy,
    fixed_precision,
    groups,
    mode_of,
    prior_sd_means,
    slices,
)
from cxlink.bayes.priors import GAMMA_SHAPE

_FAR = 300.0


@dataclass(frozen=True, slots=True, eq=False)
class Conditioned:
    """A likelihood in rotated coefficients, with the map from z to them.

    Attributes
    ----------
    likelihood : Hierarchy
        Likelihood of the rotated coefficients.
    natural, information : ndarray of shape (n,)
        n and the diagonal of Λ.
    coupling : ndarray of shape (n, n)
        C.
    fixed : ndarray of shape (n,)
        1/σ² of coefficients with a fixed standard deviation; 0 elsewhere.
    group : int ndarray of shape (n,)
        Position of each coefficient's standard deviation in ``sd_names``; −1 where it is fixed.
    normal : bool ndarray of shape (n,)
        Whether the prior is normal.
    rotation : ndarray of shape (n, n)
        Coefficients are ``rotation`` @ those of ``likelihood``.
    sd_names : tuple of str
        Names of the estimated standard deviations.
    sd_means : ndarray of shape (n_sds,)
        Their prior means.
    """

    likelihood: Hierarchy
    natural: np.ndarray
    information: np.ndarray
    coupling: np.ndarray
    fixed: np.ndarray
    group: np.ndarray
    normal: np.ndarray
    rotation: np.ndarray
    sd_names: tuple[str, ...]
    sd_means: np.ndarray


def conditioned(likelihood: Hierarchy) -> Conditioned:
    """Coordinates from the normal distribution of each block given later ones, earlier ones integrated out."""
    mode = mode_of(likelihood)
    blocks = likelihood.blocks
    group, fixed, at = groups(blocks), fixed_precision(blocks), slices(blocks)
    tau = fixed + np.where(group >= 0, np.exp(-2 * np.append(mode.log_sd, 0.0)[group]), 0.0)
    n = len(tau)
    left = mode.information + np.diag(tau)
    information, natural = np.zeros(n), np.zeros(n)
    coupling, rotation = np.zeros((n, n)), np.zeros((n, n))
    for block in at:
        later = slice(block.stop, n)
        likelihood_information = left[block, block] - np.diag(tau[block])
        values, axes = np.linalg.eigh((likelihood_information + likelihood_information.T) / 2)
        information[block], rotation[block, block] = np.maximum(values, 0.0), axes
        coupling[block, later] = axes.T @ left[block, later]
        own = (information[block] + tau[block]) * (axes.T @ mode.v[block])
        natural[block] = own + coupling[block, later] @ mode.v[later]
        across = left[later, block]
        left[later, later] -= across @ np.linalg.solve(left[block, block], across.T)
    prior_means = prior_sd_means(blocks)
    return Conditioned(
        likelihood=likelihood.rotated(rotation),
        natural=natural,
        information=information,
        coupling=coupling @ rotation,
        fixed=fixed,
        group=group,
        normal=np.concatenate([np.full(b.width, not b.simplex) for b in blocks]),
        rotation=rotation,
        sd_names=tuple(prior_means),
        sd_means=np.array(list(prior_means.values())),
    )


def density_of(conditional: Conditioned) -> LogDensity:
    """Log density of the posterior of (log standard deviations, further parameters, z)."""
    n_sds, n_extra, n = (
        len(conditional.sd_names),
        len(conditional.likelihood.extras),
        len(conditional.natural),
    )

    def expand(x: np.ndarray) -> dict[str, np.ndarray]:
        u, extra, z = np.split(np.asarray(x), [n_sds, n_sds + n_extra])
        v = coefficients(conditional, u, z)
        deviations = {name: np.array(np.exp(one)) for name, one in zip(conditional.sd_names, u, strict=True)}
        further = [
            mean + sd * one for (mean, sd), one in zip(conditional.likelihood.extras, extra, strict=True)
        ]
        return {**deviations, **conditional.likelihood.described(v, np.array(further))}

    sizes = {name: np.shape(one) for name, one in expand(np.zeros(n_sds + n_extra + n)).items()}
    return LogDensity(n_sds + n_extra + n, lambda: evaluator(conditional), expand, sizes)


def coefficients(conditional: Conditioned, log_sd: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Rotated coefficients at log standard deviations and z: the map in the module's docstring."""
    p = conditional.information + conditional.fixed
    p = p + np.where(conditional.group >= 0, np.exp(-2 * np.append(log_sd, 0.0)[conditional.group]), 0.0)
    system = np.asfortranarray(conditional.coupling + np.diag(p))
    coefficient: np.ndarray = dtrsv(system, conditional.natural + np.sqrt(p) * z, lower=0)
    return coefficient


def evaluator(conditional: Conditioned) -> Evaluate:
    """Log density and gradient for one chain, with its own workspace."""
    n_sds, n_extra = len(conditional.sd_names), len(conditional.likelihood.extras)
    system = np.asfortranarray(conditional.coupling.copy())
    diagonal = np.arange(len(conditional.natural))
    # coefficients with a fixed standard deviation are a last group, whose estimated precision is 0
    group = np.where(conditional.group >= 0, conditional.group, n_sds)
    width = np.bincount(group, minlength=n_sds + 1)[:-1].astype(float)
    precision = np.zeros(n_sds + 1)
    fixed_prior = np.where(conditional.normal, conditional.fixed, 0.0)
    sizes = conditional.information + conditional.fixed
    cut = n_sds + n_extra

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        u, extra, z = x[:n_sds], x[n_sds:cut], x[cut:]
        precision[:-1] = np.exp(-2 * np.minimum(np.maximum(u, -_FAR), _FAR))
        tau = precision[group]
        p = sizes + tau
        root = np.sqrt(p)
        system[diagonal, diagonal] = p
        v = dtrsv(system, conditional.natural + root * z, lower=0)
        value, pull, pull_extra = conditional.likelihood.value(v, extra)
        total_precision = tau + fixed_prior
        value -= (
            0.5 * float(total_precision @ v**2) + 0.5 * float(np.log(p).sum()) + 0.5 * float(extra @ extra)
        )
        scaled_sd = GAMMA_SHAPE * np.exp(np.minimum(u, _FAR)) / conditional.sd_means
        value += float((GAMMA_SHAPE - width) @ u - scaled_sd.sum())
        back = dtrsv(system, pull - total_precision * v, lower=0, trans=1)
        over_p = back * (0.5 * z / root - v) - 0.5 / p
        over_tau = over_p - 0.5 * v**2
        summed = np.bincount(group, over_tau * tau, n_sds + 1)[:-1]
        gradient = np.empty(len(x))
        gradient[:n_sds] = -2 * summed + (GAMMA_SHAPE - width) - scaled_sd
        gradient[n_sds:cut] = pull_extra - extra
        gradient[cut:] = root * back
        return value, gradient

    return evaluate
