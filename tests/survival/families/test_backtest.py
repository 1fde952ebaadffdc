"""The backtest on the clock: origins, stacking, log scores worked out by hand, and what it says of the truth."""

import numpy as np
import pandas as pd
import pytest
from by_hand import periods_of, set_fit, spells_by_hand
from scipy.optimize import minimize

from cxlink.cohort.count.spells import PersonPeriods, merged_over_strata, person_periods
from cxlink.survival.families.backtest import backtest, origins_of, stacked
from cxlink.survival.families.backtest_scores import BacktestCells, Later, outcome_probabilities
from cxlink.survival.families.catalogue import (
    EXPONENTIAL,
    LOG_LOGISTIC,
    LOG_NORMAL,
    SHIFTED_BETA_GEOMETRIC,
    WEIBULL,
)
from cxlink.survival.families.fit import fit, fit_all

AS_FITTED = ("levels", "location")


def rng():
    return np.random.default_rng(20140801)


@pytest.mark.parametrize(
    ("n_periods", "origins"),
    [(24, (8, 14, 19)), (12, (4, 6, 9)), (8, (4, 5, 6)), (7, (4, 5)), (5, (4,)), (4, ())],
)
def test_origins_lie_between_a_third_and_four_fifths(n_periods, origins):
    alive = np.linspace(1000, 500, n_periods + 1)
    assert origins_of(periods_of(alive)) == (origins, n_periods)


def test_the_first_origin_waits_for_losses_in_four_periods():
    lost = np.zeros(20)
    lost[[1, 4, 8, 11, 15]] = 50
    alive = np.r_[1000, 1000 - np.cumsum(lost)]
    assert origins_of(periods_of(alive)) == ((12, 14, 16), 20)
    lost[11] = 0
    lost[15] = 0
    assert origins_of(periods_of(np.r_[1000, 1000 - np.cumsum(lost)])) == ((), 20)


def test_the_end_is_the_last_period_with_ten_at_risk():
    alive = np.r_[np.linspace(1000, 10, 12), 9, 8, 7]
    # ten are at risk in the twelfth period, nine in the thirteenth
    assert origins_of(periods_of(alive)) == ((4, 6, 9), 12)


def test_stacking_worked_by_hand():
    apart = stacked(np.array([[1.0, 1e-12], [1e-12, 1.0]]), np.array([60, 40]))
    np.testing.assert_allclose(apart, [0.6, 0.4], atol=1e-6)
    # .7·.6/(.2 + .6w) = .3·.6/(.8 − .6w) at w = 5/6
    some = stacked(np.array([[0.8, 0.2], [0.2, 0.8]]), np.array([70, 30]))
    np.testing.assert_allclose(some, [5 / 6, 1 / 6], atol=1e-6)
    # .2·… where the better model is better everywhere: all of the weight
    best = stacked(np.array([[0.8, 0.4], [0.6, 0.5]]), np.array([1, 1]))
    np.testing.assert_allclose(best, [1, 0], atol=1e-6)


def test_stacking_is_the_best_mixture_there_is():
    numbers = rng()
    p = numbers.dirichlet(np.ones(40), size=5).T
    n = numbers.integers(1, 100, 40)
    share = n / n.sum()
    found = stacked(p, n)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    assert (found >= 0).all()

    def loss(w):
        return -share @ np.log(p @ w)

    other = minimize(
        loss, np.full(5, 0.2), jac=lambda w: -p.T @ (share / (p @ w)), method="SLSQP", bounds=[(0, 1)] * 5,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda _: np.ones(5)},
        options={"ftol": 1e-14, "maxiter": 500},
    )  # fmt: skip
    assert loss(found) <= other.fun + 1e-8
    # Karush–Kuhn–Tucker: the gradient is 1 where there is weight, and nowhere more
    gradient = p.T @ (share / (p @ found))
    np.testing.assert_allclose(gradient[found > 1e-3], 1, atol=1e-5)
    assert (gradient < 1 + 1e-5).all()


CONSTANT = set_fit(EXPONENTIAL, np.log([0.05, 0.12]))
FALLING = set_fit(WEIBULL, np.log([0.05, 0.12]), [np.log(0.6)])
BETA = set_fit(SHIFTED_BETA_GEOMETRIC, [-2.0, -1.0], [-1.5])


@pytest.mark.parametrize("one", [CONSTANT, FALLING, BETA], ids=lambda one: one.family.name)
@pytest.mark.parametrize("entry", [0, 9])
def test_probabilities_of_all_outcomes_sum_to_one(one, entry):
    origin, end = 6, 14
    start = max(origin, entry)
    outcomes = [(k, 0, entry, t, 1, 1) for k in (0, 1) for t in range(start + 1, end + 1)]
    outcomes += [(k, 0, entry, end, 0, 1) for k in (0, 1)]
    spells = spells_by_hand(sorted(outcomes))
    cells = BacktestCells.of(spells, person_periods(spells), origin, end)
    p = outcome_probabilities(one, cells)
    for level in (0, 1):
        assert p[cells.level == level].sum() == pytest.approx(1, abs=1e-12)


