"""Kaplan–Meier on counts against lifelines on rows, against loops, and its bootstrap against its exact variance."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from cohorts import cell_rows, random_rows, spec_for, spells_from
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from scipy.sparse import csr_array

from cxlink.cohort.count.spells import Spells
from cxlink.groups import layout
from cxlink.groups.discrete_hazard import carried
from cxlink.groups.requests import Request, from_first_at_risk, pooled
from cxlink.groups.standardisation import standardised
from cxlink.groups.support import reaches
from cxlink.survival.bootstrap import multinomial
from cxlink.survival.kaplan_meier import kaplan_meier, point_curves
from cxlink.survival.survival import Survival

FOUR = 4.0


def estimate(
    spells: Spells, request: Request, n_draws: int = 10, seed: int = 1, horizon: int = 6
) -> Survival:
    none = csr_array((0, len(spells.n)))
    made = kaplan_meier(spells, [request], n_draws, np.random.default_rng(seed), horizon=horizon, scores=none)
    return made.curves[0]


def asked(request: Request | None, horizons: tuple[int, ...] = (3, 6), last: int = 12) -> Request:
    assert request is not None
    return replace(request, times=np.arange(last + 1), horizons=horizons)


def levels(group: str) -> list[int]:
    return {"worst": [1], "best": [4, 5], "all": [1, 2, 3, 4, 5]}.get(group) or [int(group)]


def of_group(rows: pd.DataFrame, group: str) -> pd.DataFrame:
    return rows[rows["score"].isin(levels(group))]


# --- against lifelines on rows -------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equals_lifelines_on_rows_at_every_period_and_level(seed: int) -> None:
    rows, spec = random_rows(seed, 400), spec_for()
    curves = estimate(spells_from(rows, spec), asked(pooled(spells_from(rows, spec), spec)))
    assert curves.groups == ("1", "2", "3", "4", "5", "worst", "best", "all")
    for g, group in enumerate(curves.groups):
        mine = of_group(rows, group)
        fitted = KaplanMeierFitter().fit(mine["exit"], mine["cause"] != "")
        last = int(mine["exit"].max())
        assert curves.last[g] == last
        expected = fitted.predict(np.arange(last + 1)).to_numpy()
        # identical arithmetic but for the order of sums and logs
        assert curves.point[g, : last + 1] == pytest.approx(expected, abs=1e-9)
        beyond = curves.point[g, last + 1 :]
        assert (beyond == 0).all() if expected[-1] == 0 else np.isnan(beyond).all()
        assert (curves.n[g], curves.n_events[g]) == (len(mine), (mine["cause"] != "").sum())


@pytest.mark.parametrize("seed", [4, 5])
def test_equals_lifelines_with_late_entry_from_signup(seed: int) -> None:
    rows, spec = random_rows(seed, 600, late=True), spec_for(late=True)
    rows = rows[rows["exit"] > rows["entry"]]
    spells = spells_from(rows, spec)
    curves = estimate(spells, from_first_at_risk(asked(pooled(spells, spec))))
    for g, group in enumerate(curves.groups):
        mine = of_group(rows, group)
        fitted = KaplanMeierFitter().fit(mine["exit"], mine["cause"] != "", entry=mine["entry"])
        last = int(mine["exit"].max())
        assert curves.point[g, : last + 1] == pytest.approx(fitted.predict(np.arange(last + 1)), abs=1e-9)


def test_a_curve_from_signup_starts_where_somebody_is_at_risk() -> None:
    rows = pd.DataFrame({
        "score": 1, "entry": [2, 2, 2, 3, 3], "exit": [3, 4, 5, 4, 6], "cause": ["lost", "lost", "", "lost", ""],
    })  # fmt: skip
    spec = spec_for(late=True)
    spells = spells_from(rows, spec)
    curves = estimate(spells, from_first_at_risk(asked(pooled(spells, spec), last=7)))
    # nobody is at risk in periods 1 and 2; then 1 of 3, 2 of 4, 0 of 2, 0 of 1
    expected = [np.nan] * 3 + [2 / 3, 1 / 3, 1 / 3, 1 / 3, np.nan]
    assert curves.point[0] == pytest.approx(expected, abs=1e-12, nan_ok=True)
    assert curves.last[0] == 6


def test_everybody_lost_and_nobody_lost() -> None:
    rows = cell_rows((1, "x", 1, 1, 12), (1, "x", 3, 1, 4), (5, "x", 8, 0, 30))
    spec = spec_for()
    spells = spells_from(rows, spec)
    curves = estimate(spells, asked(pooled(spells, spec), last=9))
    lost, kept = curves.groups.index("worst"), curves.groups.index("best")
    assert curves.point[lost] == pytest.approx([1, 0.25, 0.25, *[0] * 7], abs=1e-300)
    assert curves.point[kept, :9] == pytest.approx(np.ones(9), abs=1e-15)
    assert np.isnan(curves.point[kept, 9])
    assert (curves.last[lost], curves.last[kept]) == (3, 8)
    # area: log-linear to 1/4, flat, then linear to 0
    assert curves.area.point[lost] == pytest.approx([0.75 / np.log(4) + 0.25 + 0.125] * 2, abs=1e-12)
    for draws in (curves.draws, curves.area.draws):
        assert not np.isnan(draws[:, lost]).any()


def test_a_risk_set_that_runs_empty_early_ends_the_curve() -> None:
    rows = pd.DataFrame({
        "score": 1, "entry": [0, 0, 0, 4], "exit": [1, 2, 2, 6], "cause": ["lost", "", "", "lost"],
    })  # fmt: skip
    spec = spec_for(horizon=2, late=True)
    spells = spells_from(rows, spec)
    since = estimate(spells, from_first_at_risk(asked(pooled(spells, spec))), horizon=2)
    assert since.point[0, :4] == pytest.approx([1, 2 / 3, 2 / 3, np.nan], abs=1e-12, nan_ok=True)
    assert since.last[0] == 2
    # from the survey: entry 0 is followed for two periods, entry 4 for two, at the end of which all are lost
    own = estimate(spells, asked(pooled(spells, spec), horizons=(2,)), horizon=2)
    assert own.point[0, :4] == pytest.approx(
        [1, 0.75 * 2 / 3 + 0.25, 0.75 * 2 / 3, np.nan], abs=1e-12, nan_ok=True
    )


# --- against loops ---------------------------------------------------------------------------------------------------


def hazard_of(rows: pd.DataFrame, t: int) -> float:
    """Share lost in period t of those at risk; NaN where nobody is."""
    at_risk = (rows["entry"] < t) & (rows["exit"] >= t)
    return float(((rows["exit"] == t) & (rows["cause"] != ""))[at_risk].mean()) if at_risk.any() else np.nan


def conditional(rows: pd.DataFrame, entry: int, h: int) -> float:
    """S(e + h) / S(e) as a product over periods; NaN beyond the last at risk."""
    survival = 1.0
    for t in range(entry + 1, entry + h + 1):
        hazard = hazard_of(rows, t)
        if survival > 0:
            survival *= 1 - hazard
    return survival


@pytest.mark.parametrize("seed", [11, 12])
def test_survival_after_late_entry_averages_over_the_entries_that_can_be_followed(seed: int) -> None:
    rows, spec = random_rows(seed, 500, late=True), spec_for(horizon=4, late=True)
    spells = spells_from(rows, spec)
    request = asked(pooled(spells, spec), horizons=(2, 4))
    curves = estimate(spells, request, horizon=4)
    for g, group in enumerate(curves.groups):
        mine = of_group(rows, group)
        shares = mine["entry"].value_counts(normalize=True)
        reached = {e: share for e, share in shares.items() if not np.isnan(conditional(mine, e, 4))}
        total = sum(reached.values())
        for h in range(6):
            expected = sum(share / total * conditional(mine, e, h) for e, share in reached.items())
            assert curves.point[g, h] == pytest.approx(expected, abs=1e-10, nan_ok=True)
        assert request.covered.get(group, 1.0) == pytest.approx(total, abs=1e-12)


def aalen_johansen(rows: pd.DataFrame, cause: str, h: int) -> float:
    """Row by row: Σ over losses to the cause of S(just before) / number at risk then."""
    total, survival = 0.0, 1.0
    for t in range(1, h + 1):
        at_risk = (rows["exit"] >= t).sum()
        total += survival * ((rows["exit"] == t) & (rows["cause"] == cause)).sum() / at_risk
        survival *= 1 - hazard_of(rows, t)
    return total


@pytest.mark.parametrize("causes", [2, 3])
def test_cumulative_incidence_equals_aalen_johansen_on_rows(causes: int) -> None:
    rows, spec = random_rows(7, 700, causes=causes), spec_for()
    spells = spells_from(rows, spec)
    curves = estimate(spells, asked(pooled(spells, spec)), n_draws=30)
    assert curves.causes == ("a", "b", "c")[:causes]
    for g, group in enumerate(curves.groups):
        mine = of_group(rows, group)
        expected = [aalen_johansen(mine, cause, 6) for cause in curves.causes]
        assert curves.incidence.point[g] == pytest.approx(expected, abs=1e-12)
    gone = 1 - curves.point[:, 6]
    assert curves.incidence.point.sum(axis=1) == pytest.approx(gone, abs=1e-12)
    drawn = curves.incidence.draws.sum(axis=2)
    assert drawn == pytest.approx(1 - curves.draws[..., 6], abs=1e-12)


def test_cumulative_incidence_after_late_entry_averages_over_entries() -> None:
    rows, spec = random_rows(13, 600, late=True, causes=2, follow_up=(9, 12)), spec_for(horizon=3, late=True)
    spells = spells_from(rows, spec)
    request = asked(pooled(spells, spec), horizons=(3,))
    curves = estimate(spells, request, horizon=3)
    assert request.covered == {}
    for g, group in enumerate(curves.groups):
        mine = of_group(rows, group)
        for c, cause in enumerate(curves.causes):
            expected = 0.0
            for entry, share in mine["entry"].value_counts(normalize=True).items():
                for t in range(entry + 1, entry + 4):
                    at_risk = mine[(mine["entry"] < t) & (mine["exit"] >= t)]
                    to_cause = ((at_risk["exit"] == t) & (at_risk["cause"] == cause)).mean()
                    expected += share * conditional(mine, entry, t - 1 - entry) * to_cause
            assert curves.incidence.point[g, c] == pytest.approx(expected, abs=1e-12)


def test_one_cause_is_no_competition() -> None:
    rows, spec = random_rows(7, 200), spec_for()
    curves = estimate(spells_from(rows, spec), asked(pooled(spells_from(rows, spec), spec)))
    assert curves.causes == ()
    assert curves.incidence is None


def test_incidence_is_unknown_where_survival_is() -> None:
    rows, spec = random_rows(7, 200, causes=2, follow_up=(2, 5)), spec_for(horizon=6)
    curves = estimate(spells_from(rows, spec), asked(pooled(spells_from(rows, spec), spec)))
    assert np.isnan(curves.point[:, 6]).all()
    assert np.isnan(curves.incidence.point).all()


@pytest.mark.parametrize("n", [20, 4])
def test_incidence_is_known_where_follow_up_ends_at_the_horizon(n: int) -> None:
    """Of 2n customers n are lost in month 2, half to each cause, and n followed to month 6; sparse for n = 4 too."""
    rows = pd.DataFrame({"score": 5, "exit": [2] * n + [6] * n, "cause": ["a", "b"] * (n // 2) + [""] * n})
    spec = spec_for(horizon=6)
    spells = spells_from(rows, spec)
    curves = estimate(spells, asked(pooled(spells, spec)), n_draws=50)
    assert curves.sparse.all() == (n < 10)
    assert curves.incidence is not None
    assert curves.incidence.point == pytest.approx(np.full((len(curves.groups), 2), 0.25))
    assert np.isfinite(curves.incidence.draws).all()


def test_restricted_means_lie_between_the_sums_of_lifelines() -> None:
    rows, spec = random_rows(9, 500), spec_for()
    curves = estimate(spells_from(rows, spec), asked(pooled(spells_from(rows, spec), spec)))
    for g, group in enumerate(curves.groups):
        mine = of_group(rows, group)
        fitted = KaplanMeierFitter().fit(mine["exit"], mine["cause"] != "")
        for k, h in enumerate(curves.horizons):
            step = restricted_mean_survival_time(fitted, t=h)  # Σ S(t), t = 0, …, h − 1
            survival = fitted.predict(np.arange(h + 1)).to_numpy()
            pieces = [(a - b) / np.log(a / b) if a > b > 0 else (a + b) / 2 for a, b in pairwise(survival)]
            assert curves.area.point[g, k] == pytest.approx(sum(pieces), abs=1e-10)
            assert step - 1 + survival[-1] < curves.area.point[g, k] < step


def test_a_restricted_mean_is_unknown_beyond_the_curve() -> None:
    rows, spec = cell_rows((1, "x", 3, 1, 12), (1, "x", 5, 0, 30)), spec_for(horizon=5)
    curves = estimate(
        spells_from(rows, spec), asked(pooled(spells_from(rows, spec), spec), horizons=(5, 6, 7)), horizon=5
    )
    assert np.isnan(curves.area.point[0]).tolist() == [False, True, True]
    assert np.isnan(curves.area.draws[:, 0]).any(axis=0).tolist() == [False, True, True]


def test_point_curves_are_those_with_draws() -> None:
    rows, spec = random_rows(2, 300, strata=2), spec_for(adjust=("plan",))
    spells = spells_from(rows, spec)
    request = asked(standardised(spells, spec, reaches(spells, spec.horizon)))
    assert point_curves(spells, request) == pytest.approx(estimate(spells, request).point, abs=0, nan_ok=True)


def test_share_of_a_mean_beyond_ten_at_risk() -> None:
    rows = cell_rows((1, "x", 2, 0, 5), (1, "x", 4, 0, 8), (1, "x", 6, 0, 2))
    spec = spec_for()
    spells = spells_from(rows, spec)
    curves = estimate(spells, asked(pooled(spells, spec), horizons=(3, 4, 6)))
    assert (curves.observed_until[0], curves.last[0]) == (4, 6)
    # nobody is lost: S is 1 throughout, two of the six periods lie beyond
    assert curves.extrapolated_area[0] == pytest.approx([0, 0, 1 / 3], abs=1e-12)


# --- laws ------------------------------------------------------------------------------------------------------------


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 60), late=st.booleans(), strata=st.integers(1, 3))
def test_laws_of_any_cohort(seed: int, n: int, late: bool, strata: int) -> None:
    rows = random_rows(seed, n, strata=strata, late=late)
    spec = spec_for(horizon=3, adjust=("plan",), late=late)
    spells = spells_from(rows, spec)
    adjusted = standardised(spells, spec, reaches(spells, spec.horizon))
    for request in [pooled(spells, spec), *([adjusted] if adjusted is not None else [])]:
        curves = estimate(spells, asked(request, horizons=(1, 2, 3, 5)), n_draws=20, horizon=3)
        for survival, tenure in (
            (curves.point[None], curves.area.point[None]),
            (curves.draws, curves.area.draws),
        ):
            known = survival[~np.isnan(survival)]
            assert ((known > -1e-12) & (known < 1 + 1e-12)).all()
            falls = np.diff(survival, axis=-1)
            assert (falls[~np.isnan(falls)] < 1e-12).all()
            held = tenure[~np.isnan(tenure)]
            assert (held > 0).all()
            assert not (tenure > np.array(curves.horizons) + 1e-9).any()
            rises = np.diff(tenure, axis=-1)
            assert (rises[~np.isnan(rises)] > -1e-12).all()
        # what is known of the estimate is known of its draws
        assert (np.isnan(curves.point)[None] == np.isnan(curves.draws)).all()


# --- the bootstrap ---------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("few", [0, 10**6], ids=["spell by spell", "customer by customer"])
@pytest.mark.parametrize("n", [np.array([1, 2, 1, 3, 1, 1]), np.array([900, 40, 5, 1, 0, 54])])
def test_resampling_is_multinomial(n: np.ndarray, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cxlink.survival.bootstrap._FEW", few)
    n_draws, total = 40_000, n.sum()
    drawn = np.concatenate(list(multinomial(n, n_draws, 9_000, np.random.default_rng(8))), axis=1)
    assert drawn.shape == (len(n), n_draws)
    assert (drawn.sum(axis=0) == total).all()
    assert (drawn >= 0).all()
    share = n / total
    expected = total * (np.diag(share) - np.outer(share, share))
    error = np.sqrt(n_draws)
    spread = np.sqrt(np.diag(expected))
    assert (np.abs(drawn.mean(axis=1) - n) <= FOUR * spread / error + 1e-12).all()
    # Var(sample covariance) is about (σ_ij² + σ_ii σ_jj) / draws, and the fourth moment of rare spells
    noise = (
        np.sqrt((expected**2 + np.outer(np.diag(expected), np.diag(expected))) / n_draws)
        + spread.max() / error
    )
    assert (np.abs(np.cov(drawn) - expected) <= FOUR * noise + 1e-12).all()


def drawn_by(made: Survival) -> tuple[np.ndarray, ...]:
    assert made.incidence is not None
    return made.draws, made.area.draws, made.incidence.draws, made.emptied


@pytest.mark.parametrize("few", [0, 10**6])
def test_the_same_seed_gives_the_same_draws_whatever_the_block(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, spec = random_rows(24, 400, strata=2, causes=2, follow_up=(3, 9)), spec_for(adjust=("plan",))
    spells = spells_from(rows, spec)
    request = asked(standardised(spells, spec, reaches(spells, spec.horizon)))
    monkeypatch.setattr("cxlink.survival.bootstrap._FEW", few)
    whole = estimate(spells, request, n_draws=57)
    assert whole.emptied.max() > 0  # blocks must hand on what their last draw knew
    monkeypatch.setattr(layout, "_BLOCK", 1)
    pieces = estimate(spells, request, n_draws=57)
    for one, other in zip(*(drawn_by(made) for made in (whole, pieces)), strict=True):
        assert np.array_equal(one, other, equal_nan=True)
    other = estimate(spells, request, n_draws=57, seed=2)
    assert not np.array_equal(whole.draws, other.draws, equal_nan=True)


def test_a_draw_that_empties_a_cell_takes_the_hazard_of_the_draw_before() -> None:
    nan = np.nan
    hazard = np.array([[[[0.1, 0.2, nan, nan, 0.5], [nan, 0.3, 0.3, nan, 0.3]]]])
    empty = np.isnan(hazard[0])
    filled, last = carried(np.nan_to_num(hazard), empty, np.array([[[0.9, 0.8]]]))
    assert filled[0, 0] == pytest.approx(
        np.array([[0.1, 0.2, 0.2, 0.2, 0.5], [0.8, 0.3, 0.3, 0.3, 0.3]]), abs=0
    )
    assert last[0, 0] == pytest.approx([0.5, 0.3], abs=0)


def test_emptied_counts_draws_without_a_cell_before_the_horizon() -> None:
    rows = cell_rows(
        (1, "x", 6, 0, 1),
        (1, "y", 6, 0, 40),
        (5, "x", 6, 0, 40),
        (5, "y", 6, 0, 40),
        (5, "y", 9, 0, 1),
        (5, "x", 2, 1, 30),
    )
    rows = pd.concat([rows, cell_rows((1, "x", 5, 0, 20), (1, "x", 4, 1, 10), (1, "y", 5, 1, 30))])
    spec = spec_for(adjust=("plan",))
    spells = spells_from(rows, spec)
    request = asked(standardised(spells, spec, reaches(spells, spec.horizon)))
    n_draws = 3000
    curves = estimate(spells, request, n_draws=n_draws)
    worst = next(g for g in curves.own if curves.groups[g] == "worst")
    # the cell of worst and x is one customer in period 6: left out of a draw with probability (1 − 1/N)^N
    expected = (1 - 1 / len(rows)) ** len(rows)
    assert curves.emptied[worst] == pytest.approx(
        expected, abs=FOUR * np.sqrt(expected * (1 - expected) / n_draws)
    )
    assert curves.emptied[next(g for g in curves.own if curves.groups[g] == "best")] == 0
    whole = estimate(spells, asked(pooled(spells, spec)), n_draws=300)
    assert whole.last[whole.groups.index("best")] == 9
    assert whole.emptied[whole.groups.index("best")] == 0  # a third of the draws have nobody in period 9


def test_a_draw_in_which_all_were_lost_empties_nothing() -> None:
    # without the one customer left after period 5, everybody at risk in period 5 is lost: S is 0 and known
    rows = cell_rows(
        (1, "x", 5, 1, 30), (1, "x", 6, 0, 1), (1, "y", 5, 1, 30), (1, "y", 6, 0, 40), (5, "x", 6, 0, 40)
    )
    rows = pd.concat([rows, cell_rows((5, "y", 2, 1, 30), (5, "y", 6, 0, 40))])
    spec = spec_for(adjust=("plan",))
    spells = spells_from(rows, spec)
    curves = estimate(spells, asked(standardised(spells, spec, reaches(spells, spec.horizon))), n_draws=300)
    worst = next(g for g in curves.own if curves.groups[g] == "worst")
    assert not curves.sparse[worst]
    assert curves.emptied[worst] == 0


def test_influence_is_what_the_bootstrap_moved() -> None:
    rows, spec = random_rows(35, 500), spec_for()
    spells = spells_from(rows, spec)
    scores = csr_array(np.vstack([np.ones(len(spells.n)), spells.n * (spells.exit > 3)]))
    n_draws = 4000
    made = kaplan_meier(spells, [], n_draws, np.random.default_rng(1), horizon=6, scores=scores)
    # Σ (w / n − 1) · n over part of the cohort is the change in its size: binomial
    share = (rows["exit"] > 3).mean()
    spread = np.sqrt(len(rows) * share * (1 - share))
    assert made.influence.mean(axis=0)[1] == pytest.approx(0, abs=FOUR * spread / np.sqrt(n_draws))
    assert made.influence[:, 1].std() == pytest.approx(spread, rel=FOUR / np.sqrt(2 * n_draws))
    assert made.influence[:, 0].mean() == pytest.approx(
        0, abs=FOUR * made.influence[:, 0].std() / np.sqrt(n_draws)
    )


def influence(rows: pd.DataFrame, h: int, survival_to: int) -> np.ndarray:
    """Influence of each row on S(h): −S(h)·Σ_{t ≤ min(h, exit)} (1(lost at t) − h_t) / r_t, unscaled by n."""
    values = np.zeros(len(rows))
    for t in range(1, survival_to + 1):
        at_risk = ((rows["entry"] < t) & (rows["exit"] >= t)).to_numpy()
        lost = ((rows["exit"] == t) & (rows["cause"] != "")).to_numpy()
        hazard = lost.sum() / at_risk.sum()
        values += np.where(at_risk, (lost - hazard) / (at_risk.sum() * (1 - hazard)), 0.0)
    return -conditional(rows, 0, h) * values


def test_standard_errors_agree_with_greenwood() -> None:
    rows, spec = random_rows(31, 4000), spec_for()
    spells = spells_from(rows, spec)
    n_draws = 3000
    curves = estimate(spells, asked(pooled(spells, spec)), n_draws=n_draws)
    for g, group in enumerate(curves.groups):
        mine = of_group(rows, group)
        for t in (1, 3, 6):
            periods = range(1, t + 1)
            r = np.array([(mine["exit"] >= u).sum() for u in periods])
            d = np.array([((mine["exit"] == u) & (mine["cause"] != "")).sum() for u in periods])
            greenwood = curves.point[g, t] * np.sqrt((d / (r * (r - d))).sum())
            # Monte Carlo: 1/sqrt(2 draws); the bootstrap's own order is 1/n
            allowed = FOUR / np.sqrt(2 * n_draws) + 2 / len(mine)
            assert curves.draws[:, g, t].std() == pytest.approx(greenwood, rel=allowed)


def test_standard_errors_of_standardised_values_and_means_agree_with_their_influence() -> None:
    rows, spec = random_rows(32, 6000, strata=3), spec_for(adjust=("plan",))
    spells = spells_from(rows, spec)
    request = asked(standardised(spells, spec, reaches(spells, spec.horizon)), horizons=(6,))
    n_draws = 3000
    curves = estimate(spells, request, n_draws=n_draws)
    share = rows["plan"].value_counts(normalize=True)
    names = {curves.groups[g]: g for g in curves.own}
    by_level = {}
    for level in (1, 4, 5):
        survival, curve_influence = np.zeros(7), np.zeros((7, len(rows)))
        for plan, weight in share.items():
            at = ((rows["score"] == level) & (rows["plan"] == plan)).to_numpy()
            for t in range(7):
                survival[t] += weight * conditional(rows[at], 0, t)
                curve_influence[t, at] += weight * influence(rows[at], t, t)
        by_level[level] = survival, curve_influence
    sizes = rows["score"].value_counts()
    pool = sizes[[4, 5]] / sizes[[4, 5]].sum()
    best = tuple(pool[4] * a + pool[5] * b for a, b in zip(by_level[4], by_level[5], strict=True))
    gradient = 1e-6
    for name, (survival, curve_influence) in {"worst": by_level[1], "best": best}.items():
        g = names[name]
        exact = np.sqrt((curve_influence[6] ** 2).sum())
        assert curves.draws[:, g, 6].std() == pytest.approx(exact, rel=FOUR / np.sqrt(2 * n_draws) + 0.02)
        area = restricted(survival)
        slope = np.array(
            [(restricted(survival + gradient * np.eye(7)[t]) - area) / gradient for t in range(7)]
        )
        exact = np.sqrt(((slope @ curve_influence) ** 2).sum())
        assert curves.area.draws[:, g, 0].std() == pytest.approx(
            exact, rel=FOUR / np.sqrt(2 * n_draws) + 0.02
        )
    # a contrast shares its draws: best and worst are different customers, nearly uncorrelated
    a, b = names["best"], names["worst"]
    apart = (curves.draws[:, a, 6] - curves.draws[:, b, 6]).std()
    exact = np.sqrt(((best[1][6] - by_level[1][1][6]) ** 2).sum())
    assert apart == pytest.approx(exact, rel=FOUR / np.sqrt(2 * n_draws) + 0.02)


def restricted(survival: np.ndarray) -> float:
    before, after = survival[:-1], survival[1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.where(before == after, before, (before - after) / np.log(before / after)).sum())


def test_two_requests_share_their_draws() -> None:
    rows, spec = random_rows(33, 800, strata=2), spec_for(adjust=("plan",))
    spells = spells_from(rows, spec)
    first = asked(pooled(spells, spec))
    adjusted = standardised(spells, spec, reaches(spells, spec.horizon))
    none = csr_array((0, len(spells.n)))
    both = kaplan_meier(
        spells, [first, asked(adjusted)], 400, np.random.default_rng(1), horizon=6, scores=none
    ).curves
    same = [next(g for g in c.own if c.groups[g] == "best") for c in both]
    together = np.corrcoef(both[0].draws[:, same[0], 6], both[1].draws[:, same[1], 6])[0, 1]
    assert 0.9 < together < 1


def test_nothing_asked_is_nothing_done() -> None:
    rows, spec = random_rows(33, 50), spec_for()
    spells = spells_from(rows, spec)
    scores = csr_array((0, len(spells.n)))
    made = kaplan_meier(spells, [], 10, np.random.default_rng(1), horizon=6, scores=scores)
    assert made.curves == ()
    assert made.influence.shape == (10, 0)
