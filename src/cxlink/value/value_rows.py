"""Value of groups becomes rows and findings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.spells import Spells, each_pair, has_spend, level_positions
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.contrasts import DIFFERENCE, OF_VALUES
from cxlink.estimands.estimand import Answer, Estimand
from cxlink.estimands.estimand_rows import rows_of
from cxlink.estimands.model_rows.spliced_rows import extrapolation_distance
from cxlink.estimands.support_checks import LEAST_SUPPORT, is_headline
from cxlink.groups.curves import Standard
from cxlink.groups.group import Group, contrasts_of, groups_of
from cxlink.groups.requests import Request
from cxlink.groups.standardisation import standardised
from cxlink.value.clv import SHARED, Key, LifetimeValue
from cxlink.value.value_sums import EXCLUDED, INCLUDED

Row = dict[str, Any]
FIRST_EXCLUDED = "first_excluded"
PER_PERIOD = {"revenue": "revenue_per_period", "value": "margin_per_period"}


@dataclass(frozen=True, slots=True, eq=False)
class ValueEstimates:
    """Value and revenue of groups, ready to be reported.

    Attributes
    ----------
    model : str
        ``spliced`` where some curve is continued, ``kaplan_meier`` where none is, ``means`` without retention.
    horizon : int
        Periods over which value is counted.
    given : tuple of int
        Periods already stayed, for residual value.
    amounts : dict of (str, str) to LifetimeValue
        ``revenue``, and with a margin ``value``; and by scenario.
    uncertain : bool ndarray of shape (n_levels,)
        Levels whose intervals are widened to hold the estimate: nobody brought anything, or hardly anybody left or
        stayed.
    followed : int ndarray of shape (n_groups,)
        Last period after the survey with ten customers of a group at risk.
    """

    model: str
    horizon: int
    given: tuple[int, ...]
    amounts: dict[Key, LifetimeValue]
    uncertain: np.ndarray
    followed: np.ndarray


def value_requests(spells: Spells, spec: CohortSpec) -> list[Request]:
    """Ask for groups as they are, and standardised over the strata in which every level compared has spend."""
    requests = [_as_they_are(spells, spec), standardised(spells, spec, has_spend(spells))]
    return [request for request in requests if request is not None and request.standards]


def _as_they_are(spells: Spells, spec: CohortSpec) -> Request | None:
    known = has_spend(spells)[:, 0][spells.pair]
    mixes = {g.name: _own_mix(spells, g, known) for g in groups_of(spells, spec).values()}
    made = {name: standard for name, standard in mixes.items() if standard is not None}
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
    scenario : str
        Empty, `cxlink.value.clv.TREND`, or one of `SHARED`.
    values : LifetimeValue
        Of all requests.
    at : slice
        Where the groups stand in it.
    horizon, given
        See `ValueEstimates`.
    """

    model: str
    labels: dict[str, str]
    groups: tuple[str, ...]
    n: np.ndarray
    own: tuple[int, ...]
    contrasts: tuple[tuple[int, int], ...]
    widened: np.ndarray
    scenario: str
    values: LifetimeValue
    at: slice
    horizon: int
    given: tuple[int, ...]
    n_events: None = None
    posterior: bool = False

    @property
    def sparse(self) -> np.ndarray:
        """No group's: a value can be at 0."""
        return np.zeros(len(self.widened), dtype=bool)


def value_rows(
    estimates: ValueEstimates, requests: Sequence[Request], spells: Spells, spec: CohortSpec
) -> list[Row]:
    """Give all rows of all requests, whose standards stand one after another in the estimates.

    Raises
    ------
    ValueError
        If the spec has no spend.
    """
    if spec.spend is None:
        raise ValueError("the spec has no [spend]")
    rows: list[Row] = []
    start = pairs = 0
    for request in requests:
        at, first = slice(start, start + len(request.standards)), _first_contrast(request)
        for (name, scenario), values in estimates.amounts.items():
            estimand, currency = Estimand(name, spec.spend.currency, in_all, OF_VALUES), spec.spend.currency
            estimands = (
                [estimand] if scenario else [estimand, Estimand(PER_PERIOD[name], currency, per_period)]
            )
            asked, part = request, at
            if scenario in SHARED:
                if first is None:
                    continue
                estimands, asked = [replace(estimand, contrasts=(DIFFERENCE,))], first
                part = slice(pairs, pairs + 2)
            groups = _of_request(estimates, asked, (scenario, values, part), spells, spec)
            rows += rows_of(groups, estimands, spec)
        start, pairs = at.stop, pairs + 2 * (first is not None)
    return [row for row in rows if row["scenario"] not in SHARED or row["extrapolated"] > 0]


