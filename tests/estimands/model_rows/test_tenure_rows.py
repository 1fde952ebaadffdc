"""Rows of tenure, and what the diagnostics say of its families."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from check_fields import check_fields

from cxlink.checks import Check, matching
from cxlink.cohort.count.spells import PersonPeriods
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.estimands.model_rows.family_checks import (
    backtest_findings,
    fit_findings,
    ratio_findings,
    warning_findings,
    weight_findings,
)
from cxlink.estimands.survival_estimands import survival_rows
from cxlink.estimands.tidy import select, tidy
from cxlink.groups.curves import Standard
from cxlink.report.check_notes import note
from cxlink.survival.families.averaging import aic_weights, equal_weights, project_all
from cxlink.survival.families.backtest import Backtest
from cxlink.survival.families.catalogue import EXPONENTIAL, LOG_LOGISTIC, SHIFTED_BETA_GEOMETRIC, WEIBULL
from cxlink.survival.families.extrapolation_warnings import Spike
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


def untested(reason="short_follow_up", **facts):
    scores = pd.DataFrame(
        columns=["kind", "model", "origin", "log_score", "survival_error", "tenure_error", "covered"]
    )
    return Backtest((), 6, reason, np.zeros(len(FEW)), scores, pd.DataFrame(), facts)


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
    # one contrast × six and the difference of remaining tenure × three horizons
    assert len(table) == len(models) * (2 * (4 * 3 + 2 * 4 + 2) + 7 * 3)
    assert set(table["adjusted"]) == {"no"}
    assert set(table["level"]) == {0.9}
    units = table.groupby("estimand")["unit"].unique().map(tuple).to_dict()
    assert units == {
        "retention": ("probability",), "tenure": ("month",), "tenure_mean": ("month",),
        "retention_difference": ("probability",), "tenure_difference": ("month",),
        "retention_ratio": ("ratio",), "tenure_ratio": ("ratio",), "tenure_median": ("month",),
        "time_lost": ("month",), "time_lost_difference": ("month",), "time_lost_ratio": ("ratio",),
        "tenure_curtate": ("month",), "tenure_discounted": ("month",), "remaining_tenure": ("month",),
        "remaining_tenure_difference": ("month",),
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
    found = list(fit_findings(made(), 900, "standardised"))
    assert {check.facts["adjusted"] for check in found} == {"standardised"}
    assert {check.group for check in found} == {""}
    weibull = {check.code: check for check in matching(found, model="weibull")}
    fit = weibull["log_likelihood"].value
    assert weibull["aic"].value == pytest.approx(6 - 2 * fit, rel=1e-12)
    assert (weibull["aic"].facts["parameters"], weibull["aic"].facts["kind"]) == (3, "weibull")
    assert weibull["bic"].value == pytest.approx(3 * np.log(900) - 2 * fit, rel=1e-12)
    assert weibull["bic"].facts["customers"] == 900
    assert weibull["converged"].passed
    assert weibull["converged"].facts["case"] == "gradient"
    assert weibull["condition"].value >= 1


def test_findings_say_why_not():
    found = list(fit_findings(made(np.array([[5, 5, 5.0]])), 5, "no"))
    facts = {"case": "curves", "reason": "nobody_lost", "adjusted": "no"}
    assert check_fields(*found) == check_fields(
        *[Check("not_fitted", family.name, passed=False, facts=facts) for family in FEW]
    )
    assert note(found[0]) == (
        "not fitted: no customer was lost, so the counts carry no information on how long customers stay"
    )
    (only,) = weight_findings([], {"averaged": np.zeros(0)}, untested(), "no")
    assert check_fields(only) == check_fields(
        Check("weights", "averaged", passed=False, facts={"case": "no_family", "adjusted": "no"})
    )


def test_a_ratio_carries_the_way_it_points():
    found = list(ratio_findings(fits(), counted(), ["1", "2"], "standardised"))
    assert {(check.code, check.group, check.facts["reference"]) for check in found} == {
        ("level_ratio", "2", "1")
    }
    assert {check.facts["adjusted"] for check in found} == {"standardised"}
    by_model = {check.model: check for check in found}
    weibull, beta = by_model["weibull"], by_model["shifted_beta_geometric"]
    assert weibull.facts["ratio"] == "time_ratio"
    assert weibull.value > 1  # the second level is lost more slowly
    assert note(weibull) == "versus score 1; time ratio (above 1, customers stay longer)"
    assert beta.facts["ratio"] == "leaving_odds_ratio"
    assert beta.value < 1
    assert note(beta).endswith("(below 1, customers stay longer)")
    assert list(ratio_findings(fits(ALIVE[:1]), counted(ALIVE[:1]), ["1"], "no")) == []


def test_the_average_says_which_weights_it_has():
    known = fits()
    weights = {
        "averaged_aic": aic_weights(known),
        "averaged_backtest": np.zeros(4),
        "averaged": aic_weights(known),
    }
    short = {"origins": 1, "of": 3, "least": 3}
    found = list(weight_findings(known, weights, untested(**short), "no"))
    own = matching(found, code="weight", average="averaged_aic")
    assert sum(check.value for check in own) == pytest.approx(1, abs=1e-12)
    why = {"reason": "short_follow_up", "adjusted": "no", **short}
    assert check_fields(*found[-2:]) == check_fields(
        *[
            Check("weights", "averaged_backtest", passed=False, facts={**why, "case": "untested"}),
            Check("weights", "averaged", facts={**why, "case": "as_aic"}),
        ]
    )
    assert note(found[-1]) == (
        "the same rows as averaged_aic: there are no backtest weights, because follow-up has room for 1 of 3 origins "
        "with losses in 3 periods"
    )
    weights["averaged_backtest"] = np.array([0.2, 0.3, 0.5, 0.0])
    found = list(weight_findings(known, weights, untested(""), "no"))
    tested = matching(found, code="weight", average="averaged_backtest")
    assert [check.value for check in tested] == [0.2, 0.3, 0.5, 0.0]
    assert [check.model for check in tested] == [family.name for family in FEW]
    assert check_fields(found[-1]) == check_fields(
        Check("weights", "averaged", facts={"case": "as_backtest", "adjusted": "no"})
    )


def test_predictions_and_extrapolation_warnings_stand_in_the_findings():
    score = {"kind": "weibull", "model": "weibull", "origin": 3, "log_score": -0.4, "survival_error": 0.02,
             "tenure_error": 0.1, "covered": 0.5}  # fmt: skip
    tested = Backtest((3,), 6, "", np.ones(1), pd.DataFrame([score]), pd.DataFrame())
    facts = {"kind": "weibull", "origin": 3, "end": 6, "unit": "month", "adjusted": "no"}
    assert check_fields(*backtest_findings(tested, "month", "no")) == check_fields(
        *[Check(f"backtest_{name}", "weibull", value=score[name], facts=facts) for name in list(score)[3:]]
    )
    doubt = Check("implicit_cure", "gompertz", value=0.4, passed=False, facts={"case": "falling_hazard"})
    first, second = warning_findings([doubt], Spike(12, 4.04), "month", "no")
    assert check_fields(first) == check_fields(
        replace(doubt, facts={"case": "falling_hazard", "adjusted": "no"})
    )
    assert (
        note(first)
        == "the hazard declines towards 0, so that according to this curve 40\u202f% of the customers never leave"
    )
    assert check_fields(second) == check_fields(
        Check("spike", value=12.0, passed=False, facts={"ratio": 4.04, "unit": "month", "adjusted": "no"})
    )
    assert "every 12 months, at 4.0 times the rate" in note(second)