def test_cells_are_cut_at_the_origin_and_at_the_end():
    spells = spells_by_hand([
        (0, 0, 0, 3, 1, 7), (0, 0, 0, 5, 0, 11), (0, 0, 0, 8, 1, 13), (0, 0, 0, 12, 1, 17), (0, 0, 2, 8, 1, 19),
        (0, 0, 7, 9, 0, 23),
    ])  # fmt: skip
    cells = BacktestCells.of(spells, person_periods(spells), 5, 10)
    found = set(zip(cells.start, cells.stop, cells.lost, cells.n, strict=True))
    # gone by 5: not asked; lost at 12: still there at 10; entered at 2 and lost at 8: as those of the start
    assert found == {(5, 8, True, 32), (5, 10, False, 17), (7, 9, False, 23)}
    p = outcome_probabilities(CONSTANT, cells)
    exact = {(5, 8): np.exp(-0.1) - np.exp(-0.15), (5, 10): np.exp(-0.25), (7, 9): np.exp(-0.1)}
    for start, stop, chance in zip(cells.start, cells.stop, p, strict=True):
        assert chance == pytest.approx(exact[start, stop], abs=1e-12)


def some_spells(n_strata=1, late=()):
    """Two levels followed for twelve periods, some censored earlier, some entering late."""
    cells = []
    for level in (0, 1):
        for stratum in range(n_strata):
            n = 40 - 12 * level + 9 * stratum
            cells += [(level, stratum, 0, t, 1, n - 2 * t + level) for t in range(1, 13)]
            cells += [(level, stratum, 0, t, 0, 5) for t in (3, 7)] + [(level, stratum, 0, 12, 0, 160)]
            cells += [
                (level, stratum, entry, t, lost, 30) for entry in late for t, lost in ((10, 1), (12, 0))
            ]
    return spells_by_hand(sorted(cells), n_strata)


def backtested(spells, families=(EXPONENTIAL,), merged=False):
    periods = person_periods(spells)
    if merged:
        periods = merged_over_strata(periods)
    fits = fit_all(periods, families)
    return backtest(fits, periods, spells, AS_FITTED, rng()), periods


@pytest.mark.parametrize("late", [(), (2, 8)])
def test_scores_of_a_constant_hazard_by_hand(late):
    found, periods = backtested(some_spells(late=late))
    assert found.origins == (4, 6, 9)
    assert (found.end, found.reason) == (12, "")
    np.testing.assert_array_equal(found.weights, [1])
    r, d = periods.at_risk.astype(float), periods.lost.astype(float)
    for origin, row in zip(found.origins, found.scores.to_dict("records"), strict=True):
        hazard = d[:, :origin].sum(axis=1) / r[:, :origin].sum(axis=1)
        later_r, later_d = r[:, origin:], d[:, origin:]
        # each customer's probability is a product over periods, and so is a sum over person-periods on the log scale
        total = later_d.sum(axis=1) @ np.log(hazard) + (later_r - later_d).sum(axis=1) @ np.log(1 - hazard)
        entered = [later_r[:, 0].sum(), *(60 * 2 * (entry > origin) for entry in late)]
        assert row["log_score"] == pytest.approx(total / sum(entered), abs=1e-7)
        months = 12 - origin
        observed = np.cumprod(1 - later_d / later_r, axis=1)
        weight = later_r[:, 0] / later_r[:, 0].sum()
        missed = (1 - hazard) ** months - observed[:, -1]
        assert row["survival_error"] == pytest.approx(weight @ missed, abs=1e-7)
        curve = np.column_stack([np.ones(2), observed])
        seen = (np.diff(curve) / np.diff(np.log(curve))).sum(axis=1)
        outcome_probabilities = ((1 - hazard) ** months - 1) / np.log(1 - hazard)
        assert row["tenure_error"] == pytest.approx(weight @ (outcome_probabilities - seen), abs=1e-6)
        assert row["covered"] in (0, 0.5, 1)
        points = found.calibration[found.calibration["origin"] == origin]
        np.testing.assert_allclose(points["observed"].astype(float), observed[:, -1], rtol=1e-12)
        np.testing.assert_allclose(points["predicted"].astype(float), (1 - hazard) ** months, atol=1e-7)
        np.testing.assert_array_equal(points["n"].astype(float), later_r[:, 0])


