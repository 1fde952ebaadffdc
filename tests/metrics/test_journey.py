"""Contrasts, trends and shares of a journey, against statsmodels on the rows and against a known truth."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import expit
from statsmodels.stats.multitest import multipletests

from cxlink import make_spec
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.journey_counts import JourneyCounts
from cxlink.cohort.count.profile import Profile
from cxlink.metrics.journey.journey_changes import trends
from cxlink.metrics.journey.journey_checks import journey_checks
from cxlink.metrics.journey.journey_contrasts import contrasts_of_journey
from cxlink.metrics.journey.journey_rows import journey_rows
from cxlink.metrics.metric_table import tidy_metrics

NAMES, SLOPE = ("phone", "web"), 0.5
"""Touchpoints; the score on the web acts on the log-odds of retention, that on the phone goes with it."""
TABLES = {
    "cohort": {"id": "who"},
    "score": {"column": "nps", "scale": "0-10"},
    "subscription": {"survey": "asked", "end": "left", "observed_until": "2025-12-31"},
    "adjust": {"columns": ["plan"]},
    "touchpoints": {
        "table": "contacts.csv", "on": "who", "touchpoint": "where", "score": "rating", "scale": "1-5",
        "date": "on_day", "segment": "plan",
    },
}  # fmt: skip


def _rows(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n)
    rows = pd.DataFrame({"plan": np.where(rng.random(n) < 0.6, "basic", "pro")})
    for name, share in (("phone", 0.6), ("web", 0.8)):
        score = np.clip(np.rint(3 + 0.9 * common + 0.7 * rng.normal(size=n)), 1, 5)
        rows[name] = np.where(rng.random(n) < share, score, np.nan)
    log_odds = 0.3 + 0.4 * (rows["plan"] == "pro") + SLOPE * (rows["web"] - 3).fillna(0)
    return rows.assign(retained=(rng.random(n) < expit(log_odds)).astype(int), n=1)


def _journey(rows: pd.DataFrame) -> JourneyCounts:
    """Count rows that are all followed to the horizon, as the package would."""
    given = rows.rename(columns={name: f"touchpoint.{name}" for name in NAMES})
    given = given.assign(
        **{"stratum.plan": rows["plan"], "segment": rows["plan"], "lost": 1 - rows["retained"]}
    )
    for kind in ("retained", "lost"):
        given[f"{kind}_weight"] = given[f"{kind}_weight_sq"] = given[kind].astype(float)
    keys = [*(f"touchpoint.{name}" for name in NAMES), "stratum.plan", "segment"]
    cells = given.drop(columns="plan").groupby(keys, dropna=False, as_index=False).sum()
    paths = pd.DataFrame({"path": ["phone → web", "web"], "last": ["web", "web"], "n": [30, 70]})
    return JourneyCounts(NAMES, cells, _contacts(), paths, 12)


def _contacts() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    quarters = ["2023Q4", "2024Q1", "2024Q2", "2024Q4"]
    rows = [
        (name, segment, quarter, score, int(rng.integers(1, 40) * (1 + (name == "web") * place * score / 9)))
        for name in NAMES for segment in ("basic", "pro")
        for place, quarter in enumerate(quarters) for score in (1, 3, 5)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["touchpoint", "segment", "period", "score", "n"])


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return _rows(3_000, 11)


@pytest.fixture(scope="module")
def counts(rows: pd.DataFrame) -> Counts:
    return Counts(pd.DataFrame(), make_spec(TABLES), Profile("made", 3_000, 3_000), journey=_journey(rows))


def _standardised_slope(rows: pd.DataFrame, name: str) -> float:
    """Slope of standardised means by statsmodels' logistic regression on the rows; each level and none a dummy."""
    design = pd.DataFrame({"pro": (rows["plan"] == "pro").astype(float)})
    for one in NAMES:
        design[f"{one}_none"] = rows[one].isna().astype(float)
        for level in (2, 3, 4, 5):
            design[f"{one}_{level}"] = (rows[one] == level).astype(float)
    x = sm.add_constant(design)
    fit = sm.GLM(rows["retained"], x, family=sm.families.Binomial()).fit(tol=1e-12, maxiter=100)
    there = rows[name].notna()
    means = []
    for level in (1, 2, 3, 4, 5):
        own = x[there].copy()
        for each in (2, 3, 4, 5):
            own[f"{name}_{each}"] = float(each == level)
        means.append(fit.predict(own).mean())
    shares = rows.loc[there, name].value_counts(normalize=True).reindex([1, 2, 3, 4, 5]).to_numpy()
    return float(np.polyfit([1, 2, 3, 4, 5], means, 1, w=np.sqrt(shares))[0])


