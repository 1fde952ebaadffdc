"""Grouped proportional hazards against other software, by hand, and as laws."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from cohorts import cell_rows, random_rows, spec_for, spells_from

from cxlink.cohort.count.spells import PersonPeriods, merged_over_strata, person_periods
from cxlink.estimation.penalties import Penalty, stacked
from cxlink.survival.proportional_hazards.cloglog import mean_covariates
from cxlink.survival.proportional_hazards.hazard_draws import drawn, estimated, level_effects
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, Unestimated, fit_hazards
from cxlink.survival.proportional_hazards.robust_errors import few_losses


def _periods(rows: pd.DataFrame, late: bool = False) -> PersonPeriods:
    return person_periods(spells_from(rows, spec_for(adjust=("plan",), late=late)))


def _fitted(periods: PersonPeriods, *args: object, **more: object) -> HazardFit:
    fit = fit_hazards(periods, *args, **more)  # type: ignore[arg-type]
    assert isinstance(fit, HazardFit)
    return fit


def _counts(at_risk: list[list[int]], lost: list[list[int]]) -> PersonPeriods:
    """Levels 1, 2, … in one stratum."""
    n = len(at_risk)
    one = pd.DataFrame(index=range(1))
    return PersonPeriods(
        tuple(range(1, n + 1)), one, np.arange(n), np.zeros(n, int), np.array(at_risk), np.array(lost)
    )


def _as_rows(rows: pd.DataFrame, fit: HazardFit) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One row a customer and period, counted from the customers and not from the counts: outcome, design, customer."""
    told = np.flatnonzero(fit.informative)
    levels, plans = sorted(rows["score"].unique()), sorted(rows["plan"].unique())
    outcome, design, who = [], [], []
    for position, customer in enumerate(rows.to_dict("records")):
        combination = levels.index(customer["score"]) * len(plans) + plans.index(customer["plan"])
        for period in range(customer.get("entry", 0) + 1, customer["exit"] + 1):
            if period - 1 in told:
                outcome.append(float(period == customer["exit"] and customer["cause"] != ""))
                design.append(np.r_[(told == period - 1).astype(float), fit.design.matrix[combination]])
                who.append(position)
    return np.array(outcome), np.array(design), np.array(who)


@pytest.mark.parametrize("late", [False, True], ids=["from the survey", "late entry"])
@pytest.mark.parametrize("effect", ["levels", "linear", "spline"])
@pytest.mark.parametrize("interacting", [False, True], ids=["additive", "interacting"])
def test_a_fit_is_that_of_statsmodels_on_person_period_rows(
    late: bool, effect: str, interacting: bool
) -> None:
    """Coefficients, standard errors and log-likelihood of a binomial GLM with complementary log-log link."""
    rows = random_rows(11, 700, strata=3, late=late)
    rows = rows[rows["exit"] > rows.get("entry", 0)]
    fit = _fitted(_periods(rows, late), effect, interacting, covariance="model")
    outcome, design, _ = _as_rows(rows, fit)
    link = sm.families.links.CLogLog()
    theirs = sm.GLM(outcome, design, sm.families.Binomial(link)).fit(tol=1e-14, maxiter=300)
    n_periods = int(fit.informative.sum())
    assert not fit.penalised
    np.testing.assert_allclose(fit.solution.beta, theirs.params[n_periods:], rtol=0, atol=1e-8)
    np.testing.assert_allclose(fit.solution.alpha, theirs.params[:n_periods], rtol=0, atol=1e-8)
    np.testing.assert_allclose(fit.standard_errors, theirs.bse[n_periods:], rtol=1e-8)
    assert fit.solution.log_likelihood == pytest.approx(theirs.llf, abs=1e-8)


