"""Expected tenure: families fitted, backtested, averaged and projected; their rows, findings and curves."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.count.spells import PersonPeriods, Spells, merged_over_strata, person_periods
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.model_rows.coefficients import family_coefficients
from cxlink.estimands.model_rows.family_checks import (
    backtest_findings,
    fit_findings,
    ratio_findings,
    warning_findings,
    weight_findings,
)
from cxlink.estimands.model_rows.spliced_rows import level_shares
from cxlink.estimands.survival_estimands import curve_frames, survival_rows
from cxlink.groups import requests as standards
from cxlink.groups.standardisation import standardised
from cxlink.survival.families.averaging import WORKERS, aic_weights, equal_weights, project_all
from cxlink.survival.families.backtest import Backtest, backtest
from cxlink.survival.families.bucket_covariance import over_buckets
from cxlink.survival.families.extrapolation_warnings import family_warnings, spike
from cxlink.survival.families.fit import fit_all
from cxlink.survival.families.fitted import Fit, Unfitted
from cxlink.survival.families.projected_tenure import last_with_ten
from cxlink.survival.families.projection_plan import Target

Row = dict[str, Any]
_DRAWN = ("worst", "best", "all")
STREAMS = {"no": 6, "standardised": 7}
"""Which stream of draws the families take, by score alone and with strata."""


@dataclass(frozen=True, slots=True, eq=False)
class Lifetimes:
    """What families say of tenure.

    Attributes
    ----------
    rows : list of dict
        Of the estimates.
    findings : list of Check
        Of the diagnostics.
    curves : list of DataFrame
        See `curve_frames`.
    backtested : DataFrame
        The backtest's calibration: ``adjusted, kind, origin, level, predicted, observed, n``.
    coefficients : list of dict
        Of `family_coefficients`; none of a repetition of the unadjusted fits.
    """

    rows: list[Row]
    findings: list[Check]
    curves: list[pd.DataFrame]
    backtested: pd.DataFrame
    coefficients: list[Row]


def tenure_results(
    spells: Spells, spec: CohortSpec, adjusted: str, rng: np.random.Generator
) -> Lifetimes | None:
    """Fit every family to the counts, test and average them, and project all of it.

    Parameters
    ----------
    spells : Spells
        The cohort.
    spec : CohortSpec
        What is asked of it.
    adjusted : {"no", "standardised"}
        Whether by score alone, or with strata and standardised over them.
    rng : Generator
        Source of the draws.

    Returns
    -------
    Lifetimes or None
        None where there is nothing to standardise over.
    """
    asked = _asked(spells, spec, adjusted)
    if asked is None:
        return None
    periods, target = asked
    projecting, testing = rng.spawn(2)
    made, tested = _tested(periods, spells, spec, testing)
    fits = [fit for fit in made if isinstance(fit, Fit)]
    weights = weights_of(fits, tested)
    tenures = project_all(fits, target, weights, spec.analysis.draws, projecting)
    level = spec.analysis.level
    findings = [
        *fit_findings(made, int(spells.n.sum()), adjusted),
        *ratio_findings(fits, periods, [str(one) for one in spells.levels], adjusted),
        *weight_findings(fits, weights, tested, adjusted),
        *backtest_findings(tested, spec.unit, adjusted),
        *warning_findings(
            family_warnings(fits, tenures[: len(fits)], periods), spike(periods), spec.unit, adjusted
        ),
    ]
    with ThreadPoolExecutor(WORKERS) as pool:
        rows = pool.map(lambda one: survival_rows(one, spec), tenures)
        curves = pool.map(lambda one: curve_frames(one, level, _DRAWN), tenures)
    return Lifetimes(
        list(chain.from_iterable(rows)),
        findings,
        list(chain.from_iterable(curves)),
        tested.calibration.assign(adjusted=adjusted),
        _coefficients(fits, spells, spec, adjusted),
    )


def _coefficients(fits: list[Fit], spells: Spells, spec: CohortSpec, adjusted: str) -> list[Row]:
    if adjusted == "no":
        return [row for fit in fits for row in family_coefficients(fit, spells, spec, "no")]
    strata = len(spells.strata) > 1
    return [row for fit in fits for row in family_coefficients(fit, spells, spec, "conditional") if strata]


def _tested(
    periods: PersonPeriods, spells: Spells, spec: CohortSpec, rng: np.random.Generator
) -> tuple[tuple[Fit | Unfitted, ...], Backtest]:
    made = fit_all(periods, effect=spec.score.effect, acts_on=spec.score.acts_on)
    made = tuple(over_buckets(one, periods) for one in made)
    fits = [fit for fit in made if isinstance(fit, Fit)]
    return made, backtest(fits, periods, spells, (spec.score.effect, spec.score.acts_on), rng)


def weights_of(fits: list[Fit], tested: Backtest) -> dict[str, np.ndarray]:
    """Weights of each average, by its name: ``averaged`` has the backtest's where there are any, else AIC's."""
    by_aic = aic_weights(fits)
    return {
        "averaged_aic": by_aic,
        "averaged_backtest": tested.weights,
        "averaged_equal": equal_weights(fits),
        "averaged": tested.weights if tested.weights.any() else by_aic,
    }


def _asked(spells: Spells, spec: CohortSpec, adjusted: str) -> tuple[PersonPeriods, Target] | None:
    """The counts to fit, and what is asked of the fits."""
    periods = person_periods(spells)
    if adjusted == "no":
        periods, request = merged_over_strata(periods), standards.by_level(spells, spec)
        level, stratum = np.arange(len(spells.levels)), np.zeros(len(spells.levels), int)
    else:
        found = standardised(spells, spec, None)
        if found is None:
            return None
        request = found
        level, stratum = (x.ravel() for x in np.indices((len(spells.levels), len(spells.strata))))
    ladder = tuple(sorted({spec.horizon, *spec.tenure_horizons}))
    last = last_with_ten(periods, level, request.standards)
    target = Target(
        level, stratum, request.standards, ladder, last, request.labels,
        given=spec.given, discount=spec.discount, waning=spec.analysis.waning, contrasts=request.contrasts,
        lags=tuple((lag, spec.horizon - lag) for lag in spec.lags), scored=request.scored,
        share=level_shares([standard.group for standard in request.standards], spells),
    )  # fmt: skip
    return periods, target