def test_contrasts_equal_the_standardised_slopes_of_a_regression_on_the_rows(
    rows: pd.DataFrame, counts: Counts
) -> None:
    assert counts.journey is not None
    found = {
        one.contrast.name: one.contrast
        for one in contrasts_of_journey(counts.journey, counts.spec)
        if (one.how, one.segment) == ("partial", "")
    }
    for name in NAMES:
        assert found[name].estimate == pytest.approx(_standardised_slope(rows, name), abs=1e-6)
        assert found[name].n == rows[name].notna().sum()


def test_a_scale_below_zero_is_a_scale_like_others(rows: pd.DataFrame) -> None:
    shifted = rows.assign(**{name: rows[name] - 3 for name in NAMES})
    touchpoints = {**TABLES["touchpoints"], "scale": "-2-2"}
    of_shifted, of_rows = (
        [(one.how, one.segment, one.contrast) for one in contrasts_of_journey(_journey(table), spec)]
        for table, spec in (
            (shifted, make_spec({**TABLES, "touchpoints": touchpoints})), (rows, make_spec(TABLES)),
        )
    )  # fmt: skip
    assert of_shifted == of_rows


@pytest.mark.long
def test_errors_are_those_of_a_customer_bootstrap(rows: pd.DataFrame, counts: Counts) -> None:
    assert counts.journey is not None
    rng = np.random.default_rng(5)
    drawn = []
    for _ in range(60):
        again = replace(
            counts.journey, cells=_journey(rows.iloc[rng.integers(0, len(rows), len(rows))]).cells
        )
        drawn.append(
            [
                one.contrast.estimate
                for one in contrasts_of_journey(again, counts.spec)
                if (one.how, one.segment) == ("partial", "")
            ]
        )
    errors = [
        one.contrast.std_error
        for one in contrasts_of_journey(counts.journey, counts.spec)
        if (one.how, one.segment) == ("partial", "")
    ]
    # four standard errors of a standard deviation from 60 draws: 4/√118
    np.testing.assert_allclose(np.std(drawn, axis=0, ddof=1) / errors, 1, atol=0.37)


def test_a_touchpoint_that_acts_on_nothing_has_a_contrast_alone_and_none_given_the_others(
    counts: Counts,
) -> None:
    table = tidy_metrics(journey_rows(counts)).query("metric == 'journey_retention_contrast'")
    whole = table[table["variable"] == "touchpoint"].set_index(["version", "category"])
    assert whole.loc[("alone", "phone"), "conf_low"] > 0
    alone, at_once = (whole.loc[how].loc[sorted(NAMES)] for how in ("partial", "simultaneous"))
    pd.testing.assert_frame_equal(
        at_once[["estimate", "std_error", "n"]], alone[["estimate", "std_error", "n"]]
    )
    wider = (at_once["conf_high"] - at_once["conf_low"]) / (alone["conf_high"] - alone["conf_low"])
    assert wider.between(1.02, 1.15).all()  # of two: 2.236 / 1.960 at the most
    z = whole["estimate"] / whole["std_error"]
    assert abs(z["partial", "phone"]) < 4
    law = _rows(400_000, 3)
    truth = _law_slope(law)
    row = whole.loc[("partial", "web")]
    assert abs(row["estimate"] - truth) < 4 * row["std_error"]
    segments = table[table["variable"] == "plan"]
    assert set(zip(segments["version"], segments["category"], strict=True)) == {
        (f"partial:{name}", plan) for name in NAMES for plan in ("basic", "pro")
    }


