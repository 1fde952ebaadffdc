"""Curves whose last few customers are all lost: what is known of later times is nothing, and of the last one little."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cohorts import cell_rows, spec_for, spells_from
from scipy.sparse import csr_array

from cxlink.cohort.count.spells import Spells
from cxlink.comparison.common_support import frame_of, longest
from cxlink.groups.curves import Standard
from cxlink.groups.requests import by_level, pooled
from cxlink.groups.support import FOREVER, known_until, modelled_to
from cxlink.sensitivity.censoring_rows import headline_sides
from cxlink.survival.kaplan_meier import kaplan_meier
from cxlink.survival.proportional_hazards.grouped_ph import GroupedPH, grouped_ph
from cxlink.survival.proportional_hazards.hazard_requests import hazard_requests
from cxlink.survival.proportional_hazards.proportionality import Proportionality, proportionality
from cxlink.survival.survival import Survival

LAST = 8
"""Of scores 1 and 5 each 70 lost and 126 censored by period 6, one lost at 7, and the last two at 8."""
SPEC = spec_for(horizon=4, tenure_horizons=[LAST, 12])


def rows_of(last: int = 2, censored: bool = True) -> pd.DataFrame:
    kept = [(s, "x", t, 0, 21) for s in (1, 5) for t in range(1, 7)] if censored else []
    gone = [(s, "x", t, 1, 10 + (s == 1) * 4) for s in (1, 5) for t in range(1, 6)]
    return cell_rows(*kept, *gone, *[(s, "x", t, 1, n) for s in (1, 5) for t, n in ((7, 1), (LAST, last))])


def observed(spells: Spells, n_draws: int = 10) -> Survival:
    request = pooled(spells, SPEC)
    assert request is not None
    wanted = replace(request, times=np.arange(13), horizons=(4, LAST, 12))
    none = csr_array((0, len(spells.n)))
    rng = np.random.default_rng(1)
    return kaplan_meier(spells, [wanted], n_draws, rng, horizon=4, scores=none).curves[0]


def modelled(spells: Spells) -> Survival:
    request = replace(by_level(spells, SPEC), times=np.arange(13), horizons=(4, LAST - 1, LAST, 12))
    made = grouped_ph(spells, SPEC, request, 20, np.random.default_rng(1))
    assert isinstance(made, GroupedPH)
    return made.curves


def changing(spells: Spells) -> Proportionality:
    found = proportionality(spells, SPEC, hazard_requests(spells, SPEC)[-1])
    assert found is not None
    return found


def test_the_curve_ends_where_the_last_few_were_lost() -> None:
    curves = observed(spells_from(rows_of(), SPEC))
    assert set(curves.last) == {LAST}
    assert not np.isnan(curves.point[:, : LAST + 1]).any()
    assert (curves.point[:, LAST] == 0).all()
    assert np.isnan(curves.point[:, LAST + 1 :]).all()
    assert np.isnan(curves.draws[..., LAST + 1 :]).all()
    assert np.isnan(curves.area.point[:, 2]).all()
    assert not np.isnan(curves.area.point[:, :2]).any()


def test_the_last_row_is_uncertain_by_the_number_of_customers_that_it_stands_on() -> None:
    """0 of r = 2 left: half the draws are 0, and the others' upper limit at 97.5 % is that of Beta(1, 2) at 95 %."""
    n = 20_000
    curves = observed(spells_from(rows_of(), SPEC), n)
    worst = curves.groups.index("worst")
    before, after = curves.draws[:, worst, LAST - 1], curves.draws[:, worst, LAST]
    left = after[before > 0] / before[before > 0]
    assert len(left) > 0.8 * n
    assert (left == 0).mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(len(left)))
    upper = 1 - np.sqrt(0.05)
    error = np.sqrt(0.025 * 0.975 / len(left)) / (0.5 * 2 * (1 - upper))
    assert np.quantile(left, 0.975) == pytest.approx(upper, abs=4 * error)
    low, high = np.quantile(after, [0.025, 0.975])
    assert low == 0 < high


