"""Who is averaged over: the reported groups, their contrasts, and the support they stand on (design rule 5)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from cxlink.cohort.spec import CohortSpec
from cxlink.cohort.spells import Spells, each_pair, level_positions, risk_sets
from cxlink.models.curves import Standard

FOREVER = 10**6
"""A period beyond any horizon: a curve that reached 0 is known from there on."""


@dataclass(frozen=True, slots=True)
class Group:
    """A reported set of levels.

    Attributes
    ----------
    name : str
        ``worst``, ``best``, ``all``, a level or a set of them.
    at : int ndarray
        Positions of its levels in `Spells.levels`; those with customers.
    """

    name: str
    at: np.ndarray


@dataclass(frozen=True, slots=True)
class Request:
    """Curves to estimate and groups to report, all with the same labels.

    Attributes
    ----------
    labels : dict of str to str
        ``adjusted``, ``stratum``, ``scenario`` of the rows.
    members : tuple of int ndarray
        The pairs of level and stratum that are pooled into each curve.
    standards : tuple of Standard
        What is reported, over those curves.
    own : tuple of int
        Standards with rows of their own.
    contrasts : tuple of (int, int)
        Group and reference of each contrast.
    times : int ndarray
        Whole periods wanted, from 0 on.
    horizons : tuple of int
        Steps of the tenure ladder wanted.
    covered : dict of str to float
        Share of the scored customers in the strata that a contrast stands on.
    """

    labels: dict[str, str]
    members: tuple[np.ndarray, ...]
    standards: tuple[Standard, ...]
    own: tuple[int, ...]
    contrasts: tuple[tuple[int, int], ...]
    times: np.ndarray = field(default_factory=lambda: np.arange(1))
    horizons: tuple[int, ...] = ()
    covered: dict[str, float] = field(default_factory=dict)


def groups_of(spells: Spells, spec: CohortSpec) -> dict[str, Group]:
    """All groups that have customers: levels, worst, best, sides of contrasts, all."""
    names = [str(level) for level in spells.levels]
    names += ["worst", "best", *(side for text in spec.analysis.contrasts for side in spec.contrast(text)), "all"]
    found = {name: Group(name, level_positions(spells.levels, spec.group(name))) for name in dict.fromkeys(names)}
    return {name: group for name, group in found.items() if group.at.size}


def contrasts_of(groups: dict[str, Group], spec: CohortSpec) -> list[tuple[str, str]]:
    """Contrasts both of whose sides have customers: those asked for, and every level against worst."""
    asked = [spec.contrast(text) for text in spec.analysis.contrasts]
    levels = [(name, "worst") for name in groups if name not in ("worst", "best", "all")]
    pairs = dict.fromkeys([*asked, *levels])
    known = [(a, b) for a, b in pairs if a in groups and b in groups]
    return [(a, b) for a, b in known if not set(groups[a].at) & set(groups[b].at)]


def pooled(spells: Spells, spec: CohortSpec, stratum: str = "", keep: np.ndarray | None = None) -> Request | None:
    """Ask for unadjusted curves: each group's customers together, over their own entries.

    Parameters
    ----------
    spells : Spells
        The cohort.
    spec : CohortSpec
        Its groups and contrasts.
    stratum : str
        Label of the part of the cohort, such as ``plan=basic``; empty for the whole.
    keep : bool ndarray of shape (n_strata,), optional
        The strata of that part.

    Returns
    -------
    Request or None
        None where the part has nobody.
    """
    inside = np.full(len(spells.strata), True) if keep is None else keep
    groups = groups_of(spells, spec)
    members, standards = [], []
    for group in groups.values():
        pairs = np.flatnonzero(np.isin(spells.level, group.at) & inside[spells.stratum])
        if pairs.size:
            entry, share, n, n_events = _entries(spells, pairs)
            standards.append(Standard(group.name, np.full(len(entry), len(members)), entry, share, n, n_events))
            members.append(pairs)
    if not standards:
        return None
    position = {standard.group: i for i, standard in enumerate(standards)}
    asked = contrasts_of(groups, spec)
    if stratum:
        asked = [pair for pair in asked if pair[1] == "worst" and pair[0] == "best"]
    contrasts = tuple((position[a], position[b]) for a, b in asked if a in position and b in position)
    labels = {"adjusted": "no", "stratum": stratum, "scenario": ""}
    return Request(labels, tuple(members), tuple(standards), tuple(range(len(standards))), contrasts)


def by_category(spells: Spells, spec: CohortSpec) -> list[Request]:
    """Ask for unadjusted curves within each category of each adjustment variable."""
    requests = []
    for column in spells.strata.columns:
        for value in sorted(spells.strata[column].unique()):
            name = f"{column.removeprefix('stratum.')}={value}"
            requests.append(pooled(spells, spec, name, (spells.strata[column] == value).to_numpy()))
    return [request for request in requests if request is not None]


def from_first_at_risk(request: Request) -> Request:
    """Ask for the same curves from signup on: conditional on reaching the first period with customers at risk."""
    standards = []
    for standard in request.standards:
        start = np.array([standard.entry.min()])
        standards.append(
            Standard(standard.group, standard.curve[:1], start, np.ones(1), standard.n, standard.n_events)
        )
    labels = {**request.labels, "scenario": "since_signup"}
    return replace(request, labels=labels, standards=tuple(standards), contrasts=(), horizons=())


def standardised(spells: Spells, spec: CohortSpec, supported: np.ndarray | None) -> Request | None:
    """Ask for curves averaged over the strata, and entries, of all customers scored.

    Parameters
    ----------
    spells : Spells
        The cohort.
    spec : CohortSpec
        Its groups, contrasts and horizon.
    supported : bool ndarray of shape (n_pairs, n_periods + 1) or None
        Whether a pair can answer for customers with that entry; None for models that extrapolate, whose curves are
        every combination of `pair_lookup`.

    Returns
    -------
    Request or None
        None where there is nothing to standardise over.
    """
    late = bool((spells.entry > 0).any())
    if len(spells.strata) == 1 and not late:
        return None
    made = _Maker(spells, supported)
    groups = groups_of(spells, spec)
    asked = contrasts_of(groups, spec)
    contrasts = []
    for a, b in asked:
        cells = made.support(np.concatenate([groups[a].at, groups[b].at]))
        made.covered[f"{a}:{b}"] = float(made.target.weight[cells].sum())
        if cells.size:
            contrasts.append((made.standard(groups[a], cells), made.standard(groups[b], cells)))
    own = []
    for name, group in groups.items():
        cells = made.support(_support_levels(group, groups, asked))
        if name != "all" and cells.size:
            own.append(made.standard(group, cells))
    labels = {"adjusted": "standardised", "stratum": "", "scenario": ""}
    return Request(labels, each_pair(spells), tuple(made.standards), tuple(own), tuple(contrasts), covered=made.covered)


def _support_levels(group: Group, groups: dict[str, Group], asked: Sequence[tuple[str, str]]) -> np.ndarray:
    """Levels whose support a group's own rows use: the headline contrast's if it is in it, else its and worst's."""
    headline = np.concatenate([groups[side].at for side in asked[0]]) if asked else np.empty(0, int)
    if set(group.at) <= set(headline):
        return headline
    return np.concatenate([group.at, groups["worst"].at]) if "worst" in groups else group.at


