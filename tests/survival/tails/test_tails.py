"""What continues curves: its structure, renewals, sparse cohorts, and its error by earlier origins."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cohorts import random_rows, spec_for, spells_from

from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.estimands.model_rows.spliced_rows import extrapolation_distance
from cxlink.groups.requests import by_level
from cxlink.groups.standardisation import standardised
from cxlink.report.check_notes import published_error
from cxlink.survival.tails.continued_hazards import cell_counts, last_with_ten
from cxlink.survival.tails.earlier_origins import own_errors
from cxlink.survival.tails.extrapolation_error import Errors
from cxlink.survival.tails.published_errors import published_error_at
from cxlink.survival.tails.renewal_cycle import renewal_cycle
from cxlink.survival.tails.spell_scores import spell_scores
from cxlink.survival.tails.spliced_tenure import Further, spliced
from cxlink.survival.tails.tail_fit import CellCounts, TailFit, cohort_hazard, fit_tails
from cxlink.survival.tails.tail_terms import terms_for
from cxlink.survival.tails.tails import tails_of
from cxlink.survival.tails.time_functions import DAMPED, RenewalTimes, time_functions

ERRORS = Errors(0.2, 0.2, 0.0)
ONE = pd.DataFrame(index=range(1))


def expected(hazard: np.ndarray, customers: float, strata: pd.DataFrame = ONE) -> Spells:
    """Customers of each cell, followed for all periods, rounded to what is expected of these hazards."""
    parts = []
    for cell, h in enumerate(hazard):
        survival = np.cumprod(np.r_[1.0, 1 - h])
        n = np.r_[-np.diff(survival), survival[-1]] * customers
        last = len(h)
        parts.append(pd.DataFrame({
            "pair": cell, "exit": np.r_[np.arange(1, last + 1), last], "cause": np.r_[np.ones(last, int), 0],
            "n": n.round().astype(np.int64),
        }))  # fmt: skip
    cells = pd.concat(parts, ignore_index=True)
    cells = cells[cells["n"] > 0]
    n_strata = max(len(strata), 1)
    level, stratum = np.divmod(np.arange(len(hazard)), n_strata)
    return Spells(
        levels=tuple(range(1, len(hazard) // n_strata + 1)), strata=strata, causes=("lost",), level=level,
        stratum=stratum, pair=cells["pair"].to_numpy(), entry=np.zeros(len(cells), int), exit=cells["exit"].to_numpy(),
        cause=cells["cause"].to_numpy(), n=cells["n"].to_numpy(), spend=np.zeros((len(cells), 3)),
    )  # fmt: skip


def projected(spells: Spells, end: int, **more: object) -> tuple[np.ndarray, np.ndarray]:
    tails = tails_of(spells, np.random.default_rng(0), errors=ERRORS, **more)  # type: ignore[arg-type]
    t = np.arange(1.0, end + 1)
    return np.exp(tails.fit.log_hazards(tails.fit.theta[:, None], t - 1, t)[..., 0]), t


def test_a_power_of_time_goes_on_as_one_but_for_damping() -> None:
    t = np.arange(1.0, 25)
    spells = expected(-np.expm1(-0.2 * (t - 0.5) ** -0.4)[None], 1e7)
    rate, later = projected(spells, 72)
    x = np.log((later - 0.5) / 23.5)
    damped = np.where(x > 0, -np.expm1(-DAMPED * np.maximum(x, 0)) / DAMPED, x)
    assert rate[0] == pytest.approx(0.2 * 23.5**-0.4 * np.exp(-0.4 * damped), rel=0.01)


def test_an_effect_that_fades_is_found_and_goes_on_fading() -> None:
    t = np.arange(1.0, 25)
    effect = np.array([0.6, 0.0, -0.6])[:, None] * 0.5 ** (t / 6)
    rate, _ = projected(expected(0.04 * np.exp(effect), 1e6), 60)
    assert np.log(rate[0] / rate[2])[[2, 23, 59]] == pytest.approx([0.85, 0.075, 0.0], abs=0.15)
    lasting = expected(np.repeat(0.04 * np.exp([[0.6], [0.0], [-0.6]]), 24, axis=1), 1e6)
    rate, _ = projected(lasting, 60)
    ratio = np.log(np.log1p(-0.04 * np.exp(0.6)) / np.log1p(-0.04 * np.exp(-0.6)))
    assert np.log(rate[0] / rate[2])[[2, 23, 59]] == pytest.approx([ratio] * 3, abs=0.01)


def test_hazards_that_cross_in_log_time_are_found_and_go_on_apart() -> None:
    # log hazard ratio .6 − .4·log t: 1 at t = 4.5, and beyond the data damped as the baseline's trend is
    t = np.arange(1.0, 25)
    effect = np.array([0.5, 0.0, -0.5])[:, None] * (0.6 - 0.4 * np.log(t - 0.5))
    spells = expected(-np.expm1(-0.04 * np.exp(effect)), 1e6)
    tails = tails_of(spells, np.random.default_rng(0), errors=ERRORS)
    assert tails.candidates[0].drifts
    assert tails.candidates[0].gain > 2 * tails.candidates[0].std_error > 0
    rate, later = projected(spells, 72)
    x = np.log((later - 0.5) / 23.5)
    damped = np.where(x > 0, -np.expm1(-DAMPED * np.maximum(x, 0)) / DAMPED, x)
    wanted = 0.6 - 0.4 * (damped + np.log(23.5))
    assert np.log(rate[0] / rate[2])[[2, 23, 71]] == pytest.approx(wanted[[2, 23, 71]], abs=0.02)


def test_an_effect_that_may_last_or_fade_does_both_in_the_draws() -> None:
    # 3,000 customers a level tell hardly whether an effect that halves in 24 periods lasts: draws have every structure
    t = np.arange(1.0, 25)
    spells = expected(0.04 * np.exp(np.array([[0.4], [-0.4]]) * 0.5 ** (t / 24)), 3_000)
    tails = tails_of(spells, np.random.default_rng(0), errors=ERRORS)
    shares = np.array([one.share for one in tails.candidates])
    assert len(tails.others) == len(tails.candidates) - 1 == 6
    assert [one.in_time for one in tails.candidates] == [False] * 5 + [True] * 2
    assert shares.sum() == pytest.approx(1, rel=1e-12)
    assert shares.max() < 0.9
    structure = tails.drawn_structures(400)
    assert np.bincount(structure, minlength=7) == pytest.approx(400 * shares, abs=1)
    # also within a block of them
    assert np.bincount(structure[:100], minlength=7) == pytest.approx(100 * shares, abs=5)
    spec = make_spec({
        "score": {"column": "score", "scale": "1-2"}, "subscription": {"duration": "exit", "event": "lost"},
        "analysis": {"horizon": 12},
    })  # fmt: skip
    request = replace(by_level(spells, spec), times=np.arange(2), horizons=(24, 96))
    alone = replace(tails, candidates=(replace(tails.candidates[0], share=1.0),), others=())
    both = [
        spliced(spells, [request], 400, np.random.default_rng(0), horizon=12, tails=one)[0]
        for one in (tails, alone)
    ]
    assert (both[0].area.point == both[1].area.point).all()
    assert (both[0].area.draws[..., 0] == both[1].area.draws[..., 0]).all()
    ratios = [np.log(one.area.draws[:, 1, 1] / one.area.draws[:, 0, 1]) for one in both]
    assert np.std(ratios[0]) > 1.1 * np.std(ratios[1])


def mixture_cure(kept: float, rate: float, t: np.ndarray) -> np.ndarray:
    """Share lost in each period by S(t) = kept + (1 − kept)·exp(−rate·t)."""
    survival = kept + (1 - kept) * np.exp(-rate * np.r_[0.0, t])
    return 1 - survival[1:] / survival[:-1]


def test_where_some_never_leave_hazards_fall_in_time_to_nothing() -> None:
    # of those who stay after 18 periods hardly any is lost; by log hazards straight in log time many more are
    t = np.arange(1.0, 19)
    spells = expected(mixture_cure(0.4, 0.15, t)[None], 1e6)
    tails = tails_of(spells, np.random.default_rng(0), errors=ERRORS)
    first, second = tails.candidates
    assert (first.in_time, second.in_time) == (True, False)
    assert first.share > 0.95
    rate, _ = projected(spells, 120)
    assert np.exp(-rate[0].sum()) == pytest.approx(0.4, abs=0.01)
    later = np.arange(1.0, 121)
    log_time = np.exp(tails.others[0].log_hazards(tails.others[0].theta[:, None], later - 1, later)[0, :, 0])
    assert np.exp(-log_time.sum()) < 0.35


def test_a_score_that_acts_on_who_never_leaves_is_found_in_time_too() -> None:
    t = np.arange(1.0, 25)
    hazards = np.array([mixture_cure(kept, 0.12, t) for kept in (0.3, 0.5, 0.7)])
    tails = tails_of(expected(hazards, 1e6), np.random.default_rng(0), errors=ERRORS)
    assert tails.candidates[0].in_time
    rate, _ = projected(expected(hazards, 1e6), 120)
    assert np.exp(-rate.sum(axis=1)) == pytest.approx([0.3, 0.5, 0.7], abs=0.02)


def test_a_hazard_that_rises_in_time_stays_where_follow_up_ends() -> None:
    t = np.arange(1.0, 25)
    spells = expected(-np.expm1(-0.01 * np.exp(0.08 * (t - 0.5)))[None], 1e6)
    assert tails_of(spells, np.random.default_rng(0), errors=ERRORS).candidates[0].in_time
    rate, _ = projected(spells, 72)
    assert rate[0][[23, 71]] == pytest.approx([0.01 * np.exp(0.08 * 23.5)] * 2, rel=0.02)


@pytest.mark.parametrize(("periods", "tried"), [(9, False), (10, True)])
def test_ten_periods_with_ten_at_risk_are_tried_in_time(periods: int, tried: bool) -> None:
    spells = expected(mixture_cure(0.4, 0.3, np.arange(1.0, periods + 1))[None], 1e6)
    assert (
        any(one.in_time for one in tails_of(spells, np.random.default_rng(0), errors=ERRORS).candidates)
        is tried
    )
    # periods before anybody entered, and a last one of one straggler, do not count
    late = replace(spells, entry=spells.entry + 30, exit=spells.exit + 30)
    assert (
        any(one.in_time for one in tails_of(late, np.random.default_rng(0), errors=ERRORS).candidates)
        is tried
    )
    straggler = replace(
        spells, pair=np.r_[spells.pair, 0], entry=np.r_[spells.entry, 0], exit=np.r_[spells.exit, periods + 5],
        cause=np.r_[spells.cause, 0], n=np.r_[spells.n, 1], spend=np.zeros((len(spells.n) + 1, 3)),
    )  # fmt: skip
    made = tails_of(straggler, np.random.default_rng(0), errors=ERRORS)
    assert any(one.in_time for one in made.candidates) is tried


def test_a_smooth_fall_in_time_has_no_break_and_lasting_effects() -> None:
    t = np.arange(1.0, 25)
    rate = 0.06 * np.exp(np.array([[0.7], [0.3], [0.2], [-0.2], [-0.3], [-0.7]]) - 0.08 * (t - 0.5))
    strata = pd.DataFrame({"stratum.plan": ["a", "b"]})
    tails = tails_of(expected(-np.expm1(-rate), 1e5, strata), np.random.default_rng(0), errors=ERRORS)
    first = tails.candidates[0]
    assert (first.in_time, first.half_life, first.drifts) == (True, np.inf, False)
    assert tails.fit.terms.time.breaks == ()
    assert tails.fit.log_hazards(tails.fit.theta[:, None], t + 47, t + 48)[:, -1, 0] == pytest.approx(
        np.log(rate[:, 0]) - 0.08 * 71, abs=0.2
    )


def made_in_time(hazard: np.ndarray, **more: object) -> TailFit:
    """Fit a structure in time to expected counts of 10⁶ customers a level."""
    counts = cell_counts(expected(hazard, 1e6))
    time = time_functions(counts.lost.sum(axis=0), in_time=True, **more)  # type: ignore[arg-type]
    customers = counts.at_risk[:, :1]
    return fit_tails(counts, terms_for(time, customers, ONE, offset=cohort_hazard(counts), by_stratum=False))


def test_what_fades_goes_on_beside_a_curve_that_stays() -> None:
    t = np.arange(1.0, 25)
    effect = np.array([[0.6], [-0.6]]) * 0.5 ** ((t - 0.5) / 24)
    fit = made_in_time(-np.expm1(-0.02 * np.exp(effect + 0.01 * t)), half_life=24.0)
    later = np.array([24.0, 48.0, 120.0])
    log_hazard = fit.log_hazards(fit.theta[:, None], later - 1, later)[..., 0]
    assert log_hazard[0] - log_hazard[1] == pytest.approx(1.2 * 0.5 ** ((later - 0.5) / 24), abs=0.02)
    assert log_hazard.mean(axis=0) == pytest.approx(np.log(0.02) + 0.01 * 24, abs=0.02)


def test_a_curve_that_stays_has_its_renewals_and_whole_steps() -> None:
    t = np.arange(1.0, 25)
    rate = np.where(t % 12 == 0, 4.0, 1.0) * 0.01 * np.exp(0.02 * t)
    fit = made_in_time(-np.expm1(-rate)[None], renewals=RenewalTimes(12))
    one = np.exp(fit.log_hazards(fit.theta[:, None], np.arange(24.0, 48), np.arange(25.0, 49))[0, :, 0])
    assert one[[0, 11, 22, 23]] == pytest.approx(0.01 * np.exp(0.48) * np.array([1, 4, 1, 4]), rel=0.02)
    # a step of twelve periods has the mean of their hazards
    year = np.exp(
        fit.log_hazards(fit.theta[:, None], np.array([24.0, 36.0]), np.array([36.0, 48.0]))[0, :, 0]
    )
    assert year == pytest.approx([one[:12].mean(), one[12:].mean()], rel=1e-9)


@pytest.mark.parametrize("slope", [0.04, -0.04])
def test_sampling_errors_at_an_earlier_origin_know_whether_the_curve_stays(slope: float) -> None:
    t = np.arange(1.0, 31)
    counts = cell_counts(expected(-np.expm1(-0.02 * np.exp(slope * t))[None], 1e6))
    fit = made_in_time(-np.expm1(-0.02 * np.exp(slope * t))[None])
    (one, *_) = [o for o in own_errors(counts, fit, ONE, False, ERRORS).origins if o.origin == 15]
    known = CellCounts(counts.at_risk[:, :15], counts.lost[:, :15])
    time = time_functions(known.lost.sum(axis=0), in_time=True)
    early = fit_tails(
        known, terms_for(time, counts.at_risk[:, :1], ONE, offset=cohort_hazard(known), by_stratum=False)
    )
    window = slice(15, 19)  # periods 16 to 19, of 15 times 1.25

    def log_expected(theta: np.ndarray) -> float:
        rate = np.exp(early.log_hazards(theta[:, None], t[window] - 1, t[window])[0, :, 0])
        return float(np.log(counts.at_risk[0, window] @ -np.expm1(-rate)))

    step = 1e-5 * np.eye(len(early.theta))
    gradient = np.array(
        [(log_expected(early.theta + d) - log_expected(early.theta - d)) / 2e-5 for d in step]
    )
    variance = gradient @ early.inverse @ gradient + 1 / counts.lost[0, window].sum()
    assert one.sampling[0, 0] == pytest.approx(variance, rel=0.05)


def test_a_cycle_is_carried_on_and_one_spike_is_not() -> None:
    hazard = np.where(np.arange(1, 25) % 12 == 0, 0.12, 0.03)[None].repeat(2, axis=0)
    spells = expected(hazard, 20_000)
    rate, _ = projected(spells, 60)
    assert -np.expm1(-rate[0][[35, 59]]) == pytest.approx([0.12, 0.12], rel=0.03)
    assert -np.expm1(-rate[0][[34, 36, 58]]) == pytest.approx([0.03] * 3, rel=0.05)
    unknown, _ = projected(spells, 60, cycles=False)
    # not known when the next one falls: the same losses, spread evenly
    assert -np.expm1(-unknown[0][24:]) == pytest.approx(np.full(36, 0.03 * (1 + 3 / 12)), rel=0.05)
    counts = cell_counts(spells)
    whole, first = (
        renewal_cycle(counts.at_risk[:, :n].sum(axis=0), counts.lost[:, :n].sum(axis=0)) for n in (24, 18)
    )
    assert whole is not None
    assert first is not None
    assert (whole.every, whole.spikes, first.every, first.spikes) == (12, 2, 12, 1)
    assert whole.ratio == pytest.approx(4, rel=0.02)


def test_no_cycle_is_found_where_hazards_are_smooth() -> None:
    rng = np.random.default_rng(1)
    found = 0
    for _ in range(300):
        lost = rng.poisson(60 * np.exp(-np.arange(30) / 40))
        at_risk = np.full(30, 3000)
        cycle = renewal_cycle(at_risk, lost)
        found += cycle is not None
    assert found <= 6


def test_scores_of_spells_add_up_to_the_gradient_which_the_penalties_balance() -> None:
    spells = spells_from(random_rows(3, 1500, 3), spec_for(adjust=("plan",)))
    tails = tails_of(spells, np.random.default_rng(0), errors=ERRORS)
    scores, terms = spell_scores(spells, tails.fit), tails.fit.terms
    by_cell = np.zeros((len(terms.matrix), len(scores.sums)))
    np.add.at(by_cell, scores.cell, (scores.sums * spells.n).T)
    gradient = np.array([
        terms.matrix[:, c] @ by_cell[:, j] for c, j in enumerate(terms.function)
    ])  # fmt: skip
    assert gradient == pytest.approx(tails.fit.precision * tails.fit.theta, abs=1e-3)


def test_sparse_strata_borrow() -> None:
    # a stratum of 30 customers beside one of 30,000: its slope is the other's, its level its own
    t = np.arange(1.0, 19)
    hazard = -np.expm1(-np.outer([1.0, 2.0], 0.15 * t**-0.5))
    counts = CellCounts(np.zeros((2, 18)), np.zeros((2, 18)))
    for cell, n in enumerate((30_000.0, 300.0)):
        survival = np.cumprod(np.r_[1.0, 1 - hazard[cell]])
        counts.at_risk[cell], counts.lost[cell] = n * survival[:-1], -n * np.diff(survival)
    strata = pd.DataFrame({"stratum.plan": ["a", "b"]})
    time = time_functions(counts.lost.sum(axis=0))
    fit = fit_tails(counts, terms_for(time, counts.at_risk[:, :1].T, strata, offset=cohort_hazard(counts)))
    rate = np.exp(fit.log_hazards(fit.theta[:, None], t - 1, t)[..., 0])
    assert rate[1] / rate[0] == pytest.approx(np.full(18, 2.0), rel=0.15)


@pytest.mark.parametrize("last", [1, 2, 4])
def test_few_periods_and_few_losses_have_finite_answers(last: int) -> None:
    rows, spec = random_rows(9, 60, 2, follow_up=(last, last + 1)), spec_for(adjust=("plan",))
    for changed in (rows, rows.assign(cause="")):
        spells = spells_from(changed, spec)
        made = [by_level(spells, spec), standardised(spells, spec, None)]
        requests = [replace(r, times=np.arange(3), horizons=(6, 24)) for r in made if r is not None]
        for curves in spliced(spells, requests, 60, np.random.default_rng(0), horizon=6):
            assert np.isfinite(curves.point).all()
            assert (curves.area.point[:, :2] > 0).all()
            assert (curves.area.draws[..., :2] > 0).all()
            assert (curves.area.draws[..., 1].std(axis=0) > 0.1).all()


def test_late_entry_counts_from_the_survey() -> None:
    rows = random_rows(12, 3000, 2, late=True)
    spec = spec_for(adjust=("plan",), late=True)
    spells = spells_from(rows, spec)
    request = replace(by_level(spells, spec), times=np.arange(3), horizons=(6, 24))
    (curves,) = spliced(spells, [request], 60, np.random.default_rng(0), horizon=6, errors=ERRORS)
    assert curves.point[:, 0] == pytest.approx(1, rel=1e-12)
    # the hazard is constant: .22·exp(−.25·(score − 3) + .3·stratum), and customers enter at 0 to 4
    best, worst = (curves.groups.index(name) for name in ("best", "worst"))
    assert curves.area.point[best, 1] > curves.area.point[worst, 1] > 2
    assert curves.point[best, 1] == pytest.approx(np.exp(-0.22 * np.exp(-0.375 + 0.25)), abs=0.05)


def test_earlier_origins_that_were_right_lower_the_error_and_wrong_ones_raise_it() -> None:
    t = np.arange(1, 37)
    factors = []
    for hazard in (np.full(36, 0.03), np.where(t > 16, 0.09, 0.03)):
        spells = expected(hazard[None].repeat(2, axis=0), 1e6)
        counts, tails = cell_counts(spells), tails_of(spells, np.random.default_rng(0), errors=ERRORS)
        own = own_errors(counts, tails.fit, spells.strata, by_stratum=False, errors=ERRORS)
        factors.append(float(own.factors @ own.factor_weights))
        assert own.factors.min() == pytest.approx(1 / 3)
    # .88 where no origin says anything
    assert factors[0] < 0.65
    assert factors[1] > 1.5


def test_windows_after_an_origin_by_hand() -> None:
    # one level with a hazard of .02, and of .04 from period 13 on; origins 8, 12 and 16 of 24
    spells = expected(np.where(np.arange(1, 25) > 12, 0.04, 0.02)[None], 1e8)
    counts, tails = cell_counts(spells), tails_of(spells, np.random.default_rng(0), errors=ERRORS)
    own = own_errors(counts, tails.fit, spells.strata, by_stratum=False, errors=ERRORS)
    assert [one.origin for one in own.origins] == [8, 12, 16]
    first = own.origins[0]
    # 9–10, 11–12, 13–16 and 17–24, of which the first two went on as before
    assert first.since == pytest.approx(np.log(np.array([9, 11, 14, 20]) / 8), rel=1e-12)
    assert first.quarters == pytest.approx([1, 1, 2, 4], rel=1e-12)
    assert first.error == pytest.approx([0, 0, np.log(2), np.log(2)], abs=0.02)
    assert (first.level_since, first.level_quarters) == pytest.approx((np.log(2), 8), rel=1e-12)


def test_where_no_origin_has_five_periods_the_factor_has_a_mean_square_of_one() -> None:
    spells = expected(np.full((1, 7), 0.1), 1e6)
    counts, tails = cell_counts(spells), tails_of(spells, np.random.default_rng(0), errors=ERRORS)
    assert [one.origin for one in tails.own.origins] == [5]
    counts = CellCounts(counts.at_risk[:, :6], counts.lost[:, :6])
    own = own_errors(counts, tails.fit, spells.strata, by_stratum=False, errors=ERRORS)
    assert own.origins == ()
    # but for what lies below a third (4 % of the prior)
    assert own.factors**2 @ own.factor_weights == pytest.approx(1, abs=0.03)
    assert own.correlations @ own.correlation_weights == pytest.approx(0.8, abs=0.002)


def test_the_last_period_with_ten_at_risk_by_hand() -> None:
    spells = expected(np.array([[0.5, 0.5, 0.5, 0.5], [0.0, 0.0, 0.0, 0.0]]), 48)
    # 48, 24, 12, 6 at risk
    assert last_with_ten(spells).tolist() == [3, 4]


def test_remaining_tenure_and_scenarios_stand_after_their_request() -> None:
    spells = expected(np.array([[0.1] * 12, [0.05] * 12]), 5000)
    spec = make_spec({
        "score": {"column": "score", "scale": "1-2"}, "subscription": {"duration": "exit", "event": "lost"},
        "analysis": {"horizon": 6},
    })  # fmt: skip
    request = replace(by_level(spells, spec), times=np.arange(2), horizons=(12, 48))
    share = (np.array([0.5, 0.5, 0.0, 0.0, 0.0]),)
    further = Further(waning=(24,), share=share, given=(6,), shared=True)
    made = spliced(spells, [request], 80, np.random.default_rng(0), horizon=6, errors=ERRORS, further=further)
    assert [one.labels["scenario"] for one in made] == ["", "waning=24", "shared=0", "shared=1"]
    (later,) = made[0].later
    # constant hazards: who has stayed stays as long again
    assert later.area.point[:2, 0] == pytest.approx(made[0].area.point[:2, 0], rel=0.02)
    assert later.observed_until.tolist() == (made[0].observed_until - 6).tolist()


def test_what_going_so_far_was_worth_by_hand() -> None:
    table = pd.DataFrame({
        "source": ["a", "a", "b"], "curve": ["x", "y", "z"], "followed": 10.0, "begin": [18.0, 18.0, 19.0],
        "end": [22.0, 22.0, 21.0], "log_ratio": [0.1, -0.3, 0.2],
    })  # fmt: skip
    error = published_error_at(table, 2.4)
    assert (error.times, error.curves, error.sources) == (2.0, 3, 2)
    assert error.error == pytest.approx(np.sqrt(((0.01 + 0.09) / 2 + 0.04) / 2))


def test_few_periods_are_said_to_be_few() -> None:
    few = {check.code: check for check in extrapolation_distance(20, 4, "month")}
    assert list(few) == ["extrapolation_factor", "few_periods"]
    assert (few["few_periods"].value, few["few_periods"].bound, few["few_periods"].passed) == (4, 5, False)
    said = published_error(few.values(), "spliced", "month")
    assert said[1].startswith("Follow-up of 4 months hardly shows a trend of the hazard")
    enough = list(extrapolation_distance(20, 5, "month"))
    assert [check.code for check in enough] == ["extrapolation_factor"]
    # errors of projections from as few periods, which are larger
    assert few["extrapolation_factor"].facts["factor"] > enough[0].facts["factor"]  # type: ignore[operator]
    assert not list(extrapolation_distance(4, 4, "month"))
