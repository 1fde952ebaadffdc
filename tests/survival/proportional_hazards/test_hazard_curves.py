"""Standardised survival under grouped proportional hazards, its end, and its coverage where the model is true."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from clustered import account_rows, account_spec
from cohorts import cell_rows, random_rows, spec_for, spells_from

from cxlink.cohort.count.spells import Spells, person_periods, spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.table import read_cohort
from cxlink.groups.curves import restricted_mean
from cxlink.groups.requests import Request, followed, pooled
from cxlink.survival.kaplan_meier import point_curves
from cxlink.survival.proportional_hazards.grouped_ph import GroupedPH, group_effects, grouped_ph
from cxlink.survival.proportional_hazards.hazard_draws import estimated
from cxlink.survival.proportional_hazards.hazard_fit import Unestimated
from cxlink.survival.proportional_hazards.hazard_requests import hazard_requests


def _asked(spells: Spells, spec: CohortSpec, adjusted: str) -> Request:
    return next(r for r in hazard_requests(spells, spec) if r.labels["adjusted"] == adjusted)


def _made(spells: Spells, spec: CohortSpec, adjusted: str, n_draws: int = 50, **more: object) -> GroupedPH:
    made = grouped_ph(spells, spec, _asked(spells, spec, adjusted), n_draws, np.random.default_rng(1), **more)  # type: ignore[arg-type]
    assert isinstance(made, GroupedPH)
    return made


def test_one_level_in_one_stratum_is_kaplan_meier() -> None:
    rows, spec = random_rows(1, 800).assign(score=4), spec_for(horizon=5, tenure_horizons=[3, 7])
    spells = spells_from(rows, spec)
    request = replace(_asked(spells, spec, "no"), times=np.arange(9))
    made = grouped_ph(spells, spec, request, 20, np.random.default_rng(1))
    assert isinstance(made, GroupedPH)
    whole = pooled(spells, spec)
    assert whole is not None
    theirs = point_curves(spells, replace(whole, times=np.arange(9)))[0]
    np.testing.assert_allclose(made.curves.point[0], theirs, rtol=0, atol=1e-10)
    for k, horizon in enumerate(made.curves.horizons):
        assert made.curves.area.point[0, k] == pytest.approx(restricted_mean(theirs, horizon), abs=1e-10)


@pytest.mark.parametrize("late", [False, True], ids=["from the survey", "late entry"])
def test_a_standardised_curve_is_the_average_of_its_strata_and_entries(late: bool) -> None:
    """Written out: S(h) = Σ share · exp(−e^{xβ}·(Λ(e + h) − Λ(e))) over strata and followed entries."""
    rows = random_rows(2, 900, strata=3, late=late, follow_up=(6, 11))
    spec = spec_for(horizon=8, adjust=("plan",), late=late)
    spells = spells_from(rows, spec)
    made = _made(spells, spec, "standardised")
    rate, matrix = estimated(made.fit).cumulative[0], made.fit.design.matrix
    ratio = np.exp(matrix @ made.fit.solution.beta).reshape(5, 3)
    entered = rows.assign(entry=rows.get("entry", 0), at=rows["plan"].map({"x": 0, "y": 1, "z": 2}))
    inside = entered[entered["entry"] + 8 <= spells.n_periods]
    assert made.covered == pytest.approx(len(inside) / len(entered), abs=1e-12)
    for name, levels in (("3", [3]), ("best", [4, 5])):
        share = np.array([(rows["score"] == level).sum() for level in levels], dtype=float)
        total = 0.0
        for weight, level in zip(share / share.sum(), levels, strict=True):
            c = ratio[level - 1, inside["at"]]
            total += weight * np.exp(-c * (rate[inside["entry"] + 8] - rate[inside["entry"]])).mean()
        at = [made.curves.groups[g] for g in range(len(made.curves.groups))].index(name)
        assert made.curves.point[at, list(made.curves.times).index(8)] == pytest.approx(total, abs=1e-10)


def test_nothing_is_said_beyond_follow_up() -> None:
    rows, spec = random_rows(3, 400, strata=2), spec_for(horizon=6, adjust=("plan",), tenure_horizons=[8, 30])
    made = _made(spells_from(rows, spec), spec, "standardised").curves
    known = dict(zip(made.times.tolist(), np.isfinite(made.point).all(axis=0).tolist(), strict=True))
    assert all(said for t, said in known.items() if t <= 8)
    assert {t: known[t] for t in (0, 6, 8, 30)} == {0: True, 6: True, 8: True, 30: False}
    assert np.isnan(made.area.point[:, list(made.horizons).index(30)]).all()
    assert np.isnan(made.draws[..., list(made.times).index(30)]).all()


def test_a_cohort_that_dies_out_stays_at_nothing() -> None:
    rows = cell_rows(
        (1, "x", 1, True, 20), (1, "x", 3, True, 20), (5, "x", 2, True, 10), (5, "x", 3, True, 50)
    )
    spec = spec_for(horizon=2, tenure_horizons=[3, 40])
    made = _made(spells_from(rows, spec), spec, "no").curves
    at = list(made.times)
    assert (made.point[:, at.index(2)] > 0).all()
    assert (made.point[:, at.index(40)] == 0).all()
    np.testing.assert_allclose(
        made.area.point[:, made.horizons.index(40)],
        made.area.point[:, made.horizons.index(3)],
        rtol=0,
        atol=1e-12,
    )


def test_followed_leaves_out_entries_that_end_too_soon() -> None:
    spells = spells_from(random_rows(4, 300, late=True), spec_for(late=True))
    standard = _asked(spells, spec_for(late=True), "no").standards[-1]
    reach = np.array([6, 10, 10, 3, 4, 10, 10, 10, 10, 10, 10])
    share, kept = followed(standard, reach, 6)
    assert set(kept.entry) == set(standard.entry) & {0, 1, 2}
    assert share == pytest.approx(standard.weight[np.isin(standard.entry, [0, 1, 2])].sum(), abs=1e-12)
    assert kept.weight.sum() == pytest.approx(1, abs=1e-12)
    none, same = followed(standard, np.zeros(11, int), 6)
    assert none == 0
    assert same is standard


def test_a_bands_hazard_is_the_mean_of_its_levels_weighted_by_their_customers() -> None:
    rows, spec = random_rows(5, 900, strata=2), spec_for(adjust=("plan",))
    spells = spells_from(rows, spec)
    made = _made(spells, spec, "standardised")
    found = group_effects(spells, spec, made)
    n = rows["score"].value_counts()
    expected = (n[4] * made.effects[3] + n[5] * made.effects[4]) / (n[4] + n[5])
    assert found["best"][0] == pytest.approx(expected, abs=1e-12)
    np.testing.assert_allclose(
        found["best"][1], (made.effect_draws[:, 3] * n[4] + made.effect_draws[:, 4] * n[5]) / (n[4] + n[5])
    )


def test_the_model_is_refused_with_its_reason() -> None:
    rows, spec = random_rows(6, 40).assign(cause=""), spec_for()
    spells = spells_from(rows, spec)
    made = grouped_ph(spells, spec, _asked(spells, spec, "no"), 10, np.random.default_rng(1))
    assert made == Unestimated("no_losses")


def test_an_interaction_of_too_many_effects_is_refused() -> None:
    rng = np.random.default_rng(7)
    rows = random_rows(7, 4000).assign(plan=[f"p{k:02}" for k in rng.integers(0, 45, 4000)])
    spec = spec_for(adjust=("plan",))
    spells = spells_from(rows, spec)
    request = _asked(spells, spec, "standardised")
    made = grouped_ph(spells, spec, request, 10, np.random.default_rng(1), interacting=True)
    assert made == Unestimated("too_many_effects", {"effects": 224, "most": 150})


def _proportional(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Discrete times from proportional hazards: strata drive both score and loss."""
    stratum = rng.integers(0, 2, n)
    score = np.where(rng.random(n) < 0.3 + 0.4 * stratum, 5, np.where(rng.random(n) < 0.5, 3, 1))
    rate = np.exp(-0.3 * (score - 3)) * np.exp(0.7 * stratum)
    stay = np.searchsorted(_BASELINE, rng.exponential(size=n) / rate, side="left")
    seen = rng.integers(6, 10, n)
    exit_ = np.minimum(stay, seen)
    lost = np.where((stay <= seen) & (exit_ > 0), "lost", "")
    return pd.DataFrame({"score": score, "plan": np.array(["x", "y"])[stratum], "exit": exit_, "cause": lost})


