"""Errors of the score: other software's values on rows, a simulated truth, and what cannot be corrected."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from check_fields import check_fields
from cohorts import counts_of, random_rows, spec_for
from scipy.sparse import csr_array
from scipy.stats import pearsonr

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.estimands.tidy import select, tidy
from cxlink.groups.headline_requests import curve_requests
from cxlink.report.check_notes import note
from cxlink.sensitivity.reliability import FEWEST_PAIRS, corrected, line_through, reliability
from cxlink.sensitivity.reliability_rows import reliability_rows
from cxlink.survival.kaplan_meier import kaplan_meier
from cxlink.survival.survival import Survival


def grouped(score: np.ndarray, again: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"score": score, "again": again}).value_counts().rename("n").reset_index()


def asked_twice(spec: CohortSpec) -> CohortSpec:
    return spec.model_copy(update={"cohort": spec.cohort.model_copy(update={"id": "who", "repeat": "first"})})


def curves_of(counts: Counts) -> Survival:
    spells, spec = spells_of(counts), counts.spec
    none = csr_array((0, len(spells.n)))
    requests = curve_requests(spells, spec)[:1]
    return kaplan_meier(
        spells, requests, spec.analysis.draws, np.random.default_rng(1), horizon=spec.horizon, scores=none
    ).curves[0]


def test_counted_pairs_give_what_rows_give() -> None:
    rng = np.random.default_rng(3)
    first = rng.integers(1, 11, 500)
    second = np.clip(first + rng.integers(-3, 4, 500), 1, 10)
    found = reliability(grouped(first, second))
    assert found is not None
    rows = sm.OLS(second, sm.add_constant(first)).fit(cov_type="HC1")
    assert found.n == 500
    assert found.slope == pytest.approx(rows.params[1], rel=1e-8)
    assert found.slope_error == pytest.approx(rows.bse[1], rel=1e-8)
    other = pearsonr(first, second)
    assert found.correlation == pytest.approx(other.statistic, rel=1e-8)


def test_the_error_of_a_correlation_is_that_of_rows_left_out_one_by_one() -> None:
    rng = np.random.default_rng(4)
    latent = 10 + 1.5 * rng.standard_normal(400)
    first, second = (np.clip(latent + rng.standard_normal(400), 1, 10).round().astype(int) for _ in range(2))
    found = reliability(grouped(first, second))
    assert found is not None
    left = [np.arctanh(np.corrcoef(np.delete(first, k), np.delete(second, k))[0, 1]) for k in range(400)]
    jackknife = np.sqrt(399 / 400 * ((left - np.mean(left)) ** 2).sum())
    assert found.z_error == pytest.approx(jackknife, rel=0.03)  # the two differ by terms of order 1/n
    assert found.z_error > 1.2 / np.sqrt(397)  # Fisher's, of normal scores, is too small here


def test_the_error_of_normal_scores_is_fisher_s() -> None:
    rng, n = np.random.default_rng(5), 40_000
    latent = 50 + 10 * rng.standard_normal(n)
    first, second = ((latent + 10 * rng.standard_normal(n)).round().astype(int) for _ in range(2))
    found = reliability(grouped(first, second))
    assert found is not None
    # four standard errors of a variance of fourth moments (at most 96σ⁸ + …): 2 % at this n
    assert found.z_error == pytest.approx(1 / np.sqrt(n - 3), rel=0.02)
    z = np.arctanh(found.correlation_draws(100_000, np.random.default_rng(1)))
    assert z.mean() == pytest.approx(np.arctanh(found.correlation), abs=4 * found.z_error / np.sqrt(1e5))
    assert z.std() == pytest.approx(found.z_error, abs=4 * found.z_error / np.sqrt(2e5))


@pytest.mark.parametrize(
    "repeats",
    [
        grouped(np.array([3]), np.array([4])),
        grouped(np.arange(FEWEST_PAIRS - 1) % 10, np.arange(FEWEST_PAIRS - 1) % 7),
        grouped(np.full(50, 3), np.arange(50) % 5),
        grouped(np.arange(50) % 5, np.full(50, 3)),
        pd.DataFrame({"score": [], "again": [], "n": []}, dtype="int64"),
    ],
)
def test_one_customer_too_few_or_one_level_give_a_finding_and_no_row(repeats: pd.DataFrame) -> None:
    assert reliability(repeats) is None
    spec = asked_twice(spec_for(draws=100))
    rows, (found,) = reliability_rows(repeats, None, spec, np.random.default_rng(1))
    assert rows == []
    n = float(repeats["n"].sum())
    assert check_fields(found) == check_fields(
        Check("pairs", "test_retest", value=n, facts={"case": "few", "least": FEWEST_PAIRS})
    )
    assert f"needs {FEWEST_PAIRS} of them" in note(found)


def test_customers_with_one_row_each_are_not_asked_about() -> None:
    none = pd.DataFrame({"score": [], "again": [], "n": []}, dtype="int64")
    assert reliability_rows(none, None, spec_for(), np.random.default_rng(1)) == ([], [])


def test_scores_that_agree_wholly_are_sure_of_it() -> None:
    found = reliability(grouped(np.arange(60) % 6, np.arange(60) % 6))
    assert found is not None
    assert (found.correlation, found.slope) == pytest.approx((1.0, 1.0), rel=1e-10)
    rng = np.random.default_rng(1)
    assert np.isfinite(found.correlation_draws(100, rng)).all()
    assert found.slope_draws(100, rng) == pytest.approx(np.ones(100), abs=1e-6)


def test_a_line_is_the_weighted_least_squares_one() -> None:
    rng = np.random.default_rng(2)
    level, n, point = np.array([1, 2, 4, 5]), np.array([10, 200, 5, 70]), np.array([0.2, np.nan, 0.9, 0.7])
    draws = rng.random((7, 4))
    line = line_through(level, n, point, draws)
    assert line is not None
    known = [0, 2, 3]
    expected = np.polyfit(level[known], point[known], 1, w=np.sqrt(n[known]))[0]
    assert line.slope == pytest.approx(expected, rel=1e-8)
    assert line.draws == pytest.approx(
        np.polyfit(level[known], draws[:, known].T, 1, w=np.sqrt(n[known]))[0], rel=1e-8
    )
    assert line.n == 85
    assert line_through(level, n, np.array([0.2, np.nan, np.nan, np.nan]), draws) is None


def test_a_correction_divides_and_never_shrinks() -> None:
    value, draws = corrected(0.03, np.array([0.02, 0.04, -0.01]), (0.5, np.array([0.4, -0.1, 0.0])))
    assert value == pytest.approx(0.06, rel=1e-10)
    assert draws.tolist() == pytest.approx([0.05, np.inf, -np.inf], rel=1e-10)
    value, _ = corrected(0.03, np.array([0.03]), (1.2, np.array([1.0])))
    assert value == pytest.approx(0.03, rel=1e-10)


def test_a_score_that_does_not_repeat_itself_corrects_nothing() -> None:
    rng = np.random.default_rng(5)
    spec = asked_twice(spec_for(draws=200))
    repeats = grouped(rng.integers(1, 6, 40), rng.integers(1, 6, 40))
    curves = curves_of(counts_of(random_rows(4, 500), spec))
    rows, (found,) = reliability_rows(repeats, curves, spec, rng)
    assert set(tidy(rows)["scenario"]) == {""}
    slope = reliability(repeats)
    assert slope is not None
    assert check_fields(found) == check_fields(
        Check("score_calibration", "test_retest", value=slope.slope, passed=False)
    )


def measured(seed: int, n: int = 60_000) -> tuple[Counts, pd.DataFrame]:
    """P(kept) = .5 + .02 (T − 15), T normal (15, 3²), scores T + N(0, 2²) rounded; asked again by the first score."""
    rng = np.random.default_rng([seed, 5])
    true = rng.normal(15, 3, n)
    first, second = (np.clip(np.rint(true + rng.normal(0, 2, n)), 0, 30).astype(int) for _ in range(2))
    kept = rng.random(n) < np.clip(0.5 + 0.02 * (true - 15), 0, 1)
    again = rng.random(n) < first / 60  # more often of who scored more
    rows = pd.DataFrame({"score": first, "exit": 1, "cause": np.where(kept, "", "lost"), "entry": 0})
    spec = make_spec({
        "cohort": {"id": "who", "repeat": "first"},
        "score": {"column": "score", "scale": "0-30", "worst": "0-9", "best": "21-30"},
        "subscription": {"survey": "s", "end": "e", "observed_until": "2026-06-30"},
        "analysis": {"horizon": 1, "draws": 400, "tenure_horizons": (2,)},
    })  # fmt: skip
    return counts_of(rows, spec), grouped(first[again], second[again])


def test_the_correction_finds_the_true_slope() -> None:
    counts, repeats = measured(20140801)
    rows, _ = reliability_rows(repeats, curves_of(counts), counts.spec, np.random.default_rng(1))
    table = tidy(rows)
    slopes = select(table, estimand="retention_slope").set_index("scenario")
    plain, mended = slopes.loc[""], slopes.loc["measurement_error"]
    assert abs(mended["estimate"] - 0.02) < 4 * mended["std_error"]
    assert abs(plain["estimate"] - 0.02) > 4 * plain["std_error"]
    assert mended["conf_low"] < 0.02 < mended["conf_high"]
    (calibration,) = select(table, estimand="score_calibration").to_dict("records")
    # var T / var score, of which 1/12 is rounding
    assert abs(calibration["estimate"] - 9 / (9 + 4 + 1 / 12)) < 4 * calibration["std_error"]
    differences = select(table, estimand="retention_difference").set_index("scenario")["estimate"]
    ratio = differences["measurement_error"] / differences[""]
    assert ratio == pytest.approx(1 / calibration["estimate"], rel=1e-10)
    scores = counts.cells.groupby("score")["n"].sum()
    means = [
        np.average(part.index.astype(float), weights=part)
        for part in (scores[scores.index >= 21], scores[scores.index <= 9])
    ]
    assert differences[""] == pytest.approx(plain["estimate"] * (means[0] - means[1]), rel=1e-10)
