"""Cohorts drawn as counts follow the law that they are drawn from."""

import numpy as np
import pytest

from cxlink.cohort.count.counts import SPEND
from cxlink.study.cells import counted_from_signup, draw, spec_of
from cxlink.study.population import LEVELS
from cxlink.study.processes import FOLLOW_UP, MONTHS_BEFORE, processes

N = 400_000


@pytest.mark.parametrize("name", processes())
def test_every_process_is_a_law(name: str) -> None:
    law = processes()[name]
    assert law.scored.sum() == pytest.approx(1, abs=1e-12)
    assert set(law.worst) | set(law.best) <= set(LEVELS)
    if law.survival is not None:
        assert (law.survival[..., 0] == 1).all()
        assert (np.diff(law.survival, axis=-1) <= 0).all()
        assert law.survival.min() > 0
    if law.spending is not None:
        assert law.spending.class_share.sum(axis=1) == pytest.approx(np.ones(len(law.scored)), abs=1e-12)


def test_no_effect_means_none_within_any_stratum() -> None:
    survival = processes()["no_effect"].survival
    assert survival is not None
    assert np.ptp(survival, axis=1).max() == 0
    assert np.ptp(survival[:, 0, 12]) > 0.1


def test_exits_follow_the_survival_of_each_pair() -> None:
    law = processes()["fading"]
    assert law.survival is not None
    cells = draw(law, N, spec_of(law, 100), np.random.default_rng(1)).cells
    assert cells["n"].sum() == N
    # who is followed 12 months or more and lost by then, of all who are followed so long
    mine = cells[(cells["stratum.need"] == "low") & (cells["stratum.tenure"] == "<3") & (cells["score"] == 1)]
    lost = mine[(mine["cause"] != "") & (mine["exit"] == 1)]["n"].sum()
    expected = 1 - law.survival[0, 0, 1]
    share = lost / mine["n"].sum()
    assert share == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / mine["n"].sum()))
    censored = cells[(cells["cause"] == "")].groupby("exit")["n"].sum()
    assert set(censored.index) <= set(FOLLOW_UP)


@pytest.mark.parametrize("name", ["study_transaction", "heavy_spend"])
def test_spend_has_the_mean_and_the_zeros_of_the_law(name: str) -> None:
    law = processes()[name]
    assert law.spending is not None
    cells = draw(law, N, spec_of(law, 100), np.random.default_rng(2)).cells
    spending = law.spending
    mean = np.einsum("gk,gsk,gsk->gs", spending.class_share, spending.buys, spending.mean)
    expected = (law.scored * mean).sum()
    variance = cells["spend_sum_sq"].sum() / N - (cells["spend_sum"].sum() / N) ** 2
    assert cells["spend_n"].sum() == N
    assert cells["spend_sum"].sum() / N == pytest.approx(expected, abs=4 * np.sqrt(variance / N))
    none = (law.scored * (1 - np.einsum("gk,gsk->gs", spending.class_share, spending.buys))).sum()
    assert cells["spend_zero"].sum() / N == pytest.approx(none, abs=4 * np.sqrt(none * (1 - none) / N))


def test_a_subscriber_pays_a_fee_for_each_month_stayed_and_only_whole_windows_count() -> None:
    law = processes()["study_subscription"]
    cells = draw(law, 20_000, spec_of(law, 100), np.random.default_rng(3)).cells
    assert not cells.loc[(cells["cause"] == "") & (cells["exit"] < 12), "spend_n"].any()
    low = cells[(cells["stratum.need"] == "low") & (cells["exit"] == 3) & (cells["spend_n"] > 0)]
    assert (low["spend_sum"] / low["spend_n"]).to_numpy() == pytest.approx(
        np.full(len(low), 3 * 19.0), rel=1e-9
    )


def test_the_naive_clock_adds_the_months_before_the_survey() -> None:
    law = processes()["no_effect"]
    counts = draw(law, 20_000, spec_of(law, 100), np.random.default_rng(4))
    naive = counted_from_signup(counts, np.random.default_rng(5)).cells
    assert naive["n"].sum() == 20_000
    assert not set(SPEND) & set(naive.columns)
    long_standing = naive[naive["stratum.tenure"] == ">=24"]
    assert MONTHS_BEFORE[3].min() > 12
    assert (long_standing["cause"] == "").all()
    assert (long_standing["exit"] == 12).all()
    new = naive[(naive["stratum.tenure"] == "<3") & (naive["cause"] != "")]
    assert 1 in set(new["exit"])


def test_the_same_seed_draws_the_same_cohort() -> None:
    law = processes()["renewal"]
    first, second = (draw(law, 5_000, spec_of(law, 100), np.random.default_rng(6)).cells for _ in range(2))
    assert first.equals(second)
