"""Value of groups becomes rows and findings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.spells import Spells, each_pair, has_spend, level_positions
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.contrasts import OF_VALUES
from cxlink.estimands.estimand import Answer, Estimand
from cxlink.estimands.estimand_rows import rows_of
from cxlink.estimands.support_checks import LEAST_SUPPORT, is_headline
from cxlink.groups.curves import Standard
from cxlink.groups.group import Group, contrasts_of, groups_of
from cxlink.groups.requests import Request
from cxlink.groups.standardisation import standardised
from cxlink.value.clv import Worth
from cxlink.value.value_sums import EXCLUDED, INCLUDED

Row = dict[str, Any]
FIRST_EXCLUDED = "first_excluded"
PER_PERIOD = {"revenue": "revenue_per_period", "value": "margin_per_period"}


@dataclass(frozen=True, slots=True, eq=False)
class Valued:
    """Value and revenue of groups, ready to be reported.

    Attributes
    ----------
    model : str
        ``averaged`` where families continue some curve, ``kaplan_meier`` where none is needed, ``means`` without
        retention.
    horizon : int
        Periods over which value is counted.
    given : tuple of int
        Periods already stayed, for residual value.
    amounts : dict of str to Worth
        ``revenue``, and with a margin ``value``.
    uncertain : bool ndarray of shape (n_levels,)
        Levels whose intervals are widened to hold the estimate: nobody brought anything, or hardly anybody left or
        stayed.
    """

    model: str
    horizon: int
    given: tuple[int, ...]
    amounts: dict[str, Worth]
    uncertain: np.ndarray


def asked_of(spells: Spells, spec: CohortSpec) -> list[Request]:
    """Ask for groups as they are, and standardised over the strata in which every level compared has spend."""
    asked = [_as_they_are(spells, spec), standardised(spells, spec, has_spend(spells))]
    return [request for request in asked if request is not None and request.standards]


def _as_they_are(spells: Spells, spec: CohortSpec) -> Request | None:
    known = has_spend(spells)[:, 0][spells.pair]
    found = {g.name: _own_mix(spells, g, known) for g in groups_of(spells, spec).values()}
    made = {name: standard for name, standard in found.items() if standard is not None}
    if not made:
        return None
    place = {name: i for i, name in enumerate(made)}
    pairs = [p for p in contrasts_of(groups_of(spells, spec), spec) if set(p) <= set(place)]
    return Request(
        {"adjusted": "no", "stratum": "", "scenario": ""},
        each_pair(spells),
        tuple(made.values()),
        tuple(range(len(made))),
        tuple((place[a], place[b]) for a, b in pairs),
    )


def _own_mix(spells: Spells, group: Group, known: np.ndarray) -> Standard | None:
    """A group's own customers, by pair and entry; those of pairs without spend left out."""
    mine = np.isin(spells.level[spells.pair], group.at)
    inside = mine & known
    if not inside.any():
        return None
    keys, at = np.unique(
        np.column_stack([spells.pair[inside], spells.entry[inside]]), axis=0, return_inverse=True
    )
    n = np.bincount(at.ravel(), spells.n[inside])
    lost = int(spells.n[mine & (spells.cause > 0)].sum())
    return Standard(group.name, keys[:, 0], keys[:, 1], n / n.sum(), int(spells.n[mine].sum()), lost)


@dataclass(frozen=True, slots=True, eq=False)
class GroupValues:
    """One amount of the groups of one request, as the loop over estimands reads it.

    Attributes
    ----------
    model, labels, groups, n, own, contrasts
        See `cxlink.spend.means.MeanSpend`.
    widened : bool ndarray of shape (n_groups,)
        Groups with an uncertain level.
    worth : Worth
        Of all requests.
    at : slice
        Where the groups stand in it.
    horizon, given
        See `Valued`.
    """

    model: str
    labels: dict[str, str]
    groups: tuple[str, ...]
    n: np.ndarray
    own: tuple[int, ...]
    contrasts: tuple[tuple[int, int], ...]
    widened: np.ndarray
    worth: Worth
    at: slice
    horizon: int
    given: tuple[int, ...]
    n_events: None = None
    posterior: bool = False

    @property
    def sparse(self) -> np.ndarray:
        """No group's: a value can be at 0."""
        return np.zeros(len(self.widened), dtype=bool)


