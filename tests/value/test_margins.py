"""Margins by time retained: rates by hand, what sparse strata follow, trends, and draws joint with retention."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from cxlink.checks import matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.tidy import select, tidy
from cxlink.report.check_notes import note
from cxlink.survival.bootstrap import ResampledCustomers
from cxlink.value.customer_value import value_results
from cxlink.value.margins import changes, continued_trend, last_told, margins_of, over_time, periods_paid

DISCOUNT = 0.1


def light_and_heavy(last: int, n: int = 20_000, horizon: int = 60, **analysis: object) -> Counts:
    """One cell: half pay 100 a month and leave at .02 a month, half pay 20 and leave at .2; followed for so long."""
    rows = []
    for fee, hazard in ((100.0, 0.02), (20.0, 0.2)):
        left = n
        for month in range(1, last + 1):
            lost = round(left * hazard)
            rows += [(month, 1, fee * min(month, 12), lost)] if lost else []
            left -= lost
        rows.append((last, 0, fee * 12, left))
    table = pd.DataFrame(rows, columns=["months", "lost", "spend", "n"])
    table = table.loc[table.index.repeat(table["n"])].drop(columns="n").reset_index(drop=True)
    table["score"] = 1 + table.index % 2
    spec = make_spec({
        "score": {"column": "score", "scale": "1-3", "best": [2]},
        "subscription": {"duration": "months", "event": "lost"},
        "spend": {"column": "spend", "complete": True},
        "value": {"margin": 1.0, "discount": DISCOUNT, "horizon": horizon},
        "analysis": {"draws": 100, **analysis},
    })  # fmt: skip
    return read_cohort(table, spec).count()


def valued(counts: Counts, seed: int = 1) -> pd.DataFrame:
    return tidy(value_results(spells_of(counts), counts, np.random.default_rng(seed))[0])


def exact(months: int, first: int = 0) -> float:
    """Σ E[margin of t | retained at t]·S(t)·1.1^(−t/12): of each kind its fee while it stays."""
    t = np.arange(first, first + months)
    return float(sum(0.5 * fee * (stay**t @ 1.1 ** (-t / 12)) for fee, stay in ((100, 0.98), (20, 0.8))))


def test_where_heavy_spenders_stay_value_is_the_sum_of_margins_of_those_retained() -> None:
    table = select(valued(light_and_heavy(61)), estimand="value", group="all", given=0).set_index("scenario")
    # customers are whole numbers: half of one of 20,000 a month
    assert table.loc["", "estimate"] == pytest.approx(exact(60), rel=1e-3)
    assert table.loc["first_excluded", "estimate"] == pytest.approx(exact(60, 1), rel=1e-3)
    # the product of two means: 14.5 % too low
    t = np.arange(60)
    survival = (0.98**t + 0.8**t) / 2
    spent = 0.5 * (100 * 0.98 ** t[:12] + 20 * 0.8 ** t[:12]).sum()
    product = spent / survival[:12].sum() * (survival @ 1.1 ** (-t / 12))
    assert product / exact(60) - 1 == pytest.approx(-0.145, abs=5e-4)


def test_over_the_window_undiscounted_value_is_the_mean_spent() -> None:
    """Leaving does not count twice: Σ S(t)·E[margin of t | retained at t] over the window is the mean itself."""
    counts = light_and_heavy(25, n=500, horizon=12)
    spec = make_spec({
        **counts.spec.model_dump(mode="json", exclude_none=True),
        "value": {"margin": 1.0, "discount": 0.0, "horizon": 12},
    })  # fmt: skip
    shown = select(valued(replace(counts, spec=spec)), estimand="value", scenario="", given=0).set_index(
        "group"
    )
    for level in (1, 2):
        mine = counts.scored[counts.scored["score"] == level]
        mean = mine["spend_sum"].sum() / mine["spend_n"].sum()
        assert shown.loc[str(level), "estimate"] == pytest.approx(mean, rel=1e-12)


def test_the_margin_of_those_retained_rises() -> None:
    table = select(valued(light_and_heavy(61)), estimand="margin_per_period", group="all").set_index("given")
    assert table.loc[0, "estimate"] == pytest.approx(60, abs=1e-9)
    heavy, light = 0.98**12, 0.8**12
    assert table.loc[12, "estimate"] == pytest.approx((100 * heavy + 20 * light) / (heavy + light), rel=1e-3)


def spells(rows: list[tuple[int, int, int, int, float]], entry: int = 0) -> Spells:
    """Spells of (level, exit, cause, customers, spend each); one stratum, all windows complete."""
    level, leave, cause, n, spend = (np.array(column) for column in zip(*rows, strict=True))
    levels, pair = np.unique(level, return_inverse=True)
    return Spells(
        tuple(int(one) for one in levels), pd.DataFrame(index=range(1)), ("lost",), np.arange(len(levels)),
        np.zeros(len(levels), int), pair.ravel(), np.full(len(n), entry), leave, cause, n.astype(np.int64),
        np.column_stack([n, n * spend, n * spend**2]).astype(float),
    )  # fmt: skip


def test_periods_paid_are_those_begun_as_a_customer() -> None:
    """Window of 2½ periods: lost in 1, 2, 3 paid 1, 2, 2½; followed for 3 paid all; for 1, one and what S tells."""
    cohort = spells(
        [(1, 1, 1, 5, 10.0), (1, 2, 1, 5, 10.0), (1, 3, 1, 5, 10.0), (1, 3, 0, 5, 10.0), (1, 1, 0, 5, 10.0)]
    )
    log_survival = np.log(np.array([[1.0, 0.8, 0.6, 0.3]]))
    paid = periods_paid(cohort, np.array([1.0, 1.0, 0.5]), log_survival)
    assert paid == pytest.approx([1, 2, 2.5, 2.5, 1 + 1 + 0.5 * 0.6 / 0.8], abs=1e-15)
    # entering at 1, time runs from there
    late = replace(cohort, entry=cohort.entry + 1, exit=cohort.exit + 1)
    beyond = np.log(np.array([[1.0, 1.0, 0.8, 0.6, 0.3]]))
    assert periods_paid(late, np.array([1.0, 1.0, 0.5]), beyond) == pytest.approx(paid, abs=1e-15)


def test_mean_rates_are_over_those_at_risk() -> None:
    """Ten lost in period 1 having paid 30; twenty followed for two, 30 in each: rates of 30 and 15 in a window of 2."""
    cohort = spells([(1, 1, 1, 10, 30.0), (1, 2, 0, 20, 30.0)])
    found = margins_of(cohort, np.ones(2), np.zeros((1, 5)), 3, buyers=30)
    assert found.at_risk == pytest.approx(np.array([[30, 30, 20, 0]]))
    assert found.mean == pytest.approx(np.array([[20, 20, 15, 0]]))
    assert found.usual == pytest.approx(20)
    # held at the last of them
    held = over_time(found.mean[..., None], found.at_risk, cohort.level)
    assert held[0, :, 0] == pytest.approx([20, 15, 15])


AT_RISK = np.array([[40.0, 40, 20, 9], [4, 4, 4, 2], [30, 30, 9, 0]])
MEAN = np.array([[10.0, 10, 12, 15], [5, 5, 7, 9], [8, 8, 6, 0]])[..., None]
LEVEL = np.array([0, 0, 1])


def test_a_sparse_stratum_follows_the_change_of_its_level() -> None:
    """Of level 0: (20·2 + 4·2)/(20·10 + 4·5), then (9·3 + 2·2)/(9·12 + 2·7); level 1 is held when nine are left."""
    first, second = 48 / 220, 31 / 122
    assert changes(MEAN, AT_RISK, LEVEL)[..., 0] == pytest.approx(np.array([[0, first, second], [0, 0, 0]]))
    found = over_time(MEAN, AT_RISK, LEVEL)[..., 0]
    assert found[0] == pytest.approx([10, 12, 12 * (1 + second)])
    assert found[1] == pytest.approx([5, 5 * (1 + first), 5 * (1 + first) * (1 + second)])
    assert found[2] == pytest.approx([8, 8, 8])
    assert last_told(AT_RISK, LEVEL).tolist() == [2, 0]


def test_ten_at_risk_have_a_mean_of_their_own_and_nine_follow_their_level() -> None:
    """A fall from 8 to 6 of so few, beside 100 whose margin of 8 stays."""
    for n, expected in ((10.0, 6.0), (9.0, 8 * (1 - 9 * 2 / (9 * 8 + 100 * 8)))):
        at_risk = np.array([[30.0, 30, n], [100, 100, 100]])
        found = over_time(np.array([[8.0, 8, 6], [8, 8, 8]])[..., None], at_risk, np.zeros(2, int))
        assert found[0, 1, 0] == pytest.approx(expected, abs=1e-14)


def test_losses_move_margins_by_their_size() -> None:
    """A margin under 0 gets worse as it falls: −10, −12; the others of its level at −20 lose a fifth of 20."""
    at_risk = np.array([[50.0, 50, 50], [5, 5, 0]])
    found = over_time(np.array([[-10.0, -10, -12], [-20, -20, 0]])[..., None], at_risk, np.zeros(2, int))
    assert found[:, 1, 0] == pytest.approx([-12, -24])


def test_a_trend_goes_on_by_doublings_of_time() -> None:
    """Margins 1, 1, 1.1, 1.2, 1.3 to t = 4: times 1.3/1.1 from 2 to 4, and as much from 4 to 8."""
    mean = np.array([[1.0, 1, 1, 1.1, 1.2, 1.3, 0, 0, 0, 0]])[..., None]
    at_risk = np.array([[100.0, 100, 90, 80, 70, 60, 0, 0, 0, 0]])
    held = over_time(mean, at_risk, np.zeros(1, int))
    assert held[0, 4:, 0] == pytest.approx(1.3)
    on = continued_trend(held, mean, at_risk, np.zeros(1, int))
    assert on[0, :5, 0] == pytest.approx(held[0, :5, 0])
    assert on[0, 8, 0] == pytest.approx(1.3 * 1.3 / 1.1)


def test_the_trend_is_a_scenario_where_margins_are_held() -> None:
    """Followed for 25 months, valued over 24: nothing is held. Over 48 it is, and a rising margin goes on rising."""
    inside = valued(light_and_heavy(25, horizon=24, given=[]))
    assert "margin_trend" not in set(inside["scenario"])
    counts = light_and_heavy(25, horizon=48, given=[])
    table = valued(counts)
    shown = select(table, estimand="value", group="best", given=0).set_index("scenario")["estimate"]
    assert shown["margin_trend"] > shown[""]
    assert set(select(table, scenario="margin_trend")["given"]) == {0}


def test_draws_are_as_uncertain_as_the_customers() -> None:
    """Nobody leaves: the mean of n independent rates, at every time alike, s/√n by the unbiased variance."""
    rng = np.random.default_rng(2)
    spend = rng.gamma(1.5, 40.0, 60)
    one = spells([(1, 3, 0, 1, float(y)) for y in spend])
    together = replace(spells([(1, 3, 0, 60, 0.0)]), spend=np.array([[60.0, spend.sum(), (spend**2).sum()]]))
    for cohort in (one, together):
        found = margins_of(cohort, np.ones(2), np.zeros((1, 4)), 3, buyers=60)
        weights = np.random.default_rng(3).multinomial(60, cohort.n / 60, 4000).T
        drawn = found.draws(ResampledCustomers(weights), np.random.default_rng(4))
        expected = (spend / 2).std(ddof=1) / np.sqrt(60)
        for k in range(4):
            # four standard errors of a standard deviation of 4,000 draws
            assert drawn[0, k].std() == pytest.approx(expected, rel=4 / np.sqrt(2 * 4000))
        assert drawn[0, 0] == pytest.approx(drawn[0, 3], abs=1e-9)


def test_margin_and_retention_are_drawn_together() -> None:
    """As more of the light leave, retention falls and the margin of those retained rises: a negative correlation."""
    counts = light_and_heavy(25, n=500, horizon=24)
    cohort = spells_of(counts)
    found = margins_of(cohort, np.ones(12), np.zeros((2, 26)), 13, buyers=1000)
    rng = np.random.default_rng(5)
    weights = rng.multinomial(cohort.n.sum(), cohort.n / cohort.n.sum(), 2000).T
    late = found.draws(ResampledCustomers(weights), rng)[0, 12]
    level = cohort.pair == 0
    retained = weights[level & (cohort.exit > 11)].sum(axis=0) / weights[level].sum(axis=0)
    heavy, light = 0.5 * 0.98**11, 0.5 * 0.8**11
    # Cov(S, m) of the mean margin of those retained is 0; of the two with the light ones' number it is not
    assert abs(np.corrcoef(late, retained)[0, 1]) < 4 / np.sqrt(2000)
    share = (100 - late) / 80
    assert share.mean() == pytest.approx(light / (light + heavy), rel=0.05)


def test_a_horizon_that_spend_alone_cannot_value_is_said() -> None:
    frame = pd.DataFrame({"score": [1, 1, 2, 2, 3, 3], "spend": [0.0, 60.0, 120.0, 240.0, 360.0, 0.0]})
    for horizon, beyond in ((36, True), (12, False), (6, False)):
        spec = make_spec({
            "score": {"column": "score", "scale": "1-3"}, "spend": {"column": "spend", "complete": True},
            "value": {"margin": 1.0, "discount": 0.0, "horizon": horizon}, "analysis": {"draws": 100},
        })  # fmt: skip
        counts = read_cohort(frame, spec).count()
        made, checks = value_results(spells_of(counts), counts, np.random.default_rng(1))
        row = select(tidy(made), estimand="value", group="2", scenario="", given=0).iloc[0]
        assert row["horizon"] == min(horizon, 12)
        assert row["estimate"] == pytest.approx(180 * min(horizon, 12) / 12)
        said = matching(checks, code="value_horizon")
        assert [(c.value, c.bound, c.passed) for c in said] == ([(36, 12, False)] if beyond else [])
        assert [note(c) for c in said] == (
            ["retention is not known: value is computed over the spend window of 12 months, not to this horizon"]
            if beyond else []
        )  # fmt: skip
