"""Rows of tenure and the diagnostics of its fits."""

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.spells import PersonPeriods
from cxlink.estimates.table import select, tidy
from cxlink.estimates.tenure import fit_diagnostics, tenure_rows
from cxlink.models.averaging import project_all
from cxlink.models.curves import Standard
from cxlink.models.families import FAMILIES
from cxlink.models.fitting import fit_all
from cxlink.models.projection import Target

ALIVE = np.array([[400, 300, 240, 205, 180, 162, 149], [500, 455, 420, 392, 370, 352, 337.0]])
HORIZONS = (3, 12, 36)


def fits(alive=ALIVE):
    frame = pd.DataFrame(index=range(1))
    levels = np.arange(len(alive))
    periods = PersonPeriods(
        tuple(levels + 1), frame, levels, np.zeros_like(levels), alive[:, :-1], -np.diff(alive)
    )
    return fit_all(periods)


def tenures(n_draws=200):
    standards = tuple(
        Standard(name, np.array([k]), np.zeros(1, int), np.ones(1), int(ALIVE[k, 0]), 251 - 88 * k)
        for k, name in enumerate(("worst", "best"))
    )
    labels = {"adjusted": "no", "stratum": "", "scenario": ""}
    target = Target(np.arange(2), np.zeros(2, int), standards, HORIZONS, np.array([6, 6]), labels)
    return project_all(fits(), target, n_draws, np.random.default_rng(3))


@pytest.fixture(scope="module")
def projected():
    return tenures()


@pytest.fixture(scope="module")
def table(projected):
    contrasts = [("best", "worst"), ("7", "worst")]
    return tidy(row for tenure in projected for row in tenure_rows(tenure, "month", 0.9, contrasts))


def one(table, **where):
    found = select(table, **where)
    assert len(found) == 1
    return found.iloc[0]


def test_every_row_of_the_contract_is_there_once(table):
    models = {family.name for family in FAMILIES} | {"averaged_aic", "averaged"}
    assert set(table["model"]) == models
    # of each model: two groups × (3 + 3 + mean + median), one contrast × four × three horizons
    assert len(table) == len(models) * (2 * 8 + 4 * 3)
    assert set(table["adjusted"]) == {"no"}
    assert set(table["level"]) == {0.9}
    units = table.groupby("estimand")["unit"].unique().map(tuple).to_dict()
    assert units == {
        "retention": ("probability",), "tenure": ("month",), "tenure_mean": ("month",),
        "retention_difference": ("probability",), "tenure_difference": ("month",),
        "retention_ratio": ("ratio",), "tenure_ratio": ("ratio",), "tenure_median": ("month",),
    }  # fmt: skip


def test_groups_carry_their_customers(table):
    worst = select(table, group="worst", reference="")
    assert set(worst["n"]) == {400}
    assert set(worst["n_events"]) == {251}
    means = select(table, estimand="tenure_mean")
    assert means["horizon"].isna().all()
    assert set(select(table, estimand="tenure")["horizon"]) == set(HORIZONS)


def test_a_group_that_was_not_estimated_has_no_contrast(table):
    assert set(select(table, reference="worst")["group"]) == {"best"}


def test_contrasts_are_made_of_the_same_draws(table, projected):
    weibull = projected[1]
    key = {"model": "weibull", "horizon": 12}
    best = one(table, estimand="tenure", group="best", **key)
    worst = one(table, estimand="tenure", group="worst", **key)
    ratio = one(table, estimand="tenure_ratio", **key)
    difference = one(table, estimand="tenure_difference", **key)
    assert ratio["estimate"] == pytest.approx(best["estimate"] / worst["estimate"], rel=1e-12)
    assert difference["estimate"] == pytest.approx(best["estimate"] - worst["estimate"], rel=1e-12)
    draws = weibull.restricted.draws[:, 1, 1] / weibull.restricted.draws[:, 0, 1]
    assert ratio["std_error"] == pytest.approx(draws.std(ddof=1), rel=1e-12)
    assert ratio["conf_low"] == pytest.approx(np.quantile(draws, 0.05, method="weibull"), rel=1e-10)
    assert ratio["conf_high"] == pytest.approx(np.quantile(draws, 0.95, method="weibull"), rel=1e-10)
    retention = one(table, estimand="retention_difference", **key)
    assert retention["estimate"] == pytest.approx(np.subtract(*weibull.retention.point[::-1, 1]), rel=1e-12)


def test_what_is_extrapolated_stands_in_its_row(table, projected):
    key = {"model": "log_logistic", "group": "worst", "reference": ""}
    assert one(table, estimand="retention", horizon=3, **key)["extrapolated"] == 0
    assert one(table, estimand="retention", horizon=12, **key)["extrapolated"] == 1
    assert one(table, estimand="tenure", horizon=3, **key)["extrapolated"] == 0
    within = projected[2].known[0, 1] / projected[2].restricted.point[0, 1]
    share = one(table, estimand="tenure", horizon=12, **key)["extrapolated"]
    assert share == pytest.approx(1 - within, rel=1e-12)
    assert 0.2 < share < 0.5
    sides = select(table, estimand="tenure", model="log_logistic", horizon=12)["extrapolated"]
    contrast = one(table, estimand="tenure_ratio", model="log_logistic", horizon=12)
    assert contrast["extrapolated"] == sides.max()


def test_a_mean_without_end_is_infinite_in_its_row(table):
    infinite = one(table, estimand="tenure_mean", model="shifted_beta_geometric", group="worst")
    assert infinite["estimate"] == np.inf
    assert np.isnan(infinite["std_error"])
    assert infinite["extrapolated"] == 1


def test_diagnostics_say_what_was_fitted():
    rows = pd.DataFrame(fit_diagnostics(fits(), "unadjusted"))
    assert list(rows) == ["model", "quantity", "group", "value", "ok", "note"]
    assert set(rows["group"]) == {"unadjusted"}
    weights = rows[rows["quantity"] == "weight"]
    assert list(weights["model"]) == [family.name for family in FAMILIES]
    assert weights["value"].sum() == pytest.approx(1, abs=1e-12)
    weibull = rows[rows["model"] == "weibull"].set_index("quantity")
    assert weibull.loc["aic", "value"] == pytest.approx(
        6 - 2 * weibull.loc["log_likelihood", "value"], rel=1e-12
    )
    assert weibull.loc["converged", "ok"]
    assert weibull.loc["converged", "value"] < 1e-6
    assert rows[rows["quantity"] == "weights"]["model"].tolist() == ["averaged_aic", "averaged"]


def test_diagnostics_say_why_not():
    rows = fit_diagnostics(fits(np.array([[5, 5, 5.0]])))
    assert [row["model"] for row in rows] == [*(family.name for family in FAMILIES), "averaged"]
    assert {row["ok"] for row in rows} == {False}
    assert rows[0]["note"] == (
        "Not fitted: nobody was lost, so the counts do not say how long customers stay."
    )
    assert rows[-1]["note"] == "No family converged, so there is no average."


def test_diagnostics_carry_the_notes_of_a_penalty():
    separated = np.array([[400, 300, 240, 205, 180], [40, 40, 40, 40, 40.0]])
    notes = [row["note"] for row in fit_diagnostics(fits(separated)) if row["quantity"] == "fit"]
    assert len(notes) >= 4
    assert all("penalty" in note for note in notes)
