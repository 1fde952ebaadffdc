"""Standardisation: groups averaged over the strata, and entries, of all customers scored, or of all customers.

`Spells.mix` is the standard population.
"""

from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.mix import NO_STRATUM
from cxlink.cohort.count.spells import Spells, each_pair, risk_sets
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.groups.curves import Standard
from cxlink.groups.group import Group, contrasts_of, groups_of
from cxlink.groups.requests import Request
from cxlink.groups.retained import Scored
from cxlink.groups.support import estimable_to


def standardised(
    spells: Spells, spec: CohortSpec, supported: np.ndarray | None, given: int = 0
) -> Request | None:
    """Request curves standardised to the strata and entries of all customers scored, or of all (`Spells.mix`).

    Parameters
    ----------
    spells : Spells
        The cohort.
    spec : CohortSpec
        Its groups, contrasts and horizon.
    supported : bool ndarray of shape (n_pairs, n_periods + 1) or None
        Whether the curve of a pair is estimable for customers with that entry; None for models that extrapolate,
        whose curves are every combination of `pair_lookup`.
    given : int
        Periods already stayed: averages are over the customers retained, see `cxlink.groups.retained`.

    Returns
    -------
    Request or None
        None where there is nothing to standardise over.
    """
    if len(spells.strata) == 1 and not (spells.entry > 0).any():
        return None
    target, lookup = _target(spells), pair_lookup(spells, extrapolated=supported is None)
    groups = groups_of(spells, spec)
    asked = contrasts_of(groups, spec)
    headline = spec.contrast(spec.analysis.contrasts[0])
    made: dict[tuple[str, bytes], Standard] = {}

    def cells(levels: np.ndarray) -> np.ndarray:
        return _supported(target, lookup, supported, levels)

    def position(group: Group, over: np.ndarray) -> int:
        """The same group over the same support is the same standard."""
        key = (group.name, over.tobytes())
        made.setdefault(key, _average(spells, group, target.part(over), lookup))
        return list(made).index(key)

    covered, contrasts, own = {}, [], []
    for a, b in asked:
        over = cells(np.concatenate([groups[a].at, groups[b].at]))
        covered[a, b] = float(target.weight[over].sum())
        if over.size:
            contrasts.append((position(groups[a], over), position(groups[b], over)))
    for name in [name for name in groups if name != "all"]:
        with_whom = _support_levels(groups[name], groups, headline)
        over = cells(with_whom)
        if set(with_whom) == set(groups[name].at):
            covered[name, ""] = float(target.weight[over].sum())
        if over.size:
            own.append(position(groups[name], over))
    labels = {"adjusted": "standardised", "stratum": "", "scenario": ""}
    return Request(
        labels, each_pair(spells), tuple(made.values()), tuple(own), tuple(contrasts), covered=covered, given=given,
        scored=_scored(spells, target, lookup, given, nonparametric=supported is not None),
    )  # fmt: skip


def _support_levels(group: Group, groups: dict[str, Group], headline: tuple[str, str]) -> np.ndarray:
    """Levels of a group's common support: of the headline contrast if it is one side, else its own and worst's."""
    if set(headline) <= set(groups):
        both = np.concatenate([groups[side].at for side in headline])
        if set(group.at) <= set(both):
            return both
    return np.concatenate([group.at, groups["worst"].at]) if "worst" in groups else group.at


@dataclass(frozen=True, slots=True)
class _Target:
    """The standard population, by stratum and entry; weights sum to 1."""

    stratum: np.ndarray
    entry: np.ndarray
    weight: np.ndarray

    def part(self, cells: np.ndarray) -> "_Target":
        """Some of them."""
        weight = self.weight[cells]
        return _Target(self.stratum[cells], self.entry[cells], weight / weight.sum())


def _target(spells: Spells) -> _Target:
    stratum, entry, n = spells.stratum[spells.pair], spells.entry, spells.n
    if spells.mix is not None:
        stratum, n = spells.mix.stratum, spells.mix.n
        entry = spells.mix.entry if spells.entry.any() else np.zeros_like(spells.mix.entry)
    keys, at = np.unique(np.column_stack([stratum, entry]), axis=0, return_inverse=True)
    total = np.bincount(at.ravel(), n)
    return _Target(keys[:, 0], keys[:, 1], total / total.sum())


