"""Posterior draws recentred and rescaled to the covariance that buckets of clusters show.

Draws are mapped linearly about their mean on the unconstrained scales of the stored quantities, z* = M^½·z in
coordinates of covariance I, with M of `bucket_influences`: the symmetric root does not depend on which coordinates are
taken, and of all maps that give M it moves the draws least.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.pooled_counts import PooledPeriods
from cxlink.bayes.rescaling.bucket_influences import Influences
from cxlink.bayes.rescaling.retention_influences import retention_influences
from cxlink.bayes.rescaling.spend_influences import spend_influences
from cxlink.bayes.rescaling.unconstrained import Variables, constrained, unconstrained
from cxlink.bayes.stacked_spend import StackedCells
from cxlink.checks import Check, Fact

SAMPLED = "sampled"
"""Group of a posterior's tree that has the draws as sampled, where those of ``posterior`` are rescaled."""
RESCALED = "rescaled"
"""Key of what is stored with such draws: the ``buckets``, and the ``factor`` by which standard deviations grew."""
_NOTHING = 1e-10
_LEAST = 1e-8


@dataclass(frozen=True, slots=True, eq=False)
class Standardised:
    """Draws of every stored quantity, and their coordinates of mean 0 and covariance I.

    Attributes
    ----------
    shapes : dict of str to tuple of int
        Of the quantities.
    values : ndarray of shape (n_draws, n_values)
        All of them, one after the other.
    z : ndarray of shape (n_draws, n_coordinates)
        Coordinates of the space in which they vary.
    loading : ndarray of shape (n_coordinates, n_values)
        ``values`` is its mean plus ``z @ loading``, but for what rounding leaves.
    """

    shapes: dict[str, tuple[int, ...]]
    values: np.ndarray
    z: np.ndarray
    loading: np.ndarray

    def mapped(self, covariance: np.ndarray) -> Variables:
        """Give the quantities with coordinates of this covariance."""
        variance, axes = np.linalg.eigh((covariance + covariance.T) / 2)
        root = (axes * np.sqrt(np.maximum(variance, _LEAST))) @ axes.T
        moved = self.values + (self.z @ root - self.z) @ self.loading
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes.values()])[:-1]
        parts = np.split(moved, ends, axis=1)
        return {
            name: part.reshape(len(part), *shape)
            for (name, shape), part in zip(self.shapes.items(), parts, strict=True)
        }


def standardised(posterior: Posterior) -> Standardised:
    """Give the draws of a posterior in coordinates of mean 0 and covariance I."""
    made = unconstrained(posterior)
    values = np.hstack([one.reshape(len(one), -1) for one in made.values()])
    apart = values - values.mean(axis=0)
    size = apart.std(axis=0)
    apart = np.divide(apart, size, out=np.zeros_like(apart), where=size > 0)
    variance, axes = np.linalg.eigh(apart.T @ apart / len(apart))
    kept = variance > _NOTHING * max(float(variance[-1]), 1e-300)
    axes, root = axes[:, kept], np.sqrt(variance[kept])
    shapes = {name: one.shape[1:] for name, one in made.items()}
    return Standardised(shapes, values, apart @ axes / root, root[:, None] * axes.T * size)


def rescaled_retention(posterior: Posterior, pooled: PooledPeriods) -> Posterior:
    """Rescale a posterior of retention; as it is where customers are independent.

    Parameters
    ----------
    posterior : Posterior
        As sampled.
    pooled : PooledPeriods
        What it was sampled from.
    """
    if pooled.customers is None:
        return posterior
    return _rescaled(posterior, lambda z: retention_influences(posterior, pooled, z))


def rescaled_spend(posterior: Posterior, stack: StackedCells) -> Posterior:
    """Rescale a posterior of spend; as it is where customers are independent.

    Parameters
    ----------
    posterior : Posterior
        As sampled.
    stack : StackedCells
        What it was sampled from.
    """
    if stack.buckets is None:
        return posterior
    return _rescaled(posterior, lambda z: spend_influences(posterior, stack, z))


def _rescaled(posterior: Posterior, influences: Callable[[np.ndarray], Influences]) -> Posterior:
    import xarray as xr

    found = standardised(posterior)
    by_bucket = influences(found.z)
    covariance, information = by_bucket.covariance(posterior.n_draws), by_bucket.information
    made = constrained(posterior, found.mapped(covariance))
    groups = {name: made.tree[name].to_dataset() for name in made.tree.children}
    tree = xr.DataTree.from_dict({**groups, SAMPLED: posterior.tree["posterior"].to_dataset()})
    # of the directions of which the counts say something, by how much they do
    factor = np.sqrt(np.sum(covariance * information) / np.trace(information))
    said = {"buckets": by_bucket.n_buckets, "factor": float(factor)}
    return replace(made, tree=tree, about={**posterior.about, RESCALED: said})


def as_sampled(posterior: Posterior) -> Posterior:
    """Give a posterior with the draws as sampled, where they were rescaled."""
    if SAMPLED not in posterior.tree.children:
        return posterior
    import xarray as xr

    groups = {name: one.to_dataset() for name, one in posterior.tree.children.items() if name != SAMPLED}
    sampled = {"posterior": posterior.tree[SAMPLED].to_dataset()}
    about = {name: value for name, value in posterior.about.items() if name != RESCALED}
    return replace(posterior, tree=xr.DataTree.from_dict({**groups, **sampled}), about=about)


def rescaled_check(posterior: Posterior, of: str) -> list[Check]:
    """Say over how many buckets draws are rescaled, and by how much on average; nothing where they are as sampled.

    Parameters
    ----------
    posterior : Posterior
        As `rescaled_retention` or `rescaled_spend` gives it.
    of : str
        What it is of: ``retention`` or ``spend``.
    """
    said = posterior.about.get(RESCALED)
    if said is None:
        return []
    facts: dict[str, Fact] = {"of": of, "buckets": said["buckets"]}
    return [Check("rescaled_draws", posterior.name, value=said["factor"], facts=facts)]
