"""Parametric families against R: survreg on intervals, and likelihoods written out in likelihoods.R."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pytest
from stored import number, numbers, rows_of, spec_of

import cxlink
from cxlink.cohort.count.spells import PersonPeriods, Spells, merged_over_strata, person_periods, spells_of
from cxlink.survival.families.catalogue import (
    BETA_DISCRETE_WEIBULL,
    EXPONENTIAL,
    GENERALISED_GAMMA,
    LOG_LOGISTIC,
    LOG_NORMAL,
    SHIFTED_BETA_GEOMETRIC,
    WEIBULL,
    Family,
    cure,
    gompertz,
    spline,
)
from cxlink.survival.families.fit import fit
from cxlink.survival.families.fitted import Fit

# Searches on both sides, stopped at gradients that differ; R's numbers are stored to twelve digits.
SEARCHED = 1e-6
# Second derivatives by differences: of rows in R, of q in ours.
DIFFERENCED = 1e-5
LOG_LIKELIHOOD = 1e-9
UNADJUSTED = "_unadjusted"


@dataclass(frozen=True, slots=True)
class Mirror:
    """How R's parameters stand to ours: signs of location and others, R's names of the others."""

    family: Family
    location: int = 1
    others: tuple[tuple[str, int], ...] = ()


SURVREG = [
    Mirror(EXPONENTIAL, -1),
    Mirror(WEIBULL, -1, (("log_scale", -1),)),
    Mirror(LOG_LOGISTIC, 1, (("log_scale", -1),)),
    Mirror(LOG_NORMAL, 1, (("log_scale", 1),)),
]
ONE_PERIOD = gompertz(1.0)
PLAIN = [
    Mirror(EXPONENTIAL),
    Mirror(WEIBULL, 1, (("log_shape", 1),)),
    Mirror(ONE_PERIOD, 1, (("shape", 1),)),
    Mirror(LOG_NORMAL, 1, (("log_sigma", 1),)),
    Mirror(LOG_LOGISTIC, 1, (("log_shape", 1),)),
    Mirror(GENERALISED_GAMMA, 1, (("log_sigma", 1), ("q", 1))),
]
CURED = [
    Mirror(
        cure(one.family),
        1,
        (("uncured.location", 1), *((f"uncured.{name}", sign) for name, sign in one.others)),
    )
    for one in PLAIN
]
BETA = [
    Mirror(SHIFTED_BETA_GEOMETRIC, 1, (("logit_polarisation", 1),)),
    Mirror(BETA_DISCRETE_WEIBULL, 1, (("logit_polarisation", 1), ("log_shape", 1))),
]
WRITTEN_OUT = [
    *(("lung", PLAIN[k]) for k in (2, 5)),
    *(("flchain", one) for one in (PLAIN[2], PLAIN[5], CURED[1])),
    *(("mgus", one) for one in PLAIN),
    *(("colon", one) for one in (*PLAIN, *CURED, *BETA)),
]
SPLINES = [
    (case, n)
    for case, most in (("lung", 2), ("flchain", 1), ("mgus", 2), ("colon", 4))
    for n in range(1, most + 1)
]


def named(given: object) -> str:
    return given.family.name if isinstance(given, Mirror) else str(given)


@cache
def _spells(case: str) -> Spells:
    return spells_of(cxlink.read_cohort(rows_of(case), spec_of(case)).count())


def _fitted(case: str, family: Family) -> Fit:
    periods: PersonPeriods = person_periods(_spells(case.removesuffix(UNADJUSTED)))
    found = fit(family, merged_over_strata(periods) if case.endswith(UNADJUSTED) else periods)
    assert isinstance(found, Fit)
    assert found.converged
    assert found.checks == ()
    return found


def _places(case: str, theirs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Positions of level and stratum of R's rows."""
    spells = _spells(case.removesuffix(UNADJUSTED))
    level = [[str(one) for one in spells.levels].index(name) for name in theirs["group"]]
    names = [""] if case.endswith(UNADJUSTED) else [".".join(row) for row in spells.strata.to_numpy()]
    return np.array(level), np.array([names.index(name) for name in theirs["stratum"]])


def _is_rs(case: str, mirror: Mirror, relative: float) -> None:
    """Assert that locations, other parameters, their errors and the log-likelihood are R's."""
    found, name = _fitted(case, mirror.family), mirror.family.name
    theirs = numbers("families", case, f"{name}.location")
    where = _places(case, theirs)
    located = found.linked(found.estimate[None], *where)[0][0]
    # linear in the parameters: what a unit of each adds
    by_parameter = found.linked(np.eye(len(found.estimate)), *where)[0]
    errors = np.sqrt(np.einsum("pk,pq,qk->k", by_parameter, found.covariance, by_parameter))
    np.testing.assert_allclose(mirror.location * located, theirs["estimate"], rtol=0, atol=relative)
    np.testing.assert_allclose(errors, theirs["std_error"], rtol=relative)
    last = len(found.estimate) - len(mirror.others)
    for k, (parameter, sign) in enumerate(mirror.others, last):
        estimate, error = number("families", case, f"{name}.{parameter}")
        assert sign * found.estimate[k] == pytest.approx(estimate, abs=relative)
        assert np.sqrt(found.covariance[k, k]) == pytest.approx(error, rel=relative)
    log_likelihood, _ = number("families", case, f"{name}.log_likelihood")
    assert found.log_likelihood == pytest.approx(log_likelihood, rel=LOG_LIKELIHOOD)


@pytest.mark.parametrize("mirror", SURVREG, ids=named)
@pytest.mark.parametrize("case", ["lung", "lung_unadjusted", "flchain"])
def test_families_of_grouped_durations_are_survregs_on_intervals(case: str, mirror: Mirror) -> None:
    _is_rs(case, mirror, SEARCHED)


@pytest.mark.parametrize(("case", "mirror"), WRITTEN_OUT, ids=named)
def test_families_are_likelihoods_written_out_in_r(case: str, mirror: Mirror) -> None:
    # mgus with customers who enter late, which survreg does not take
    _is_rs(case, mirror, DIFFERENCED)


@pytest.mark.parametrize(("case", "n_inner"), SPLINES)
def test_splines_are_natural_splines_of_r(case: str, n_inner: int) -> None:
    knots = numbers("families", case, f"spline_{n_inner}.knot")["estimate"]
    found = _fitted(case, spline(tuple(knots)))
    theirs = numbers("families", case, f"spline_{n_inner}.log_cumulative_hazard")
    where = _places(case, theirs)
    time = theirs["time"].to_numpy()
    n = len(found.estimate)

    def log_hazard(theta: np.ndarray) -> np.ndarray:
        return np.log(-found.family.linked(time, *found.linked(theta, *where)))

    # linear in the parameters, whatever the basis
    ours = log_hazard(found.estimate[None])[0]
    by_parameter = log_hazard(np.eye(n)) - log_hazard(np.zeros((n, n)))
    errors = np.sqrt(np.einsum("pk,pq,qk->k", by_parameter, found.covariance, by_parameter))
    np.testing.assert_allclose(ours, theirs["estimate"], rtol=0, atol=SEARCHED)
    np.testing.assert_allclose(errors, theirs["std_error"], rtol=DIFFERENCED)
    log_likelihood, _ = number("families", case, f"spline_{n_inner}.log_likelihood")
    assert found.log_likelihood == pytest.approx(log_likelihood, rel=LOG_LIKELIHOOD)