def _supported(
    target: _Target, lookup: np.ndarray, supported: np.ndarray | None, levels: np.ndarray
) -> np.ndarray:
    """Cells of the target (positions) in which the curve of every one of these levels is estimable."""
    keep = target.stratum != NO_STRATUM
    if supported is not None:
        for level in np.unique(levels):
            pair = lookup[level, target.stratum]
            inside = np.minimum(target.entry, supported.shape[1] - 1)
            keep &= (pair >= 0) & supported[np.maximum(pair, 0), inside] & (inside == target.entry)
    return np.flatnonzero(keep)


def _average(spells: Spells, group: Group, over: _Target, lookup: np.ndarray) -> Standard:
    """A group's average over part of the target, its levels weighted by their shares in the whole cohort."""
    level = spells.level[spells.pair]
    share = np.array([spells.n[level == at].sum() for at in group.at], dtype=float)
    weight = np.outer(share / share.sum(), over.weight)
    curve = lookup[np.ix_(group.at, over.stratum)]
    entry = np.broadcast_to(over.entry, curve.shape).ravel()
    inside = np.isin(level, group.at)
    n, lost = int(spells.n[inside].sum()), int(spells.n[inside & (spells.cause > 0)].sum())
    return Standard(group.name, curve.ravel(), entry, weight.ravel(), n, lost)


def _scored(
    spells: Spells, target: _Target, lookup: np.ndarray, given: int, *, nonparametric: bool
) -> Scored:
    """The customers scored, by curve and entry, whose retention so far is estimable.

    A stratum and entry of the target without customers scored takes the levels' shares in its stratum.
    """
    n_levels, n_strata = lookup.shape
    level, stratum = (x.ravel() for x in np.indices(lookup.shape))
    n = np.zeros((int(max(spells.entry.max(initial=0), target.entry.max(initial=0))) + 1, n_strata, n_levels))
    np.add.at(n, (spells.entry, spells.stratum[spells.pair], spells.level[spells.pair]), spells.n)
    weight = n.copy()
    real = target.stratum != NO_STRATUM
    cell = target.entry[real], target.stratum[real]
    nobody = weight[cell].sum(axis=-1) == 0
    weight[cell[0][nobody], cell[1][nobody]] = n.sum(axis=0)[cell[1][nobody]]
    if nonparametric:
        level, stratum = spells.level, spells.stratum
        weight[~_retained_known(spells, lookup, given, len(n))] = 0.0
    total = weight.sum(axis=-1, keepdims=True)
    at = np.nonzero(weight)
    entry, of_stratum, of_level = at
    share = (weight / np.where(total > 0, total, 1.0))[at]
    return Scored(level, stratum, lookup[of_level, of_stratum], entry, n[at], share)


def _retained_known(spells: Spells, lookup: np.ndarray, given: int, n_entries: int) -> np.ndarray:
    """Whether the curve of each entry, stratum and level is estimable so many periods later."""
    reach = estimable_to(*risk_sets(spells, each_pair(spells))(spells.n))
    entry = np.arange(min(n_entries, reach.shape[1]))
    known = np.zeros((n_entries, spells.n_pairs), dtype=bool)
    known[: len(entry)] = (reach[:, entry] >= entry + given).T
    found: np.ndarray = known[:, lookup.T] & (lookup.T >= 0)
    return found


def pair_lookup(spells: Spells, extrapolated: bool) -> np.ndarray:
    """Position of the curve of each level and stratum.

    Returns
    -------
    int ndarray of shape (n_levels, n_strata)
        Pairs with customers, −1 for the others; with ``extrapolated`` every combination, in row-major order.
    """
    shape = (len(spells.levels), len(spells.strata))
    if extrapolated:
        return np.arange(shape[0] * shape[1]).reshape(shape)
    lookup = np.full(shape, -1)
    lookup[spells.level, spells.stratum] = np.arange(spells.n_pairs)
    return lookup