@pytest.mark.parametrize("late", [False, True], ids=["from the survey", "late entry"])
@pytest.mark.parametrize("effect", ["levels", "linear"])
@pytest.mark.parametrize("strata", [1, 3], ids=["merged over strata", "by stratum"])
def test_robust_errors_are_those_of_statsmodels_clustered_by_customer(
    late: bool, effect: str, strata: int
) -> None:
    """Of effects, of the baseline's log hazards, and of both together: the sandwich of all rows of all customers."""
    rows = random_rows(11, 700, strata=3, late=late)
    rows = rows[rows["exit"] > rows.get("entry", 0)]
    periods = _periods(rows, late)
    fit = _fitted(periods if strata > 1 else merged_over_strata(periods), effect)
    assert not few_losses(fit.grouped).any()
    outcome, design, who = _as_rows(rows if strata > 1 else rows.assign(plan="x"), fit)
    theirs = sm.GLM(outcome, design, sm.families.Binomial(sm.families.links.CLogLog())).fit(
        tol=1e-14, maxiter=300, cov_type="cluster", cov_kwds={"groups": who, "use_correction": False}
    )  # fmt: skip
    n_periods, n = int(fit.informative.sum()), len(fit.solution.beta)
    both = fit.errors.joint(mean_covariates(fit.grouped, fit.solution.weight))
    covariance = np.roll(theirs.cov_params(), -n_periods, axis=(0, 1))
    np.testing.assert_allclose(fit.covariance, covariance[:n, :n], rtol=0, atol=1e-8)
    np.testing.assert_allclose(both[:n], covariance[:n], rtol=0, atol=1e-8)
    np.testing.assert_allclose(np.diag(both), np.diag(covariance), rtol=1e-7)
    plain = _fitted(periods if strata > 1 else merged_over_strata(periods), effect, covariance="model")
    assert (np.abs(fit.standard_errors / plain.standard_errors - 1) > 1e-3).any()


def test_robust_errors_of_two_groups_in_two_periods_by_hand() -> None:
    """A third effect would fit all four hazards: what is left over goes with each customer from period to period."""
    rows = cell_rows(
        (1, "x", 1, True, 40), (1, "x", 2, True, 12), (1, "x", 1, False, 8), (1, "x", 2, False, 60),
        (2, "x", 1, True, 10), (2, "x", 2, True, 30), (2, "x", 2, False, 60),
    )  # fmt: skip
    fit = _fitted(_periods(rows))
    one = fit.design.matrix[:, 0]
    at_risk, lost = np.array([[120, 72], [100, 90]]), np.array([[40, 12], [10, 30]])
    rate = np.exp(fit.solution.alpha + one[:, None] * fit.solution.beta[0])
    odds = rate / (1 - np.exp(-rate))
    bend = (at_risk - lost) * rate + lost * (rate - odds * (1 - odds + rate))
    middle = one @ bend / bend.sum(axis=0)
    information = (one**2 @ bend).sum() - (middle**2 * bend.sum(axis=0)).sum()
    away = one[:, None] - middle
    first, last = odds - rate, -rate
    total = 0.0
    for group, gone, gone_later, seen_once, stayed in ((0, 40, 12, 8, 60), (1, 10, 30, 0, 60)):
        u, v = away[group], last[group]
        total += gone * (first[group, 0] * u[0]) ** 2 + seen_once * (v[0] * u[0]) ** 2
        total += gone_later * (v[0] * u[0] + first[group, 1] * u[1]) ** 2 + stayed * (v @ u) ** 2
    assert fit.covariance[0, 0] == pytest.approx(total / information**2, rel=1e-10)


