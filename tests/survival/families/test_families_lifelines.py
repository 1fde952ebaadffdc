"""Families against lifelines on interval-censored rows, where its searches converge."""

import warnings

import numpy as np
import pandas as pd
import pytest
from grouped import HIGH_END, REGULAR, by_name, counted, staying
from lifelines import (
    GeneralizedGammaFitter,
    LogLogisticAFTFitter,
    LogLogisticFitter,
    LogNormalFitter,
    WeibullAFTFitter,
    WeibullFitter,
)
from lifelines.exceptions import StatisticalWarning

from cxlink.survival.families.catalogue import GENERALISED_GAMMA, LOG_LOGISTIC, LOG_NORMAL, WEIBULL
from cxlink.survival.families.fit import fit


def intervals(alive):
    """Rows for lifelines: lower and upper ends of the period of loss, and weights."""
    alive = np.asarray(alive)
    n = len(alive)
    return np.arange(n), np.r_[np.arange(1, n), np.inf], np.r_[-np.diff(alive), alive[-1]]


# lifelines stops its search where the likelihood is flat to 1e-10: parameters agree to the root of that.
@pytest.mark.parametrize(
    ("family", "fitter", "parameters"),
    [
        (WEIBULL, WeibullFitter, lambda f: (1 / f.lambda_, f.rho_)),
        (LOG_LOGISTIC, LogLogisticFitter, lambda f: (f.alpha_, f.beta_)),
        (LOG_NORMAL, LogNormalFitter, lambda f: (np.exp(f.mu_), f.sigma_)),
    ],
    ids=by_name,
)
@pytest.mark.parametrize("alive", [REGULAR, HIGH_END], ids=["regular", "high end"])
def test_equals_lifelines_on_interval_censored_rows(alive, family, fitter, parameters):
    found = fit(family, counted(staying(alive)))
    lower, upper, weights = intervals(alive)
    reference = fitter().fit_interval_censoring(lower, upper, weights=weights)
    np.testing.assert_allclose(np.exp(found.estimate), parameters(reference), rtol=4e-5)
    assert found.log_likelihood == pytest.approx(reference.log_likelihood_, rel=1e-9)
    # theirs are of the parameter itself but for the location of a log-normal
    scale = reference.summary["coef"].to_numpy().copy()
    if family is LOG_NORMAL:
        scale[0] = 1.0
    errors = reference.summary["se(coef)"].to_numpy() / scale
    np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), errors, rtol=1e-4)


# Where its default start leads lifelines to the end: many customers, and for its variance a negative q.
@pytest.mark.long
@pytest.mark.parametrize("q", [0.4, -0.5, -1.0])
def test_equals_lifelines_generalised_gamma_where_it_converges(q):
    t = np.arange(1, 13.0)
    truth = [np.full(12, value) for value in (1.9, 0.0, q)]
    alive = [100_000, *np.round(1e5 * np.exp(GENERALISED_GAMMA.linked(t, *truth)))]
    lower, upper, weights = intervals(alive)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StatisticalWarning)
        reference = GeneralizedGammaFitter().fit_interval_censoring(lower, upper, weights=weights)
    found = fit(GENERALISED_GAMMA, counted(staying(alive)))
    assert found.log_likelihood == pytest.approx(reference.log_likelihood_, rel=1e-9)
    assert found.log_likelihood > reference.log_likelihood_
    # where the likelihood is flat to 1e-11 of it, along a valley of the three
    np.testing.assert_allclose(
        found.estimate, [reference.mu_, reference.ln_sigma_, reference.lambda_], atol=1e-4
    )
    if q < 0:
        errors = reference.summary["se(coef)"].to_numpy()
        np.testing.assert_allclose(np.sqrt(np.diag(found.covariance)), errors, rtol=1e-3)


CELLS = [
    *staying((300, 240, 200, 170, 150)),
    *staying((200, 180, 165, 150, 140), level=1),
    *staying((100, 70, 50, 38, 30), stratum=1),
    *staying((150, 125, 105, 92, 80), level=1, stratum=1),
]


@pytest.mark.parametrize(
    ("family", "fitter", "names", "sign"),
    [
        (WEIBULL, WeibullAFTFitter, ("lambda_", "rho_"), -1),
        (LOG_LOGISTIC, LogLogisticAFTFitter, ("alpha_", "beta_"), 1),
    ],
    ids=by_name,
)
def test_levels_and_strata_equal_lifelines_regression(family, fitter, names, sign):
    rows = [
        {"lower": leave - lost, "upper": leave if lost else np.inf, "best": level, "plan": stratum, "n": n}
        for level, stratum, _, leave, lost, n in CELLS
    ]
    reference = fitter().fit_interval_censoring(pd.DataFrame(rows), "lower", "upper", weights_col="n")
    found = fit(family, counted(CELLS, 2, 2))
    scale = reference.params_[names[0]]
    # lifelines' scale of a Weibull is 1/rate; the stratum with most losses is ours of reference: p0.
    theirs = [
        sign * scale["Intercept"],
        sign * (scale["Intercept"] + scale["best"]),
        sign * scale["plan"],
        reference.params_[names[1]]["Intercept"],
    ]
    location, shape = (p.name for p in family.parameters)
    assert found.names == (f"{location}[1]", f"{location}[2]", f"{location}[plan=p1]", shape)
    # it stops early; R's numbers, in tests/reference, agree to 1e-6
    np.testing.assert_allclose(found.estimate, theirs, atol=1e-3)
    assert found.log_likelihood == pytest.approx(reference.log_likelihood_, rel=1e-6)
    assert found.log_likelihood > reference.log_likelihood_


def test_a_linear_effect_equals_lifelines_regression():
    rows, cells = [], []
    for level, alive in enumerate(
        [(300, 210, 160, 130, 110), (200, 160, 135, 115, 103), (250, 215, 190, 172, 160)]
    ):
        cells += staying(alive, level)
        lower, upper, n = intervals(alive)
        rows.append(pd.DataFrame({"lower": lower, "upper": upper, "score": level + 1, "n": n}))
    reference = WeibullAFTFitter().fit_interval_censoring(
        pd.concat(rows, ignore_index=True), "lower", "upper", weights_col="n"
    )
    found = fit(WEIBULL, counted(cells, 3), effect="linear")
    where = np.arange(3), np.zeros(3, int)
    rates = found.linked(found.estimate[None], *where)[0][0]
    scale = reference.params_["lambda_"]
    np.testing.assert_allclose(-rates, scale["Intercept"] + scale["score"] * np.arange(1, 4), atol=2e-4)
    assert found.log_likelihood == pytest.approx(reference.log_likelihood_, rel=1e-6)
    assert len(found.estimate) == 3
