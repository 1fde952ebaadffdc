"""Laws that are known far beyond follow-up: what they are drawn from, their cohorts as counts, and their truths."""

import re

import numpy as np
import pytest

from cxlink.study.truth import true_survival
from validation.extrapolation import drawn_laws
from validation.extrapolation.drawn_laws import FAR, KINDS, LONGEST_FOLLOW_UP, drawn_law
from validation.extrapolation.long_law import (
    LongLaw,
    drawn_cohort,
    outcome_shares,
    request_of,
    spec_of,
    truths,
)
from validation.extrapolation.study_law import FIRST, LAST, study_law

DRAWN = {kind: [drawn_law(kind, np.random.default_rng([seed, 5])) for seed in range(25)] for kind in KINDS}


def hazards(law: LongLaw) -> np.ndarray:
    return -np.diff(law.log_survival, axis=-1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_law_is_a_law(kind: str) -> None:
    for law in DRAWN[kind]:
        assert law.last in LONGEST_FOLLOW_UP
        assert law.log_survival.shape == (5, 3, FAR * law.last + 1)
        assert (law.log_survival[..., 0] == 0).all()
        assert (hazards(law) > 0).all()
        assert law.share.sum() == pytest.approx(1, abs=1e-12)
        assert law.follow_up.sum() == pytest.approx(1, abs=1e-12)
        assert np.flatnonzero(law.follow_up)[0] + 1 == law.last // 3
        np.testing.assert_allclose(law.share.sum(axis=1), drawn_laws.LEVEL_SHARE, atol=0.01)
        # the middle level of the middle stratum
        assert 0.4 <= np.exp(law.log_survival[2, 1, 12]) <= 0.85
        shares = outcome_shares(law)
        assert (shares >= 0).all()
        np.testing.assert_allclose(shares.sum(axis=(1, 2)), 1, atol=1e-12)


def test_renewals_come_at_least_twice_inside_follow_up() -> None:
    for law in DRAWN["renewal"]:
        jump = np.diff(np.log(hazards(law)[0, 0]))
        spikes = np.flatnonzero(jump > np.log(2) - 0.2) + 2
        cycle = spikes[0]
        assert cycle in (6, 12)
        assert 2 * cycle <= law.last
        np.testing.assert_array_equal(spikes, np.arange(cycle, FAR * law.last + 1, cycle))
        assert np.log(2) - 0.2 < jump.max() < np.log(8)
    assert {len(np.flatnonzero(law.follow_up)) for law in DRAWN["one_spike"]} == {13}


def _breaks(law: LongLaw) -> np.ndarray:
    """Months after which the baseline jumps: where its second difference is not that of a smooth fall."""
    log_hazard = np.log(hazards(law)[0, 0])
    return np.flatnonzero(np.abs(np.diff(log_hazard, 2)) > 0.06)[1:] + 2


def test_breaks_lie_inside_follow_up_or_beyond_it() -> None:
    for law in DRAWN["break_beyond"]:
        assert (_breaks(law)[_breaks(law) > 6] >= law.last - 1).all()
    inside = [law for law in DRAWN["piecewise"] if (_breaks(law) < law.last).any()]
    assert len(inside) > 12
    for law in DRAWN["piecewise"]:  # all levels and strata alike
        ratio = np.log(hazards(law)) - np.log(hazards(law))[:1, :1]
        np.testing.assert_allclose(ratio, np.broadcast_to(ratio[..., :1], ratio.shape), atol=1e-9)


def test_a_fading_score_halves() -> None:
    for law in DRAWN["fading"]:
        between = np.log(hazards(law)[0, 0]) - np.log(hazards(law)[4, 0])
        pairs = np.log(hazards(law)[0, 0]) - np.log(hazards(law)[0, 1])
        np.testing.assert_allclose(pairs, pairs[0], atol=1e-9)
        steps = np.diff(between)
        half_life = -1 / np.log2(steps[1:] / steps[:-1])
        np.testing.assert_allclose(half_life, half_life[0], rtol=1e-3)
        assert law.last / 3 < half_life[0] < 3 * law.last


def test_levels_part_by_the_same_with_each_doubling_of_time() -> None:
    slopes = []
    for law in DRAWN["shape"]:
        between = np.log(hazards(law)[0]) - np.log(hazards(law)[4])
        doubled = between[:, [1, 3, 7, 15]] - between[:, [0, 1, 3, 7]]
        np.testing.assert_allclose(doubled, doubled[0, 0], atol=1e-9)
        middle = np.log(hazards(law)[0, 0]) - np.log(hazards(law)[2, 0])
        np.testing.assert_allclose(2 * (middle[1] - middle[0]), doubled[0, 0], atol=1e-9)
        slopes.append(doubled[0, 0])
    assert np.std(slopes) == pytest.approx(0.25, abs=4 * 0.25 / np.sqrt(2 * len(slopes)))


def test_levels_that_deviate_do_so_alone() -> None:
    for law in DRAWN["deviating"]:
        log_hazard = np.log(hazards(law))
        within = log_hazard - log_hazard[:, :1]
        np.testing.assert_allclose(within, np.broadcast_to(within[..., :1], within.shape), atol=1e-9)
        others = [np.ptp(log_hazard[a, 0] - log_hazard[b, 0]) < 1e-9 for a in range(5) for b in range(a)]
        assert 1 <= sum(others) <= 6  # four to two levels keep together


def test_the_docstring_says_what_is_drawn() -> None:
    text = re.sub(r"\s+", " ", drawn_laws.__doc__ or "")
    for kind in KINDS:
        assert f"``{kind}``" in text
    assert drawn_law("renewal", np.random.default_rng(1)).log_survival[0, 0, 1] == pytest.approx(
        drawn_law("renewal", np.random.default_rng(1)).log_survival[0, 0, 1], abs=0
    )


def two_levels() -> LongLaw:
    """Two levels, two strata; worst .5 and .6 a month, best .8 and .9; half are observed for a month, half for two."""
    kept = np.log([[0.5, 0.6], [0.8, 0.9]])
    survival = kept[..., None] * np.arange(5)
    strata = drawn_laws.STRATA.iloc[:2].reset_index(drop=True)
    share = np.array([[0.1, 0.3], [0.2, 0.4]])
    return LongLaw("two", share, strata, survival, np.array([0.5, 0.5]), (1,), (2,))


def test_ends_of_spells_by_hand() -> None:
    shares = outcome_shares(two_levels())
    # of the first pair: .5 lost in the first month; of those left a half observed to then, a half lost again
    np.testing.assert_allclose(shares[0], [[0.25, 0.5], [0.125, 0.125]], atol=1e-12)


def test_a_cohort_follows_its_law_and_standardised_truths_are_by_hand() -> None:
    law = two_levels()
    spells = drawn_cohort(law, 100_000, np.random.default_rng(3))
    assert spells.n.sum() == 100_000
    assert spells.levels == (1, 2)
    share = np.bincount(spells.pair, spells.n) / 1e5
    np.testing.assert_allclose(share, law.share.ravel(), atol=4 * np.sqrt(0.25 / 1e5))
    first = (spells.pair == 0) & (spells.exit == 1) & (spells.cause == 1)
    assert spells.n[first].sum() / spells.n[spells.pair == 0].sum() == pytest.approx(0.5, abs=0.02)
    request = request_of(spells, spec_of(law, (2, 4), 100))
    rows = {
        (row["estimand"], row["group"], row["reference"], row["horizon"]): row["truth"]
        for row in truths(law, spells, request, (2, 4))
    }
    basic = float(spells.n[spells.stratum[spells.pair] == 0].sum() / spells.n.sum())
    worst = basic * 0.5**2 + (1 - basic) * 0.6**2
    best = basic * 0.8**2 + (1 - basic) * 0.9**2
    assert rows["retention", "worst", "", 2] == pytest.approx(worst, rel=1e-12)
    assert rows["retention_difference", "best", "worst", 2] == pytest.approx(best - worst, rel=1e-12)
    means = [basic * a + (1 - basic) * b for a, b in (((0.5), (0.6)), ((0.8), (0.9)))]
    area = [(1 - m) / -np.log(m) for m in means]
    assert rows["tenure_ratio", "2", "worst", 2] > 1
    early = (means[0], worst)
    exact = area[0] + (early[0] - early[1]) / np.log(early[0] / early[1])
    assert rows["tenure", "1", "", 2] == pytest.approx(exact, rel=1e-12)


def test_the_study_s_law_is_the_study_s() -> None:
    law = study_law()
    assert law.log_survival.shape == (10, 12, 121)
    worst = law.share.sum(axis=0) @ np.exp(law.log_survival[0])
    np.testing.assert_allclose(worst, true_survival((1,))[:121], rtol=1e-12)
    assert worst[12] == pytest.approx(0.43, abs=1e-9)
    np.testing.assert_allclose(law.follow_up[FIRST - 1 : LAST], 1 / 18, rtol=1e-12)
    assert law.follow_up.sum() == pytest.approx(1, abs=1e-12)
