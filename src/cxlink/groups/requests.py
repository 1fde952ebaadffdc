"""Requests to a model: curves of pooled customers, and the groups reported as averages of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from cxlink.cohort.count.spells import Spells, risk_sets
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.strata import categories_of, stratum_column, stratum_variables
from cxlink.groups.curves import Standard
from cxlink.groups.group import contrasts_of, groups_of
from cxlink.groups.retained import Scored
from cxlink.groups.support import estimable_to


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
        The reported groups, as averages of those curves.
    own : tuple of int
        Standards with rows of their own.
    contrasts : tuple of (int, int)
        Group and reference of each contrast.
    times : int ndarray
        Whole periods wanted, from 0 on.
    horizons : tuple of int
        Steps of the tenure ladder wanted.
    covered : dict of (str, str) to float
        Share of the scored customers that a group and its reference, or a group by itself (reference empty), stand on.
    since_signup : bool
        Whether times count from signup; otherwise from each customer's entry.
    given : int
        Periods already stayed: times count from then on, and averages are over the customers retained
        (`cxlink.groups.retained`).
    scored : Scored or None
        The customers to whose mix these groups are standardised; None where each group is its own customers.
    later : tuple of Request
        The same requests of customers retained for some periods.
    """

    labels: dict[str, str]
    members: tuple[np.ndarray, ...]
    standards: tuple[Standard, ...]
    own: tuple[int, ...]
    contrasts: tuple[tuple[int, int], ...]
    times: np.ndarray = field(default_factory=lambda: np.arange(1))
    horizons: tuple[int, ...] = ()
    covered: dict[tuple[str, str], float] = field(default_factory=dict)
    since_signup: bool = False
    given: int = 0
    scored: Scored | None = None
    later: "tuple[Request, ...]" = ()


def pooled(
    spells: Spells, spec: CohortSpec, stratum: str = "", keep: np.ndarray | None = None
) -> Request | None:
    """Request unadjusted curves: each group's customers together, over their own entries.

    Late entries that cannot be followed to the horizon are left out of the average where others can.

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
        None where the part has no customers.
    """
    inside = np.full(len(spells.strata), True) if keep is None else keep
    groups = groups_of(spells, spec)
    pairs = {
        g.name: np.flatnonzero(np.isin(spells.level, g.at) & inside[spells.stratum]) for g in groups.values()
    }
    members = {name: found for name, found in pairs.items() if found.size}
    if not members:
        return None
    reach = estimable_to(*risk_sets(spells, tuple(members.values()))(spells.n))
    covered: dict[tuple[str, str], float] = {}
    standards = []
    for at, (name, found) in enumerate(members.items()):
        standard = own_entries(spells, name, found, at)
        share, kept = followed(standard, reach[at], spec.horizon)
        standards.append(kept)
        if len(kept.entry) < len(standard.entry):
            covered[name, ""] = share
    position = {name: i for i, name in enumerate(members)}
    asked = contrasts_of(groups, spec)
    if stratum:
        asked = [pair for pair in asked if pair == spec.contrast(spec.analysis.contrasts[0])]
    contrasts = tuple((position[a], position[b]) for a, b in asked if a in position and b in position)
    labels = {"adjusted": "no", "stratum": stratum, "scenario": ""}
    own = tuple(range(len(standards)))
    return Request(labels, tuple(members.values()), tuple(standards), own, contrasts, covered=covered)


def own_entries(spells: Spells, name: str, pairs: np.ndarray, curve: int) -> Standard:
    """Average of one curve over the entries of the customers in it."""
    inside = np.isin(spells.pair, pairs)
    entry, at = np.unique(spells.entry[inside], return_inverse=True)
    total = np.bincount(at.ravel(), spells.n[inside])
    lost = int(spells.n[inside & (spells.cause > 0)].sum())
    return Standard(name, np.full(len(entry), curve), entry, total / total.sum(), int(total.sum()), lost)


