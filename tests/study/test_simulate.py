"""Simulated cohorts, row by row in pandas and lifelines, against the truth that they were drawn from."""

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from scipy.stats import chi2, chi2_contingency

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.estimands.tidy import select
from cxlink.study.simulate import Simulated, add_months, simulate
from cxlink.study.truth import true_survival

CUT_OFF = pd.Timestamp("2026-04-30")
FOUR = 4.0
LONGEST = 30
STRATUM = ["need", "band"]


@pytest.fixture(scope="module")
def subscribers() -> Simulated:
    return simulate("subscription", 300_000, 20140801)


@pytest.fixture(scope="module")
def buyers() -> Simulated:
    return simulate("transaction", 300_000, 20140801)


def passed(start: pd.Series, end: pd.Series | pd.Timestamp, months: list[int], *, through: bool) -> pd.Series:
    """How many of some month-anniversaries of ``start`` lie before ``end``, or on it with ``through``."""
    dates = [start + pd.DateOffset(months=m) for m in months]
    return sum((date <= end) if through else (date < end) for date in dates)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def spells(subscribers: Simulated) -> pd.DataFrame:
    """The respondents, by pandas alone."""
    table = subscribers.table[subscribers.table["score"].notna()].copy()
    every = list(range(1, LONGEST + 1))
    table["score"] = table["score"].astype(int)
    table["band"] = passed(table["signup_date"], table["survey_date"], [3, 12, 24], through=True)
    table["followed"] = passed(table["survey_date"], CUT_OFF, every, through=True)
    period = 1 + passed(table["survey_date"], table["end_date"], every, through=False)
    table["lost_in"] = period.where(table["end_date"].notna(), LONGEST + 1)
    return table


def true(cohort: Simulated, **where: object) -> float:
    found = select(cohort.truth, reference=where.pop("reference", ""), **where)
    assert len(found) == 1
    return float(found["estimate"].iloc[0])


@pytest.mark.parametrize("level", range(1, 11))
def test_retention_at_every_month_is_the_truth_of_the_level(spells: pd.DataFrame, level: int) -> None:
    mine, survival = spells[spells["score"].eq(level)], true_survival((level,), "no")
    for month in range(1, 28):
        # Follow-up does not depend on the customer: those followed so far need no Kaplan-Meier.
        kept = mine.loc[mine["followed"].ge(month), "lost_in"].gt(month)
        error = np.sqrt(survival[month] * (1 - survival[month]) / len(kept))
        assert abs(kept.mean() - survival[month]) < FOUR * error, f"month {month}"


@pytest.mark.parametrize("group", ["worst", "best"])
def test_standardised_kaplan_meier_recovers_the_published_retention(
    subscribers: Simulated, spells: pd.DataFrame, group: str
) -> None:
    levels = {"worst": [1], "best": [9, 10]}[group]
    weight = spells.groupby(STRATUM).size() / len(spells)
    share = spells["score"].value_counts()[levels] / spells["score"].isin(levels).sum()
    total, variance = 0.0, 0.0
    for (level, need, band), rows in spells[spells["score"].isin(levels)].groupby(["score", *STRATUM]):
        seen = rows["lost_in"].le(rows["followed"])
        fitter = KaplanMeierFitter().fit(rows["lost_in"].where(seen, rows["followed"]), seen)
        events = fitter.event_table.loc[1:12]
        greenwood = (
            events["observed"] / (events["at_risk"] * (events["at_risk"] - events["observed"]))
        ).sum()
        part = share[level] * weight[need, band]
        total += part * fitter.predict(12)
        variance += (part * fitter.predict(12)) ** 2 * greenwood
    # Weights are shares of 150,000 customers; what they add, at most .1² / 150,000, is left out.
    truth = true(subscribers, estimand="retention", group=group, horizon=12, adjusted="standardised")
    assert abs(total - truth) < FOUR * np.sqrt(variance)
    assert np.sqrt(variance) < 0.006


@pytest.mark.parametrize("design", ["subscription", "transaction"])
@pytest.mark.parametrize("level", range(1, 11))
def test_mean_spend_by_level_is_the_truth(
    request: pytest.FixtureRequest, spells: pd.DataFrame, design: str, level: int
) -> None:
    cohort = request.getfixturevalue({"subscription": "subscribers", "transaction": "buyers"}[design])
    rows = spells[spells["followed"].ge(12)] if design == "subscription" else cohort.table
    spend = rows.loc[rows["score"].eq(level), "annual_spend"]
    truth = true(cohort, estimand="spend", group=str(level), adjusted="no")
    assert abs(spend.mean() - truth) < FOUR * spend.std() / np.sqrt(len(spend))


