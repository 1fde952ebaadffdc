"""Informative censoring: the formula by hand, Kaplan–Meier at δ = 1, the tipping point, quarters, and rows."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from cohorts import counts_of, random_rows, spec_for
from lifelines import KaplanMeierFitter
from scipy.optimize import brentq

from cxlink.checks import matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.headline import headline
from cxlink.estimands.tidy import interval
from cxlink.groups.curves import Standard
from cxlink.report.check_notes import note
from cxlink.sensitivity.censoring import Censored, censored_group, ending_shares
from cxlink.sensitivity.censoring_rows import censoring_rows
from cxlink.sensitivity.follow_up_waves import mantel_haenszel, unfinished_waves


def one_group(at_risk: list[int], lost: list[int], censored: list[int], horizon: int) -> Censored:
    r, d, c = (np.array(x, dtype=float)[None, :, None] for x in (at_risk, lost, censored))
    standard = Standard("best", np.array([0]), np.array([0]), np.ones(1), 100, 10)
    return censored_group(standard, d / r, ending_shares(r, d, c), horizon)


def test_delta_by_hand() -> None:
    # 100: 10 lost in period 1, then 30 censored; 60: 15 lost in 2, 20 censored; 25: 5 lost in 3, 20 seen to stay
    group = one_group([100, 60, 25], [10, 15, 5], [30, 20, 20], horizon=3)
    assert group.seen == pytest.approx([0.2], rel=1e-10)
    assert group.share == pytest.approx(np.array([[0.3, 0.2]]), rel=1e-10)
    assert np.exp(group.log_left) == pytest.approx(np.array([[0.75 * 0.8, 0.8]]), rel=1e-10)
    # Kaplan–Meier: .9 · .75 · .8
    assert group.retention(1.0) == pytest.approx([0.54], rel=1e-10)
    assert group.retention(0.0) == pytest.approx([0.7], rel=1e-10)
    assert group.retention(2.0) == pytest.approx([0.2 + 0.3 * 0.36 + 0.2 * 0.64], rel=1e-10)


def test_the_tipping_point_is_the_root() -> None:
    rng = np.random.default_rng(1)
    share = rng.dirichlet(np.ones(7), 200) * 0.6
    group = Censored(rng.uniform(0.1, 0.3, 200), share, -rng.exponential(0.5, (200, 7)))
    whole = group.seen + share.sum(axis=1)
    target = group.seen + rng.uniform(0.01, 0.99, 200) * share.sum(axis=1)
    found = group.tipping(target)
    for k in range(200):
        alone = Censored(group.seen[[k]], share[[k]], group.log_left[[k]])
        root = brentq(lambda x, one=alone, at=target[k]: one.retention(x)[0] - at, 0, 1e5, xtol=1e-12)
        assert found[k] == pytest.approx(root, rel=1e-8)
    assert (group.tipping(whole + 0.01) == 0).all()
    assert np.isinf(group.tipping(group.seen - 0.01)).all()
    nobody_leaves = Censored(group.seen, share, np.zeros_like(share))
    assert np.isinf(nobody_leaves.tipping(target)).all()


def test_the_limit_of_the_tipping_point_is_where_that_of_the_difference_is_zero() -> None:
    rng = np.random.default_rng(4)
    n = 399  # a limit of 95 % is the tenth draw
    group = Censored(
        rng.uniform(0.2, 0.3, n), rng.dirichlet(np.ones(5), n) * 0.5, -rng.exponential(0.5, (n, 5))
    )
    target = rng.uniform(0.33, 0.5, n)
    _, low, _ = interval(group.tipping(target), 0.95)
    assert 0 < low < np.inf
    _, lowest, _ = interval(group.retention(low) - target, 0.95)
    assert lowest == pytest.approx(0, abs=1e-9)


def followed(frame: pd.DataFrame, at: int) -> float:
    return float(KaplanMeierFitter().fit(frame["exit"], frame["cause"] != "").predict(at))


def mild(n: int) -> pd.DataFrame:
    """Customers censored throughout, of whom half gave any score: a difference of some points."""
    frame, rng = random_rows(7, n, strata=2, follow_up=(1, 11)), np.random.default_rng(3)
    return frame.assign(score=frame["score"].where(rng.random(n) < 0.5, rng.integers(1, 6, n)))


@pytest.fixture(scope="module")
def censored() -> tuple[pd.DataFrame, Counts, list[dict[str, object]], list[dict[str, object]]]:
    frame = mild(4000)
    counts = counts_of(frame, spec_for(adjust=("plan",), draws=600))
    spells = spells_of(counts)
    rows, checks = censoring_rows(spells, counts, np.random.default_rng(1))
    assert [check.code for check in checks] == ["censored_early"] * 2
    assert all("ended before 6 months" in note(check) for check in checks)
    return frame, counts, rows, headline(spells, counts, np.random.default_rng(2))[0]


def cell(rows: list[dict[str, object]], estimand: str, group: str, scenario: str) -> dict[str, object]:
    keys = {
        "estimand": estimand,
        "group": group,
        "scenario": scenario,
        "adjusted": "standardised",
        "horizon": 6,
    }
    (found,) = (row for row in rows if all(row.get(name, "") == value for name, value in keys.items()))
    return found


@pytest.mark.long
def test_rows_surround_the_headline_and_agree_with_rows_of_customers(censored: tuple) -> None:
    frame, _, rows, main = censored
    share = frame["plan"].value_counts(normalize=True)
    for group in ("worst", "best"):
        slow, fast = (cell(rows, "retention", group, f"censored_hazard={d}") for d in ("0.5", "2"))
        middle = cell(main, "retention", group, "")
        assert fast["estimate"] < middle["estimate"] < slow["estimate"]
        for row in (slow, fast):
            assert row["std_error"] == pytest.approx(middle["std_error"], rel=0.35)
    # worst is one level: customers one by one, each censored before the horizon given its expected retention
    expected = 0.0
    for plan, weight in share.items():
        own = frame[(frame["score"] == 1) & (frame["plan"] == plan)]
        early = (own["cause"] == "") & (own["exit"] < 6)
        left = [
            (followed(own, 6) / followed(own, t)) ** 2 if out else float(t >= 6 or out)
            for t, out in zip(own["exit"], early, strict=True)
        ]
        stays = (own["exit"] > 6) | ((own["exit"] == 6) & (own["cause"] == ""))
        expected += weight * float(np.mean(np.where(early, left, stays)))
    assert cell(rows, "retention", "worst", "censored_hazard=2")["estimate"] == pytest.approx(
        expected, rel=1e-8
    )


def test_the_lower_limit_of_the_tipping_point_is_where_the_interval_reaches_zero(censored: tuple) -> None:
    _, counts, rows, main = censored
    tip = cell(rows, "tipping_point", "best", "censoring")
    assert cell(main, "retention_difference", "best", "")["conf_low"] > 0
    assert 1 < tip["conf_low"] < tip["estimate"]
    assert tip["unit"] == "ratio"
    # a shift of the difference by its limit is a shift of the tipping point by its own: fewer customers, a lower limit
    weaker = counts_of(mild(600), counts.spec)
    other = censoring_rows(spells_of(weaker), weaker, np.random.default_rng(1))[0]
    assert cell(other, "tipping_point", "best", "censoring")["conf_low"] < tip["conf_low"]


def test_the_group_that_stays_longer_is_the_one_that_is_moved() -> None:
    frame = mild(2500)
    turned = frame.assign(score=6 - frame["score"])
    spec = spec_for(adjust=("plan",), draws=200)
    found = []
    for rows, bands in ((frame, ([1], [4, 5])), (turned, ([1, 2], [5]))):
        score = spec.score.model_copy(update={"worst": tuple(bands[0]), "best": tuple(bands[1])})
        counts = counts_of(rows, spec.model_copy(update={"score": score}))
        made, _ = censoring_rows(spells_of(counts), counts, np.random.default_rng(1))
        found.append(cell(made, "tipping_point", "best", "censoring")["estimate"])
    assert np.isfinite(found[0])
    assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_nobody_censored_early_has_shares_of_zero_and_no_row() -> None:
    counts = counts_of(random_rows(3, 800, follow_up=(6, 9)), spec_for(draws=100))
    rows, checks = censoring_rows(spells_of(counts), counts, np.random.default_rng(1))
    assert rows == []
    assert [check.value for check in checks] == [0.0, 0.0]


def test_clustered_customers_have_no_row() -> None:
    counts = counts_of(mild(600), spec_for(adjust=("plan",), draws=100))
    cohort = counts.spec.cohort.model_copy(update={"cluster": "account"})
    clustered = replace(counts, spec=counts.spec.model_copy(update={"cohort": cohort}))
    rows, checks = censoring_rows(spells_of(clustered), clustered, np.random.default_rng(1))
    assert rows == []
    assert [check.code for check in checks] == ["censored_early", "censored_early"]


@pytest.mark.parametrize("late", [False, True])
def test_sparse_groups_and_late_entry_are_finite_and_contain_their_estimate(late: bool) -> None:
    frame = random_rows(5, 260, strata=2, late=late)
    frame.loc[frame["score"] >= 4, "cause"] = ""
    counts = counts_of(frame, spec_for(adjust=("plan",), late=late, draws=200))
    rows, _ = censoring_rows(spells_of(counts), counts, np.random.default_rng(1))
    assert rows
    for row in rows:
        if row["estimand"] == "tipping_point":
            continue
        assert np.isfinite([row["estimate"], row["conf_low"], row["conf_high"]]).all()
        assert row["conf_low"] <= row["estimate"] <= row["conf_high"]
    best = cell(rows, "retention", "best", "censored_hazard=2")
    assert best["estimate"] == 1.0
    assert best["conf_low"] < 1.0
    assert np.isinf(cell(rows, "tipping_point", "best", "censoring")["estimate"])  # type: ignore[arg-type]


def test_late_entry_at_one_is_the_ratio_of_kaplan_meier() -> None:
    hazard = np.array([0.1, 0.2, 0.3, 0.25])[None, :, None]
    ending = np.array([0.3, 0.1, 0.5, 0.2])[None, :, None]
    standard = Standard("best", np.array([0, 0]), np.array([0, 2]), np.array([0.4, 0.6]), 100, 10)
    group = censored_group(standard, hazard, ending, 2)
    assert group.retention(1.0) == pytest.approx([0.4 * 0.9 * 0.8 + 0.6 * 0.7 * 0.75], rel=1e-10)
    assert group.retention(3.0) == pytest.approx(
        [0.4 * (0.9 * 0.3 * 0.8**3 + 0.9 * 0.7 * 0.8) + 0.6 * (0.7 * 0.5 * 0.75**3 + 0.7 * 0.5 * 0.75)],
        rel=1e-10,
    )


def test_mantel_haenszel_by_hand() -> None:
    one, other = np.array([[100.0, 60.0]]), np.array([[200.0, 40.0]])
    found = mantel_haenszel(one, np.array([[10.0, 9.0]]), other, np.array([[10.0, 4.0]]))
    above, below = 10 * 200 / 300 + 9 * 40 / 100, 10 * 100 / 300 + 4 * 60 / 100
    spread = (20 * 100 * 200 - 100 * 300) / 300**2 + (13 * 60 * 40 - 36 * 100) / 100**2
    assert found == pytest.approx((above / below, np.sqrt(spread / (above * below))), rel=1e-10)
    assert mantel_haenszel(one, np.zeros((1, 2)), other, np.ones((1, 2))) is None


def quarters(late_hazard: float, n: int = 6000) -> Counts:
    """Customers of four quarters, the last two followed for three periods of a horizon of six."""
    rng = np.random.default_rng(2)
    wave = rng.integers(0, 4, n)
    score = rng.integers(1, 6, n)
    stay = rng.geometric(np.where(wave < 2, 0.1, late_hazard))
    end = np.where(wave < 2, 8, 3)
    frame = pd.DataFrame(
        {"score": score, "exit": np.minimum(stay, end), "cause": np.where(stay <= end, "lost", "")}
    )
    counts = counts_of(frame, spec_for(draws=100))
    cells = pd.DataFrame({
        "score": pd.array(score, dtype="Int64"), "entry": 0, "exit": frame["exit"], "cause": frame["cause"],
        "wave": np.array(["2024Q1", "2024Q2", "2024Q3", "2024Q4"])[wave], "n": 1,
    })  # fmt: skip
    return Counts(cells, counts.spec, counts.profile)


def test_quarters_that_end_early_are_set_beside_earlier_ones() -> None:
    (same,) = unfinished_waves(quarters(0.1))
    assert same.low < 1 < same.high
    assert same.get("share") == pytest.approx(0.5, abs=0.03)
    (faster,) = unfinished_waves(quarters(0.2))
    assert faster.low < 2 < faster.high
    assert faster.low > 1.5
    assert "surveyed after the last quarter" in note(faster)
    whole = quarters(0.1)
    assert not list(unfinished_waves(Counts(whole.cells.assign(wave=""), whole.spec, whole.profile)))
    early = whole.cells[whole.cells["wave"] < "2024Q3"]
    assert not list(unfinished_waves(Counts(early, whole.spec, whole.profile)))
    assert not list(
        unfinished_waves(Counts(whole.cells[whole.cells["wave"] > "2024Q2"], whole.spec, whole.profile))
    )


def test_an_early_quarter_that_lost_everybody_is_no_late_one() -> None:
    counts = quarters(0.1)
    first = counts.cells["wave"] == "2024Q1"
    gone = counts.cells.assign(
        exit=counts.cells["exit"].mask(first, 2), cause=counts.cells["cause"].mask(first, "lost")
    )
    (found,) = unfinished_waves(Counts(gone, counts.spec, counts.profile))
    assert found.get("share") == pytest.approx(0.5, abs=0.03)
    assert found.value < 1
    assert matching([found], code="late_quarters")