def followed(standard: Standard, reach: np.ndarray, horizon: int) -> tuple[float, Standard]:
    """Share of an average whose entries can be followed to the horizon, and the average over those; all if none can.

    Parameters
    ----------
    standard : Standard
        A group.
    reach : ndarray of shape (n_periods + 1,)
        From each entry, the last period with customers at risk, see `estimable_to`.
    horizon : int
        In periods after entry.
    """
    inside = np.minimum(standard.entry, len(reach) - 1)
    fit = (reach[inside] - standard.entry >= horizon) & (inside == standard.entry)
    share = float(standard.weight[fit].sum())
    if not fit.any() or fit.all():
        return share, standard
    followed_up = replace(
        standard, curve=standard.curve[fit], entry=standard.entry[fit], weight=standard.weight[fit] / share
    )
    return share, followed_up


def pooled_after(request: Request, spells: Spells, given: int, until: int) -> Request | None:
    """Request the same curves of customers retained for some periods.

    Parameters
    ----------
    request : Request
        From `pooled`.
    spells : Spells
        The cohort.
    given : int
        Periods already stayed; entries and groups without customers at risk then are left out.
    until : int
        Periods since the survey that entries are to be followed, where any can be.

    Returns
    -------
    Request or None
        None where no customer is at risk then.
    """
    at_risk, lost = risk_sets(spells, request.members)(spells.n)
    reach, standards = estimable_to(at_risk, lost), {}
    for g, standard in enumerate(request.standards):
        curve = int(standard.curve[0])
        start = standard.entry + given
        there = (start < spells.n_periods) & (at_risk[curve, np.minimum(start, spells.n_periods - 1)] > 0)
        if there.any():
            weight = standard.weight[there] / standard.weight[there].sum()
            part = replace(standard, curve=standard.curve[there], entry=standard.entry[there], weight=weight)
            standards[g] = followed(part, reach[curve], until)[1]
    return replace(narrowed(request, standards), covered={}, given=given) if standards else None


def narrowed(request: Request, standards: Mapping[int, Standard]) -> Request:
    """Restrict a request to some groups.

    Parameters
    ----------
    request : Request
        The request.
    standards : mapping of int to Standard
        By their position in it, the groups that stay, as they are to be averaged.
    """
    place = {g: i for i, g in enumerate(standards)}
    return replace(
        request,
        standards=tuple(standards.values()),
        own=tuple(place[g] for g in request.own if g in place),
        contrasts=tuple((place[a], place[b]) for a, b in request.contrasts if {a, b} <= set(place)),
    )


def by_category(spells: Spells, spec: CohortSpec) -> list[Request]:
    """Request unadjusted curves within each category of each adjustment variable."""
    requests = []
    for category in categories_of(spells.strata, stratum_variables(spells.strata)):
        inside = spells.strata[stratum_column(category.variable)] == category.value
        requests.append(pooled(spells, spec, category.label, inside.to_numpy()))
    return [request for request in requests if request is not None]


def from_first_at_risk(request: Request) -> Request:
    """Request the same curves from signup on: conditional on reaching the first period with customers at risk."""
    standards = [
        replace(s, curve=s.curve[:1], entry=s.entry.min(keepdims=True), weight=np.ones(1))
        for s in request.standards
    ]
    labels = {**request.labels, "scenario": "since_signup"}
    return replace(
        request,
        labels=labels,
        standards=tuple(standards),
        contrasts=(),
        horizons=(),
        covered={},
        since_signup=True,
    )


def by_level(spells: Spells, spec: CohortSpec) -> Request:
    """Request unadjusted groups as averages of their levels' curves, for models with a curve a level."""
    groups = groups_of(spells, spec)
    level = spells.level[spells.pair]
    standards = []
    for group in groups.values():
        inside = np.isin(level, group.at)
        keys, at = np.unique(
            np.column_stack([level[inside], spells.entry[inside]]), axis=0, return_inverse=True
        )
        total = np.bincount(at.ravel(), spells.n[inside])
        lost = int(spells.n[inside & (spells.cause > 0)].sum())
        n = int(spells.n[inside].sum())
        standards.append(Standard(group.name, keys[:, 0], keys[:, 1], total / total.sum(), n, lost))
    position = {name: i for i, name in enumerate(groups)}
    contrasts = tuple((position[a], position[b]) for a, b in contrasts_of(groups, spec))
    labels = {"adjusted": "no", "stratum": "", "scenario": ""}
    members = tuple(np.flatnonzero(spells.level == at) for at in range(len(spells.levels)))
    return Request(labels, members, tuple(standards), tuple(range(len(standards))), contrasts)
