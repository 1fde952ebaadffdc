"""Families where effects separate, parameters are vague or at a bound, or everybody is lost: finite and honest."""

import re

import numpy as np
import pytest
from check_fields import check_fields
from grouped import MENU, by_name, counted, staying
from scipy.special import expit, gammaincinv

from cxlink.checks import Check, matching
from cxlink.estimation.likelihood import Likelihood, stretches
from cxlink.report.check_notes import note
from cxlink.survival.families.catalogue import EXPONENTIAL, SHIFTED_BETA_GEOMETRIC, WEIBULL
from cxlink.survival.families.fit import fit
from cxlink.survival.families.fitted import Fit, Unfitted

# One spline and two cures stand for their classes.
_LEFT_OUT = {
    "spline_1", "spline_3", "spline_4", "cure_exponential", "cure_gompertz", "cure_log_logistic", "cure_log_normal",
}  # fmt: skip
EACH = [family for family in MENU if family.name not in _LEFT_OUT]
NONE_LOST = [*staying((200, 160, 130, 108, 91, 77)), (1, 0, 0, 5, 0, 30)]


def test_a_level_without_losses_has_the_interval_of_its_penalised_likelihood():
    found = fit(EXPONENTIAL, counted(NONE_LOST, 2))
    rate = np.exp(found.draws(20_000, np.random.default_rng(2))[:, 1])
    # Density of the log rate: e^{−150·rate}·√u/(1 + u), u the ratio to the cohort's; by quadrature.
    cohort = fit(EXPONENTIAL, counted(staying((230, 190, 160, 138, 121, 107))))
    x = np.linspace(-30, 2, 40_001)
    u = np.exp(x - cohort.estimate[0])
    density = np.exp(-150 * np.exp(x)) * np.sqrt(u) / (1 + u)
    cumulative = np.cumsum(density) / density.sum()
    for q in (0.025, 0.5, 0.975):
        exact = np.interp(q, cumulative, x)
        slope = density[np.searchsorted(x, exact)] / density.sum() / (x[1] - x[0])
        tolerance = 4 * np.sqrt(q * (1 - q) / len(rate)) / slope + 0.02
        assert np.log(np.quantile(rate, q)) == pytest.approx(exact, abs=tolerance)
    # close to Jeffreys' gamma(1/2) posterior, which is the same without the 1 + u: its 97.5 % is 0.0167
    assert np.quantile(rate, 0.975) == pytest.approx(gammaincinv(0.5, 0.975) / 150, rel=0.15)
    (held,) = found.checks
    facts = {"case": "curves", "terms": ("rate[2]",), "n": 1}
    assert check_fields(held) == check_fields(Check("separated", "exponential", facts=facts))
    assert note(held).startswith(
        "rate[2] is separated (losses only, no losses, or collinear with another term)"
    )


@pytest.mark.parametrize("gone", [1, 9])
def test_a_level_with_few_losses_keeps_its_estimate_and_draws_from_its_penalised_likelihood(gone):
    few = [*staying((200, 160, 130, 108, 91, 77)), (1, 0, 0, 5, 0, 30 * gone), (1, 0, 0, 1, 1, gone)]
    found = fit(EXPONENTIAL, counted(few, 2))
    exposure = 151 * gone
    rate = np.exp(found.draws(20_000, np.random.default_rng(2))[:, 1])
    assert found.checks == ()
    assert np.exp(found.estimate[1]) == pytest.approx(1 / 151, rel=0.02)
    for q in (0.025, 0.5, 0.975):
        assert np.quantile(rate, q) == pytest.approx(gammaincinv(gone + 0.5, q) / exposure, rel=0.08)


SEPARATED = {
    "none lost": NONE_LOST,
    "all lost at once": [*staying((200, 160, 130, 108, 91, 77)), (1, 0, 0, 1, 1, 30)],
    "both": [(0, 0, 0, 1, 1, 10), (1, 0, 0, 6, 0, 4)],
    "no person-period": [*staying((200, 160, 130, 108, 91, 77)), (1, 0, 0, 0, 0, 3)],
    "stratum": [*staying((200, 160, 130, 108, 91, 77)), (0, 1, 0, 5, 0, 30), (1, 0, 0, 4, 1, 9)],
    "only in its own stratum": [
        *staying((200, 160, 130, 108, 91, 77)),
        *staying((90, 80, 70, 62, 57, 52), level=1, stratum=1),
    ],
    "a corner": [
        *staying((200, 160, 130, 108, 91, 77)),
        *staying((90, 80, 70, 62, 57, 52), level=1, stratum=1),
        (0, 1, 0, 5, 0, 20),
    ],
}