def test_levels_with_few_losses_have_the_models_errors() -> None:
    """All of whose customers stayed would seem not to vary at all; nine losses hardly more."""
    rows = cell_rows(
        (1, "x", 1, True, 40), (1, "x", 2, True, 60), (1, "x", 2, False, 300),
        (2, "x", 2, True, 9), (2, "x", 2, False, 300), (3, "x", 2, False, 300),
    )  # fmt: skip
    robust, model = (_fitted(_periods(rows), covariance=name) for name in ("robust", "model"))
    assert robust.design.names == ("score 2", "score 3")
    assert few_losses(robust.grouped).tolist() == [False, True, True]
    # of the others the observed information is not quite the expected one
    np.testing.assert_allclose(robust.standard_errors, model.standard_errors, rtol=2e-3)
    ten = pd.concat([rows, cell_rows((2, "x", 1, True, 1))])
    assert few_losses(_fitted(_periods(ten)).grouped).tolist() == [False, False, True]


def test_two_groups_in_one_period_by_hand() -> None:
    """log λ is log(−log(1 − d/r)); its delta-method variance h / (r (1 − h) log²(1 − h))."""
    fit = _fitted(_counts([[40], [50]], [[10], [30]]))
    rate = -np.log1p(-np.array([10 / 40, 30 / 50]))
    first = fit.design.reference == 1
    ratio = np.log(rate[0] / rate[1]) if first else np.log(rate[1] / rate[0])
    variance = sum(h / (r * (1 - h) * np.log1p(-h) ** 2) for h, r in ((0.25, 40), (0.6, 50)))
    assert fit.solution.beta[0] == pytest.approx(ratio, abs=1e-10)
    assert fit.standard_errors[0] == pytest.approx(np.sqrt(variance), abs=1e-10)
    np.testing.assert_allclose(estimated(fit).cumulative[0, 1], rate[fit.design.reference], rtol=1e-10)


def test_one_group_is_the_cumulative_hazard_of_its_periods() -> None:
    fit = _fitted(_counts([[50, 40, 30]], [[10, 0, 6]]))
    expected = np.cumsum([0, -np.log(0.8), 0, -np.log(0.8)])
    np.testing.assert_allclose(estimated(fit).cumulative[0], expected, rtol=0, atol=1e-10)


def test_counts_times_k_keep_the_estimate_and_divide_variances_by_k() -> None:
    periods = _periods(random_rows(5, 900, strata=2))
    assert periods.exposures is not None
    customers = replace(periods.exposures, n=periods.exposures.n * 9)
    more = replace(periods, at_risk=periods.at_risk * 9, lost=periods.lost * 9, exposures=customers)
    one, nine = _fitted(periods), _fitted(more)
    np.testing.assert_allclose(nine.solution.beta, one.solution.beta, rtol=0, atol=1e-10)
    np.testing.assert_allclose(nine.standard_errors, one.standard_errors / 3, rtol=1e-9)


def test_customers_in_another_order_give_the_same_fit() -> None:
    rows = random_rows(6, 600, strata=2)
    one, two = (_fitted(_periods(r)) for r in (rows, rows.sample(frac=1, random_state=3)))
    np.testing.assert_array_equal(one.solution.beta, two.solution.beta)


def test_the_reference_is_a_matter_of_notation() -> None:
    """Relabelling the plans changes columns, not the hazard ratios of scores nor the likelihood."""
    rows = random_rows(7, 800, strata=3)
    other = rows.assign(plan=rows["plan"].map({"x": "c", "y": "a", "z": "b"}))
    one, two = _fitted(_periods(rows)), _fitted(_periods(other))
    effects = [level_effects(fit, fit.solution.beta[None])[0] for fit in (one, two)]
    np.testing.assert_allclose(*[e - e[0] for e in effects], rtol=0, atol=1e-9)
    assert one.solution.log_likelihood == pytest.approx(two.solution.log_likelihood, abs=1e-9)


