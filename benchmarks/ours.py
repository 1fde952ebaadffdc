"""What cxlink takes from the file to the estimate: reading, checks and counting included, for each comparison."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks.customers import spec_of
from benchmarks.measure import Measured, timed

DRAWS = 2000
REPEATS = 3


def run(path: str, what: str) -> dict[str, Measured]:
    """Count a table and fit one model, three times."""
    from cxlink import read_cohort

    spec = spec_of(spend=what == "poisson", adjust=_ADJUSTED[what])
    counting, fitting = Measured(), Measured()
    for _ in range(REPEATS):
        counts = timed(lambda: read_cohort(path, spec).count(), counting)
        estimate, std_error = timed(partial(_FITS[what], counts), fitting)
    both = [a + b for a, b in zip(counting.seconds, fitting.seconds, strict=True)]
    cpu = [a + b for a, b in zip(counting.cpu_seconds, fitting.cpu_seconds, strict=True)]
    found = {"estimate": estimate, "std_error": std_error}
    return {
        "file": Measured(both, cpu, **found, note="from the file: reading, checks and counting included"),
        "counts": Measured(fitting.seconds, fitting.cpu_seconds, **found, note="from counts already made"),
    }


def _kaplan_meier(counts: Any) -> tuple[float, float]:
    """S(12) of level 10, with the draws of its bootstrap."""
    from scipy.sparse import csr_array

    from cxlink.cohort.count.spells import spells_of
    from cxlink.groups.headline_requests import curve_requests
    from cxlink.survival.kaplan_meier import kaplan_meier

    spells = spells_of(counts)
    request = curve_requests(spells, counts.spec)[0]
    none = csr_array((0, len(spells.n)))
    made = kaplan_meier(spells, [request], DRAWS, np.random.default_rng(1), horizon=12, scores=none)
    curves = made.curves[0]
    at = curves.groups.index("10"), int(np.flatnonzero(curves.times == 12)[0])
    return float(curves.point[at]), float(curves.draws[(slice(None), *at)].std(ddof=1))


def _hazards(counts: Any) -> tuple[float, float]:
    """Log hazard ratio of a point of the score, plan beside it."""
    from cxlink.cohort.count.spells import person_periods, spells_of
    from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, fit_hazards

    fit = fit_hazards(person_periods(spells_of(counts)), "linear")
    assert isinstance(fit, HazardFit)
    return float(fit.solution.beta[0]), float(fit.standard_errors[0])


def _weibull(counts: Any) -> tuple[float, float]:
    """Shape, a rate for each level."""
    from cxlink.cohort.count.spells import merged_over_strata, person_periods, spells_of
    from cxlink.survival.families.catalogue import WEIBULL
    from cxlink.survival.families.fit import fit
    from cxlink.survival.families.fitted import Fit

    found = fit(WEIBULL, merged_over_strata(person_periods(spells_of(counts))))
    assert isinstance(found, Fit)
    shape = float(np.exp(found.estimate[-1]))
    return shape, shape * float(np.sqrt(found.covariance[-1, -1]))


def _poisson(counts: Any) -> tuple[float, float]:
    """Log ratio of mean spend for a point of the score, plan and region beside it."""
    from cxlink.cohort.count.spells import spells_of
    from cxlink.spend.fitted_regressions import SpendFit
    from cxlink.spend.regressions import fit_poisson
    from cxlink.spend.spend_cells import spend_cells

    fit = fit_poisson(spend_cells(counts, spells_of(counts)), "linear")
    assert isinstance(fit, SpendFit)
    term = fit.terms[0]
    at = list(term.columns).index(term.design.names.index("the score"))
    return float(fit.stack.theta[0][at]), float(np.sqrt(fit.stack.covariance[at, at]))


_FITS: dict[str, Callable[[Any], tuple[float, float]]] = {
    "kaplan_meier": _kaplan_meier, "hazards": _hazards, "weibull": _weibull, "poisson": _poisson,
}  # fmt: skip
_ADJUSTED: dict[str, tuple[str, ...]] = {
    "kaplan_meier": (), "hazards": ("plan",), "weibull": (), "poisson": ("plan", "region"),
}  # fmt: skip
