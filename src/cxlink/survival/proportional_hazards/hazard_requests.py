"""What proportional hazards are asked for: groups by score and standardised, followed to the horizon."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cxlink.cohort.count.spells import Spells, risk_sets
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.groups.headline_requests import later_starts, reported_periods
from cxlink.groups.requests import Request, by_level, followed, narrowed
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import censored_customers, modelled_to


def hazard_requests(spells: Spells, spec: CohortSpec) -> list[Request]:
    """What is asked of the model: groups by score alone, and standardised where there is something to adjust for.

    At every period, and with the steps of the tenure ladder.
    """
    ladder = (spec.horizon, *(h for h in spec.tenure_horizons if h != spec.horizon))
    times = np.array(sorted({0, *reported_periods(spells.n_periods, spec.horizon), *ladder}))
    found = [_with_later(by_level(spells, spec), lambda _: by_level(spells, spec), spec, ladder)]
    average = standardised(spells, spec, None)
    if average is not None and average.standards:
        found.append(
            _with_later(average, lambda given: standardised(spells, spec, None, given), spec, ladder)
        )
    return [replace(r, times=times, horizons=ladder) for r in found if r.standards]


def _with_later(
    request: Request, after: Callable[[int], Request | None], spec: CohortSpec, ladder: tuple[int, ...]
) -> Request:
    """Ask for the same of those who have stayed for some time."""
    later = []
    for given, _, times, horizons in later_starts(spec, ladder):
        one = after(given)
        if one is not None and one.standards:
            later.append(replace(one, given=given, times=np.array(times), horizons=horizons))
    return replace(request, later=tuple(later))


def baseline_until(spells: Spells) -> np.ndarray:
    """Last period, from each entry, to which the baseline of all customers is estimable: (n_periods + 1,)."""
    at_risk, lost = risk_sets(spells, (np.arange(spells.n_pairs),))(spells.n)
    found: np.ndarray = modelled_to(at_risk, lost, censored_customers(spells).sum(keepdims=True))[0]
    return found


def later_followed(request: Request, reach: np.ndarray, horizon: int) -> Request:
    """Those entries that can be followed as far, and from after so many periods; groups without any left out."""
    until = max(horizon, request.given + 1)
    found = {g: followed(s, reach, until)[1] for g, s in enumerate(request.standards)}
    last = len(reach) - 1
    known = {
        g: s for g, s in found.items() if (reach[np.minimum(s.entry, last)] > s.entry + request.given).all()
    }
    return narrowed(request, known)