_BASELINE = np.cumsum([0, 0.05, 0.02, 0.08, 0.02, 0.03, 0.1, 0.02, 0.04, 0.03])


@pytest.mark.slow
def test_intervals_cover_where_hazards_are_proportional_and_adjusted_for() -> None:
    """The standardised contrast and the conditional ratio hold the truth at their rate, the crude one does not."""
    spec = spec_for(horizon=6, adjust=("plan",), contrasts=["5:1"])
    shares = np.array([0.5, 0.5])
    truth = [
        float(shares @ np.exp(-_BASELINE[6] * np.exp(-0.3 * (s - 3)) * np.exp([0, 0.7]))) for s in (5, 1)
    ]
    rng, n_cohorts, held = np.random.default_rng(20140801), 100, np.zeros(3)
    for _ in range(n_cohorts):
        spells = spells_from(_proportional(rng, 3000), spec)
        adjusted = grouped_ph(spells, spec, _asked(spells, spec, "standardised"), 300, rng)
        crude = grouped_ph(spells, spec, _asked(spells, spec, "no"), 300, rng)
        assert isinstance(adjusted, GroupedPH)
        assert isinstance(crude, GroupedPH)
        at = adjusted.curves.groups.index("5"), adjusted.curves.groups.index("1")
        when = list(adjusted.curves.times).index(6)
        difference = adjusted.curves.draws[:, at[0], when] - adjusted.curves.draws[:, at[1], when]
        quantities = (
            (difference, truth[0] - truth[1]),
            (adjusted.effect_draws[:, 2] - adjusted.effect_draws[:, 0], -1.2),
            (crude.effect_draws[:, 2] - crude.effect_draws[:, 0], -1.2),
        )
        for k, (draws, true) in enumerate(quantities):
            low, high = np.quantile(draws, [0.025, 0.975])
            held[k] += low <= true <= high
    assert held[:2] / n_cohorts == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / n_cohorts))
    assert held[2] / n_cohorts < 0.6