@pytest.mark.parametrize("family", EACH, ids=by_name)
@pytest.mark.parametrize("case", SEPARATED)
def test_separation_leaves_finite_estimates_and_draws(case, family):
    n_strata = 2 if any(cell[1] for cell in SEPARATED[case]) else 1
    found = fit(family, counted(SEPARATED[case], 2, n_strata))
    if isinstance(found, Unfitted):
        assert found.reason == "few_periods"
        needed = len(family.parameters)
        assert (found.facts["parameters"], found.facts["least"]) == (needed, needed + 1)
        assert case == "both" or len(family.parameters) > 4
        return
    draws = found.draws(500, np.random.default_rng(3))
    assert found.converged
    assert np.isfinite(draws).all()
    # a standard error of thousands is what the penalty is there to prevent
    assert np.sqrt(np.diag(found.covariance)).max() < 10
    (held,) = matching(found.checks, code="separated", model=family.name)
    assert set(held.facts["terms"]) <= set(found.penalised)
    assert len(held.facts["terms"]) == held.facts["n"]


# of a mixture cure, these few losses do not say that anybody is cured: no sum is known
@pytest.mark.parametrize("family", [one for one in MENU if one.kind != "cure"], ids=by_name)
@pytest.mark.parametrize("case", ["only in its own stratum", "a corner"])
def test_confounded_effects_keep_what_the_counts_know_of_their_sum(case, family):
    found = fit(family, counted(SEPARATED[case], 2, 2))
    if isinstance(found, Unfitted):
        assert len(family.parameters) > 4
        return
    draws = found.draws(4000, np.random.default_rng(6))
    one = np.ones(1, int)
    pair = found.linked(draws, one, one)[0][:, 0]
    at = found.linked(found.estimate[None], one, one)[0][0, 0]
    row = found.linked(np.eye(len(found.estimate)), one, one)[0][:, 0]
    error = np.sqrt(row @ found.covariance @ row)
    assert error < 0.5
    if matching(found.checks, code="hardly_bounded"):
        assert family.name in ("generalised_gamma", "shifted_beta_geometric", "beta_discrete_weibull")
        assert (
            0.5 * error < pair.std() < 2 * error
        )  # a shape with draws far from normal takes the location along
        return
    # four standard errors of a standard deviation and of a median, and what is not normal in it: a tenth, and more
    # along the ridge of the generalised gamma's location and q, which is steeper than its top says
    apart = 0.3 if family.name == "generalised_gamma" else 0.1
    assert pair.std() == pytest.approx(error, rel=4 / np.sqrt(8000) + apart)
    assert np.median(pair) == pytest.approx(at, abs=error * (4 * 1.25 / np.sqrt(4000) + apart))
    # of a pair that nobody was in, they know next to nothing
    assert found.linked(draws, one, 0 * one)[0].std() > 1.0


@pytest.mark.parametrize(
    ("alive", "said"),
    [((24, 18, 13, 10, 7), "at_bound"), ((20, 13, 9, 7, 5), "hardly")],
)
def test_a_hardly_bounded_polarisation_is_drawn_from_its_penalised_likelihood(alive, said):
    # the first has its maximum without any, and the second a standard error of 2 on the logit
    periods = counted(staying(alive))
    found = fit(SHIFTED_BETA_GEOMETRIC, periods)
    (vague,) = matching(found.checks, code="hardly_bounded")
    assert (vague.facts["case"], vague.facts["parameter"]) == (said, "polarisation")
    assert vague.facts["reached"] == pytest.approx(expit(found.estimate[1]), rel=1e-12)
    share = expit(found.draws(20_000, np.random.default_rng(7))[:, 1])
    # The likelihood summed over mean churn, times √(φ(1 − φ)) of log-F(1,1), on a grid
    grid, churn = np.linspace(-14, 6, 101), np.linspace(-3, 1, 41)
    likelihood = Likelihood(SHIFTED_BETA_GEOMETRIC.linked, stretches(periods), (np.eye(1), np.eye(1)))
    plain = np.array([[likelihood.plain(np.array([c, x])) for c in churn] for x in grid])
    density = np.exp(plain - plain.max()).sum(axis=1) * np.sqrt(expit(grid) * expit(-grid))
    cumulative = np.cumsum(density) / density.sum()
    for q in (0.5, 0.9, 0.975):
        exact = expit(np.interp(q, cumulative, grid))
        # the table is along a line, not summed: an eighth
        assert np.quantile(share, q) == pytest.approx(exact, rel=0.125)


