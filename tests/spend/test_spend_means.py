"""Means of spend from sums against statsmodels on rows; their draws, alone and together with retention."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from cohorts import cell_rows, random_rows, spec_for, spells_from
from scipy import stats
from scipy.sparse import csr_array

from cxlink.cohort.count.spells import Spells, has_spend
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.groups.headline_requests import spend_requests
from cxlink.groups.requests import Request, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.spend.concentration import concentration, rests_on_one
from cxlink.spend.means import CellMeans, MeanSpend, cell_means, mean_spend, on_log_link
from cxlink.survival.kaplan_meier import kaplan_meier

N_DRAWS = 4000
NOISE = 4 / np.sqrt(2 * N_DRAWS)


def spenders(seed: int, n: int, strata: int = 1) -> pd.DataFrame:
    """Rows with zeros, a long tail, and windows that are not over; spend falls with an early loss."""
    rows = random_rows(seed, n, strata=strata)
    rng = np.random.default_rng(seed + 1)
    amount = rng.lognormal(3 + 0.1 * rows["score"], 0.8) * rows["exit"]
    rows["spend"] = np.where(rng.random(n) < 0.3, 0.0, amount)
    rows.loc[rng.random(n) < 0.15, "spend"] = np.nan
    return rows


def made(
    rows: pd.DataFrame, spec: CohortSpec, request: Request, spells: Spells, seed: int = 1
) -> tuple[CellMeans, MeanSpend]:
    cells = cell_means(spells, request.members)
    rng = np.random.default_rng(seed)
    influence = kaplan_meier(spells, [], N_DRAWS, rng, horizon=6, scores=cells.scores).influence
    positive = rows.loc[rows["spend"] > 0, "spend"].mean()
    return cells, mean_spend(request, cells, influence, rng, float(np.nan_to_num(positive)))


def pooled_request(spells: Spells, spec: CohortSpec) -> Request:
    request = pooled(spells, spec)
    assert request is not None
    return request


def adjusted_request(spells: Spells, spec: CohortSpec) -> Request:
    request = standardised(spells, spec, has_spend(spells))
    assert request is not None
    return request


def test_means_and_variances_equal_statsmodels_on_rows() -> None:
    rows, spec = spenders(1, 900, strata=2), spec_for(adjust=("plan",), spend=True)
    spells = spells_from(rows, spec)
    request = adjusted_request(spells, spec)
    cells, _ = made(rows, spec, request, spells)
    whole = rows.dropna(subset=["spend"])
    names = spells.strata["stratum.plan"].to_numpy()
    cell = [
        f"{spells.levels[level]}{names[stratum]}"
        for level, stratum in zip(spells.level, spells.stratum, strict=True)
    ]
    dummies = pd.get_dummies(whole["score"].astype(str) + whole["plan"])[cell].astype(float)
    linear = sm.OLS(whole["spend"], dummies).fit(cov_type="HC2")
    assert cells.mean == pytest.approx(linear.params.to_numpy(), rel=1e-8)
    assert cells.variance == pytest.approx(linear.bse.to_numpy() ** 2, rel=1e-8)
    poisson = sm.GLM(whole["spend"], dummies, family=sm.families.Poisson()).fit(tol=1e-12)
    assert cells.mean == pytest.approx(np.exp(poisson.params.to_numpy()), rel=1e-8)
    assert cells.n.tolist() == dummies.sum().tolist()


def test_standardised_means_are_weighted_by_all_customers_scored() -> None:
    rows, spec = spenders(2, 900, strata=3), spec_for(adjust=("plan",), spend=True)
    spells = spells_from(rows, spec)
    _, means = made(rows, spec, adjusted_request(spells, spec), spells)
    share = rows["plan"].value_counts(normalize=True)  # windows that are not over count as well
    by_cell = rows.dropna(subset=["spend"]).groupby(["score", "plan"])["spend"]
    level = {s: sum(w * by_cell.mean()[s, plan] for plan, w in share.items()) for s in range(1, 6)}
    error = {
        s: sum(w**2 * by_cell.var()[s, plan] / by_cell.size()[s, plan] for plan, w in share.items())
        for s in range(1, 6)
    }
    sizes = rows["score"].value_counts()
    a, b = sizes[[4, 5]] / sizes[[4, 5]].sum()
    expected = {"worst": level[1], "best": a * level[4] + b * level[5], "3": level[3]}
    variance = {"worst": error[1], "best": a**2 * error[4] + b**2 * error[5], "3": error[3]}
    for name, value in expected.items():
        g = next(g for g in means.own if means.groups[g] == name)
        assert means.point[g] == pytest.approx(value, rel=1e-10)
        assert means.draws[:, g].std() == pytest.approx(np.sqrt(variance[name]), rel=NOISE)
        assert means.draws[:, g].mean() == pytest.approx(value, abs=4 * np.sqrt(variance[name] / N_DRAWS))
    assert means.n[[means.groups.index("worst")]] == [(rows.loc[rows["score"] == 1, "spend"].notna()).sum()]


@pytest.mark.parametrize("periods", [1, 2000])
def test_draws_have_the_robust_variance_whatever_a_spell_holds(periods: int) -> None:
    # all customers of a level in one spell: noise within it is all; one customer a spell: the bootstrap is all
    rng = np.random.default_rng(4)
    n = 300
    rows = pd.DataFrame({
        "score": np.repeat([1, 5], n // 2), "plan": "x", "entry": 0, "cause": "",
        "exit": 1 + (np.arange(n) % periods), "spend": rng.gamma(0.5, 40, n),
    })  # fmt: skip
    spec = spec_for(spend=True)
    spells = spells_from(rows, spec)
    cells, means = made(rows, spec, pooled_request(spells, spec), spells)
    share = (cells.within / cells.variance)[[name != "all" for name in means.groups]]
    assert share == pytest.approx(np.full(len(share), 1.0 if periods == 1 else 0.0), abs=1e-9)
    for g, name in enumerate(means.groups):
        level = {"worst": 1, "best": 5, "1": 1, "5": 5}.get(name)
        mine = rows["spend"] if level is None else rows.loc[rows["score"] == level, "spend"]
        assert means.draws[:, g].std() == pytest.approx(mine.std() / np.sqrt(len(mine)), rel=NOISE)


def influence_on_survival(rows: pd.DataFrame, h: int) -> tuple[float, np.ndarray]:
    survival, total = 1.0, np.zeros(len(rows))
    for t in range(1, h + 1):
        at_risk = (rows["exit"] >= t).to_numpy()
        lost = ((rows["exit"] == t) & (rows["cause"] != "")).to_numpy()
        hazard = lost.sum() / at_risk.sum()
        total += np.where(at_risk, (lost - hazard) / (at_risk.sum() * (1 - hazard)), 0.0)
        survival *= 1 - hazard
    return survival, -survival * total


def test_retention_and_spend_are_drawn_with_their_exact_covariance() -> None:
    rows, spec = spenders(5, 5000, strata=2), spec_for(adjust=("plan",), spend=True)
    spells = spells_from(rows, spec)
    spend = adjusted_request(spells, spec)
    curves = standardised(spells, spec, reaches(spells, 6))
    assert curves is not None
    cells = cell_means(spells, spend.members)
    rng = np.random.default_rng(1)
    both = kaplan_meier(
        spells, [replace(curves, times=np.arange(7))], N_DRAWS, rng, horizon=6, scores=cells.scores
    )
    means = mean_spend(spend, cells, both.influence, rng, 1.0)
    for name, level in (("worst", 1), ("3", 3)):
        kept = both.curves[0].draws[:, next(g for g in curves.own if curves.standards[g].group == name), 6]
        spent = means.draws[:, next(g for g in means.own if means.groups[g] == name)]
        covariance, kept_variance, spent_variance = 0.0, 0.0, 0.0
        for plan, weight in rows["plan"].value_counts(normalize=True).items():
            mine = rows[(rows["score"] == level) & (rows["plan"] == plan)]
            _, influence = influence_on_survival(mine, 6)
            complete = mine["spend"].notna().to_numpy()
            n = complete.sum()
            residual = np.where(complete, mine["spend"] - mine["spend"].mean(), 0.0)
            covariance += weight**2 * (influence * residual).sum() / n
            kept_variance += weight**2 * (influence**2).sum()
            spent_variance += weight**2 * (residual**2).sum() / n**2
        exact = covariance / np.sqrt(kept_variance * spent_variance)
        assert exact > 0.2  # there is something to find
        # the error of a correlation is (1 − ρ²) / √draws; cells of some hundreds are off by 1/n
        drawn = np.corrcoef(kept, spent)[0, 1]
        assert drawn == pytest.approx(exact, abs=4 * (1 - exact**2) / np.sqrt(N_DRAWS) + 0.01)


def test_a_group_that_spent_nothing_has_an_interval_from_above() -> None:
    rows = cell_rows((1, "x", 6, 0, 3), (5, "x", 6, 0, 40))
    rows["spend"] = np.where(rows["score"] == 1, 0.0, 50.0 + np.arange(len(rows)))
    spec = spec_for(spend=True)
    spells = spells_from(rows, spec)
    cells, means = made(rows, spec, pooled_request(spells, spec), spells)
    g = means.groups.index("worst")
    assert cells.spent_nothing.sum() == 2  # the level, and the band that is the same
    assert means.spent_nothing[g]
    assert not means.spent_nothing[means.groups.index("all")]
    assert means.point[g] == 0
    expected = stats.beta(0.5, 3.5)
    positive = rows.loc[rows["spend"] > 0, "spend"].mean()
    assert means.draws[:, g].min() >= 0
    assert means.draws[:, g].mean() == pytest.approx(
        positive * expected.mean(), abs=4 * positive * expected.std() / np.sqrt(N_DRAWS)
    )


def test_a_group_that_spent_in_one_stratum_did_spend() -> None:
    rows = cell_rows((1, "x", 6, 0, 8), (1, "y", 6, 0, 8), (5, "x", 6, 0, 9), (5, "y", 6, 0, 9))
    rows["spend"] = np.where((rows["score"] == 1) & (rows["plan"] == "x"), 0.0, 20.0 + np.arange(len(rows)))
    spec = spec_for(adjust=("plan",), spend=True)
    spells = spells_from(rows, spec)
    cells, means = made(rows, spec, adjusted_request(spells, spec), spells)
    assert cells.spent_nothing.sum() == 1
    assert not means.spent_nothing.any()
    worst = next(g for g in means.own if means.groups[g] == "worst")
    y = rows.loc[(rows["score"] == 1) & (rows["plan"] == "y"), "spend"]
    assert means.point[worst] == pytest.approx(y.mean() / 2, rel=1e-12)
    assert means.draws[:, worst].std() == pytest.approx(y.std() / np.sqrt(8) / 2, rel=NOISE)


def test_two_customers_of_two_spells_follow_the_bootstrap() -> None:
    rows = cell_rows((1, "x", 4, 0, 1), (1, "x", 6, 0, 1)).assign(spend=[10.0, 30.0])
    cells = cell_means(spells_from(rows, spec_for(spend=True)), [np.array([0])])
    assert cells.variance == pytest.approx([100.0], abs=1e-12)
    assert cells.within == pytest.approx([0.0], abs=1e-9)
    assert np.abs(cells.scores.toarray()) == pytest.approx(np.full((1, 2), 10 / np.sqrt(2)), abs=1e-12)


def test_nobody_spent_anything_at_all() -> None:
    rows = cell_rows((1, "x", 6, 0, 12), (5, "x", 6, 0, 40)).assign(spend=0.0)
    spec = spec_for(spend=True)
    spells = spells_from(rows, spec)
    _, means = made(rows, spec, pooled_request(spells, spec), spells)
    assert not means.spent_nothing.any()
    assert (means.point == 0).all()
    assert (means.draws == 0).all()


def test_one_customer_takes_the_variance_of_customers_elsewhere() -> None:
    rows = cell_rows((1, "x", 6, 0, 1), (3, "x", 5, 0, 4), (5, "x", 6, 0, 5))
    rows["spend"] = [70.0, 10, 20, 30, 40, 5, 15, 25, 35, 45]
    spec = spec_for(spend=True)
    spells = spells_from(rows, spec)
    request = pooled_request(spells, spec)
    cells, means = made(rows, spec, request, spells)
    by_level = [request.standards[g].group for g in range(3)]
    assert by_level == ["1", "3", "5"]
    alone = cell_means(spells, [np.array([0]), np.array([1]), np.array([2])])
    # within levels 3 and 5: 500 of 3 and 1,000 of 4 degrees of freedom
    assert alone.variance == pytest.approx([1500 / 7, 500 / 3 / 4, 250 / 5], rel=1e-12)
    g = means.groups.index("worst")
    assert means.point[g] == 70
    assert means.draws[:, g].std() == pytest.approx(np.sqrt(cells.variance[g]), rel=NOISE)


def test_one_customer_in_all() -> None:
    rows = cell_rows((1, "x", 6, 0, 1)).assign(spend=80.0)
    spec = spec_for(spend=True)
    spells = spells_from(rows, spec)
    cells, means = made(rows, spec, pooled_request(spells, spec), spells)
    assert cells.variance == pytest.approx(np.full(len(cells.n), 6400.0), abs=0)
    assert means.draws[:, 0].std() == pytest.approx(80, rel=NOISE)


def test_equal_spend_is_not_spread_by_rounding() -> None:
    rounded = 0
    for n in range(2, 30):
        rows = cell_rows((1, "x", 6, 0, n)).assign(spend=1234.56)
        spells = spells_from(rows, spec_for(spend=True))
        assert cell_means(spells, [np.array([0])]).variance[0] == 0
        total, squares = spells.spend[0, 1:]
        rounded += squares - total**2 / n > 0
    assert rounded > 0  # or there was nothing to find


def test_a_cohort_with_spend_only() -> None:
    rows = spenders(6, 400, strata=2).assign(exit=0, cause="")
    tables = spec_for(adjust=("plan",), spend=True).model_dump(exclude_none=True)
    del tables["subscription"]
    spec = CohortSpec.model_validate(tables)
    spells = spells_from(rows, spec)
    whole, average, *by_plan = spend_requests(spells, spec)
    assert [request.labels["stratum"] for request in by_plan] == ["plan=x", "plan=y"]
    cells, means = made(rows, spec, whole, spells)
    # one spell a pair: customers within it make all of the variance of a level in one stratum
    assert cells.within.min() > 0
    for g, name in enumerate(means.groups):
        if name.isdigit():
            mine = rows.loc[rows["score"] == int(name), "spend"].dropna()
            assert means.point[g] == pytest.approx(mine.mean(), rel=1e-10)
            assert means.draws[:, g].std() == pytest.approx(mine.std() / np.sqrt(len(mine)), rel=NOISE)
    assert average.covered["best", "worst"] == 1


def test_windows_that_are_not_over_support_nothing() -> None:
    rows = cell_rows(
        (1, "x", 6, 0, 5), (1, "y", 6, 0, 5), (5, "x", 6, 0, 5), (5, "y", 6, 0, 5), (2, "x", 6, 0, 3)
    )
    rows["spend"] = np.arange(float(len(rows)))
    rows.loc[(rows["score"] == 5) & (rows["plan"] == "y"), "spend"] = np.nan
    rows.loc[rows["score"] == 2, "spend"] = np.nan
    spec = spec_for(adjust=("plan",), spend=True)
    spells = spells_from(rows, spec)
    _, average, *_ = spend_requests(spells, spec)
    assert average.covered == pytest.approx(
        {("best", "worst"): 13 / 23, ("5", "worst"): 13 / 23, ("2", "worst"): 0}
    )
    _, means = made(rows, spec, average, spells)
    names = [means.groups[g] for g in means.own]
    assert names == ["1", "5", "worst", "best"]
    only_x = rows[(rows["plan"] == "x") & (rows["score"] == 1)]
    assert means.point[means.own[0]] == pytest.approx(only_x["spend"].mean(), rel=1e-12)
    # unadjusted, the level without a window has neither row nor contrast
    cells, means = made(rows, spec, pooled_request(spells, spec), spells)
    assert "2" not in [means.groups[g] for g in means.own]
    assert np.isnan(means.point[means.groups.index("2")])
    assert np.isnan(cells.variance[means.groups.index("2")])
    assert all(means.groups[a] != "2" for a, _ in means.contrasts)
    assert not np.isnan(means.draws[:, list(means.own)]).any()


def test_scores_of_a_cell_sum_to_nothing() -> None:
    rows, spec = spenders(8, 500), spec_for(spend=True)
    spells = spells_from(rows, spec)
    cells = cell_means(spells, [np.array([pair]) for pair in range(spells.n_pairs)])
    assert cells.scores.sum(axis=1) == pytest.approx(np.zeros(spells.n_pairs), abs=1e-8)
    assert isinstance(cells.scores, csr_array)
    assert (cells.within <= cells.variance).all()


def test_an_error_of_a_thousand_means_has_no_upper_limit_and_no_warning() -> None:
    draws = np.array([[2.0], [4.0], [1e6]])
    means = MeanSpend({}, ("all",), np.array([2.0]), draws, np.array([3]), np.array([False]), (0,), ())
    assert on_log_link(means, np.random.default_rng(1)).draws.ravel() == pytest.approx(
        [2.0, 2.0 * np.e, np.inf]
    )


# --- one customer's spend ------------------------------------------------------------------------------------------


def with_outlier(amount: float) -> MeanSpend:
    rows, spec = spenders(8, 4000), spec_for(spend=True)
    rows.loc[rows.index[rows["score"] == 1][0], "spend"] = amount
    spells = spells_from(rows, spec)
    request = pooled_request(spells, spec)
    return on_log_link(made(rows, spec, request, spells)[1], np.random.default_rng(3))


def test_concentration_is_the_sum_of_squared_shares() -> None:
    # 10 of 20 by one of four, of weight a quarter; 30 by one of one
    weights, n = np.array([[1.0, 0.0], [0.25, 0.75], [0.0, 0.0]]), np.array([4.0, 1.0])
    squares, mean = np.array([10.0**2 + 10**2, 900.0]), np.array([5.0, 0.25 * 5 + 0.75 * 30, np.nan])
    shares = [0.25 * 10 / 4 / mean[1], 0.75 * 30 / mean[1]]
    expected = [0.5, 2 * shares[0] ** 2 + shares[1] ** 2, 0.0]
    assert concentration(weights, n, squares, mean) == pytest.approx(expected, abs=1e-12)


def test_one_customer_makes_a_mean_from_half_of_the_spend_and_among_ten() -> None:
    assert rests_on_one(np.array([0.5, 0.49, 1.0]), np.array([10, 10, 9])).tolist() == [True, False, False]


def test_an_interval_of_one_customers_spend_holds_the_mean_without_it() -> None:
    plain, means = with_outlier(100.0), with_outlier(1e9)
    worst, all_ = (means.groups.index(name) for name in ("worst", "all"))
    low, high = np.quantile(means.draws[:, worst], [0.025, 0.975])
    # none like it in 37 % of cohorts, and more than three in 1.9 %
    assert low < plain.point[worst] < means.point[worst] < high
    assert high == pytest.approx(3 * 1e9 / means.n[worst], rel=1e-3)
    assert (means.draws[:, worst] >= 0).all()
    none = means.draws[:, worst] < means.point[worst] / 2
    assert none.mean() == pytest.approx(np.exp(-1), abs=4 * np.sqrt(0.23 / len(none)))
    # the same customer in both groups
    assert np.array_equal(none, means.draws[:, all_] < means.point[all_] / 2)
    others = plain.point[worst] * (1 - 1 / means.n[worst])
    assert means.draws[none, worst].mean() == pytest.approx(
        others, rel=4 / np.sqrt(means.n[worst] * none.sum()) + 0.01
    )
    assert np.array_equal(
        means.draws[:, means.groups.index("best")], plain.draws[:, plain.groups.index("best")]
    )


def test_where_one_customer_spent_everything_its_share_may_be_rounded_over_1() -> None:
    draws = np.linspace(0.5, 1.5, 400)[:, None]
    whole = MeanSpend({}, ("all",), np.array([2.0]), draws, np.array([20]), np.array([False]), (0,), ())
    means = replace(whole, concentration=np.array([1.0 + 1e-12]))
    drawn = on_log_link(means, np.random.default_rng(1)).draws.ravel()
    # nothing of the others: as often as the customer is drawn
    assert set(np.round(drawn / 2.0, 9)) <= {0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0}
