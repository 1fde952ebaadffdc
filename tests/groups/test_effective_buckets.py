"""Effective buckets by hand: of a group pooled over strata, standardised, of a contrast, of one category."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from clustered import account_spec

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.errors import InputError
from cxlink.groups.effective_buckets import (
    EffectiveBuckets,
    buckets_of_curve,
    effective_buckets,
    effective_number,
    effective_of,
)
from cxlink.groups.requests import pooled


def _counts() -> Counts:
    """Score 1: plan a 6 + 2 customers in two buckets, plan b 4 in one; score 5: plan a 8 in one, plan b 5 + 5."""
    rows = [(1, "a", 0, 6), (1, "a", 1, 2), (1, "b", 2, 4), (5, "a", 3, 8), (5, "b", 3, 5), (5, "b", 4, 5)]
    cells = pd.DataFrame(rows, columns=["score", "stratum.plan", "bucket", "n"]).astype({"score": "Int64"})
    cells = cells.assign(entry=0, exit=12, cause="", wave="")
    return Counts(cells, account_spec(spend=None), Profile("rows", 30, 30))


@pytest.fixture(scope="module")
def made() -> EffectiveBuckets:
    found = effective_buckets(_counts())
    assert found is not None
    return found


def test_pooled_by_hand(made: EffectiveBuckets) -> None:
    assert made.effective(("1",), "no") == pytest.approx((6**2 + 2**2 + 4**2) ** 2 / (6**4 + 2**4 + 4**4))
    assert made.effective(("5",), "no") == pytest.approx((13**2 + 5**2) ** 2 / (13**4 + 5**4))


def test_standardised_by_hand(made: EffectiveBuckets) -> None:
    # plan a has 16 of the 30 customers: a customer of score 5 weighs 16/30/8 in it, and 14/30/10 in plan b
    cells = _counts().cells
    cells.loc[(cells["score"] == 1) & (cells["bucket"] == 2), "n"] = 3
    apart = pd.concat([cells, cells[cells["bucket"] == 2].assign(bucket=5, n=1)], ignore_index=True)
    whole = effective_buckets(replace(_counts(), cells=apart))
    assert whole is not None
    a, b = 16 / 30 / 8, 14 / 30 / 4
    parts = np.array([6 * a, 2 * a, 3 * b, 1 * b]) ** 2
    assert whole.effective(("1",), "standardised") == pytest.approx(parts.sum() ** 2 / (parts**2).sum())


def test_a_stratum_where_a_level_has_one_bucket_is_none_of_the_strata(made: EffectiveBuckets) -> None:
    # score 1 has one bucket in plan b, score 5 one in plan a
    assert made.effective(("1",), "standardised") == pytest.approx((6**2 + 2**2) ** 2 / (6**4 + 2**4))
    assert made.effective(("5",), "standardised") == pytest.approx(2)
    assert made.effective(("5", "1"), "standardised") == 0


def test_a_contrast_has_the_buckets_of_both_sides(made: EffectiveBuckets) -> None:
    worst, best = 1 / 12, 1 / 18
    parts = np.array([6 * worst, 2 * worst, 4 * worst, 13 * best, 5 * best]) ** 2
    assert made.effective(("5", "1"), "no") == pytest.approx(parts.sum() ** 2 / (parts**2).sum())


def test_one_category_and_what_is_none(made: EffectiveBuckets) -> None:
    assert made.effective(("1",), "no", "plan=a") == pytest.approx((6**2 + 2**2) ** 2 / (6**4 + 2**4))
    assert made.effective(("1",), "no", "plan=b") == pytest.approx(1)
    assert made.effective(("3",), "no") == 0
    assert (made.buckets("1"), made.buckets("5"), made.buckets("2")) == (3, 2, 0)
    with pytest.raises(InputError):
        made.effective(("asked_twice",), "no")
    with pytest.raises(InputError):
        made.effective(("1",), "no", "region=x")


def test_curves_of_a_request_stand_on_the_same(made: EffectiveBuckets) -> None:
    counts = _counts()
    spells = spells_of(replace(counts, cells=counts.cells))
    request = pooled(spells, counts.spec)
    assert request is not None
    for at, standard in enumerate(request.standards):
        if standard.group in ("1", "5"):
            expected = made.effective((standard.group,), "no")
            assert buckets_of_curve(spells, request, at) == pytest.approx(expected)


def test_one_large_account_is_worth_few_degrees_of_freedom() -> None:
    """A hundred buckets of ten customers and one of two hundred: far from a hundred buckets, at any likeness."""
    weight = np.append(np.full(100, 10.0), 200.0)
    assert effective_of(weight) == pytest.approx((100 * 100 + 40_000) ** 2 / (100 * 10_000 + 40_000**2))
    assert effective_of(weight) < 2
    assert effective_of(np.full(100, 10.0)) == pytest.approx(100)


def test_none_without_clusters() -> None:
    counts = _counts()
    assert effective_buckets(replace(counts, cells=counts.cells.drop(columns="bucket"))) is None
    assert effective_number(np.zeros(3)) == 0