def _law_slope(law: pd.DataFrame) -> float:
    """Slope of the probability of retention that the law gives, over customers who were on the web."""
    there = law[law["web"].notna()]
    base = 0.3 + 0.4 * (there["plan"] == "pro")
    means = [expit(base + SLOPE * (level - 3)).mean() for level in (1, 2, 3, 4, 5)]
    shares = there["web"].value_counts(normalize=True).reindex([1, 2, 3, 4, 5]).to_numpy()
    return float(np.polyfit([1, 2, 3, 4, 5], means, 1, w=np.sqrt(shares))[0])


def test_trends_are_least_squares_with_robust_errors_and_adjusted_tests() -> None:
    contacts = _contacts()
    numbers = {"2023Q4": 0, "2024Q1": 1, "2024Q2": 2, "2024Q4": 4}
    fits = {}
    for name, own in contacts.groupby("touchpoint"):
        each = own.loc[own.index.repeat(own["n"])]
        x = sm.add_constant(each["period"].map(numbers).astype(float))
        fits[name] = sm.OLS(each["score"], x).fit(cov_type="HC1")
    found = trends(contacts, 1)
    for one in found:
        assert one.slope == pytest.approx(fits[one.touchpoint].params["period"], abs=1e-10)
        assert one.std_error == pytest.approx(fits[one.touchpoint].bse["period"], abs=1e-10)
    raw = [fits[one.touchpoint].pvalues["period"] for one in found]
    np.testing.assert_allclose(
        [one.p_value for one in found], multipletests(raw, method="holm")[1], atol=1e-10
    )
    turned = trends(contacts, -1)
    assert [one.slope for one in turned] == pytest.approx([-one.slope for one in found], abs=1e-12)


def test_two_quarters_make_no_trend() -> None:
    assert trends(_contacts().query("period < '2024Q2'"), 1) == []


def test_where_all_gave_one_score_there_is_no_trend() -> None:
    contacts = _contacts()
    same = contacts.assign(score=contacts["score"].where(contacts["touchpoint"] == "phone", 4))
    alone = contacts[contacts["touchpoint"] == "phone"]
    assert trends(same, 1) == trends(alone, 1) != []


def _estimates(counts: Counts) -> dict[tuple[str, str], float]:
    table = tidy_metrics(journey_rows(counts))
    keys = zip(table["metric"], table["category"], strict=True)
    return dict(zip(keys, table["estimate"], strict=True))


def test_shares_of_the_order_are_of_all_customers_with_a_contact(counts: Counts) -> None:
    found = _estimates(counts)
    expected = {
        ("journey_reached", "phone"): 0.3, ("journey_reached", "web"): 1.0, ("journey_first", "phone"): 0.3,
        ("journey_first", "web"): 0.7, ("journey_last", "phone"): 0.0, ("journey_path", "phone → web"): 0.3,
    }  # fmt: skip
    assert {key: found[key] for key in expected} == expected


def test_small_groups_are_blank_in_shares(counts: Counts) -> None:
    spec = make_spec({**TABLES, "publish": {"smallest_cell": 40}})
    found = _estimates(replace(counts, spec=spec))
    assert np.isnan(found["journey_first", "web"])
    assert np.isnan(found["journey_path", "phone → web"])


def test_what_cannot_be_compared_is_said(counts: Counts) -> None:
    held = counts.journey
    assert held is not None
    cells = held.cells.assign(**{"touchpoint.phone": np.nan})
    nobody = replace(held, cells=cells, horizon=0, merged=(("web", 3),))
    checks = {check.code: check for check in journey_checks(replace(counts, journey=nobody))}
    assert checks["journey_touchpoint"].facts == {"touchpoint": "phone", "case": "nobody"}
    assert checks["journey_merged"].value == 3
    assert "journey_unfollowed" in checks
    assert [check.code for check in journey_checks(replace(counts, journey=None))] == ["journey_uncounted"]
    assert list(contrasts_of_journey(nobody, counts.spec)) == []


def test_without_contacts_nothing_is_said() -> None:
    plain = make_spec({key: value for key, value in TABLES.items() if key != "touchpoints"})
    counts = Counts(pd.DataFrame(), plain, Profile("made", 0, 0))
    assert not list(journey_rows(counts))
    assert not list(journey_checks(counts))