def test_standardised_spend_ratios_recover_the_published_ones(buyers: Simulated) -> None:
    table = buyers.table[buyers.table["score"].notna()].copy()
    table["band"] = np.digitize(table["months_since_first_purchase"], [3, 12, 24])
    weight = table.groupby(STRATUM).size() / len(table)
    cells = table.groupby(["score", *STRATUM])["annual_spend"].agg(["mean", "var", "size"])
    mean = cells["mean"].mul(weight).groupby("score").sum()
    variance = (cells["var"] / cells["size"]).mul(weight**2).groupby("score").sum()
    share = table["score"].value_counts(normalize=True)

    def band(levels: list[int]) -> tuple[float, float]:
        part = share[levels] / share[levels].sum()
        return float(part @ mean[levels]), float(part**2 @ variance[levels])

    low, low_variance = band([1, 2, 3])
    for levels, published in (([4, 5, 6], 1.3), ([7], 1.5), ([8], 1.8), ([9], 1.9), ([10], 2.4)):
        high, high_variance = band(levels)
        error = high / low * np.sqrt(high_variance / high**2 + low_variance / low**2)
        assert abs(high / low - published) < FOUR * error
        assert error < 0.08


def test_dates_are_in_order(subscribers: Simulated, spells: pd.DataFrame) -> None:
    ended = spells["end_date"].notna()
    assert spells["signup_date"].le(spells["survey_date"]).all()
    assert spells.loc[ended, "survey_date"].lt(spells.loc[ended, "end_date"]).all()
    everybody = subscribers.table
    assert everybody["end_date"].max() <= CUT_OFF
    assert everybody["survey_date"].isna().equals(everybody["score"].isna())
    left = everybody["end_date"].notna()
    assert everybody.loc[left, "signup_date"].lt(everybody.loc[left, "end_date"]).all()


def test_dates_say_in_which_months_things_happened(subscribers: Simulated, spells: pd.DataFrame) -> None:
    hidden = subscribers.hidden.loc[spells.index]
    ended = spells["end_date"].notna()
    assert spells.loc[ended, "lost_in"].equals(hidden.loc[ended, "lost_in_month"])
    # Whole months since signup: all of them have passed at the survey, and not one more.
    every = list(range(1, 101))
    few = spells.iloc[:20_000]
    since = passed(few["signup_date"], few["survey_date"], every, through=True)
    assert since.equals(hidden["tenure_months"].iloc[:20_000])
    # Whoever is seen to the cut-off without a loss was to be lost later.
    assert hidden.loc[~ended, "lost_in_month"].gt(spells.loc[~ended, "followed"]).all()


def test_follow_up_is_staggered(spells: pd.DataFrame) -> None:
    assert spells["followed"].ge(12).mean() > 0.85
    assert spells["followed"].lt(12).mean() > 0.05
    assert spells["followed"].max() >= 24
    assert spells["followed"].nunique() > 12


def test_subscribers_pay_a_fee_each_month_begun(spells: pd.DataFrame) -> None:
    fee = spells["need"].map({"low": 19, "medium": 29, "high": 49})
    months = spells[["lost_in", "followed"]].assign(followed=spells["followed"] + 1, most=12).min(axis=1)
    assert spells["annual_spend"].eq(fee * months).all()


def test_purchases_are_zero_heavy_and_skewed(buyers: Simulated) -> None:
    spend = buyers.table["annual_spend"]
    assert 0.25 < spend.eq(0).mean() < 0.55
    assert spend.skew() > 3
    assert spend.min() == 0
    assert np.allclose(spend * 100, (spend * 100).round(), atol=1e-6)


def test_scores_pile_up_at_the_top(subscribers: Simulated) -> None:
    share = subscribers.table["score"].value_counts(normalize=True)
    assert share[[8, 9, 10]].sum() > 0.5
    assert share.min() > 0.03
    assert 0.45 < subscribers.table["score"].notna().mean() < 0.55


def test_who_answers_depends_on_need_and_on_score(subscribers: Simulated) -> None:
    answered = subscribers.table["score"].notna()
    by_need = answered.groupby(subscribers.table["need"]).mean()
    assert by_need["low"] + 0.1 < by_need["medium"] < by_need["high"] - 0.1
    latent = subscribers.hidden["latent_score"]
    by_score = answered[subscribers.table["need"].eq("medium")].groupby(latent).mean()
    assert by_score[1] > by_score[5] + 0.15
    assert by_score[10] > by_score[5] + 0.1
    assert subscribers.table["score"].dropna().astype(int).equals(latent[answered])


