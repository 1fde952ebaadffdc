"""Informative censoring of the headline contrast of retention, as rows and checks."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, person_periods, risk_sets
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.support_checks import until
from cxlink.estimands.tidy import row, widened_to_contain
from cxlink.groups.curves import Standard
from cxlink.groups.discrete_hazard import hazards
from cxlink.groups.requests import Request, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import censored_customers, known_until, reaches
from cxlink.sensitivity.censoring import Censored, censored_group, ending_shares
from cxlink.sensitivity.follow_up_waves import unfinished_waves
from cxlink.sensitivity.nonresponse_rows import TIPPING_POINT
from cxlink.survival.small_groups import beta_hazards
from cxlink.survival.sparsity import added_to, is_sparse

Row = dict[str, Any]
DELTAS = (0.5, 2.0)
"""By which the hazard after censoring is multiplied in both groups."""
DELTA, CENSORING = "censored_hazard", "censoring"
"""Scenarios: ``censored_hazard=2`` of retention, and that of the tipping point."""
_MOST = 20_000_000
"""Exponentials of one step of the search: draws are fewer where entries and strata are many."""
_FEWEST_DRAWS = 200


def censoring_rows(spells: Spells, counts: Counts, rng: np.random.Generator) -> tuple[list[Row], list[Check]]:
    """Give retention of both sides of the headline if hazards after censoring were others, and the tipping point.

    Parameters
    ----------
    spells, counts
        The cohort, with a subscription.
    rng : Generator
        Advanced.

    Returns
    -------
    rows : list of dict
        ``retention`` and ``retention_difference`` in scenarios ``censored_hazard=0.5`` and ``=2``, both groups alike;
        ``tipping_point`` in scenario ``censoring``: δ of the group that is retained more, the other as it is, at which
        the difference is 0; its lower limit is the δ at which the difference's interval reaches 0.
    findings : list of Check
        ``censored_early``: the share of each group censored before the horizon; without any, no rows. Nor are there of
        clustered customers: the draws are of independent ones. Where the quarter
        of the score is known, ``late_quarters``: how the hazard in quarters without follow-up to the horizon compares.
    """
    spec = counts.spec
    request = standardised(spells, spec, reaches(spells, spec.horizon)) or pooled(spells, spec)
    sides = headline_sides(spells, request, spec)
    if request is None or sides is None:
        return [], []
    points = [_drawn(spells, request, side, spec, None) for side in sides]
    labels: dict[str, Fact] = {"adjusted": request.labels["adjusted"], **until(spec)}
    found = [
        Check("censored_early", "kaplan_meier", side.group, float(one.share.sum()), facts=labels)
        for side, one in zip(sides, points, strict=True)
    ]
    if not any(one.share.sum() for one in points):
        return [], found
    if spec.cluster_column is not None:
        return [], [*found, *unfinished_waves(counts)]
    terms = max(len(side.curve) for side in sides) * spec.horizon
    few = spec.model_copy(
        update={"analysis": spec.analysis.model_copy(update={"draws": _n_draws(terms, spec)})}
    )
    draws = [_drawn(spells, request, side, few, rng) for side in sides]
    sparse = [is_sparse(spells, request, side, spec.horizon) for side in sides]
    rows = [_finished(one, any(sparse)) for one in _rows(sides, points, draws, request, spec)]
    return rows, [*found, *unfinished_waves(counts)]


def headline_sides(
    spells: Spells, request: Request | None, spec: CohortSpec
) -> tuple[Standard, Standard] | None:
    """Both sides of the headline contrast, where both are known to the horizon."""
    if request is None:
        return None
    names = [standard.group for standard in request.standards]
    wanted = spec.contrast(spec.analysis.contrasts[0])
    pair = next((p for p in request.contrasts if tuple(names[g] for g in p) == wanted), None)
    if pair is None:
        return None
    both = (request.standards[pair[0]], request.standards[pair[1]])
    censored = censored_customers(spells)
    of_curves = np.array([censored[pairs].sum() for pairs in request.members])
    known, _ = known_until(both, *risk_sets(spells, request.members)(spells.n), of_curves)
    return both if (known >= spec.horizon).all() else None


def _n_draws(terms: int, spec: CohortSpec) -> int:
    """Draws of the spec, or as many as `_MOST` allows."""
    return min(spec.analysis.draws, max(_MOST // terms, _FEWEST_DRAWS))


def _drawn(
    spells: Spells, request: Request, side: Standard, spec: CohortSpec, rng: np.random.Generator | None
) -> Censored:
    """One group: its estimate without a generator, else draws with Gamma(n, 1) customers a spell.

    Hazards of a sparse group are drawn as the headline's are, see `cxlink.survival.small_groups`.
    """
    curves, at = np.unique(side.curve, return_inverse=True)
    members = [request.members[curve] for curve in curves]
    alone = replace(side, curve=at.ravel())
    n_draws = spec.analysis.draws
    own = _spells_of(spells, members)
    whole = own.n[:, None]
    weights = whole if rng is None else rng.gamma(whole, size=(len(whole), n_draws))
    n_periods = int(side.entry.max()) + spec.horizon
    hazard, ending = _rates(own, members, weights, n_periods)
    added = None if rng is None else added_to(spells, request, side, spec.horizon)
    if rng is not None and added is not None:
        periods = person_periods(spells)
        _, a, b = beta_hazards(periods, request, side, n_periods, horizon=spec.horizon, added=added)
        used = (a > 0) & (b > 0)
        hazard[used] = rng.beta(a[used], b[used], size=(n_draws, int(used.sum()))).T
    return censored_group(alone, hazard, ending, spec.horizon)


def _spells_of(spells: Spells, members: list[np.ndarray]) -> Spells:
    """The spells of these pairs alone: no others need be drawn."""
    inside = np.isin(spells.pair, np.concatenate(members))
    names = ("pair", "entry", "exit", "cause", "n", "spend")
    return replace(spells, **{name: getattr(spells, name)[inside] for name in names})


def _rates(
    spells: Spells, members: list[np.ndarray], weights: np.ndarray, n_periods: int
) -> tuple[np.ndarray, np.ndarray]:
    """Hazards, and shares whose follow-up ends, of weighted customers; 0 and 1 where they are that of the customers."""
    ended = replace(spells, cause=(spells.cause == 0).astype(int))
    count, count_ended = risk_sets(spells, members), risk_sets(ended, members)
    found = []
    for number in (weights, spells.n[:, None]):
        at_risk, lost = (part[:, :n_periods].astype(float) for part in count(number))
        censored = count_ended(number)[1][:, :n_periods].astype(float)
        found.append((hazards(at_risk, lost), ending_shares(at_risk, lost, censored)))
    (hazard, ending), exact = found[0], found[1]
    for part, known in zip((hazard, ending), exact, strict=True):
        np.clip(part, 0.0, 1.0, out=part)
        for end in (0.0, 1.0):
            part[(known == end)[..., 0]] = end
    short = ((0, 0), (0, max(n_periods - hazard.shape[1], 0)), (0, 0))
    return np.pad(hazard, short), np.pad(ending, short)


def _rows(
    sides: tuple[Standard, Standard],
    points: list[Censored],
    draws: list[Censored],
    request: Request,
    spec: CohortSpec,
) -> Iterator[Row]:
    level, (group, reference) = spec.analysis.level, sides
    shared = {"model": "kaplan_meier", "horizon": spec.horizon, **request.labels}
    for delta in DELTAS:
        at, drawn = ([one.retention(delta) for one in part] for part in (points, draws))
        place = {**shared, "scenario": f"{DELTA}={delta:g}"}
        for side, value, values in zip(sides, at, drawn, strict=True):
            yield row(
                "retention", value[0], values, level, "probability", group=side.group, n=side.n,
                n_events=side.n_events, **place,
            )  # fmt: skip
        yield row(
            "retention_difference", at[0][0] - at[1][0], drawn[0] - drawn[1], level, "probability",
            group=group.group, reference=reference.group, n=group.n, n_events=group.n_events, **place,
        )  # fmt: skip
    first, second = (one.retention(1.0)[0] for one in points)
    more, less = (0, 1) if first >= second else (1, 0)
    yield row(
        TIPPING_POINT, points[more].tipping(points[less].retention(1.0))[0],
        draws[more].tipping(draws[less].retention(1.0)), level, "ratio", group=group.group, reference=reference.group,
        n=group.n, n_events=group.n_events, **{**shared, "scenario": CENSORING},
    )  # fmt: skip


def _finished(one: Row, sparse: bool) -> Row:
    return widened_to_contain(one) if sparse else one
