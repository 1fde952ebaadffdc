"""Rows of tenure, and what the diagnostics say of its families."""

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.spells import PersonPeriods
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.estimands.family_checks import (
    backtest_findings,
    doubt_findings,
    fit_findings,
    ratio_findings,
    weight_findings,
)
from cxlink.estimands.survival_estimands import survival_rows
from cxlink.estimands.tidy import select, tidy
from cxlink.groups.curves import Standard
from cxlink.survival.families.averaging import aic_weights, equal_weights, project_all
from cxlink.survival.families.backtest import Backtest
from cxlink.survival.families.catalogue import EXPONENTIAL, LOG_LOGISTIC, SHIFTED_BETA_GEOMETRIC, WEIBULL
from cxlink.survival.families.extrapolation_warnings import Doubt, Spike
from cxlink.survival.families.fit import fit_all
from cxlink.survival.families.fitted import Fit
from cxlink.survival.families.projection_plan import Target

ALIVE = np.array([[400, 300, 240, 205, 180, 162, 149], [500, 455, 420, 392, 370, 352, 337.0]])
HORIZONS = (3, 12, 36)
FEW = (EXPONENTIAL, WEIBULL, LOG_LOGISTIC, SHIFTED_BETA_GEOMETRIC)


def counted(alive=ALIVE):
    frame = pd.DataFrame(index=range(1))
    levels = np.arange(len(alive))
    return PersonPeriods(
        tuple(levels + 1), frame, levels, np.zeros_like(levels), alive[:, :-1], -np.diff(alive)
    )


def made(alive=ALIVE):
    return fit_all(counted(alive), FEW)


def fits(alive=ALIVE):
    return [fit for fit in made(alive) if isinstance(fit, Fit)]


def untested(reason="follow-up is short"):
    scores = pd.DataFrame(
        columns=["kind", "model", "origin", "log_score", "survival_error", "tenure_error", "covered"]
    )
    return Backtest((), 6, reason, np.zeros(len(FEW)), scores, pd.DataFrame())


def tenures(n_draws=200):
    standards = tuple(
        Standard(name, np.array([k]), np.zeros(1, int), np.ones(1), int(ALIVE[k, 0]), 251 - 88 * k)
        for k, name in enumerate(("worst", "best"))
    )
    labels = {"adjusted": "no", "stratum": "", "scenario": ""}
    target = Target(
        np.arange(2), np.zeros(2, int), standards, HORIZONS, np.array([6, 6]), labels, given=(2,), contrasts=((1, 0),)
    )  # fmt: skip
    known = fits()
    weights = {"averaged_aic": aic_weights(known), "averaged_equal": equal_weights(known)}
    return project_all(
        known, target, {**weights, "averaged": weights["averaged_aic"]}, n_draws, np.random.default_rng(3)
    )


def spec_for():
    return make_spec({
        "score": {"column": "s", "scale": "1-10"}, "subscription": {"duration": "d", "event": "e"},
        "analysis": {"horizon": HORIZONS[0], "tenure_horizons": list(HORIZONS[1:]), "level": 0.9, "given": [2]},
    })  # fmt: skip


@pytest.fixture(scope="module")
def projected():
    return tenures()


@pytest.fixture(scope="module")
def table(projected):
    return tidy(row for tenure in projected for row in survival_rows(tenure, spec_for()))


def one(table, **where):
    found = select(table, **where)
    assert len(found) == 1
    return found.iloc[0]


def test_every_row_of_the_contract_is_there_once(table):
    models = {family.name for family in FEW} | {"averaged_aic", "averaged_equal", "averaged"}
    assert set(table["model"]) == models
    # two groups × (retention, tenure, time lost, curtate at 3, discounted and remaining at 3 + 1, mean, median), and
    # one contrast × six × three horizons
    assert len(table) == len(models) * (2 * (4 * 3 + 2 * 4 + 2) + 6 * 3)
    assert set(table["adjusted"]) == {"no"}
    assert set(table["level"]) == {0.9}
    units = table.groupby("estimand")["unit"].unique().map(tuple).to_dict()
    assert units == {
        "retention": ("probability",), "tenure": ("month",), "tenure_mean": ("month",),
        "retention_difference": ("probability",), "tenure_difference": ("month",),
        "retention_ratio": ("ratio",), "tenure_ratio": ("ratio",), "tenure_median": ("month",),
        "time_lost": ("month",), "time_lost_difference": ("month",), "time_lost_ratio": ("ratio",),
        "tenure_curtate": ("month",), "tenure_discounted": ("month",), "remaining_tenure": ("month",),
    }  # fmt: skip


def test_groups_carry_their_customers(table):
    worst = select(table, group="worst", reference="")
    assert set(worst["n"]) == {400}
    assert set(worst["n_events"]) == {251}
    means = select(table, estimand="tenure_mean")
    assert means["horizon"].isna().all()
    assert set(select(table, estimand="tenure")["horizon"]) == set(HORIZONS)