@dataclass(frozen=True, slots=True)
class _Target:
    """All customers scored, by stratum and entry; weights sum to 1."""

    stratum: np.ndarray
    entry: np.ndarray
    weight: np.ndarray


def _target(spells: Spells) -> _Target:
    stratum = spells.stratum[spells.pair]
    keys, at = np.unique(np.column_stack([stratum, spells.entry]), axis=0, return_inverse=True)
    total = np.bincount(at.ravel(), spells.n)
    return _Target(keys[:, 0], keys[:, 1], total / total.sum())


class _Maker:
    """Makes each standard once: the same group over the same support is the same standard."""

    def __init__(self, spells: Spells, supported: np.ndarray | None) -> None:
        self.spells, self.supported = spells, supported
        self.target = _target(spells)
        self.lookup = pair_lookup(spells, extrapolated=supported is None)
        self.standards: list[Standard] = []
        self.covered: dict[str, float] = {}
        self._made: dict[tuple[str, bytes], int] = {}

    def support(self, levels: np.ndarray) -> np.ndarray:
        """Cells of the target (positions) for which every one of these levels can answer."""
        keep = np.full(len(self.target.stratum), True)
        if self.supported is not None:
            entry = np.minimum(self.target.entry, self.supported.shape[1] - 1)
            for level in np.unique(levels):
                pair = self.lookup[level, self.target.stratum]
                keep &= (pair >= 0) & self.supported[np.maximum(pair, 0), entry]
        return np.flatnonzero(keep)

    def standard(self, group: Group, cells: np.ndarray) -> int:
        """Position of a group's average over these cells, its levels weighted by their shares in the whole cohort."""
        key = (group.name, cells.tobytes())
        if key not in self._made:
            spells, target = self.spells, self.target
            level = spells.level[spells.pair]
            share = np.array([spells.n[level == at].sum() for at in group.at], dtype=float)
            weight = np.outer(share / share.sum(), target.weight[cells] / target.weight[cells].sum())
            curve = self.lookup[np.ix_(group.at, target.stratum[cells])]
            entry = np.broadcast_to(target.entry[cells], curve.shape).ravel()
            inside = np.isin(level, group.at)
            n, lost = int(spells.n[inside].sum()), int(spells.n[inside & (spells.cause > 0)].sum())
            self._made[key] = len(self.standards)
            self.standards.append(Standard(group.name, curve.ravel(), entry, weight.ravel(), n, lost))
        return self._made[key]


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


