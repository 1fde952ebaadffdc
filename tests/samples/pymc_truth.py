"""What a density on counts is held to: the PyMC model's log density and gradient at the same points."""

import numpy as np
import pymc as pm
import pytensor
from pytensor.compile.mode import Mode
from scipy.special import softmax

from cxlink.bayes.models.density import Conditioned, coefficients, evaluator
from cxlink.bayes.models.posterior_mode import Hierarchy
from cxlink.bayes.pooled_counts import Coding, zero_sum

PLAIN = Mode(linker="py", optimizer="fast_compile")


def anywhere(made: Conditioned, seed: int) -> np.ndarray:
    """A point that a sampler might come by."""
    rng = np.random.default_rng(seed)
    n_sds, n_extra = len(made.sd_names), len(made.likelihood.extras)
    x = 0.5 * rng.standard_normal(n_sds + n_extra + len(made.natural))
    x[:n_sds] += np.log(made.sd_means)
    return x


def variables(plain: Hierarchy, made: Conditioned, x: np.ndarray, coding: Coding) -> dict[str, np.ndarray]:
    """The random variables of the PyMC model at a sampler's point; ``plain`` is the likelihood before turning."""
    n_sds, n_extra = len(made.sd_names), len(made.likelihood.extras)
    u, extra, z = np.split(x, [n_sds, n_sds + n_extra])
    v = made.rotation @ coefficients(made, u, z)
    found = dict(zip(made.sd_names, np.exp(u), strict=True))
    sizes = dict(zip(("cohort", "level", "stratum"), coding.shape, strict=True))
    start = 0
    for block in plain.blocks:
        part, prior = v[start : start + block.width], block.prior
        start += block.width
        if block.name == "walk":
            found["walk_steps"] = part
        elif block.simplex:
            found[prior.name] = softmax(zero_sum(block.width + 1) @ part)
        elif not block.sd_name:
            found[prior.name] = prior.centre + part[0]
        else:
            dims = (
                ["level"] if block.name == "shape" else [one for one in block.name.split("_") if one in sizes]
            )
            first, *others = (zero_sum(sizes[one]) for one in dims)
            effect = first @ part.reshape(first.shape[1], -1)
            found[prior.name.replace("spread", "effect")] = effect @ others[0].T if others else effect[:, 0]
    for (mean, sd), one in zip(made.likelihood.extras, extra, strict=True):
        found["log_half_life"] = mean + sd * one
    return found


def unconstrained(model: pm.Model) -> dict[str, tuple[bool, np.ndarray]]:
    """What turns each random variable into what PyMC samples: whether its logarithm is taken, and then a matrix."""
    parts = {}
    for variable in model.free_RVs:
        transform, shape = model.rvs_to_transforms[variable], tuple(variable.shape.eval(mode=PLAIN))
        positive = type(variable.owner.op).__name__ in ("GammaRV", "DirichletRV")
        one, size = variable.type(), int(np.prod(shape))
        moved = one if transform is None else transform.forward(one, *variable.owner.inputs)
        function = pytensor.function([one], moved.ravel(), mode=PLAIN)
        units = [unit.reshape(shape) for unit in (np.zeros(size), *np.eye(size))]
        origin, *columns = (function(np.exp(unit) if positive else unit) for unit in units)
        parts[variable.name] = positive, np.array(columns).T - origin[:, None]
    return parts


def beside_pymc(
    model: pm.Model, plain: Hierarchy, made: Conditioned, coding: Coding, seeds: range
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log density less PyMC's, at each point, and the gradients of either, all over the sampler's coordinates.

    With y what PyMC samples, log p(x) = log p(y(x)) + log|dy/dx|. The determinant is ∏ (Λ + 1/σ²)^−½ times a constant:
    all else between x and y is a rotation, or a change of units.
    """
    with pytensor.config.change_flags(cxx=""):  # a compiler takes longer than what it compiles saves
        return _beside_pymc(model, plain, made, coding, seeds)


def _beside_pymc(
    model: pm.Model, plain: Hierarchy, made: Conditioned, coding: Coding, seeds: range
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    parts, names = unconstrained(model), [model.rvs_to_values[variable].name for variable in model.free_RVs]
    terms = pytensor.function(
        [model.rvs_to_values[variable] for variable in model.free_RVs],
        [*(one.sum() for one in model.logp(sum=False)), model.dlogp(model.free_RVs)],
        mode=PLAIN, on_unused_input="ignore",
    )  # fmt: skip
    start = model.initial_point()
    evaluate, n_sds = evaluator(made), len(made.sd_names)

    def added(x: np.ndarray) -> float:
        tau = np.where(made.group >= 0, np.exp(-2 * np.append(x[:n_sds], 0.0)[made.group]), 0.0)
        return -0.5 * float(np.log(made.information + made.fixed + tau).sum())

    def where(x: np.ndarray) -> np.ndarray:
        found = variables(plain, made, x, coding)
        assert set(found) == set(parts)
        return np.concatenate([
            matrix @ (np.log(found[name]) if positive else np.asarray(found[name])).ravel()
            for name, (positive, matrix) in parts.items()
        ])  # fmt: skip

    gaps, ours, theirs = [], [], []
    ends = np.cumsum([start[name].size for name in names])[:-1]
    for seed in seeds:
        x = anywhere(made, seed)
        point = [
            part.reshape(start[name].shape)
            for name, part in zip(names, np.split(where(x), ends), strict=True)
        ]
        *found, slope = terms(*point)
        value, gradient = evaluate(x)
        gaps.append(value - float(np.sum(found)) - added(x))
        small = 1e-5 * np.eye(len(x))
        # central differences of maps that are linear but for an exponential: 1e-10 of their size
        moved = np.array([(where(x + d) - where(x - d)) / 2e-5 for d in small])
        ours.append(gradient)
        theirs.append(moved @ slope + [(added(x + d) - added(x - d)) / 2e-5 for d in small])
    return np.array(gaps), np.array(ours), np.array(theirs)