def test_contrasts_are_those_that_were_asked_for(table):
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
    draws = weibull.area.draws[..., :-1][:, 1, 1] / weibull.area.draws[..., :-1][:, 0, 1]
    assert ratio["std_error"] == pytest.approx(draws.std(ddof=1), rel=1e-12)
    assert ratio["conf_low"] == pytest.approx(np.quantile(draws, 0.05, method="weibull"), rel=1e-10)
    assert ratio["conf_high"] == pytest.approx(np.quantile(draws, 0.95, method="weibull"), rel=1e-10)
    retention = one(table, estimand="retention_difference", **key)
    assert retention["estimate"] == pytest.approx(np.subtract(*weibull.point[::-1, 1]), rel=1e-12)


def test_what_is_extrapolated_stands_in_its_row(table, projected):
    key = {"model": "log_logistic", "group": "worst", "reference": ""}
    assert one(table, estimand="retention", horizon=3, **key)["extrapolated"] == 0
    assert one(table, estimand="retention", horizon=12, **key)["extrapolated"] == 1
    assert one(table, estimand="tenure", horizon=3, **key)["extrapolated"] == 0
    within = projected[2].inside[0, 1] / projected[2].area.point[:, :-1][0, 1]
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


def test_findings_say_what_was_fitted():
    rows = pd.DataFrame(fit_findings(made(), 900, "standardised"))
    assert list(rows) == ["model", "quantity", "group", "value", "ok", "note"]
    assert set(rows["group"]) == {"standardised"}
    weibull = rows[rows["model"] == "weibull"].set_index("quantity")
    fit = weibull.loc["log_likelihood", "value"]
    assert weibull.loc["aic", "value"] == pytest.approx(6 - 2 * fit, rel=1e-12)
    assert weibull.loc["bic", "value"] == pytest.approx(3 * np.log(900) - 2 * fit, rel=1e-12)
    assert weibull.loc["converged", "ok"]


def test_findings_say_why_not():
    rows = list(fit_findings(made(np.array([[5, 5, 5.0]])), 5))
    assert [row["model"] for row in rows] == [family.name for family in FEW]
    assert {row["ok"] for row in rows} == {False}
    assert all(row["note"].startswith("Not fitted: ") for row in rows)
    (only,) = weight_findings([], {"averaged": np.zeros(0)}, untested())
    assert only["note"] == "No family converged, so there is no average."


def test_a_ratio_carries_the_way_it_points():
    rows = list(ratio_findings(fits(), counted(), ["1", "2"], "standardised"))
    assert {row["group"] for row in rows} == {"2, standardised"}
    by_model = {row["model"]: row for row in rows}
    assert by_model["weibull"]["quantity"] == "time ratio"
    assert by_model["weibull"]["value"] > 1  # the second level is lost more slowly
    assert by_model["weibull"]["note"] == "against score 1; time ratio: a ratio over 1 stays longer"
    assert by_model["shifted_beta_geometric"]["value"] < 1
    assert "under 1 stays longer" in by_model["shifted_beta_geometric"]["note"]
    assert list(ratio_findings(fits(ALIVE[:1]), counted(ALIVE[:1]), ["1"])) == []


def test_the_average_says_which_weights_it_has():
    known = fits()
    weights = {
        "averaged_aic": aic_weights(known),
        "averaged_backtest": np.zeros(4),
        "averaged": aic_weights(known),
    }
    rows = pd.DataFrame(weight_findings(known, weights, untested()))
    assert rows.loc[rows["quantity"] == "weight in averaged_aic", "value"].sum() == pytest.approx(
        1, abs=1e-12
    )
    assert rows.iloc[-1]["note"].startswith("The same rows as averaged_aic")
    assert "follow-up is short" in rows.iloc[-1]["note"]
    weights["averaged_backtest"] = np.array([0.2, 0.3, 0.5, 0.0])
    rows = pd.DataFrame(weight_findings(known, weights, untested("")))
    assert rows.loc[rows["quantity"] == "weight in averaged_backtest", "value"].tolist() == [
        0.2,
        0.3,
        0.5,
        0.0,
    ]
    assert rows.iloc[-1]["note"].startswith("The same rows as averaged_backtest")


def test_what_was_foreseen_and_what_is_doubted_stand_in_the_findings():
    score = {"kind": "weibull", "model": "weibull", "origin": 3, "log_score": -0.4, "survival_error": 0.02,
             "tenure_error": 0.1, "covered": 0.5}  # fmt: skip
    tested = Backtest((3,), 6, "", np.ones(1), pd.DataFrame([score]), pd.DataFrame())
    rows = {row["quantity"]: row["value"] for row in backtest_findings(tested, "month")}
    assert rows == {f"backtest {name} from month 3": score[name] for name in list(score)[3:]}
    doubt = Doubt("gompertz", "implicit cure", 0.4, "some would never leave")
    first, second = doubt_findings([doubt], Spike(12, 4.04), "month")
    assert (first["quantity"], first["value"], first["ok"]) == ("implicit cure", 0.4, False)
    assert first["note"] == "some would never leave."
    assert (second["quantity"], second["value"]) == ("spike", 12.0)
    assert "every 12 months, at 4.0 times the rate" in second["note"]