def first_contrasts(requests: Sequence[Request]) -> tuple[tuple[int, int], ...]:
    """Give positions of each request's first contrast among the standards of all requests, one after another."""
    start, found = 0, []
    for request in requests:
        found += [(start + g, start + r) for g, r in request.contrasts[:1]]
        start += len(request.standards)
    return tuple(found)


def _first_contrast(request: Request) -> Request | None:
    """The two groups of a request's first contrast, without rows of their own."""
    if not request.contrasts:
        return None
    sides = tuple(request.standards[g] for g in request.contrasts[0])
    return replace(request, standards=sides, own=(), contrasts=((0, 1),))


def _of_request(
    estimates: ValueEstimates, request: Request, part: tuple[str, LifetimeValue, slice], spells: Spells,
    spec: CohortSpec,
) -> GroupValues:  # fmt: skip
    standards = request.standards
    levels = [level_positions(spells.levels, spec.group(one.group)) for one in standards]
    widened = np.array([bool(estimates.uncertain[at].any()) for at in levels])
    return GroupValues(
        estimates.model, request.labels, tuple(one.group for one in standards), np.array([one.n for one in standards]),
        request.own, request.contrasts, widened, *part, estimates.horizon, estimates.given,
    )  # fmt: skip


def in_all(v: GroupValues) -> Answer:
    """Value over the horizon, of new customers and of those who have stayed so long; contrasts are of new ones."""
    if v.scenario:
        start, first = np.array([0]), np.array([INCLUDED])
    else:
        start = np.array([*range(1 + len(v.given)), 0])
        first = np.array([INCLUDED] * (1 + len(v.given)) + [EXCLUDED])
    stayed = (0, *v.given)
    places = tuple(
        {
            "horizon": v.horizon, "given": stayed[k],
            "scenario": FIRST_EXCLUDED if e == EXCLUDED else v.scenario,
        }
        for k, e in zip(start, first, strict=True)
    )  # fmt: skip
    return Answer(
        v.values.point[v.at][:, start, first],
        v.values.draws[:, v.at][:, :, start, first],
        v.values.beyond[v.at][:, start],
        places,
        contrasted=(start == 0) & (first == INCLUDED),
    )


def per_period(v: GroupValues) -> Answer:
    """Margin of the next period, of new customers and of those who have stayed so long."""
    none = np.full((len(v.groups), 1 + len(v.given)), np.nan)
    places = tuple({"given": given} for given in (0, *v.given))
    return Answer(v.values.rate[v.at], v.values.rate_draws[:, v.at], none, places)


def value_checks(
    estimates: ValueEstimates, requests: Sequence[Request], spells: Spells, spec: CohortSpec
) -> list[Check]:
    """Say what the values stand on: support, levels left to the fitted hazards, and ratios that would say nothing."""
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
    for at in np.flatnonzero(estimates.uncertain):
        checks.append(Check("sparse", "value", str(spells.levels[at]), facts={"case": "value"}))
    start = 0
    for request in requests:
        checks += _not_positive(estimates, request, start)
        start += len(request.standards)
    for pair in first_contrasts(requests)[-1:]:
        checks += value_distance(estimates, pair, spec)
    return checks


def value_distance(estimates: ValueEstimates, pair: tuple[int, int], spec: CohortSpec) -> Iterator[Check]:
    """Say how many times the follow-up of two groups their value reaches; nothing where retention is not estimated."""
    if spec.subscription is not None:
        followed = int(estimates.followed[list(pair)].min())
        yield from extrapolation_distance(estimates.horizon, followed, spec.unit, "value")


def _not_positive(estimates: ValueEstimates, request: Request, start: int) -> Iterator[Check]:
    for (name, scenario), values in estimates.amounts.items():
        for g in request.own if not scenario else ():
            value, group = values.point[start + g, 0, INCLUDED], request.standards[g].group
            if value <= 0:
                facts = {"amount": name, "adjusted": request.labels["adjusted"]}
                yield Check("not_positive", name, group, float(value), bound=0.0, facts=facts)