def by_level(spells: Spells, spec: CohortSpec) -> Request:
    """Ask for unadjusted groups as averages of their levels' curves, for models with a curve a level."""
    groups = groups_of(spells, spec)
    level = spells.level[spells.pair]
    standards = []
    for group in groups.values():
        inside = np.isin(level, group.at)
        keys, at = np.unique(np.column_stack([level[inside], spells.entry[inside]]), axis=0, return_inverse=True)
        total = np.bincount(at.ravel(), spells.n[inside])
        lost = int(spells.n[inside & (spells.cause > 0)].sum())
        n = int(spells.n[inside].sum())
        standards.append(Standard(group.name, keys[:, 0], keys[:, 1], total / total.sum(), n, lost))
    position = {name: i for i, name in enumerate(groups)}
    contrasts = tuple((position[a], position[b]) for a, b in contrasts_of(groups, spec))
    labels = {"adjusted": "no", "stratum": "", "scenario": ""}
    members = tuple(np.flatnonzero(spells.level == at) for at in range(len(spells.levels)))
    return Request(labels, members, tuple(standards), tuple(range(len(standards))), contrasts)


def _entries(spells: Spells, pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Entries of the customers in some pairs, their shares, and how many they are and were lost."""
    inside = np.isin(spells.pair, pairs)
    entry, at = np.unique(spells.entry[inside], return_inverse=True)
    total = np.bincount(at.ravel(), spells.n[inside])
    lost = int(spells.n[inside & (spells.cause > 0)].sum())
    return entry, total / total.sum(), int(spells.n[inside].sum()), lost


def known_to(at_risk: np.ndarray, lost: np.ndarray) -> np.ndarray:
    """From each entry, the last period of the clock to which a curve is known.

    Parameters
    ----------
    at_risk, lost : ndarray of shape (n_curves, n_periods)
        Customers at risk, and lost.

    Returns
    -------
    int ndarray of shape (n_curves, n_periods + 1)
        Column ``e``: the last t such that somebody was at risk in each of the periods e + 1, …, t; `FOREVER` where
        all at risk were lost on the way.
    """
    n_curves, n_periods = at_risk.shape
    reach = np.full((n_curves, n_periods + 1), n_periods, dtype=np.int64)
    for t in range(n_periods - 1, -1, -1):
        here = at_risk[:, t] > 0
        ended = here & (lost[:, t] == at_risk[:, t])
        reach[:, t] = np.where(ended, FOREVER, np.where(here, reach[:, t + 1], t))
    return reach


def reaches(spells: Spells, horizon: int) -> np.ndarray:
    """Whether each pair has somebody at risk from an entry on to the horizon.

    Returns
    -------
    bool ndarray of shape (n_pairs, n_periods + 1)
    """
    reach = known_to(*risk_sets(spells, each_pair(spells))(spells.n))
    found: np.ndarray = reach - np.arange(reach.shape[1]) >= horizon
    return found