def test_a_cohort_of_a_million_agrees_with_its_thousandth_part() -> None:
    rows, spec = random_rows(9, 1000, strata=2), spec_for(adjust=("plan",))
    spells = spells_from(rows, spec)
    small = _made(spells, spec, "standardised", 4000)
    large = _made(replace(spells, n=spells.n * 1000), spec, "standardised", 4000)
    np.testing.assert_allclose(large.curves.point, small.curves.point, rtol=0, atol=1e-9)
    when = list(small.curves.times).index(spec.horizon)
    ratio = small.curves.draws[..., when].std(axis=0) / large.curves.draws[..., when].std(axis=0)
    np.testing.assert_allclose(ratio, np.sqrt(1000), rtol=0.1)
    assert person_periods(spells).lost.sum() > 0


@pytest.mark.parametrize(("many", "without"), [(1, {"1"}), (40, {"1", "worst"})], ids=["a few", "many"])
def test_a_level_that_lost_all_takes_the_interval_of_clustered_groups_that_it_is_much_of(
    many: int, without: set[str]
) -> None:
    rows = account_rows()
    rows = rows[rows["score"] > 1]
    lost = rows.iloc[:many].assign(score=1, months=1, left=1, account="alone")
    spec = account_spec(score={"column": "score", "scale": "1-5", "worst": [1, 2], "best": [5]})
    spells = spells_of(read_cohort(pd.concat([rows, lost]), spec).count())
    curves = _made(spells, spec, "standardised").curves
    assert {name for name, sparse in zip(curves.groups, curves.sparse, strict=True) if sparse} == without


def test_where_nobody_was_lost_up_to_the_horizon_half_a_loss_makes_the_interval() -> None:
    """Six customers at risk in four periods before the first loss: hazards are Gamma(1/2, 24), S(3) = e^{-3h}."""
    spells = spells_from(cell_rows((4, "x", 5, 1, 1), (4, "x", 7, 0, 5)), spec_for(horizon=3))
    made = _made(spells, spec_for(horizon=3), "no", n_draws=20_000)
    at = made.curves.times.tolist().index(3)
    assert (made.curves.point[:, at] == 1).all()
    assert made.curves.sparse.all()
    low = np.quantile(made.curves.draws[:, 0, at], 0.025)
    assert low == pytest.approx(np.exp(-3 * 5.0239 / 2 / 24), abs=0.01)
    # one loss before the horizon, and the draws are those of the estimate alone
    earlier = spells_from(cell_rows((4, "x", 3, 1, 1), (4, "x", 7, 0, 5)), spec_for(horizon=3))
    assert not _made(earlier, spec_for(horizon=3), "no").curves.sparse.any()
