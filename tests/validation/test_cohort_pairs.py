"""Pairs of cohorts with a known change: the truth is what it says, and the split's intervals hold it."""

import numpy as np
import pytest

from cxlink.cohort.count.spells import spells_of
from validation.cohort_pairs import HORIZON, KINDS, coverage, drawn, law, spec_of, truth


def test_the_truth_of_each_kind_is_in_its_own_part() -> None:
    base = law("base")
    found = {kind: truth(base, law(kind)) for kind in KINDS}
    for estimand, least in (("retention", 0.01), ("spend", 1.0)):
        for kind in ("mix", "baseline"):
            for part in ("mix", "baseline", "effect"):
                value = found[kind][estimand, "all", part]
                assert (abs(value) > least) == (part == kind), (estimand, kind, part)
        worst, best = (found["effect"][estimand, group, "effect"] for group in ("worst", "best"))
        assert worst > least  # the scores' slope is halved: the worst gain, the best lose
        assert best < -least
        assert found["effect"][estimand, "all", "mix"] == pytest.approx(0, abs=1e-12)
        assert all(abs(found["all three"][estimand, "all", part]) > least / 4 for part in ("mix", "baseline"))


def test_cohorts_follow_their_law() -> None:
    one, rng = law("base"), np.random.default_rng(1)
    spells = spells_of(drawn(one, 400_000, spec_of("retention", "base", 100, 1), rng))
    whole = spells.exit >= HORIZON
    inside = np.bincount(spells.level[spells.pair], spells.n, 5) / 400_000
    np.testing.assert_allclose(inside, one.share.sum(axis=1), atol=4 * np.sqrt(0.25 / 400_000))
    first = (spells.exit == 1) & (spells.cause > 0)
    expected = (one.share * one.hazard[..., 0]).sum()
    assert spells.n[first].sum() / 400_000 == pytest.approx(expected, abs=4 * np.sqrt(expected / 400_000))
    assert whole.any()
    spent = drawn(one, 400_000, spec_of("spend", "base", 100, 1), rng).cells
    mean = spent["spend_sum"].sum() / 400_000
    assert mean == pytest.approx((one.share * one.spend).sum(), abs=4 * 250 / np.sqrt(400_000))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_part_covers_its_truth_at_the_nominal_rate(kind: str) -> None:
    """300 pairs: within three Monte-Carlo errors, in the whole cohort and in each group."""
    found = coverage(kind, 300, 4_000, 400, 2026)
    error = np.sqrt(0.95 * 0.05 / 300)
    whole = found[found["group"] == "all"]
    assert whole["coverage"].between(0.95 - 3 * error, 0.95 + 3 * error).all(), whole
    # some seventy quantities more, of which the farthest is farther than three
    assert found["coverage"].between(0.95 - 4 * error, 1).all(), found
