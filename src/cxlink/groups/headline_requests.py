"""The curves and means that the headline and the sensitivity analyses of a cohort need."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cxlink.cohort.count.spells import Spells, has_spend
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.groups.requests import Request, by_category, from_first_at_risk, pooled, pooled_after
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches, reaches_after


def reported_periods(last: int, horizon: int) -> list[int]:
    """Periods with a row: 1 to the last with customers at risk, up to 120, then multiples of 12."""
    return [t for t in range(1, last + 1) if t <= 120 or t % 12 == 0 or t == horizon]


def curve_requests(spells: Spells, spec: CohortSpec) -> list[Request]:
    """Curves of a cohort: pooled, standardised, since signup where customers enter late, and by category."""
    ladder = (spec.horizon, *(h for h in spec.tenure_horizons if h != spec.horizon))
    times = {0, *reported_periods(spells.n_periods, spec.horizon), *ladder}
    grid = np.array(sorted(times))
    whole = pooled(spells, spec)
    average = standardised(spells, spec, reaches(spells, spec.horizon))
    requests = [
        replace(r, times=grid, horizons=ladder, later=_later(r, spells, spec, ladder))
        for r in (whole, average) if r is not None
    ]  # fmt: skip
    if spec.subscription is not None and spec.subscription.clock == "signup" and whole is not None:
        requests.append(from_first_at_risk(replace(whole, times=grid)))
    at_horizon = np.array([0, spec.horizon])
    requests += [replace(r, times=at_horizon) for r in by_category(spells, spec)]
    return requests


def _later(
    request: Request, spells: Spells, spec: CohortSpec, ladder: tuple[int, ...]
) -> tuple[Request, ...]:
    """Request the same of customers retained so far: to the horizon for each lag, from then on for remaining tenure."""
    found = []
    for given, until, times, horizons in later_starts(spec, ladder):
        supported = reaches_after(spells, given, until)
        later = (
            pooled_after(request, spells, given, until) if request.labels["adjusted"] == "no"
            else standardised(spells, spec, supported, given)
        )  # fmt: skip
        if later is not None and later.standards:
            found.append(replace(later, times=np.array(times), horizons=horizons))
    return tuple(found)


def later_starts(
    spec: CohortSpec, ladder: tuple[int, ...]
) -> list[tuple[int, int, tuple[int, ...], tuple[int, ...]]]:
    """For each number of periods already stayed: it, the period to follow to, times from then on, and horizons."""
    lags = [(lag, spec.horizon, (0, spec.horizon - lag), ()) for lag in spec.lags]
    return [*lags, *((k, max(k + 1, spec.horizon), (0,), ladder) for k in spec.given)]


def spend_requests(spells: Spells, spec: CohortSpec) -> list[Request]:
    """Means of a cohort: pooled, standardised over strata regardless of entry, and by category."""
    ignoring_entry = replace(spells, entry=np.zeros_like(spells.entry))
    average = standardised(ignoring_entry, spec, has_spend(spells))
    found = [pooled(ignoring_entry, spec), average, *by_category(ignoring_entry, spec)]
    return [request for request in found if request is not None]


def leading(requests: Sequence[Request]) -> Request | None:
    """The request behind the headline: standardised where the cohort has strata or entries to standardise over."""
    whole = [r for r in requests if not r.labels["stratum"] and not r.labels["scenario"]]
    return next((r for r in whole if r.labels["adjusted"] == "standardised"), whole[0] if whole else None)
