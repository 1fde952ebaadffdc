"""Hierarchical posteriors in coordinates in which they are nearly normal, whatever the number of customers.

Coefficients v are N(0, σ²) by block, the standard deviations σ unknown. Where the counts are informative of a
coefficient it is sampled best as it is, elsewhere best in units of σ (Papaspiliopoulos, Roberts & Sköld 2007,
doi 10.1214/088342307000000014); here each is sampled in units of what its distribution would be, given σ and the
blocks after it, were the likelihood normal:

    (diag(Λ + 1/σ²) + C) v = n + √(Λ + 1/σ²)·z,        z about N(0, 1),

with Λ (information), C (strictly above the blocks on the diagonal) and n from the expected information at the
posterior mode, blocks turned so that Λ is diagonal. The intercept is given all the rest, and interactions, of which
least is known, come first: a cohort without data yet could be anything within σ, and the intercept, its opposite, must
follow it. That the map is exact, and its Jacobian counted, makes the
posterior that of the model, however well or badly the likelihood is approximated.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dtrsv

from cxlink.bayes.draws.sampling import Evaluate, LogDensity
from cxlink.bayes.models.posterior_mode import Hierarchy, fixed_precision, groups, mode_of, slices, spreads
from cxlink.bayes.priors import GAMMA_SHAPE

_FAR = 300.0


@dataclass(frozen=True, slots=True, eq=False)
class Conditioned:
    """A likelihood in turned coefficients, and what the map from z to them needs.

    Attributes
    ----------
    likelihood : Hierarchy
        Of the turned coefficients.
    natural, information : ndarray of shape (n,)
        n and the diagonal of Λ.
    coupling : ndarray of shape (n, n)
        C.
    fixed : ndarray of shape (n,)
        1/σ² of coefficients with a fixed standard deviation; 0 elsewhere.
    group : int ndarray of shape (n,)
        Position of each coefficient's standard deviation in `spreads`; −1 where it is fixed.
    normal : bool ndarray of shape (n,)
        Whether the prior is normal.
    turn : ndarray of shape (n, n)
        Coefficients are ``turn`` @ those of ``likelihood``.
    spreads : tuple of str
        Names of the estimated standard deviations.
    means : ndarray of shape (n_spreads,)
        Their prior means.
    """

    likelihood: Hierarchy
    natural: np.ndarray
    information: np.ndarray
    coupling: np.ndarray
    fixed: np.ndarray
    group: np.ndarray
    normal: np.ndarray
    turn: np.ndarray
    spreads: tuple[str, ...]
    means: np.ndarray


def conditioned(likelihood: Hierarchy) -> Conditioned:
    """Lay the coordinates out: a normal distribution of each block given later ones, earlier ones integrated out."""
    mode = mode_of(likelihood)
    blocks = likelihood.blocks
    group, fixed, at = groups(blocks), fixed_precision(blocks), slices(blocks)
    tau = fixed + np.where(group >= 0, np.exp(-2 * np.append(mode.log_spread, 0.0)[group]), 0.0)
    n = len(tau)
    left = mode.information + np.diag(tau)
    information, natural = np.zeros(n), np.zeros(n)
    coupling, turn = np.zeros((n, n)), np.zeros((n, n))
    for one in at:
        after = slice(one.stop, n)
        likelihood_information = left[one, one] - np.diag(tau[one])
        values, axes = np.linalg.eigh((likelihood_information + likelihood_information.T) / 2)
        information[one], turn[one, one] = np.maximum(values, 0.0), axes
        coupling[one, after] = axes.T @ left[one, after]
        own = (information[one] + tau[one]) * (axes.T @ mode.v[one])
        natural[one] = own + coupling[one, after] @ mode.v[after]
        across = left[after, one]
        left[after, after] -= across @ np.linalg.solve(left[one, one], across.T)
    learnt = spreads(blocks)
    return Conditioned(
        likelihood=likelihood.turned(turn),
        natural=natural,
        information=information,
        coupling=coupling @ turn,
        fixed=fixed,
        group=group,
        normal=np.concatenate([np.full(b.width, not b.simplex) for b in blocks]),
        turn=turn,
        spreads=tuple(learnt),
        means=np.array(list(learnt.values())),
    )


def density_of(made: Conditioned) -> LogDensity:
    """Write the posterior over (log standard deviations, further parameters, z)."""
    n_spreads, n_extra, n = len(made.spreads), len(made.likelihood.extras), len(made.natural)

    def expand(x: np.ndarray) -> dict[str, np.ndarray]:
        u, extra, z = np.split(np.asarray(x), [n_spreads, n_spreads + n_extra])
        v = coefficients(made, u, z)
        deviations = {name: np.array(np.exp(one)) for name, one in zip(made.spreads, u, strict=True)}
        further = [mean + sd * one for (mean, sd), one in zip(made.likelihood.extras, extra, strict=True)]
        return {**deviations, **made.likelihood.described(v, np.array(further))}

    sizes = {name: np.shape(one) for name, one in expand(np.zeros(n_spreads + n_extra + n)).items()}
    return LogDensity(n_spreads + n_extra + n, lambda: evaluator(made), expand, sizes)


def coefficients(made: Conditioned, log_spread: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Turned coefficients at log standard deviations and z: the map of the module."""
    p = made.information + made.fixed
    p = p + np.where(made.group >= 0, np.exp(-2 * np.append(log_spread, 0.0)[made.group]), 0.0)
    system = np.asfortranarray(made.coupling + np.diag(p))
    coefficient: np.ndarray = dtrsv(system, made.natural + np.sqrt(p) * z, lower=0)
    return coefficient