def test_merged_strata_score_as_if_there_were_none():
    spells = some_spells(2)
    merged, _ = backtested(spells, merged=True)
    cells = zip(
        spells.level[spells.pair],
        spells.pair * 0,
        spells.entry,
        spells.exit,
        spells.cause,
        spells.n,
        strict=True,
    )
    plain, _ = backtested(spells_by_hand(sorted(tuple(int(v) for v in cell) for cell in cells)))
    np.testing.assert_allclose(merged.scores["log_score"], plain.scores["log_score"], rtol=1e-9)
    apart, _ = backtested(spells)
    # the strata differ, and are told apart
    assert (np.abs(apart.scores["log_score"] - merged.scores["log_score"]) > 1e-6).all()
    assert (apart.calibration["predicted"].to_numpy() != merged.calibration["predicted"].to_numpy()).all()


def test_too_short_a_follow_up_gives_a_reason_and_no_weights():
    cells = [(0, 0, 0, t, 1, 20) for t in range(1, 7)] + [(0, 0, 0, 6, 0, 100)]
    found, periods = backtested(spells_by_hand(sorted(cells)), (EXPONENTIAL, WEIBULL))
    assert (found.reason, found.facts) == ("short_follow_up", {"origins": 1, "of": 3, "least": 4})
    assert (found.origins, found.end) == ((), 6)
    np.testing.assert_array_equal(found.weights, [0, 0])
    assert found.scores.empty
    assert list(found.calibration.columns) == ["kind", "origin", "level", "predicted", "observed", "n"]
    nothing = backtest([], periods, some_spells(), AS_FITTED, rng())
    np.testing.assert_array_equal(nothing.weights, [])


TRUTHS = [
    (EXPONENTIAL, [np.log(0.06)]),
    (LOG_LOGISTIC, [np.log(14.0), np.log(1.8)]),
    (LOG_NORMAL, [2.6, 0.3]),
    (SHIFTED_BETA_GEOMETRIC, [-2.0, -0.5]),
]


@pytest.mark.parametrize(("truth", "linked"), TRUTHS, ids=lambda one: getattr(one, "name", ""))
def test_the_truth_has_the_best_log_score(truth, linked):
    survival = np.r_[1.0, np.exp(truth.linked(np.arange(1.0, 25), *linked))]
    lost = np.round(-1e7 * np.diff(survival)).astype(int)
    cells = [(0, 0, 0, t, 1, int(n)) for t, n in enumerate(lost, 1)]
    cells.append((0, 0, 0, 24, 0, int(1e7 - lost.sum())))
    families = tuple(family for family, _ in TRUTHS)
    found, periods = backtested(spells_by_hand(sorted(cells)), families)
    best = found.scores.loc[found.scores.groupby("origin")["log_score"].idxmax(), "model"]
    # a family that holds the constant hazard as a limit forecasts it as well
    close = {"exponential": {"exponential", "shifted_beta_geometric"}}.get(truth.name, {truth.name})
    assert set(best) <= close
    mine = found.scores[found.scores["model"] == truth.name]
    assert mine["survival_error"].abs().max() < 1e-4
    assert (mine["covered"] == 1).all()
    weight = dict(zip((family.name for family in families), found.weights, strict=True))
    # of families that foresee nearly the same, EM takes the last per cent off slowly
    assert sum(weight[name] for name in close) > 0.99
    assert isinstance(fit(truth, periods).log_likelihood, float)


def test_what_came_after_an_origin_by_hand():
    """Level 1: 20 at risk in period 2 of whom 4 are lost, 10 in period 3 of whom 2 are: S is .8 and .64.

    The areas are .2/log(1/.8) = .896284 and .16/log(1/.8) = .717027; Greenwood's variance of their sum is
    .717027²·4/(20·16). Ten at risk are enough at either end; nine are not.
    """
    at_risk = np.array([[25, 20, 10], [30, 9, 30], [30, 30, 9], [40, 10, 10]])
    lost = np.array([[5, 4, 2], [1, 1, 1], [1, 1, 1], [0, 0, 0]])
    periods = PersonPeriods(
        (1, 2, 3, 4), pd.DataFrame(index=range(1)), np.arange(4), np.zeros(4, int), at_risk, lost
    )
    later = Later.of(periods, 1, 3)
    np.testing.assert_array_equal(later.levels, [0, 3])
    np.testing.assert_array_equal(later.n, [20, 10])
    np.testing.assert_allclose(later.survival, [0.64, 1.0])
    first, second = 0.2 / np.log(1.25), 0.16 / np.log(1.25)
    np.testing.assert_allclose(later.tenure, [first + second, 2.0])
    np.testing.assert_allclose(later.error, [second * np.sqrt(4 / (20 * 16)), 0.0])