def rows_of_values(found: Valued, requests: Sequence[Request], spells: Spells, spec: CohortSpec) -> list[Row]:
    """Give all rows of all requests, whose standards stand one after another in ``found``.

    Raises
    ------
    ValueError
        If the spec has no spend.
    """
    if spec.spend is None:
        raise ValueError("the spec has no [spend]")
    rows: list[Row] = []
    start = 0
    for request in requests:
        at = slice(start, start + len(request.standards))
        held = _held(found, request, spells, spec)
        for name, worth in found.amounts.items():
            estimands = (
                Estimand(name, spec.spend.currency, in_all, OF_VALUES),
                Estimand(PER_PERIOD[name], spec.spend.currency, per_period),
            )
            values = _of_request(found, request, worth, at, held)
            rows += rows_of(values, estimands, spec)
        start = at.stop
    return rows


def _held(found: Valued, request: Request, spells: Spells, spec: CohortSpec) -> np.ndarray:
    levels = [level_positions(spells.levels, spec.group(one.group)) for one in request.standards]
    return np.array([bool(found.uncertain[at].any()) for at in levels])


def _of_request(found: Valued, request: Request, worth: Worth, at: slice, held: np.ndarray) -> GroupValues:
    standards = request.standards
    return GroupValues(
        found.model, request.labels, tuple(one.group for one in standards), np.array([one.n for one in standards]),
        request.own, request.contrasts, held, worth, at, found.horizon, found.given,
    )  # fmt: skip


def in_all(v: GroupValues) -> Answer:
    """Value over the horizon, of new customers and of those who have stayed so long; contrasts are of new ones."""
    stayed = (0, *v.given)
    start, first = (
        np.array(part) for part in ([*range(len(stayed)), 0], [*(INCLUDED for _ in stayed), EXCLUDED])
    )
    places = tuple(
        {"horizon": v.horizon, "given": stayed[k], "scenario": FIRST_EXCLUDED if e == EXCLUDED else ""}
        for k, e in zip(start, first, strict=True)
    )
    return Answer(
        v.worth.point[v.at][:, start, first],
        v.worth.draws[:, v.at][:, :, start, first],
        v.worth.beyond[v.at][:, start],
        places,
        contrasted=(start == 0) & (first == INCLUDED),
    )


def per_period(v: GroupValues) -> Answer:
    """What a period as a customer brings."""
    none = np.full((len(v.groups), 1), np.nan)
    return Answer(v.worth.rate[v.at, None], v.worth.rate_draws[:, v.at, None], none, ({},))


def findings_of(found: Valued, requests: Sequence[Request], spells: Spells, spec: CohortSpec) -> list[Check]:
    """Say what the values stand on: support, levels left to the families, and ratios that would say nothing."""
    checks: list[Check] = []
    for request in requests:
        for (group, reference), share in request.covered.items():
            ok = share >= LEAST_SUPPORT if is_headline(group, reference, spec) else None
            facts: dict[str, Fact] = {
                "case": "value", "reference": reference, "adjusted": request.labels["adjusted"]
            }  # fmt: skip
            checks.append(
                Check("support", "value", group, share, bound=LEAST_SUPPORT, passed=ok, facts=facts)
            )
    for at in np.flatnonzero(found.uncertain):
        checks.append(Check("sparse", "value", str(spells.levels[at]), facts={"case": "value"}))
    start = 0
    for request in requests:
        checks += _not_positive(found, request, start)
        start += len(request.standards)
    if any(np.isnan(one.point[:, 0, INCLUDED]).any() for one in found.amounts.values()):
        facts = {"horizon": found.horizon, "unit": spec.unit}
        checks.append(Check("not_known", "value", value=float(found.horizon), passed=False, facts=facts))
    return checks


def _not_positive(found: Valued, request: Request, start: int) -> Iterator[Check]:
    for name, worth in found.amounts.items():
        for g in request.own:
            value, group = worth.point[start + g, 0, INCLUDED], request.standards[g].group
            if value <= 0:
                facts = {"amount": name, "adjusted": request.labels["adjusted"]}
                yield Check("not_positive", name, group, float(value), bound=0.0, facts=facts)