def test_causes_and_retained_add_up_to_one_in_every_draw() -> None:
    rows = rows_of()
    rows.loc[(rows["cause"] != "") & (rows.index % 3 == 0), "cause"] = "moved"
    spells = spells_from(rows, SPEC)
    request = pooled(spells, SPEC)
    assert request is not None
    wanted = replace(request, times=np.arange(LAST + 1), horizons=(LAST,))
    none = csr_array((0, len(spells.n)))
    rng = np.random.default_rng(1)
    curves = kaplan_meier(spells, [wanted], 200, rng, horizon=LAST, scores=none).curves[0]
    assert curves.incidence is not None
    often = ~curves.sparse
    total = curves.incidence.draws[:, often].sum(axis=-1) + curves.draws[:, often, LAST]
    assert total == pytest.approx(np.ones_like(total), abs=1e-10)


@pytest.mark.parametrize("rows", [rows_of(last=10), rows_of(censored=False)])
def test_ten_at_risk_or_nobody_censored_end_at_zero_for_good(rows: pd.DataFrame) -> None:
    spells = spells_from(rows, SPEC)
    curves = observed(spells)
    assert (curves.point[:, LAST:] == 0).all()
    assert (curves.draws[..., LAST:] == 0).all()
    assert not np.isnan(curves.area.point).any()
    assert (modelled(spells).point[:, LAST:] == 0).all()
    assert [one.horizon for one in changing(spells).shifts] == [4, LAST, 12]


def test_a_free_baseline_ends_before_the_period_in_which_the_last_few_were_lost() -> None:
    spells = spells_from(rows_of(), SPEC)
    curves = modelled(spells)
    assert not np.isnan(curves.point[:, :LAST]).any()
    assert np.isnan(curves.point[:, LAST:]).all()
    assert np.isnan(curves.draws[..., LAST:]).all()
    assert np.isnan(curves.area.point).all(axis=0).tolist() == [False, False, True, True]
    assert [one.horizon for one in changing(spells).shifts] == [4]


def test_cohorts_are_compared_before_the_last_few() -> None:
    few, many = spells_from(rows_of(), SPEC), spells_from(rows_of(last=10), SPEC)
    assert longest(few, many) == longest(few, few) == LAST - 1
    assert longest(many, many) == LAST
    for horizon, places in ((LAST - 1, 1), (LAST, 0), (12, 0)):
        assert frame_of(few, many, horizon).shape == (2, places)
    assert frame_of(many, many, 12).shape == (2, 1)


def test_nothing_is_said_of_censoring_beyond_the_last_few() -> None:
    for last, found in ((2, False), (10, True)):
        spells = spells_from(rows_of(last=last), SPEC)
        asked = spec_for(horizon=12)
        assert (headline_sides(spells, pooled(spells, asked), asked) is not None) == found


def test_what_is_known_by_hand() -> None:
    at_risk = np.array([[30, 4, 2], [30, 20, 10], [30, 4, 0], [4, 3, 2]])
    lost = np.array([[5, 1, 2], [5, 2, 10], [5, 1, 0], [1, 1, 2]])
    censored = np.array([22, 13, 24, 0])
    # lost by few; by ten; still there; by few of whom nobody was censored
    assert modelled_to(at_risk, lost, censored)[:, 0].tolist() == [2, FOREVER, 2, FOREVER]
    groups = [Standard(str(k), np.array([k]), np.zeros(1, int), np.ones(1), 30, 8) for k in range(4)]
    both = Standard("0-1", np.array([0, 1]), np.zeros(2, int), np.full(2, 0.5), 60, 16)
    known, few = known_until([*groups, both], at_risk, lost, censored)
    assert known.tolist() == [3, FOREVER, 2, FOREVER, FOREVER]
    assert few.tolist() == [True, False, False, False, False]
