"""The bootstrap of buckets: weights with the right variance, and curves whose spread is that of their influence."""

from dataclasses import replace

import numpy as np
import pytest
from clustered import account_counts, account_rows
from scipy.sparse import csr_array

from cxlink.cohort.count.clusters import BUCKETS, bucket_of
from cxlink.cohort.count.spell_buckets import MOST_SPREAD, SpellBuckets
from cxlink.cohort.count.spells import spells_of
from cxlink.groups.requests import pooled
from cxlink.spend.means import cell_means
from cxlink.survival.bootstrap import bucket_weights, drawn_customers, resample
from cxlink.survival.kaplan_meier import kaplan_meier

DRAWS = 8_000


def places(*customers: int) -> SpellBuckets:
    """One pair of level and stratum, with so many customers in each bucket."""
    n, at = csr_array(np.array([customers], dtype=float)), np.arange(len(customers))
    return SpellBuckets(np.zeros_like(at), at, n, n, n)


def test_weights_are_positive_with_mean_one_and_the_spread_of_their_place() -> None:
    spells = spells_of(account_counts())
    assert spells.buckets is not None
    exponential = np.random.default_rng(1).standard_exponential((BUCKETS, DRAWS))
    weights, spread = bucket_weights(spells.buckets, exponential), spells.buckets.spread
    assert (weights > 0).all()
    np.testing.assert_allclose(weights.mean(axis=1), 1, atol=5 * np.sqrt(spread.max() / DRAWS))
    # the kurtosis of an exponential number is 9: √(8 / draws) a place, averaged
    found = (weights.var(axis=1) / spread).mean()
    assert found == pytest.approx(1, abs=5 * np.sqrt(8 / DRAWS / BUCKETS) + 0.01)
    same = spells.buckets.bucket == spells.buckets.bucket[0]
    assert (np.corrcoef(weights[same]) > 0.99).all()  # one bucket has one number in all its cells


def test_spread_by_hand() -> None:
    np.testing.assert_allclose(places(2, 2, 2, 2, 2).spread, 5 / 4, rtol=1e-12)  # G / (G − 1)
    # shares 1/2, 1/4, 1/4: 1 − 2h + 3/8
    np.testing.assert_allclose(places(2, 1, 1).spread, [8 / 3, 8 / 7, 8 / 7], rtol=1e-12)
    np.testing.assert_allclose(places(9, 1).spread, [MOST_SPREAD, 1 / 1.62], rtol=1e-12)
    np.testing.assert_allclose(places(7).spread, MOST_SPREAD / 2)


@pytest.mark.parametrize("sizes", [(6, 3, 2, 1), (1, 1, 1, 1, 1, 5), (40, 20, 20, 10, 5, 5, *(1,) * 50)])
def test_expected_variance_is_that_of_a_mean_over_buckets_of_any_sizes(sizes: tuple[int, ...]) -> None:
    share = np.array(sizes) / sum(sizes)
    true = (share**2).sum()  # of Σ h·m, the buckets' means m of variance 1
    squared_deviation = 1 - 2 * share + true  # E(m − Σ h·m)²
    estimated = (share**2 * places(*sizes).spread * squared_deviation).sum()
    assert estimated == pytest.approx(true, rel=1e-12)


def test_draws_do_not_depend_on_the_block_and_customers_are_their_buckets() -> None:
    spells = spells_of(account_counts())
    whole, parts = (
        np.concatenate(list(resample(spells, 20, block, np.random.default_rng(2))), axis=1)
        for block in (20, 7)
    )
    np.testing.assert_array_equal(whole, parts)
    (drawn,) = drawn_customers(spells, 20, 20, np.random.default_rng(2))
    assert spells.buckets is not None
    np.testing.assert_allclose(drawn.weights, spells.buckets.customers @ drawn.multipliers, rtol=1e-12)
    np.testing.assert_allclose(np.asarray(spells.buckets.customers.sum(axis=1)).ravel(), spells.n)


@pytest.fixture(scope="module")
def by_hand() -> dict[str, np.ndarray]:
    """Influence of each bucket on retention after six months, and on mean spend, of score 3: sums over rows."""
    rows = account_rows()
    mine = rows[rows["score"] == 3]
    bucket = mine["account"].map(bucket_of)
    kept = ~((mine["left"] == 1) & (mine["months"] <= 6))  # nobody is censored before twelve
    parts = {"retention": kept.astype(float), "spend": mine["spend"]}
    return {
        name: ((value - value.mean()).groupby(bucket).sum() / len(mine)).to_numpy()
        for name, value in parts.items()
    }


def test_curves_and_means_vary_together_as_their_buckets_do(by_hand: dict[str, np.ndarray]) -> None:
    counts = account_counts()
    spells, spec = spells_of(counts), counts.spec
    request = pooled(spells, spec)
    assert request is not None
    request = replace(request, times=np.array([0, 6]), horizons=())
    at = next(k for k, one in enumerate(request.standards) if one.group == "3")
    cells = cell_means(spells, [spells_members(spells, 3)])
    made = kaplan_meier(
        spells, [request], DRAWS, np.random.default_rng(5), horizon=6, scores=cells.scores
    )  # fmt: skip
    kept, spend = made.curves[0].draws[:, at, 1], made.influence[:, 0]
    retention, amount = by_hand["retention"], by_hand["spend"]
    n_buckets = len(amount)
    pair_factor = (
        1.1  # each plan's weights have the G / (G − 1) of its own buckets, fewer than both plans have
    )
    for drawn, influence in ((kept, retention), (spend, amount)):
        expected = np.sqrt((influence**2).sum())
        # four standard errors of a deviation from 8,000 draws below
        assert (
            expected * (1 - 4 / np.sqrt(2 * DRAWS))
            < drawn.std()
            < expected * np.sqrt(n_buckets / (n_buckets - 1)) * pair_factor
        )
    correlation = (retention * amount).sum() / np.sqrt((retention**2).sum() * (amount**2).sum())
    assert np.corrcoef(kept, spend)[0, 1] == pytest.approx(correlation, abs=0.06)


def spells_members(spells: object, level: int) -> np.ndarray:
    """Pairs of a level."""
    levels, of_pair = spells.levels, spells.level  # type: ignore[attr-defined]
    return np.flatnonzero(of_pair == levels.index(level))
