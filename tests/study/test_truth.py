"""The truth of the simulated businesses: the published figures exactly, and sums anybody can redo."""

import math

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.errors import InputError
from cxlink.estimands.tidy import KEY, select
from cxlink.study.population import LEVELS, MONTHS, population, subscription, targets, transaction
from cxlink.study.truth import TRUTH_COLUMNS, true_survival, truth, weights

EXACT = 1e-10


def value(design: str, **where: object) -> float:
    found = select(truth(design), reference=where.pop("reference", ""), **where)
    assert len(found) == 1
    return float(found["estimate"].iloc[0])


@pytest.mark.parametrize(("group", "published"), [("1", 0.43), ("worst", 0.43), ("best", 0.74)])
def test_standardised_retention_is_the_published_figure(group: str, published: float) -> None:
    found = value("subscription", estimand="retention", group=group, horizon=12, adjusted="standardised")
    assert found == pytest.approx(published, abs=EXACT)


def test_contrasts_of_retention_are_those_of_the_published_figures() -> None:
    same = {"group": "best", "reference": "worst", "horizon": 12, "adjusted": "standardised"}
    assert value("subscription", estimand="retention_difference", **same) == pytest.approx(0.31, abs=EXACT)
    assert value("subscription", estimand="retention_ratio", **same) == pytest.approx(0.74 / 0.43, abs=EXACT)


@pytest.mark.parametrize(
    ("group", "published"), [("4-6", 1.3), ("7", 1.5), ("8", 1.8), ("9", 1.9), ("10", 2.4)]
)
def test_standardised_spend_has_the_published_ratios(group: str, published: float) -> None:
    same = {"estimand": "spend_ratio", "group": group, "adjusted": "standardised"}
    assert value("transaction", reference="1-3", **same) == pytest.approx(published, abs=EXACT)


def test_a_band_weights_its_levels_by_their_shares_among_the_scored() -> None:
    share = dict(zip(LEVELS, population().level_share, strict=True))
    wanted = targets({"1": 0.1, "9-10": 0.5}, dict.fromkeys(range(2, 9), 0.2) | {9: 0.4})
    assert list(wanted[1:9]) == [0.2] * 7 + [0.4]
    assert wanted[0] == pytest.approx(0.1, abs=EXACT)
    pooled = (share[9] * 0.4 + share[10] * wanted[9]) / (share[9] + share[10])
    assert pooled == pytest.approx(0.5, abs=EXACT)


@pytest.mark.parametrize("month", [1, 12, 60])
@pytest.mark.parametrize("adjusted", ["no", "standardised"])
def test_survival_of_a_band_is_the_sum_over_strata_and_classes(month: int, adjusted: str) -> None:
    law, who = subscription(), population()
    total, mass = 0.0, 0.0
    for level in (9, 10):
        s = level - 1
        for g in range(12):
            cell = who.scored[g, s] if adjusted == "no" else who.scored[g].sum() * who.scored[:, s].sum()
            kept = sum(
                law.frailty_share[g, k] * math.exp(-law.frailty[k] * law.rate[g, s] * law.cumulative[month])
                for k in range(3)
            )
            total, mass = total + cell * kept, mass + cell
    assert true_survival((9, 10), adjusted)[month] == pytest.approx(total / mass, abs=EXACT)


def test_subscribers_pay_at_the_beginning_of_each_month() -> None:
    law, at = subscription(), weights((3,), "standardised")
    expected = 0.0
    for g in range(12):
        for month in range(12):
            hazard = law.frailty * law.rate[g, 2] * law.cumulative[month]
            expected += at[g, 2] * law.fee[g] * float(law.frailty_share[g] @ np.exp(-hazard))
    found = value("subscription", estimand="spend", group="3", adjusted="standardised")
    assert found == pytest.approx(expected, rel=EXACT)


def test_spend_is_the_mean_with_its_zeros_in() -> None:
    law, who = transaction(), population()
    cell = [
        sum(law.class_share[g, k] * law.buys[g, 9, k] * law.mean[g, 9, k] for k in range(3))
        for g in range(12)
    ]
    naive = sum(who.scored[g, 9] * cell[g] for g in range(12)) / who.scored[:, 9].sum()
    assert value("transaction", estimand="spend", group="10", adjusted="no") == pytest.approx(
        naive, rel=EXACT
    )


def test_tenure_integrates_survival_log_linearly_and_has_a_finite_mean() -> None:
    survival = true_survival((1,))
    fine = np.exp(np.interp(np.linspace(0, 12, 120_001), np.arange(13), np.log(survival[:13])))
    area = float(np.trapezoid(fine, dx=1e-4))
    restricted = {
        months: value("subscription", estimand="tenure", group="1", horizon=months, adjusted="standardised")
        for months in (12, 36, 60, 120)
    }
    # The trapezium of 10,000 steps a month is right to 1e-11 a month.
    assert restricted[12] == pytest.approx(area, abs=1e-8)
    mean = value("subscription", estimand="tenure_mean", group="1", adjusted="standardised")
    assert 0 < restricted[12] < restricted[36] < restricted[60] < restricted[120] < mean < 60
    # Nobody is left where the sum stops: at least the floor of every hazard is positive.
    assert true_survival((10,))[MONTHS] < 1e-15
    assert np.diff(subscription().cumulative).min() > 0.02


def test_the_unadjusted_truth_misses_the_published_figures() -> None:
    naive = {
        group: value("subscription", estimand="retention", group=group, horizon=12, adjusted="no")
        for group in ("worst", "best")
    }
    assert naive["worst"] < 0.43 - 0.05
    assert naive["best"] > 0.74 + 0.02
    ratio = value("transaction", estimand="spend_ratio", group="10", reference="1-3", adjusted="no")
    assert ratio > 2.4 + 1


def test_retention_rises_with_the_score_between_the_published_levels() -> None:
    by_level = [
        value("subscription", estimand="retention", group=str(level), horizon=12, adjusted="standardised")
        for level in LEVELS
    ]
    assert np.all(np.diff(by_level) > 0.02)


@pytest.mark.parametrize("design", ["subscription", "transaction"])
def test_rows_are_the_estimates_tables_and_identify_themselves(design: str) -> None:
    table = truth(design)
    assert tuple(table.columns) == TRUTH_COLUMNS == (*KEY, "estimate", "unit")
    assert not table.duplicated(list(KEY)).any()
    assert np.isfinite(table["estimate"]).all()
    units = {
        "retention": "probability",
        "tenure_mean": "month",
        "spend_difference": "EUR",
        "spend_ratio": "ratio",
    }
    assert all(set(table.loc[table["estimand"].eq(name), "unit"]) <= {unit} for name, unit in units.items())


def test_the_truth_given_out_is_a_copy() -> None:
    before = truth("transaction").copy()
    mine = truth("transaction")
    mine["estimate"] = 0.0
    pd.testing.assert_frame_equal(truth("transaction"), before)


def test_an_unknown_design_is_refused() -> None:
    with pytest.raises(InputError, match=r"'panel' is not a design\. Choose subscription or transaction."):
        truth("panel")