# of a mixture cure it says that nobody is cured, and so names that share
@pytest.mark.parametrize("family", [one for one in MENU if one.kind != "cure"], ids=by_name)
def test_a_cohort_followed_to_its_end_is_not_separated(family):
    found = fit(
        family,
        counted(
            [*staying((90, 55, 34, 20, 11, 6, 2, 0)), *staying((90, 70, 52, 40, 29, 20, 14, 9), level=1)], 2
        ),
    )
    assert isinstance(found, Fit)
    assert not matching(found.checks, code="separated")


def test_customers_who_do_not_differ_are_told_in_words():
    found = fit(SHIFTED_BETA_GEOMETRIC, counted(staying((10_000, 9000, 8100, 7290, 6561, 5905))))
    assert found.converged
    (bound,) = matching(found.checks, code="hardly_bounded", case="at_bound", parameter="polarisation")
    assert re.fullmatch(
        r"polarisation is at a bound \(\S+\); its draws come from a likelihood with a weak log-F\(1,1\) penalty on it",
        note(bound),
    )
    assert expit(found.draws(1000, np.random.default_rng(4))[:, 1]).max() < 0.1
    # within one standard error, √(0.1·0.9/40,951)
    assert 1 - np.exp(found.family.linked(1.0, *found.estimate)) == pytest.approx(0.1, abs=0.0015)


def test_everybody_lost_at_once_is_held_by_half_a_customer():
    # log-density 9·log(1 − e^−r) + ½β − log(1 + e^β), β = log r − log 0.7 for the cohort, then against the cohort's
    x = np.linspace(-3, 60, 600_001)

    def density(centre):
        return 9 * np.log(-np.expm1(-np.exp(x))) + 0.5 * (x - centre) - np.logaddexp(0, x - centre)

    cohort = x[np.argmax(density(np.log(0.7)))]
    found = fit(EXPONENTIAL, counted([(0, 0, 0, 1, 1, 9)]))
    assert found.estimate[0] == pytest.approx(x[np.argmax(density(cohort))], abs=1e-4)
    assert found.penalised == ("rate[1]",)
    draws = found.draws(20_000, np.random.default_rng(5))[:, 0]
    cumulative = np.cumsum(np.exp(density(cohort)))
    exact = np.interp([0.025, 0.5, 0.975], cumulative / cumulative[-1], x)
    # the quantiles' own error, and a table of some hundred points
    np.testing.assert_allclose(np.quantile(draws, [0.025, 0.5, 0.975]), exact, rtol=0.03)


@pytest.mark.parametrize("family", MENU[1:], ids=by_name)
def test_everybody_lost_in_their_only_period_leaves_shapes_unknown(family):
    found = fit(family, counted([(0, 0, 0, 1, 1, 9), (1, 0, 0, 1, 1, 2)], 2))
    assert isinstance(found, Unfitted)
    needed = len(family.parameters)
    assert found.reason == "few_periods"
    assert found.facts == {"parameters": needed, "least": needed + 1, "n": 1}


def test_a_parameter_that_runs_away_is_held_at_its_bound_and_named():
    # hazards that rise: no polarisation is the best of them
    found = fit(SHIFTED_BETA_GEOMETRIC, counted(staying((1000, 950, 850, 700, 500, 300))))
    assert isinstance(found, Fit)
    assert found.at_bound == ("polarisation",)
    assert found.converged
    assert found.estimate[1] == SHIFTED_BETA_GEOMETRIC.parameters[1].low
    assert matching(found.checks, code="hardly_bounded", case="at_bound", parameter="polarisation")
    # the geometric, in closed form: 700 lost in 4,000 person-periods
    assert expit(found.estimate[0]) == pytest.approx(700 / 4000, rel=1e-5)
    drawn = found.draws(2000, np.random.default_rng(6))[:, 1]
    # still of its likelihood: hardly any heterogeneity, but not none
    assert expit(drawn).max() < 0.1
    assert drawn.std() > 0.5
    assert (drawn >= found.box.low[1]).all()


def test_weibull_of_one_level_is_not_touched_by_a_separated_other():
    alone = fit(WEIBULL, counted(staying((200, 160, 130, 108, 91, 77))))
    beside = fit(WEIBULL, counted(NONE_LOST, 2))
    # the other's exposure says a little of the shape: a tenth of its standard error
    error = np.sqrt(np.diag(alone.covariance))
    assert (np.abs(beside.estimate[[0, 2]] - alone.estimate) < 0.2 * error).all()
    assert beside.penalised == ("rate[2]",)
