"""Complementary suppression: of which further groups nothing may be published, so that no small one can be worked out.

A published mean with its number of customers is a sum over a set of cells (score level × stratum). A small group is
recovered by subtraction if its sum is a linear combination of published sums; then the smallest group of that
combination is withheld too, until none is left (Willenborg & de Waal 2001, doi 10.1007/978-1-4613-0121-9, chapter 6).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec

Key = tuple[str, str]
"""A group and a stratum, empty for the whole cohort."""
_TOLERANCE = 1e-9
"""Squared distance from the published sums, relative, within which a sum is one of their combinations."""
_MOST = 3000
"""Sums that are compared with each other; beyond, nothing by stratum is published."""


@dataclass(frozen=True, slots=True)
class Published:
    """What may be published: sums over sets of atoms.

    Attributes
    ----------
    vectors : ndarray of shape (n_sums, n_atoms)
        Weight of each atom in a sum.
    units : ndarray of shape (n_sums,)
        To which row of the table each belongs.
    sizes : ndarray of shape (n_units,)
        Customers behind each row.
    """

    vectors: np.ndarray
    units: np.ndarray
    sizes: np.ndarray


def recoverable(published: Published, shown: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Weights of the shown sums in each target, (n_targets, n_sums); NaN where a target is no combination of them.

    Parameters
    ----------
    published : Published
        The sums.
    shown : ndarray of bool, shape (n_units,)
        Rows that are shown.
    targets : ndarray of shape (n_targets, n_atoms)
        Sums that nobody shall know.
    """
    at = np.flatnonzero(shown[published.units])
    rows, wanted = _scaled(published.vectors[at]), _scaled(targets)
    cross = wanted @ rows.T
    weights = cross @ np.linalg.pinv(rows @ rows.T, rcond=1e-10, hermitian=True)
    apart = 1.0 - np.einsum("ij,ij->i", weights, cross)
    result = np.zeros((len(targets), len(published.units)))
    result[:, at] = weights
    result[apart > _TOLERANCE] = np.nan
    return result


def complement(published: Published, targets: np.ndarray, smallest: int) -> np.ndarray:
    """Choose the rows to show: none of fewer customers than ``smallest``, nor those from which a target follows.

    Returns
    -------
    ndarray of bool, shape (n_units,)
        The largest row is withheld last.
    """
    shown = published.sizes >= smallest
    while len(targets) and shown.any():
        weights = recoverable(published, shown, targets)
        known = np.flatnonzero(~np.isnan(weights[:, 0]))
        if not len(known):
            break
        involved = {int(u) for u in published.units[np.abs(weights[known[0]]) > 1e-7]}
        shown[min(involved, key=lambda unit: (published.sizes[unit], unit))] = False
    return shown


def withheld(counts: Counts, groups: Iterable[str], smallest: int) -> frozenset[Key]:
    """Groups and strata of whose outcomes nothing may be published.

    Parameters
    ----------
    counts : Counts
        Of the cohort.
    groups : iterable of str
        Groups that have rows.
    smallest : int
        ``[publish] smallest_cell``.
    """
    scored, spec = counts.scored, counts.spec
    known = {name: members for name in sorted(set(groups)) if (members := _levels(name, spec))}
    sizes = ["n", *(["spend_n"] if "spend_n" in scored else [])]
    keys = [_hidden(scored, known, spec.stratum_variables, size, smallest) for size in sizes]
    return frozenset().union(*keys)


def _levels(name: str, spec: CohortSpec) -> tuple[int, ...]:
    try:
        return spec.group(name)
    except InputError:
        return ()


def _hidden(
    scored: pd.DataFrame, groups: dict[str, tuple[int, ...]], variables: Sequence[str], size: str, smallest: int
) -> frozenset[Key]:  # fmt: skip
    strata = [f"stratum.{variable}" for variable in variables]
    atoms = scored.groupby(["score", *strata], dropna=False, as_index=False)[size].sum()
    atoms = atoms[atoms[size] > 0].reset_index(drop=True)
    n, level = atoms[size].to_numpy(dtype=float), atoms["score"].to_numpy(dtype=int)
    inside = {"": np.ones(len(atoms), dtype=bool)}
    for name, column in zip(variables, strata, strict=True):
        inside |= {
            f"{name}={value}": (atoms[column] == value).to_numpy() for value in sorted(set(atoms[column]))
        }
    every = groups | {str(one): (int(one),) for one in sorted(set(level))}
    members = {group: np.isin(level, levels) for group, levels in every.items()}
    wide = 2 * len(members) * len(inside) > _MOST
    keys = [(group, stratum) for stratum in inside for group in members]
    sets = np.array([members[group] & inside[stratum] for group, stratum in keys], dtype=float)
    customers = sets @ n
    small = (customers > 0) & (customers < smallest)
    if wide:
        at = np.array([stratum == "" for _, stratum in keys])
        hidden = frozenset(key for key, here in zip(keys, at, strict=True) if not here)
        keys, sets, customers = [key for key in keys if not key[1]], sets[at], customers[at]
        small = small[at]
    else:
        hidden = frozenset()
    mixed, units = _standardised(sets, keys, n, level, atoms[strata])
    published = Published(np.vstack([sets, mixed]), np.array([*range(len(keys)), *units]), customers)
    shown = complement(published, sets[small], smallest)
    return hidden | {key for key, show, c in zip(keys, shown, customers, strict=True) if not show and c > 0}


def _standardised(
    sets: np.ndarray, keys: Sequence[Key], n: np.ndarray, level: np.ndarray, strata: pd.DataFrame
) -> tuple[np.ndarray, list[int]]:  # fmt: skip
    """The means of groups standardised to the strata of all, as sums over atoms, and the rows that they belong to."""
    if not strata.shape[1]:
        return np.empty((0, len(n))), []
    stratum = strata.groupby(list(strata.columns), dropna=False).ngroup().to_numpy()
    weight = np.bincount(stratum, n)[stratum] / n.sum()
    share = np.bincount(level - level.min(), n)[level - level.min()] / n.sum()
    units = [i for i, (_, name) in enumerate(keys) if not name]
    return sets[units] * (weight * share / n), units


def _scaled(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: np.ndarray = vectors / np.where(lengths > 0, lengths, 1.0)
    return scaled
