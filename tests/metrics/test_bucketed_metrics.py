"""Metrics over buckets of clusters: a ratio's error by loops, its interval by hand, none where it is not known."""

import numpy as np
import pytest
from clustered import account_counts, account_rows
from scipy.stats import t

from cxlink.cohort.count.clusters import BUCKETS, bucket_of
from cxlink.metrics.all_metrics import metrics_of
from cxlink.metrics.bucketed_metrics import over_buckets
from cxlink.metrics.metric_intervals import MetricEstimate

PLAIN = MetricEstimate(0.3, 0.1, 0.1, 0.5, 100)


def _sums(x: list[float], n: list[float]) -> dict[str, np.ndarray]:
    padded = {"x": x, "w": n, "n": n}
    return {name: np.pad(np.array(value, float), (0, BUCKETS - len(value))) for name, value in padded.items()}


def test_a_share_by_hand() -> None:
    n, x = [10.0] * 8, [1.0, 2, 3, 4, 5, 1, 2, 6]
    share = 24 / 80
    error = np.sqrt(8 / 7 * sum((one - share * 10) ** 2 for one in x)) / 80
    found = over_buckets(PLAIN, _sums(x, n), 0.95, (0.0, 1.0))
    assert (found.estimate, found.std_error) == pytest.approx((0.3, error))
    reach = t.isf(0.025, 8) * error / (share * (1 - share))
    odds = np.log(share / (1 - share))
    assert found.conf_low == pytest.approx(1 / (1 + np.exp(reach - odds)))
    assert found.conf_high == pytest.approx(1 / (1 + np.exp(-reach - odds)))


@pytest.mark.parametrize(
    ("x", "n"),
    [([1.0] * 5, [9.0] * 5), ([10.0] * 8, [10.0] * 8), ([0.0] * 8, [10.0] * 8), ([], [])],
    ids=["five buckets", "all", "none", "nobody"],
)
def test_no_interval_where_buckets_do_not_tell(x: list[float], n: list[float]) -> None:
    found = over_buckets(PLAIN, _sums(x, n), 0.95, (0.0, 1.0))
    assert np.isnan([found.conf_low, found.conf_high]).all()


def test_mean_answers_have_the_error_of_their_accounts() -> None:
    rows = account_rows()
    bucket, n = rows["account"].map(bucket_of), len(rows)
    apart = (rows["score"] - rows["score"].mean()).groupby(bucket).sum()
    error = np.sqrt(len(apart) / (len(apart) - 1) * (apart**2).sum()) / n
    clustered, alone = (
        metrics_of(account_counts(cluster), np.random.default_rng(1))
        .set_index("metric")
        .query("variable == ''")
        for cluster in ("account", None)
    )
    mean = clustered.loc["csat_mean"]
    assert mean["estimate"] == pytest.approx(rows["score"].mean())
    assert mean["std_error"] == pytest.approx(error)
    # a score is its account's: six customers tell as much as one
    assert mean["std_error"] == pytest.approx(np.sqrt(6) * alone.loc["csat_mean"]["std_error"], rel=0.15)
    np.testing.assert_allclose(clustered["estimate"], alone["estimate"], rtol=1e-12)