def test_draws_have_the_covariance_of_the_estimate() -> None:
    fit = _fitted(_periods(random_rows(8, 6000, strata=2)))
    draws = drawn(fit, 20_000, np.random.default_rng(1))
    np.testing.assert_allclose(
        np.cov(draws.beta.T), fit.covariance, rtol=0, atol=4 * np.diag(fit.covariance).max() * np.sqrt(2 / 20_000)
    )  # fmt: skip
    # the log of Λ(6): delta method over the joint covariance of baseline and effects
    first = np.exp(fit.solution.alpha[:6]) / np.exp(fit.solution.alpha[:6]).sum()
    both = fit.errors.joint(mean_covariates(fit.grouped, fit.solution.weight))[-len(fit.solution.alpha) :]
    variance = first @ both[:6, -len(fit.solution.alpha) :][:, :6] @ first
    spread = np.log(draws.cumulative[:, 6]).std()
    assert spread == pytest.approx(np.sqrt(variance), rel=4 / np.sqrt(2 * 20_000) + 0.01)


def test_draws_of_effect_and_baseline_go_together_where_a_ratio_turns_round() -> None:
    rows = cell_rows(
        (1, "x", 1, True, 1200), (1, "x", 2, True, 80), (1, "x", 2, False, 720),
        (2, "x", 1, True, 200), (2, "x", 2, True, 1500), (2, "x", 2, False, 3300),
    )  # fmt: skip
    fit = _fitted(_periods(rows))
    draws = drawn(fit, 100_000, np.random.default_rng(4))
    parts = np.column_stack([draws.beta, np.log(np.diff(draws.cumulative, axis=1))])
    both = fit.errors.joint(mean_covariates(fit.grouped, fit.solution.weight))
    independent = replace(fit.errors, lean=0 * fit.errors.lean).joint(
        mean_covariates(fit.grouped, fit.solution.weight)
    )
    size = np.sqrt(np.outer(np.diag(both), np.diag(both)))
    four = 4 * np.sqrt(2 / 100_000)
    np.testing.assert_allclose(np.cov(parts.T) / size, both / size, rtol=0, atol=four)
    assert np.abs((independent - both) / size).max() > 5 * four


def test_a_baseline_of_few_losses_is_drawn_without_bias() -> None:
    """Two losses in each of twenty periods: a normal on the log would sit a quarter above the estimate."""
    at_risk = np.arange(400, 360, -2)[None].repeat(2, axis=0)
    periods = _counts(at_risk.tolist(), np.ones_like(at_risk).tolist())
    fit = _fitted(periods)
    total = drawn(fit, 20_000, np.random.default_rng(2)).cumulative[:, -1]
    estimate = estimated(fit).cumulative[0, -1]
    # groups of one size: what the drawn effect adds on one side it takes on the other
    assert total.mean() == pytest.approx(estimate, rel=4 * total.std() / estimate / np.sqrt(20_000))


@pytest.mark.parametrize(
    ("at_risk", "lost", "reason"),
    [
        ([[10, 10], [5, 5]], [[0, 0], [0, 0]], "no_losses"),
        ([[10], [5]], [[10], [5]], "all_lost"),
        ([[10, 10], [5, 5]], [[0, 10], [0, 5]], "nothing_beside"),
        ([[1, 1]], [[0, 1]], "nothing_beside"),
    ],
)
def test_counts_without_hazard_ratios_say_so(
    at_risk: list[list[int]], lost: list[list[int]], reason: str
) -> None:
    fit = fit_hazards(_counts(at_risk, lost))
    assert isinstance(fit, Unestimated)
    assert (fit.reason, fit.facts) == (reason, {})


def test_separated_levels_are_held_against_the_cohort() -> None:
    """Level 1 lost at once, level 3 never: half a loss holds each, the others' ratio is hardly moved."""
    at_risk = [[30, 0, 0], [200, 150, 120], [60, 60, 60], [200, 170, 150]]
    lost = [[30, 0, 0], [50, 30, 20], [0, 0, 0], [30, 20, 20]]
    fit = _fitted(_counts(at_risk, lost))
    assert set(fit.penalised) == {"score 1", "score 3"}
    without = _fitted(_counts([at_risk[1], at_risk[3]], [lost[1], lost[3]]))
    effects = level_effects(fit, fit.solution.beta[None])[0]
    assert abs(effects[1] - effects[3]) == pytest.approx(abs(without.solution.beta[0]), abs=0.02)
    draws = level_effects(fit, drawn(fit, 4000, np.random.default_rng(3)).beta)
    low, middle, high = np.quantile(draws - draws[:, [1]], [0.025, 0.5, 0.975], axis=0)
    assert np.isfinite(draws).all()
    assert high[2] < 0 < low[0]
    # skewed away from the others: the likelihood is flat there
    assert middle[2] - low[2] > 1.5 * (high[2] - middle[2])
    assert high[0] - middle[0] > 1.5 * (middle[0] - low[0])


