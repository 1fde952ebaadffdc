"""Groups with hardly a loss or hardly a survivor: when they are judged so, and how honest their intervals are."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cohorts import cell_rows, random_rows, spec_for, spells_from
from scipy import stats
from scipy.sparse import csr_array

from cxlink.cohort.count.spells import Spells, person_periods
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.groups.curves import Standard
from cxlink.groups.requests import Request, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.survival.kaplan_meier import kaplan_meier
from cxlink.survival.small_groups import added_customers, shape_of_all, sparse_draws, split
from cxlink.survival.sparsity import ONE_IN_ALL, Added, added_to, is_sparse
from cxlink.survival.survival import Survival


def request_of(spells: Spells, spec: CohortSpec) -> Request:
    request = pooled(spells, spec)
    assert request is not None
    return request


def judged(rows: pd.DataFrame, group: str = "1", horizon: int = 6, late: bool = False) -> bool:
    spec = spec_for(horizon=horizon, late=late)
    spells = spells_from(rows, spec)
    request = request_of(spells, spec)
    standard = next(s for s in request.standards if s.group == group)
    return is_sparse(spells, request, standard, horizon)


@pytest.mark.parametrize(
    ("lost", "kept", "sparse"),
    [(10, 10, False), (9, 10, True), (10, 9, True), (0, 500, True), (500, 0, True)],
)
def test_ten_losses_and_ten_outlasting_are_enough(lost: int, kept: int, sparse: bool) -> None:
    assert judged(cell_rows((1, "x", 6, 1, lost), (1, "x", 6, 0, kept))) is sparse


def test_it_is_judged_at_the_horizon() -> None:
    # ten are lost, but only nine of them by the horizon; the tenth outlasts it
    assert judged(cell_rows((1, "x", 6, 1, 9), (1, "x", 7, 1, 1), (1, "x", 9, 0, 30)))
    assert not judged(cell_rows((1, "x", 6, 1, 10), (1, "x", 7, 1, 10)))
    # whoever is censored before the horizon does not outlast it
    assert judged(cell_rows((1, "x", 3, 1, 20), (1, "x", 5, 0, 30), (1, "x", 6, 0, 9)))


def test_a_group_not_followed_that_far_is_judged_where_it_ends() -> None:
    assert not judged(cell_rows((1, "x", 2, 1, 10), (1, "x", 4, 0, 10)))
    assert judged(cell_rows((1, "x", 2, 1, 10), (1, "x", 4, 0, 9)))


def test_under_late_entry_it_is_judged_over_all_follow_up() -> None:
    rows = pd.DataFrame({"score": 1, "entry": 3, "exit": 14, "cause": ["lost"] * 10 + [""] * 10})
    assert not judged(rows, late=True)
    assert judged(rows.iloc[1:], late=True)


def test_nobody_followed_at_all_is_sparse() -> None:
    assert judged(cell_rows((1, "x", 0, 0, 5), (5, "x", 6, 0, 5)))


# --- strata that lost everybody or nobody ----------------------------------------------------------------------------


def added_by_strata(*cells: tuple[int, int, int]) -> tuple[Added | None, Standard]:
    """What level 1 gets, of which so many were lost of so many customers in each stratum, itself so many of the mix."""
    rows = pd.concat([
        cell_rows((1, f"s{k}", 3, 1, lost), (1, f"s{k}", 6, 0, n - lost), (5, f"s{k}", 6, 0, others))
        for k, (lost, n, others) in enumerate(cells)
    ])  # fmt: skip
    spec = spec_for(adjust=("plan",))
    spells = spells_from(rows, spec)
    request = standardised(spells, spec, reaches(spells, 6))
    assert request is not None
    standard = next(request.standards[g] for g in request.own if request.standards[g].group == "1")
    return added_to(spells, request, standard, 6), standard


def test_strata_that_lost_everybody_or_nobody_get_a_customer_each() -> None:
    assert added_by_strata((40, 40, 1), (0, 40, 1))[0] == Added(to_each=True, left=0.5)
    assert added_by_strata((30, 30, 1), (0, 10, 1))[0] == Added(to_each=True, left=0.25)
    # 8 and 8 are too few in any case
    assert added_by_strata((8, 8, 1), (0, 8, 1))[0] == ONE_IN_ALL
    # in one of two strata alone; where the other varies more than the added customer makes this one vary
    assert added_by_strata((20, 40, 1), (0, 40, 1))[0] is None
    # the customers of a stratum that varies are many, its weight is small
    assert added_by_strata((20, 40, 1), (0, 8, 4000))[0] == Added(to_each=True, left=28 / 48)


def test_customers_added_to_each_stratum_are_one_each_and_leave_as_often_as_the_group() -> None:
    cumulative = np.array([[0.0, 0.1, 0.3, 0.6, 1.0], [0.0, 0.2, 0.3, 0.4, 0.9]])
    standard = Standard("g", np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.6, 0.2, 0.2]), 1, 0)
    gone, there = added_customers(cumulative, standard, 3, Added(to_each=True, left=0.7))
    assert gone.sum(axis=1) + there[:, -1] == pytest.approx(np.ones(2), abs=1e-12)
    assert there[1, 2] == pytest.approx(0.7, abs=1e-12)
    # three quarters of the first curve's customer enter at once, and a period later the rest
    assert gone[0, 0] == pytest.approx(0.75 * (1 - 0.7 ** (0.1 / 0.6)), abs=1e-12)


def test_draws_of_settled_strata_are_beta_of_their_own_customers_and_one_more() -> None:
    cells = [(1, "x", 3, 1, 12), (1, "y", 6, 0, 24), (5, "x", 6, 0, 30), (5, "y", 2, 1, 30)]
    curves, n_draws = curves_of(cell_rows(*cells), spec_for(adjust=("plan",)), 4000, adjusted=True), 4000
    worst = next(g for g in curves.own if curves.groups[g] == "worst")
    assert curves.separated[worst]
    drawn, weight = curves.draws[:, worst, 6], np.array([42, 54]) / 96
    # two thirds of the group are retained, and of each added customer
    sides = stats.beta(2 / 3, 12 + 1 / 3), stats.beta(24 + 2 / 3, 1 / 3)
    mean = weight @ [side.mean() for side in sides]
    sd = np.sqrt(weight**2 @ [side.var() for side in sides])
    assert curves.point[worst, 6] == pytest.approx(54 / 96, abs=1e-12)
    assert drawn.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(n_draws))
    # a standard deviation of n draws has the error sd·√((κ − 1)/4n), κ the kurtosis, here 11
    assert drawn.std() == pytest.approx(sd, rel=4 * np.sqrt(10 / 4 / n_draws))


def test_settled_strata_leave_the_draws_of_other_groups_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [(1, "x", 3, 1, 12), (1, "y", 6, 0, 24), (5, "x", 6, 0, 30), (5, "y", 2, 1, 3), (5, "y", 6, 0, 9)]
    spec = spec_for(adjust=("plan",))
    curves = curves_of(cell_rows(*cells), spec, 20, adjusted=True)
    others = [g for g in curves.own if curves.sparse[g] and not curves.separated[g]]
    assert [curves.groups[g] for g in others] == ["5", "best"]

    def resampled(*of: Any) -> Added | None:
        added = added_to(*of)
        return None if added is not None and added.to_each else added

    monkeypatch.setattr("cxlink.survival.kaplan_meier.added_to", resampled)
    plain = curves_of(cell_rows(*cells), spec, 20, adjusted=True)
    assert not plain.separated.any()
    assert np.array_equal(plain.draws[:, others], curves.draws[:, others])


# --- the added customer --------------------------------------------------------------------------------------------


def test_the_added_customer_is_half_lost_at_the_horizon_in_the_given_shape() -> None:
    cumulative = np.array([[0.0, 0.1, 0.3, 0.6, 1.0]])
    standard = Standard("g", np.array([0]), np.array([0]), np.ones(1), 1, 0)
    gone, there = added_customers(cumulative, standard, horizon=3)
    assert there[0, 2] == pytest.approx(0.5, abs=1e-12)
    assert gone[0, :3].sum() == pytest.approx(0.5, abs=1e-12)
    # proportional hazards: log P is the cumulative hazard times one parameter
    assert np.log(there[0]) / cumulative[0, 1:] == pytest.approx(np.full(4, np.log(0.5) / 0.6), abs=1e-12)


def test_the_added_customer_is_one_customer_over_all_curves_and_entries() -> None:
    rng = np.random.default_rng(1)
    cumulative = np.cumsum(rng.uniform(0.01, 0.3, (2, 9)), axis=1)
    entry = np.array([0, 2, 0])
    standard = Standard("g", np.array([0, 0, 1]), entry, np.array([0.5, 0.2, 0.3]), 1, 0)
    gone, there = added_customers(cumulative, standard, horizon=4)
    assert gone.sum() + there[:, -1].sum() == pytest.approx(1, abs=1e-12)
    alone = Standard("g", np.array([0]), np.array([2]), np.ones(1), 1, 0)
    late, left = added_customers(cumulative, alone, horizon=4)
    assert (late[0, :2] == 0).all()
    assert left[0, 5] == pytest.approx(0.5, abs=1e-12)


def test_the_shape_is_that_of_all_levels() -> None:
    rows, spec = random_rows(5, 60_000), spec_for()
    spells = spells_from(rows, spec)
    shape = np.diff(shape_of_all(person_periods(spells), [np.array([0])], 6)[0])
    hazard = [
        ((rows["exit"] == t) & (rows["cause"] != "")).sum() / (rows["exit"] >= t).sum() for t in range(1, 7)
    ]
    # the weight of one customer on 60,000
    assert shape == pytest.approx(-np.log1p(-np.array(hazard)), rel=1e-3)


@pytest.mark.parametrize(
    "cells", [[(1, "x", 6, 0, 9)], [(1, "x", 1, 1, 9)], [(1, "x", 3, 1, 1), (1, "y", 6, 0, 4)]]
)
def test_a_shape_is_never_nothing_or_everything(cells: list[tuple[int, str, int, int, int]]) -> None:
    spec = spec_for(adjust=("plan",))
    spells = spells_from(cell_rows(*cells), spec)
    members = [np.array([pair]) for pair in range(spells.n_pairs)]
    steps = np.diff(shape_of_all(person_periods(spells), members, 12), axis=1)
    assert np.isfinite(steps).all()
    assert (steps > 0).all()


def draws_of(rows: pd.DataFrame, n_draws: int, horizon: int = 6, seed: int = 1) -> np.ndarray:
    """Draws of S at 0, 1, … of the group "1"."""
    spec = spec_for(horizon=horizon)
    spells = spells_from(rows, spec)
    request = request_of(spells, spec)
    standard = next(s for s in request.standards if s.group == "1")
    size = (n_draws, horizon + 1, horizon)
    rng, every = np.random.default_rng(seed), np.arange(horizon + 1)
    return np.concatenate(
        list(sparse_draws(person_periods(spells), request, standard, size, rng, read=every, added=ONE_IN_ALL))
    )


@pytest.mark.parametrize(("lost", "kept"), [(0, 20), (3, 30), (25, 2), (8, 0)])
def test_draws_at_the_horizon_are_beta_where_nobody_is_censored_before(lost: int, kept: int) -> None:
    rows = pd.concat([
        cell_rows((1, "x", 2, 1, lost // 2), (1, "x", 5, 1, lost - lost // 2), (1, "x", 6, 0, kept)),
        cell_rows((4, "x", 1, 1, 50), (4, "x", 3, 1, 80), (4, "x", 5, 1, 70), (4, "x", 6, 0, 400)),
    ])  # fmt: skip
    n_draws = 4000
    gone = 1 - draws_of(rows, n_draws)[:, 6]
    expected = stats.beta(lost + 0.5, kept + 0.5)
    # a mean of draws has the error sd / √draws, a share of them √(p (1 − p) / draws)
    assert gone.mean() == pytest.approx(expected.mean(), abs=4 * expected.std() / np.sqrt(n_draws))
    for q in (0.025, 0.5, 0.975):
        below = (gone <= expected.ppf(q)).mean()
        assert below == pytest.approx(q, abs=4 * np.sqrt(q * (1 - q) / n_draws))


def test_draws_do_not_depend_on_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = cell_rows((1, "x", 2, 1, 3), (1, "x", 6, 0, 20), (4, "x", 3, 1, 50), (4, "x", 6, 0, 50))
    whole = draws_of(rows, 35)
    monkeypatch.setattr("cxlink.survival.small_groups._BLOCK", 1)
    assert np.array_equal(whole, draws_of(rows, 35))
    assert (np.diff(whole, axis=1) <= 1e-12).all()
    assert whole.min() >= 0
    assert whole[:, 6].std() > 0


def test_causes_share_the_loss_by_a_dirichlet() -> None:
    rows = pd.concat([cell_rows((1, "x", 2, 1, 6), (1, "x", 3, 1, 2), (1, "x", 6, 0, 20))], ignore_index=True)
    rows.loc[rows.index[:6], "cause"] = "a"
    rows.loc[rows.index[6:8], "cause"] = "b"
    spells = spells_from(rows, spec_for())
    n_draws = 4000
    shares = split(spells, np.array([0]), np.ones(n_draws), 2, np.random.default_rng(1))
    assert shares.sum(axis=1) == pytest.approx(np.ones(n_draws), abs=1e-12)
    expected = stats.beta(6.25, 2.25)
    assert shares[:, 0].mean() == pytest.approx(expected.mean(), abs=4 * expected.std() / np.sqrt(n_draws))
    assert shares[:, 0].std() == pytest.approx(expected.std(), rel=4 / np.sqrt(2 * n_draws) * 1.3)


# --- whole cohorts -------------------------------------------------------------------------------------------------


def curves_of(rows: pd.DataFrame, spec: CohortSpec, n_draws: int = 2000, adjusted: bool = False) -> Survival:
    spells = spells_from(rows, spec)
    request = (
        standardised(spells, spec, reaches(spells, spec.horizon)) if adjusted else request_of(spells, spec)
    )
    assert request is not None
    request = replace(request, times=np.arange(spec.horizon + 1), horizons=(spec.horizon,))
    none = csr_array((0, len(spells.n)))
    rng = np.random.default_rng(1)
    return kaplan_meier(spells, [request], n_draws, rng, horizon=spec.horizon, scores=none).curves[0]


def interval_of(curves: Survival, group: str, t: int) -> tuple[float, float]:
    draws = curves.draws[:, next(g for g in curves.own if curves.groups[g] == group), t]
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def test_nobody_lost_in_the_whole_cohort() -> None:
    curves = curves_of(cell_rows((1, "x", 6, 0, 20), (5, "x", 6, 0, 2000)), spec_for())
    assert curves.sparse.all()
    for group, n in (("1", 20), ("5", 2000)):
        low, _ = interval_of(curves, group, 6)
        # Beta(½, n + ½): wide for 20 customers, narrow for 2,000
        assert low == pytest.approx(1 - stats.beta(0.5, n + 0.5).ppf(0.975), abs=0.3 / n * 4)
    assert curves.point[0] == pytest.approx(np.ones(7), abs=0)


def test_everybody_lost_in_the_first_period() -> None:
    curves = curves_of(cell_rows((1, "x", 1, 1, 10), (5, "x", 1, 1, 300)), spec_for())
    assert curves.point[:, 1:].max() == 0
    low, high = interval_of(curves, "1", 1)
    assert low >= 0
    assert 0.1 < high < 0.4
    assert 0 < interval_of(curves, "5", 1)[1] < 0.02
    assert np.isfinite(curves.draws).all()
    assert np.isfinite(curves.area.draws).all()


@pytest.mark.parametrize("lost", [0, 1])
def test_one_customer(lost: int) -> None:
    curves = curves_of(cell_rows((1, "x", 6, lost, 1)), spec_for())
    low, high = interval_of(curves, "1", 6)
    assert curves.point[0, 6] == 1 - lost
    assert high - low > 0.7
    assert 0 <= low < high <= 1


@pytest.mark.parametrize("entry", [0, 3])
def test_customers_who_were_never_followed(entry: int) -> None:
    rows = pd.DataFrame({"score": [1, 1, 5], "entry": entry, "exit": [entry, entry, entry + 6], "cause": ""})
    curves = curves_of(rows, spec_for(late=True), n_draws=20)
    worst = curves.groups.index("worst")
    assert np.isnan(curves.point[worst, 1:]).all()
    assert curves.point[worst, 0] == 1
    assert curves.last[worst] == 0
    assert np.isnan(curves.draws[:, worst, 1:]).all()


def test_standardised_groups_are_judged_over_their_strata() -> None:
    rows = pd.concat([
        cell_rows((1, "x", 2, 1, 2), (1, "x", 6, 0, 15), (1, "y", 4, 1, 3), (1, "y", 6, 0, 12)),
        cell_rows((5, "x", 2, 1, 40), (5, "x", 6, 0, 60), (5, "y", 4, 1, 50), (5, "y", 6, 0, 30)),
    ])  # fmt: skip
    curves = curves_of(rows, spec_for(adjust=("plan",)), adjusted=True)
    sparse = {curves.groups[g]: bool(curves.sparse[g]) for g in curves.own}
    assert sparse == {"1": True, "5": False, "worst": True, "best": False}
    low, high = interval_of(curves, "worst", 6)
    assert low < curves.point[curves.groups.index("worst"), 6] < high
    # the binomial error of 32 customers, five of them lost
    assert 0.15 < high - low < 0.35


@pytest.mark.slow
def test_coverage_of_small_groups_in_a_larger_cohort() -> None:
    # the level's hazard rises with time, the cohort's falls: the shape borrowed is not its own
    rng, n_draws, n_times = np.random.default_rng(12), 300, 6
    others = cell_rows(*((4, "x", t, 1, 60 - 5 * t) for t in range(1, 7)), (4, "x", 6, 0, 400))
    covered, plain = {}, {}
    for survival in (0.05, 0.9, 0.98):
        hits, misses = [], []
        for _ in range(100):
            n = 30
            stay = np.ceil(n_times * (rng.exponential(size=n) / -np.log(survival)) ** (1 / 1.3)).astype(int)
            exit_ = np.minimum(np.maximum(stay, 1), n_times)
            lost = stay <= n_times
            mine = pd.DataFrame(
                {"score": 1, "plan": "x", "entry": 0, "exit": exit_, "cause": np.where(lost, "lost", "")}
            )
            draws = draws_of(pd.concat([mine, others]), n_draws, seed=int(rng.integers(1 << 30)))[:, 6]
            low, high = np.quantile(draws, [0.025, 0.975])
            estimate = 1 - lost.mean()
            hits.append(min(low, estimate) <= survival <= max(high, estimate))
            again = rng.binomial(n, estimate, n_draws) / n
            misses.append(not np.quantile(again, 0.025) <= survival <= np.quantile(again, 0.975))
        covered[survival], plain[survival] = np.mean(hits), np.mean(misses)
    # nominal 0.95; 100 replications have an error of 0.022
    assert min(covered.values()) >= 0.90, covered
    assert max(plain.values()) > 0.3, plain