def evaluator(made: Conditioned) -> Evaluate:
    """Make one chain's log density and gradient; it has a workspace of its own."""
    n_spreads, n_extra = len(made.spreads), len(made.likelihood.extras)
    system = np.asfortranarray(made.coupling.copy())
    diagonal = np.arange(len(made.natural))
    # coefficients with a fixed standard deviation are a last group, whose estimated precision is 0
    group = np.where(made.group >= 0, made.group, n_spreads)
    width = np.bincount(group, minlength=n_spreads + 1)[:-1].astype(float)
    precision = np.zeros(n_spreads + 1)
    fixed_prior = np.where(made.normal, made.fixed, 0.0)
    sizes = made.information + made.fixed
    cut = n_spreads + n_extra

    def evaluate(x: np.ndarray) -> tuple[float, np.ndarray]:
        u, extra, z = x[:n_spreads], x[n_spreads:cut], x[cut:]
        precision[:-1] = np.exp(-2 * np.minimum(np.maximum(u, -_FAR), _FAR))
        tau = precision[group]
        p = sizes + tau
        root = np.sqrt(p)
        system[diagonal, diagonal] = p
        v = dtrsv(system, made.natural + root * z, lower=0)
        value, pull, pull_extra = made.likelihood.value(v, extra)
        total_precision = tau + fixed_prior
        value -= (
            0.5 * float(total_precision @ v**2) + 0.5 * float(np.log(p).sum()) + 0.5 * float(extra @ extra)
        )
        pressed = GAMMA_SHAPE * np.exp(np.minimum(u, _FAR)) / made.means
        value += float((GAMMA_SHAPE - width) @ u - pressed.sum())
        back = dtrsv(system, pull - total_precision * v, lower=0, trans=1)
        over_p = back * (0.5 * z / root - v) - 0.5 / p
        over_tau = over_p - 0.5 * v**2
        summed = np.bincount(group, over_tau * tau, n_spreads + 1)[:-1]
        gradient = np.empty(len(x))
        gradient[:n_spreads] = -2 * summed + (GAMMA_SHAPE - width) - pressed
        gradient[n_spreads:cut] = pull_extra - extra
        gradient[cut:] = root * back
        return value, gradient

    return evaluate