@pytest.mark.parametrize("lost", [0, 1, 6, 9])
def test_the_draws_of_a_level_with_hardly_a_loss_follow_its_penalised_likelihood(lost: int) -> None:
    """Among a million others, e = 6 losses expected: density ∝ exp((d + ½)·β − log(1 + e^β) − 6·e^β) of β."""
    fit = _fitted(_counts([[1_000_000], [10_000]], [[600], [lost]]))
    assert bool(fit.penalised) == (lost == 0)
    draws = drawn(fit, 40_000, np.random.default_rng(5)).beta[:, 0]
    expected = 600 * -np.log1p(-0.01)
    grid = np.linspace(-40, 4, 20_001)
    density = np.exp((lost + 0.5) * grid - np.logaddexp(0, grid) - expected * np.exp(grid))
    cumulative = np.cumsum(density) / density.sum()
    for q in (0.05, 0.25, 0.5, 0.75, 0.95):
        exact = grid[np.searchsorted(cumulative, q)]
        share = (draws < exact).mean()
        assert share == pytest.approx(q, abs=4 * np.sqrt(q * (1 - q) / 40_000) + 0.012)


def test_the_draws_of_a_level_with_ten_losses_are_normal() -> None:
    fit = _fitted(_counts([[1_000_000], [10_000]], [[600], [10]]))
    draws = drawn(fit, 40_000, np.random.default_rng(5)).beta[:, 0]
    assert ((draws - fit.solution.beta[0]) ** 3).mean() / draws.std() ** 3 == pytest.approx(0, abs=0.05)


def test_a_level_seen_only_where_nobody_was_lost_is_wide_open() -> None:
    fit = _fitted(_counts([[100, 60], [100, 60], [20, 0]], [[0, 20], [0, 10], [0, 0]]))
    assert fit.penalised == ("score 3",)
    draws = drawn(fit, 4000, np.random.default_rng(6)).beta[:, list(fit.design.names).index("score 3")]
    assert np.quantile(draws, 0.025) < -2
    assert np.quantile(draws, 0.975) > 2


def test_an_interaction_with_an_empty_cell_is_left_out_by_name() -> None:
    rows = random_rows(9, 1500, strata=2)
    rows = rows[~((rows["score"] == 5) & (rows["plan"] == "x"))]
    fit = _fitted(_periods(rows), "levels", True)
    assert [name for name in fit.design.dropped if "score 5" in name or "score" not in name]
    assert len(fit.design.dropped) == 1
    assert np.isfinite(drawn(fit, 50, np.random.default_rng(1)).cumulative).all()


def test_a_column_that_never_varies_and_one_that_repeats_another_say_nothing() -> None:
    rows = random_rows(10, 700, strata=3)
    spec = spec_for(adjust=("plan", "twin", "constant"))
    three = person_periods(spells_from(rows.assign(twin=rows["plan"].str.upper(), constant="c"), spec))
    one = _fitted(_periods(rows))
    both = _fitted(three)
    assert len(both.design.dropped) == 2
    assert all(name.startswith("twin=") for name in both.design.dropped)
    n = both.design.n_score
    np.testing.assert_allclose(both.solution.beta[:n], one.solution.beta[:n], rtol=0, atol=1e-9)
    np.testing.assert_allclose(both.standard_errors[:n], one.standard_errors[:n], rtol=1e-9)


