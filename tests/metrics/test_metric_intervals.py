"""Intervals of the metrics that managers ask for: worked by hand, by other software, and as laws."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from cxlink.metrics.metric_intervals import mean_score, net_promoters, ratio, share

Z = stats.norm.ppf(0.975)


def test_net_promoter_score_of_the_published_example() -> None:
    # p = .5, d = .2, n = 400: NPS 30, adjusted standard error 3.890 (Rocks 2016)
    found = net_promoters(200, 80, 400, 0.95)
    assert found.estimate == pytest.approx(30, abs=1e-12)
    p, d = 200.75 / 403, 80.75 / 403
    error = 100 * np.sqrt((p + d - (p - d) ** 2) / 403)
    assert error == pytest.approx(3.890, abs=5e-4)
    assert found.std_error == pytest.approx(error, abs=1e-10)
    assert (found.conf_low, found.conf_high) == pytest.approx(
        (100 * (p - d) - Z * error, 100 * (p - d) + Z * error), abs=1e-9
    )


def test_net_promoter_score_mirrors_and_stays_on_its_scale() -> None:
    one, other = net_promoters(7, 2, 12, 0.9), net_promoters(2, 7, 12, 0.9)
    assert (other.estimate, other.conf_low, other.conf_high) == pytest.approx(
        (-one.estimate, -one.conf_high, -one.conf_low), abs=1e-10
    )
    few = net_promoters(2, 0, 2, 0.95)
    assert few.estimate == few.conf_high == 100
    assert -100 < few.conf_low < 60


def test_net_promoter_intervals_hold_the_truth() -> None:
    rng, truth = np.random.default_rng(1), 30.0
    drawn = rng.multinomial(40, [0.5, 0.3, 0.2], 4000)
    found = [net_promoters(p, d, 40, 0.95) for p, _, d in drawn]
    held = np.mean([one.conf_low <= truth <= one.conf_high for one in found])
    assert abs(held - 0.95) < 0.01 + 4 * np.sqrt(0.95 * 0.05 / 4000)


@pytest.mark.parametrize(
    ("count", "n", "level"), [(8, 10, 0.95), (0, 7, 0.9), (7, 7, 0.95), (321, 1000, 0.99)]
)
def test_shares_are_wilsons(count: int, n: int, level: float) -> None:
    found = share(count, n, level)
    expected = proportion_confint(count, n, 1 - level, method="wilson")
    assert (found.conf_low, found.conf_high) == pytest.approx(expected, abs=1e-12)
    assert found.estimate == count / n
    assert found.conf_low < found.conf_high


def test_means_are_students() -> None:
    answers, n = np.array([1.0, 3.0, 5.0]), np.array([2.0, 4.0, 3.0])
    rows = np.repeat(answers, n.astype(int))
    found = mean_score(answers, n, (1, 5), 0.95)
    expected = stats.t.interval(0.95, len(rows) - 1, rows.mean(), stats.sem(rows))
    assert (found.conf_low, found.conf_high) == pytest.approx(expected, abs=1e-12)
    assert found.std_error == pytest.approx(stats.sem(rows), abs=1e-12)


def test_a_mean_of_equal_answers_has_an_interval_all_the_same() -> None:
    found = mean_score(np.array([1.0]), np.array([20.0]), (0, 1), 0.95)
    low, high = proportion_confint(20, 20, 0.05, method="agresti_coull")
    assert found.estimate == found.conf_high == 1.0
    assert found.conf_low == pytest.approx(low, abs=1e-12)
    assert high >= 1
    assert mean_score(np.array([4.0]), np.array([1.0]), (1, 5), 0.95).conf_low < 3


def test_a_ratio_is_that_of_its_rows() -> None:
    rng = np.random.default_rng(3)
    w = rng.integers(1, 6, 50).astype(float)
    x = 20 * w + rng.normal(0, 8, 50)
    found = ratio(50, (x.sum(), (x**2).sum()), (w.sum(), (w**2).sum()), (x * w).sum(), 0.95)
    estimate = x.sum() / w.sum()
    # the residuals' own variance, by hand
    error = np.std(x - estimate * w, ddof=1) * np.sqrt(50) / w.sum()
    reach = np.exp(stats.t.ppf(0.975, 49) * error / estimate)
    assert found.estimate == pytest.approx(estimate, abs=1e-12)
    assert found.std_error == pytest.approx(error, rel=1e-9)
    assert (found.conf_low, found.conf_high) == pytest.approx((estimate / reach, estimate * reach), rel=1e-9)
    again = ratio(50, (3 * x.sum(), 9 * (x**2).sum()), (w.sum(), (w**2).sum()), 3 * (x * w).sum(), 0.95)
    assert (again.estimate, again.conf_low) == pytest.approx(
        (3 * found.estimate, 3 * found.conf_low), rel=1e-9
    )


def test_a_ratio_of_one_customer_or_of_nothing_has_no_interval() -> None:
    for found in (ratio(1, (5.0, 25.0), (2.0, 4.0), 10.0, 0.95), ratio(9, (0.0, 0.0), (9.0, 9.0), 0.0, 0.95)):
        assert np.isfinite(found.estimate)
        assert np.isnan([found.std_error, found.conf_low, found.conf_high]).all()
    assert np.isnan(ratio(3, (0.0, 0.0), (0.0, 0.0), 0.0, 0.95).estimate)


def test_a_ratio_that_never_varies_has_an_interval_of_no_width() -> None:
    found = ratio(4, (0.4, 0.04), (4.0, 4.0), 0.4, 0.95)
    assert found.std_error == 0
    assert found.conf_low == found.conf_high == found.estimate


def test_ratio_intervals_hold_the_truth_of_skewed_amounts() -> None:
    rng = np.random.default_rng(5)
    held = []
    for _ in range(3000):
        x = rng.gamma(1.0, 30.0, 60)
        found = ratio(60, (x.sum(), (x**2).sum()), (60.0, 60.0), x.sum(), 0.95)
        held.append(found.conf_low <= 30 <= found.conf_high)
    assert abs(np.mean(held) - 0.95) < 0.01 + 4 * np.sqrt(0.95 * 0.05 / 3000)
