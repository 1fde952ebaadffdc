"""Breaks of the hazard inside follow-up: found where they are, not where a curve bends, and carried on as a level."""

import numpy as np
import pandas as pd
import pytest
from survival.tails.test_tails import ONE, expected

from cxlink.estimands.model_rows.spliced_rows import tail_checks
from cxlink.survival.tails.continued_hazards import cell_counts
from cxlink.survival.tails.earlier_origins import own_errors
from cxlink.survival.tails.extrapolation_error import Errors
from cxlink.survival.tails.hazard_breaks import SMALLEST, hazard_breaks
from cxlink.survival.tails.tail_fit import CellCounts, TailFit, cohort_hazard, fit_tails
from cxlink.survival.tails.tail_terms import terms_for
from cxlink.survival.tails.tails import tails_of
from cxlink.survival.tails.time_functions import time_functions

ERRORS = Errors(0.2, 0.2, 0.0)
T = np.arange(1, 25)


def of(hazard: np.ndarray, customers: float = 1e6, rng: np.random.Generator | None = None) -> CellCounts:
    """Customers at risk and lost of cells with these hazards, (n_cells, n_periods): as expected, or drawn."""
    counts = CellCounts(np.zeros(hazard.shape), np.zeros(hazard.shape))
    left = np.full(len(hazard), float(customers))
    for t in range(hazard.shape[1]):
        counts.at_risk[:, t] = left
        counts.lost[:, t] = (
            left * hazard[:, t] if rng is None else rng.binomial(left.astype(int), hazard[:, t])
        )
        left = left - counts.lost[:, t]
    return counts


def fitted(counts: CellCounts) -> TailFit:
    time = time_functions(counts.lost.sum(axis=0))
    customers = counts.at_risk[:, :1]
    return fit_tails(counts, terms_for(time, customers, ONE, offset=cohort_hazard(counts), by_stratum=False))


def found(counts: CellCounts) -> tuple[int, ...]:
    return hazard_breaks(counts, fitted(counts))


@pytest.mark.parametrize("last", [2, 9, 15, 21])
def test_a_break_is_found_after_its_last_period_and_its_level_goes_on(last: int) -> None:
    hazard = np.where(last < T, 0.06, 0.03)[None].repeat(2, axis=0)
    tails = tails_of(expected(hazard, 100_000), np.random.default_rng(0), errors=ERRORS)
    assert tails.fit.terms.time.breaks == (last,)
    end = np.arange(1.0, 121)
    rate = np.exp(tails.fit.log_hazards(tails.fit.theta[:, None], end - 1, end)[0, :, 0])
    # without the step 4.2 times as much, or a hundredth, five times as far as the data
    assert -np.expm1(-rate[[22, 47, 119]]) == pytest.approx([0.06] * 3, rel=0.08)
    (check,) = [one for one in tail_checks(tails, "month") if one.code == "hazard_break"]
    ratio = np.log1p(-0.06) / np.log1p(-0.03)
    assert check.value == pytest.approx(ratio, rel=0.05)
    assert check.low < ratio < check.high
    assert check.facts == {"last": last, "unit": "month"}


def test_several_breaks_are_found_one_after_another() -> None:
    hazard = 0.03 * np.where(T > 6, 2.0, 1.0) * np.where(T > 14, 0.4, 1.0) * np.where(T > 19, 1.8, 1.0)
    assert found(of(hazard[None])) == (6, 14, 19)


def test_two_periods_stand_before_a_break_and_three_after_it() -> None:
    # of a level that has stood for two periods nobody knows whether it stays
    assert found(of(np.where(T > 1, 0.06, 0.03)[None])) != (1,)
    assert 22 not in found(of(np.where(T > 22, 0.06, 0.03)[None]))
    assert found(of(np.where(T > 21, 0.06, 0.03)[None])) == (21,)


def test_a_step_of_under_a_tenth_is_none_however_large_the_cohort() -> None:
    under, over = (np.where(T > 12, 0.03 * np.exp(size * SMALLEST), 0.03)[None] for size in (0.7, 1.5))
    assert found(of(under, 1e9)) == ()
    assert found(of(over, 1e9)) == (12,)


def test_strata_that_end_their_follow_up_are_no_break() -> None:
    # half of the cohort has five times the hazard, and nobody of it is followed beyond period 10
    counts = of(np.array([[0.02], [0.1]]).repeat(24, axis=1))
    counts.at_risk[1, 10:] = counts.lost[1, 10:] = 0.0
    crude = counts.lost.sum(axis=0) / counts.at_risk.sum(axis=0)
    assert crude[9] > 1.9 * crude[10]
    assert found(counts) == ()


def test_no_break_is_found_where_hazards_are_smooth_or_vary_from_period_to_period() -> None:
    rng, false = np.random.default_rng(20261129), 0
    humped = 0.02 * np.exp(-((np.log(T / 6)) ** 2))
    falling = 0.08 * T**-0.5
    for _ in range(20):
        uneven = 0.03 * np.exp(rng.normal(0, 0.15, len(T)))
        for hazard in (humped, falling, uneven):
            false += bool(found(of(hazard[None], 30_000, rng)))
    # one in a thousand of each search
    assert false <= 1


def test_an_origin_knows_the_breaks_before_it_alone() -> None:
    t = np.arange(1, 37)
    before, after = (expected(np.where(t > place, 0.06, 0.03)[None], 1e6) for place in (8, 20))
    errors = []
    for spells in (before, after):
        counts, tails = cell_counts(spells), tails_of(spells, np.random.default_rng(0), errors=ERRORS)
        own = own_errors(counts, tails.fit, spells.strata, by_stratum=False, errors=ERRORS)
        assert [one.origin for one in own.origins] == [12, 18, 24]
        errors.append([float(one.error[-1]) for one in own.origins])
    assert errors[0] == pytest.approx([0, 0, 0], abs=0.05)
    # nothing before 20 tells of what comes: log(2), nearly; period 24 knows
    assert errors[1][:2] == pytest.approx([0.7, 0.7], abs=0.1)
    assert errors[1][2] == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("last", [1, 3, 5, 6, 8])
def test_short_odd_and_empty_cohorts_are_searched_without_an_error(last: int) -> None:
    for hazard in (np.full((1, last), 0.1), np.full((1, last), 1.0), np.eye(1, last) * 0.5):
        assert found(of(hazard, 50)) == ()
    late = of(np.full((1, last + 6), 0.1))
    late.at_risk[:, :5] = late.lost[:, :5] = 0.0
    assert found(late) == ()


def test_levels_and_strata_keep_their_differences_beside_a_break() -> None:
    strata = pd.DataFrame({"stratum.plan": ["a", "b"]})
    ratio = np.array([1.0, 2.0, 0.7, 1.4])
    hazard = -np.expm1(-np.outer(ratio, np.where(T > 12, 0.06, 0.03)))
    tails = tails_of(expected(hazard, 1e6, strata), np.random.default_rng(0), errors=ERRORS)
    assert tails.fit.terms.time.breaks == (12,)
    rate = np.exp(
        tails.fit.log_hazards(tails.fit.theta[:, None], np.array([47.0]), np.array([48.0]))[:, 0, 0]
    )
    assert rate / rate[0] == pytest.approx(ratio, rel=0.02)
