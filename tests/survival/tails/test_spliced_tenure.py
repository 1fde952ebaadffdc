"""Spliced tenure: by hand, against Kaplan–Meier inside follow-up, and laws of its error."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cohorts import cell_rows, random_rows, spec_for, spells_from
from scipy.sparse import csr_array

from cxlink.cohort.count.spells import Spells
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.groups.curves import cumulative_areas
from cxlink.groups.requests import Request, by_level
from cxlink.groups.standardisation import standardised
from cxlink.survival.kaplan_meier import kaplan_meier, point_curves
from cxlink.survival.survival import Survival
from cxlink.survival.tails.curve_plan import continued_log_survival, lay_out_continued
from cxlink.survival.tails.extrapolation_error import Errors, error_paths
from cxlink.survival.tails.published_errors import errors_from
from cxlink.survival.tails.spliced_tenure import spliced

ERRORS = Errors(0.2, 0.3, 0.0)


def requests_of(spells: Spells, spec: CohortSpec, *horizons: int) -> list[Request]:
    made = [by_level(spells, spec), standardised(spells, spec, None)]
    return [replace(r, times=np.arange(7), horizons=horizons or (6, 24)) for r in made if r is not None]


def run(rows: pd.DataFrame, spec: CohortSpec, seed: int = 0, errors: Errors = ERRORS) -> tuple[Survival, ...]:
    spells = spells_from(rows, spec)
    requests = requests_of(spells, spec)
    return spliced(spells, requests, 200, np.random.default_rng(seed), horizon=6, errors=errors)


def test_two_strata_by_hand() -> None:
    # 20 customers of x: 5 lost in period 1, 6 censored after it: 9 are too few for period 2.
    # 30 of y: 6 lost in period 2, the others followed for 3.
    rows = cell_rows(
        (1, "x", 1, 1, 5), (1, "x", 1, 0, 6), (1, "x", 3, 0, 9), (1, "y", 2, 1, 6), (1, "y", 3, 0, 24)
    )
    spec = spec_for(adjust=("plan",))
    spells = spells_from(rows, spec)
    plan = lay_out_continued(spells, requests_of(spells, spec)[1], 6)
    assert plan.observed.tolist() == [[True, False, False], [True, True, True]]
    # hazards of .1 a period in x, .2 in y, to period 4
    cumulative = np.outer([0.1, 0.2], np.arange(5.0))[:, :, None]
    log_s = continued_log_survival(plan, plan.observed, plan.hazard[..., None], cumulative, np.ones((2, 1)))
    x = 0.75 * np.exp([0, -0.1, -0.2, -0.3])
    y = [1, 0.8, 0.8, 0.8 * np.exp(-0.2)]
    assert np.exp(log_s[:, 1:, 0]) == pytest.approx(np.array([x, y]), rel=1e-12)


def test_several_cells_go_on_with_what_is_left_of_each() -> None:
    rows = cell_rows((1, "x", 1, 1, 5), (1, "x", 1, 0, 15), (1, "y", 1, 0, 30))
    spec = spec_for(adjust=("plan",))
    spells = spells_from(rows, spec)
    plan = lay_out_continued(spells, requests_of(spells, spec)[0], 6)
    cumulative = np.array([[0.0, np.log(2), 2 * np.log(2)], [0.0, 0.0, 0.0]])[:, :, None]
    log_s = continued_log_survival(
        plan, plan.observed, plan.hazard[..., None], cumulative, np.array([[20.0], [30.0]])
    )
    # lost 5 of 50; then 10 of x and 30 of y are left by the fitted hazards, and half of x is lost
    assert np.exp(log_s[0, :, 0]) == pytest.approx([1, 0.9, 0.9 * 35 / 40], rel=1e-12)


@pytest.mark.parametrize("strata", [1, 3])
def test_inside_follow_up_it_is_kaplan_meier_to_the_last_digit(strata: int) -> None:
    rows, spec = random_rows(5, 12000, strata), spec_for(adjust=("plan",) if strata > 1 else ())
    spells = spells_from(rows, spec)
    request = requests_of(spells, spec)[-1]
    curves = spliced(spells, [request], 20, np.random.default_rng(0), horizon=6, errors=ERRORS)[0]
    plan = lay_out_continued(spells, request, 6)
    whole = [k for k, s in enumerate(request.standards) if plan.observed[s.curve[s.weight > 0], :6].all()]
    assert len(whole) > 4
    assert (curves.point[whole][:, 1:7] == point_curves(spells, request)[whole][:, 1:]).all()
    assert not curves.extrapolated(6)[whole].any()


def test_area_is_that_under_the_curve_and_rises_to_the_mean() -> None:
    for curves in run(random_rows(6, 3000, 2), spec_for(adjust=("plan",))):
        area = cumulative_areas(curves.point[:, curves.times <= 6])[:, -1]
        assert curves.area.point[:, 0] == pytest.approx(area, rel=1e-12)
        assert (np.diff(curves.area.point, axis=1) > 0).all()
        assert (np.diff(curves.draws, axis=2) <= 0).all()
        assert curves.extrapolated_area[:, 0] == pytest.approx(0, abs=1e-12)


def test_draws_are_those_of_the_seed() -> None:
    rows, spec = random_rows(7, 600, 2), spec_for(adjust=("plan",))
    first, again, other = (run(rows, spec, seed)[1] for seed in (1, 1, 2))
    assert (first.draws == again.draws).all()
    assert (first.area.draws == again.area.draws).all()
    assert (first.draws != other.draws).any()


def test_survival_never_rises_over_many_paths() -> None:
    last, n = np.array([12]), 100_000
    ones = np.ones(n)
    paths = error_paths(Errors(0.5, 1.0, 0.2), last, ones, ones, np.random.default_rng(3))[""]
    end = np.unique(np.geomspace(12, 120, 40).round())
    error = paths.at(np.r_[11, end[:-1]], end)[0]
    assert (error[0] == 0).all()  # up to T there is none
    survival = np.exp(-np.cumsum(0.05 * np.exp(error), axis=0))
    assert (np.diff(survival, axis=0) <= 0).all()
    sd = np.sqrt(0.5**2 + np.log((end[-2] + end[-1]) / 24) ** 2)
    assert error[-1].std() == pytest.approx(sd, abs=4 * sd / np.sqrt(2 * n))


def test_levels_share_as_much_of_their_error_as_they_are_correlated() -> None:
    n = 40_000
    paths = error_paths(
        Errors(0.3, 0.0, 0.0, 0.2), np.array([6, 6]), np.ones(n), np.full(n, 0.6), np.random.default_rng(4)
    )
    begin, end = np.array([8.0]), np.array([9.0])
    for name, share in (("", 0.6), ("shared=0", 0.0), ("shared=1", 1.0)):
        a, b = paths[name].at(begin, end)[:, 0]
        assert np.corrcoef(a, b)[0, 1] == pytest.approx(share, abs=4 / np.sqrt(n))


def windows(source: str, middles: np.ndarray, errors: list[float], curve: str = "x") -> pd.DataFrame:
    """Windows around T·e^middle, T = 10."""
    middle = 10 * np.exp(middles)
    return pd.DataFrame({
        "source": source, "curve": curve, "followed": 10.0, "begin": middle - 1, "end": middle + 1,
        "log_ratio": errors,
    })  # fmt: skip


def test_constants_by_hand() -> None:
    # windows at log(t/T) = 0 and 1: errors ±.3 and ±.5 in two sources, no drift, nothing irregular in two windows.
    # products .09 and .15 of σ₀², .25 of σ₀² + κ²
    table = pd.concat(
        [windows("a", np.array([0.0, 1.0]), [0.3, 0.5]), windows("b", np.array([0.0, 1.0]), [-0.3, -0.5])]
    )
    errors = errors_from(table)
    assert (errors.level**2, errors.growth**2) == pytest.approx((0.12, 0.13), abs=1e-10)
    assert (errors.drift, errors.irregular) == pytest.approx((0.0, 0.0), abs=1e-10)


def test_what_is_irregular_is_no_level_and_no_growth() -> None:
    # around a line at 0, 1 and 2: (.1, −.2, .1) has squares of .06 and one degree of freedom; two sources, ±
    x, up = np.array([0.0, 1.0, 2.0]), [0.1, -0.2, 0.1]
    table = pd.concat([windows("a", x, up), windows("b", x, [-e for e in up])])
    errors = errors_from(table)
    assert errors.irregular**2 == pytest.approx(0.06, abs=1e-10)
    assert (errors.level, errors.growth) == (0, 0)
    # and a source of many projections counts as one of few
    more = pd.concat([table, *(windows("b", x, [-e for e in up], curve) for curve in "yz")])
    assert errors_from(more).irregular == pytest.approx(errors.irregular, abs=1e-10)
    # shorter windows are more irregular: σ₀² + ω²/quarters, and σ₀² + κ²·x·x' between windows
    found = Errors(0.3, 0.2, 0.0, 0.4).covariance(np.array([0.5, 1.0]), np.array([1.0, 4.0]))
    assert found == pytest.approx(np.array([[0.26, 0.11], [0.11, 0.17]]), abs=1e-12)


def test_irregularities_last_a_quarter_of_follow_up_each_and_end_where_nothing_was_compared() -> None:
    n = 40_000
    ones = np.ones(n)
    paths = error_paths(Errors(0.0, 0.0, 0.0, 0.5), np.array([12]), ones, ones, np.random.default_rng(5))[""]
    begin = np.array([12.0, 14.0, 15.0, 33.0, 36.0])
    error = paths.at(begin, begin + 1)[0]
    assert (error[0] == error[1]).all()
    assert (error[4] == 0).all()
    assert error[[0, 2, 3]].std(axis=1) == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(2 * n))
    assert abs(np.corrcoef(error[0], error[2])[0, 1]) < 4 / np.sqrt(n)


def test_a_known_error_of_the_hazard_is_in_the_interval() -> None:
    rows, spec = random_rows(8, 3000), spec_for()
    none, some = (run(rows, spec, errors=Errors(level, 0.0, 0.0))[0] for level in (0.0, 0.5))
    k = none.groups.index("best")
    assert some.area.point[k] == pytest.approx(none.area.point[k], rel=1e-12)
    inside, beyond = (np.std(one.area.draws[:, k, :2], axis=0) for one in (none, some))
    assert beyond[0] == inside[0]
    assert beyond[1] > 1.3 * inside[1]


def test_the_last_few_of_whom_all_are_lost_do_not_end_a_curve() -> None:
    spec = spec_for()
    cells = (1, "x", 1, 1, 40), (1, "x", 2, 1, 30), (1, "x", 3, 1, 7)
    for kept, known in ((20, False), (0, True)):
        rows = cell_rows(*cells, (1, "x", 2, 0, kept))
        spells = spells_from(rows, spec)
        (request,) = requests_of(spells, spec)
        (counted,) = kaplan_meier(
            spells, [request], 50, np.random.default_rng(0), horizon=3, scores=csr_array((0, len(spells.n)))
        ).curves
        assert (counted.point[:, 3] == 0).all()  # the observed curve is 0
        # and its mean to period 6 and 24 is known where nobody was censored
        assert np.isfinite(counted.area.point).all(axis=0).tolist() == [known, known]
        (curves,) = spliced(spells, [request], 50, np.random.default_rng(0), horizon=3, errors=ERRORS)
        if known:
            assert curves.area.point == pytest.approx(np.tile(counted.area.point[:, :1], 3), rel=1e-6)
        else:
            assert (curves.point[:, 4] > 0).all()
            assert (curves.observed_until == 2).all()