def test_monotone_effects_are_monotone_in_every_draw_whichever_way_they_run() -> None:
    rows = random_rows(12, 1500, strata=2)
    for given, way in ((rows, -1), (rows.assign(score=6 - rows["score"]), 1)):
        fit = _fitted(_periods(given), "monotone")
        for draws in (estimated(fit), drawn(fit, 200, np.random.default_rng(2))):
            effects = level_effects(fit, draws.beta)
            assert (way * np.diff(effects, axis=1) >= -1e-10).all()
            assert np.isfinite(draws.cumulative).all()


def test_a_monotone_effect_that_is_so_already_is_the_free_one() -> None:
    periods = merged_over_strata(_periods(random_rows(13, 40_000)))
    free, held = _fitted(periods), _fitted(periods, "monotone")
    assert (np.diff(level_effects(free, free.solution.beta[None])[0]) < 0).all()
    np.testing.assert_allclose(estimated(held).beta, estimated(free).beta, rtol=0, atol=1e-10)
    np.testing.assert_allclose(estimated(held).cumulative, estimated(free).cumulative, rtol=1e-10)


def test_a_monotone_effect_of_two_levels_is_the_levels() -> None:
    periods = _counts([[400, 300], [400, 350]], [[80, 50], [40, 30]])
    free, held = (_fitted(periods, effect) for effect in ("levels", "monotone"))
    a, b = (drawn(fit, 500, np.random.default_rng(3)) for fit in (free, held))
    np.testing.assert_allclose(a.beta, b.beta, rtol=0, atol=1e-10)


def test_a_million_customers_in_one_cell_change_nothing_but_their_own_weight() -> None:
    rows = cell_rows(
        (1, "x", 2, True, 30), (1, "x", 5, False, 40), (4, "x", 3, True, 20), (4, "x", 5, False, 90)
    )
    periods = _periods(rows)
    heavy = replace(
        periods,
        at_risk=periods.at_risk + np.array([[0], [1_000_000]]) * (periods.at_risk[[1]] > 0),
        lost=periods.lost + np.array([[0, 0, 0, 0, 0], [0, 0, 50_000, 0, 0]]),
        exposures=None,
    )
    fit = _fitted(heavy)
    assert np.isfinite(fit.solution.beta).all()
    assert 0 < fit.standard_errors[0] < 1
    assert np.isfinite(drawn(fit, 100, np.random.default_rng(1)).cumulative).all()


def test_penalties_together_are_their_sum() -> None:
    rng = np.random.default_rng(14)
    several = [Penalty(k, rng.normal(size=4), rng.normal(), 1.0 + k) for k in range(3)]
    together, theta = stacked(several, 4), rng.normal(size=4)
    assert together.value(theta) == pytest.approx(sum(one.value(theta) for one in several), abs=1e-12)
    np.testing.assert_allclose(
        together.gradient(theta), sum(one.gradient(theta) for one in several), atol=1e-12
    )
    np.testing.assert_allclose(
        together.information(theta), -sum(one.hessian(theta) for one in several), atol=1e-12
    )
    assert stacked([], 4).value(theta) == 0


def test_a_penalty_is_on_the_log_hazard_against_the_cohort() -> None:
    """β_k − Σ share_j·β_j, shares of person-periods: 60, 300 and 40 of 400."""
    fit = _fitted(_counts([[30, 30], [200, 100], [20, 20]], [[0, 0], [60, 30], [0, 0]]))
    found = {fit.design.names[one.index]: one.direction.tolist() for one in fit.separated}
    assert fit.design.names == ("score 1", "score 3")
    assert found["score 1"] == pytest.approx([1 - 60 / 400, -40 / 400], abs=1e-12)
    assert found["score 3"] == pytest.approx([-60 / 400, 1 - 40 / 400], abs=1e-12)