def test_score_depends_on_need_and_tenure(spells: pd.DataFrame) -> None:
    by_need, by_band = (spells.groupby(name)["score"].mean() for name in STRATUM)
    assert by_need["low"] + 0.3 < by_need["medium"] < by_need["high"] - 0.3
    assert np.all(np.diff(by_band) > 0.1)


@pytest.mark.parametrize("design", ["subscription", "transaction"])
def test_what_nobody_observes_is_independent_of_the_score_within_strata_only(
    request: pytest.FixtureRequest, design: str
) -> None:
    cohort = request.getfixturevalue({"subscription": "subscribers", "transaction": "buyers"}[design])
    hidden = cohort.hidden.assign(need=cohort.table["need"], answered=cohort.table["score"].notna())
    hidden["band"] = np.digitize(hidden["tenure_months"], [3, 12, 24])
    hidden = hidden[hidden["answered"]]
    statistic, degrees = 0.0, 0
    for _, rows in hidden.groupby(STRATUM):
        found = chi2_contingency(pd.crosstab(rows["latent_score"], rows["unobserved_class"]))
        statistic, degrees = statistic + found.statistic, degrees + found.dof
    assert degrees == 12 * 9 * 2
    assert 0.001 < chi2.sf(statistic, degrees) < 0.999
    assert chi2_contingency(pd.crosstab(hidden["latent_score"], hidden["unobserved_class"])).pvalue < 1e-6


def test_the_naive_contrast_misses(spells: pd.DataFrame) -> None:
    year = spells[spells["followed"].ge(12)]
    kept = year["lost_in"].gt(12)
    assert kept[year["score"].eq(1)].mean() < 0.43 - 0.05
    assert kept[year["score"].ge(9)].mean() > 0.74 + 0.02


def test_every_level_occurs_in_every_stratum_of_a_small_cohort() -> None:
    cohort = simulate("subscription", 20_000, 1)
    band = np.digitize(cohort.hidden["tenure_months"], [3, 12, 24])
    cells = cohort.table.assign(band=band).dropna(subset="score").groupby(["score", *STRATUM]).size()
    assert len(cells) == 10 * 12
    assert cells.min() >= 5
    assert cells[1].min() >= 10


@pytest.mark.parametrize("design", ["subscription", "transaction"])
def test_the_same_seed_gives_the_same_cohort_and_another_another(design: str) -> None:
    first, again, other = (simulate(design, 500, seed) for seed in (7, 7, 8))
    pd.testing.assert_frame_equal(first.table, again.table)
    pd.testing.assert_frame_equal(first.hidden, again.hidden)
    assert first.spec == again.spec
    assert not first.table["annual_spend"].equals(other.table["annual_spend"])


@pytest.mark.parametrize("design", ["subscription", "transaction"])
def test_the_spec_is_one_and_names_columns_of_the_table(design: str) -> None:
    cohort = simulate(design, 10, 1)
    spec = make_spec(cohort.spec)
    named = [spec.cohort.id, spec.score.column, spec.spend.column, *spec.adjust.columns, *spec.adjust.bands]
    if spec.subscription is not None:
        named += [spec.subscription.signup, spec.subscription.survey, spec.subscription.end]
    assert set(named) <= set(cohort.table.columns)
    assert len(spec.stratum_variables) == 2
    assert [list(cuts) for cuts in spec.cuts.values()] == [[3, 12, 24]]
    assert cohort.table["customer_id"].is_unique


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        ("2024-01-31", 1, "2024-02-29"),
        ("2025-01-31", 1, "2025-02-28"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2025-03-31", -1, "2025-02-28"),
        ("2025-01-15", -13, "2023-12-15"),
        ("2024-12-31", 0, "2024-12-31"),
    ],
)
def test_months_are_calendar_anniversaries_with_month_ends_clipped(
    day: str, months: int, expected: str
) -> None:
    assert add_months(np.array([day], dtype="datetime64[D]"), months)[0] == np.datetime64(expected)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("panel", 10, 1), "'panel' is not a design. Choose subscription or transaction."),
        (("subscription", 0, 1), "a cohort of 0 customers cannot be simulated. Ask for 1 to 100,000,000."),
        (("transaction", 10, -1), r"the seed must be a whole number from 0 on \(found -1\)."),
    ],
)
def test_what_cannot_be_simulated_is_refused(call: tuple[str, int, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        simulate(*call)


def test_one_customer_is_a_cohort() -> None:
    assert len(simulate("subscription", 1, 3).table) == len(simulate("transaction", 1, 3).table) == 1
