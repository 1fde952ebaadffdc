"""Value of groups becomes rows and findings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxlink.cohort.count.spells import Spells, each_pair, has_spend, level_positions
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.retention_rows import CONTRASTS, contrasted, held
from cxlink.estimands.support_checks import LEAST_SUPPORT, finding
from cxlink.estimands.tidy import row
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


def rows_of(found: Valued, requests: Sequence[Request], spells: Spells, spec: CohortSpec) -> list[Row]:
    """Give all rows of all requests, whose standards stand one after another in ``found``.

    Raises
    ------
    ValueError
        If the spec has no spend.
    """
    rows: list[Row] = []
    start = 0
    for request in requests:
        for name in found.amounts:
            cut = _Cut(found, name, request, start, spells, spec)
            rows += [*_own(cut), *_rates(cut), *_contrasts(cut)]
        start += len(request.standards)
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """One amount of one request."""

    found: Valued
    name: str
    request: Request
    start: int
    spells: Spells
    spec: CohortSpec

    @property
    def worth(self) -> Worth:
        return self.found.amounts[self.name]

    @property
    def currency(self) -> str:
        if self.spec.spend is None:
            raise ValueError("the spec has no [spend]")
        return self.spec.spend.currency

    def widened(self, *groups: int) -> bool:
        """Whether a row about these groups is to hold its estimate."""
        names = [self.request.standards[g].group for g in groups]
        levels = np.concatenate([level_positions(self.spells.levels, self.spec.group(n)) for n in names])
        return bool(self.found.uncertain[levels].any())

    def row(self, estimand: str, point: float, draws: np.ndarray, *groups: int, **columns: Any) -> Row:
        """Make one row about the first group, against the second where there is one."""
        standard = self.request.standards[groups[0]]
        columns = {
            "model": self.found.model, "group": standard.group, "n": standard.n, **self.request.labels, **columns
        }  # fmt: skip
        shown = row(
            estimand, point, draws, self.spec.analysis.level, columns.pop("unit", self.currency), **columns
        )
        return held(shown) if self.widened(*groups) else shown


def _own(cut: _Cut) -> Iterator[Row]:
    worth, found = cut.worth, cut.found
    for g in cut.request.own:
        at = cut.start + g
        for k, given in enumerate((0, *found.given)):
            for first, scenario in ((INCLUDED, ""), (EXCLUDED, FIRST_EXCLUDED)):
                point = worth.point[at, k, first]
                if np.isnan(point) or (first == EXCLUDED and given):
                    continue
                yield cut.row(
                    cut.name, point, worth.draws[:, at, k, first], g, horizon=found.horizon, given=given,
                    extrapolated=worth.beyond[at, k], scenario=scenario,
                )  # fmt: skip


def _rates(cut: _Cut) -> Iterator[Row]:
    for g in cut.request.own:
        at = cut.start + g
        if not np.isnan(cut.worth.rate[at]):
            yield cut.row(PER_PERIOD[cut.name], cut.worth.rate[at], cut.worth.rate_draws[:, at], g)


def _contrasts(cut: _Cut) -> Iterator[Row]:
    point, draws = cut.worth.point[cut.start :, 0, INCLUDED], cut.worth.draws[:, cut.start :, 0, INCLUDED]
    for a, b in cut.request.contrasts:
        for kind, contrast in CONTRASTS.items():
            ratio = kind == "ratio"
            if np.isnan(point[a] - point[b]) or (ratio and not has_ratio(draws[:, [a, b]], point[[a, b]])):
                continue
            value, drawn = contrasted(contrast, point, draws, a, b)
            beyond = max(cut.worth.beyond[cut.start + a, 0], cut.worth.beyond[cut.start + b, 0])
            yield cut.row(
                f"{cut.name}_{kind}", value, drawn, a, b, horizon=cut.found.horizon, extrapolated=beyond,
                reference=cut.request.standards[b].group, **({"unit": "ratio"} if ratio else {}),
            )  # fmt: skip


def has_ratio(draws: np.ndarray, point: np.ndarray) -> bool:
    """Whether a ratio of two values says anything: both are over 0, in every draw."""
    return bool((point > 0).all() and (draws > 0).all())


def findings_of(found: Valued, requests: Sequence[Request], spells: Spells, spec: CohortSpec) -> list[Row]:
    """Say what the values stand on: support, levels left to the families, and ratios that would say nothing."""
    rows: list[Row] = []
    sides = spec.contrast(spec.analysis.contrasts[0])
    for request in requests:
        for group, share in request.covered.items():
            ok = share >= LEAST_SUPPORT if group in (":".join(sides), *sides) else None
            note = "share of the customers in strata where every level has spend: values are of these"
            rows.append(finding("value", "support", group, share, ok, note))
    for at in np.flatnonzero(found.uncertain):
        note = "hardly any losses, hardly anybody outlasting the horizon, or no spend: families alone, or widened"
        rows.append(finding("value", "sparse", str(spells.levels[at]), np.nan, None, note))
    start = 0
    for request in requests:
        rows += _not_positive(found, request, start)
        start += len(request.standards)
    if any(np.isnan(one.point[:, 0, INCLUDED]).any() for one in found.amounts.values()):
        note = f"no family could continue retention to {found.horizon} {spec.unit}s: no value there"
        rows.append(finding("value", "not_known", "", float(found.horizon), False, note))
    return rows


def _not_positive(found: Valued, request: Request, start: int) -> Iterator[Row]:
    for name, worth in found.amounts.items():
        for g in request.own:
            value, group = worth.point[start + g, 0, INCLUDED], request.standards[g].group
            if value <= 0:
                note = f"{name} is not over 0: it has differences, and no ratio"
                yield finding(
                    name, "not_positive", f"{group}, {request.labels['adjusted']}", value, None, note
                )
