"""The Bayesian side as a whole: what is sampled, what is reported of it, and what is said when it fails."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxlink.bayes.draws.posterior_file import load_posteriors, save_posteriors
from cxlink.bayes.draws.posterior_means import refit_without
from cxlink.bayes.pooled_counts import pool
from cxlink.checks import matching
from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import person_periods, spells_of
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.estimands.bayesian import posterior_assessment, prior_predictive
from cxlink.estimands.bayesian.posterior_estimates import Bayesian, bayesian_results
from cxlink.estimands.bayesian.prior_predictive import _since_entry
from cxlink.estimands.model_rows.coefficients import coefficient_table
from cxlink.estimands.suppression import blank_checks
from cxlink.estimands.tidy import select, tidy
from cxlink.report.check_notes import note
from cxlink.report.posterior_sections.posterior_warnings import sampling_failures
from cxlink.stages import Stage

pytestmark = pytest.mark.long

FEW: dict[str, Any] = {"draws": 150, "tune": 150, "chains": 2, "cores": 1}


def counts_of(name: str, n: int, follow_up: int, *, spend: bool, seed: int) -> Counts:
    """Customers of three levels who leave at a constant rate: 20, 10 and 5 % a month."""
    asked: dict[str, Any] = {
        "cohort": {"name": name},
        "score": {"column": "s", "scale": "1-4", "worst": [1], "best": [3]},
        "subscription": {"duration": "d", "event": "e"},
        "analysis": {"horizon": 6, "tenure_horizons": [12], "given": [3], "draws": 200},
    }
    if spend:
        asked["spend"] = {"column": "y", "complete": True, "currency": "EUR"}
    rng = np.random.default_rng(seed)
    score = rng.integers(1, 4, n)
    left = rng.geometric(np.array([0.2, 0.1, 0.05])[score - 1])
    y = rng.gamma(2.0, 50.0 * score)
    cells = pd.DataFrame({
        "score": pd.array(score, dtype="Int64"), "entry": 0, "exit": np.minimum(left, follow_up),
        "cause": np.where(left <= follow_up, "lost", ""), "wave": "", "n": 1,
    })  # fmt: skip
    if spend:
        sums = {"spend_sum": y, "spend_sum_sq": y**2, "spend_sum_log": np.log(y)}
        more = {"spend_sum_log_sq": np.log(y) ** 2, "spend_sum_y_log": y * np.log(y)}
        cells = cells.assign(spend_n=1, spend_zero=0, **sums, **more)
    return Counts(add_up(cells), make_spec(asked), Profile("rows", n, n))


def results(**cohorts: Counts) -> tuple[Bayesian, list[Stage]]:
    """What is found with few draws, fits without a cell included."""
    told: list[Stage] = []
    *_, last = cohorts.values()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(posterior_assessment, "_REFIT", {**FEW, "draws": 50})
        patch.setattr(posterior_assessment, "refit_without", partial(refit_without, draws=60))
        patch.setattr(prior_predictive, "_DRAWS", 100)
        found = bayesian_results(cohorts, spells_of(last), np.random.default_rng(3), told.append, **FEW)
    return found, told


@pytest.fixture(scope="module")
def pooled() -> tuple[Bayesian, list[Stage]]:
    return results(
        old=counts_of("old", 900, 8, spend=True, seed=1), new=counts_of("new", 200, 3, spend=True, seed=2)
    )


def test_every_posterior_has_rows_priors_and_findings(pooled: tuple[Bayesian, list[Stage]]) -> None:
    found, told = pooled
    assert set(found.posteriors) == {"bayes", "bayes_sbg", "bayes_spend"}
    rows = tidy(found.rows)
    assert set(rows["model"]) == {"bayes", "bayes_sbg"}
    assert {"retention", "tenure", "remaining_tenure", "spend", "spend_ratio"} <= set(rows["estimand"])
    assert set(rows["scenario"]) == {"", "alone", "new_cohort", "lag=1", "lag=3"}
    looked_at = {
        name: {check.code for check in matching(found.findings, model=name)} for name in set(rows["model"])
    }
    asked = {"rhat", "ess_bulk", "divergences", "bfmi", "prior_sensitivity", "elpd_left_out_cells", "draws"}
    assert asked <= looked_at["bayes"]
    assert asked <= looked_at["bayes_sbg"]
    # retention and spend are both of ``bayes``: each check says of which
    assert len(matching(found.findings, code="rhat", model="bayes")) == 2
    assert {check.facts["of"] for check in found.findings if check.code in asked} == {"retention", "spend"}
    assert all(note(check) for check in found.findings)
    priors = pd.concat(found.priors)
    assert set(priors["of"]) == {"retention", "spend"}
    # of every model: levels are free and several, there is a stratum variable, and two cohorts
    assert set(priors.loc[priors["model"].eq("bayes_sbg"), "quantity"]) >= {
        "spread_level_polarisation",
        "intercept",
    }
    assert {"spread_level", "spread_cohort"} <= set(priors["quantity"])
    assert not {"slope", "steps"} & set(priors["quantity"])
    curves = pd.concat(found.curves)
    before = curves[curves["scenario"] == "prior"]
    assert set(before["model"]) == {"bayes", "bayes_sbg"}
    assert (before["conf_low"] <= before["estimate"]).all()
    # before any count nearly everything is likely, after 300 customers little is
    end = before[(before["model"] == "bayes") & (before["time"] == 6)].iloc[0]
    after = curves[(curves["scenario"] == "") & (curves["group"] == "all") & (curves["time"] == 6)].iloc[0]
    assert end["conf_high"] - end["conf_low"] > 3 * (after["conf_high"] - after["conf_low"])
    spend = found.spend[0]
    assert spend["group"].tolist() == ["all"]
    assert (spend["conf_low"] < spend["estimate"]).all()
    assert "sampling_spend" in {stage.code for stage in told}


def test_every_posterior_has_its_effects_among_the_coefficients(pooled: tuple[Bayesian, list[Stage]]) -> None:
    table = coefficient_table(pooled[0].coefficients)
    keys = ["model", "adjusted", "part", "term", "level"]
    assert not table.duplicated(keys).any()
    assert set(table["part"]) == {"", "churn", "polarisation", "any_spend", "amount"}
    assert np.isfinite(table[["estimate", "std_error", "conf_low", "conf_high"]].to_numpy(float)).all()
    hazards = table[table["part"] == ""].set_index("level")
    # levels leave at 20, 10 and 5 % a month: log hazard ratios of about -0.7 and -1.4
    assert hazards.loc["3", "conf_high"] < 0
    assert set(hazards["n"]) < set(range(20, 200))


def test_a_young_cohort_borrows_from_an_older_one(pooled: tuple[Bayesian, list[Stage]]) -> None:
    found, _ = pooled
    rows = tidy(found.rows)
    asked = {"model": "bayes", "estimand": "retention", "adjusted": "no", "horizon": 6, "group": "best"}
    widths = {}
    for scenario in ("", "alone", "new_cohort"):
        (row,) = select(rows, **asked, scenario=scenario).to_dict("records")
        widths[scenario] = row["conf_high"] - row["conf_low"]
        assert 0 < row["conf_low"] < row["estimate"] < row["conf_high"] < 1
    # three months alone say less of the sixth than with a cohort that was there; none at all say least
    assert widths[""] < widths["alone"]
    assert widths[""] < widths["new_cohort"]
    assert "bayes_sbg" not in set(select(rows, scenario=("alone", "new_cohort"))["model"])


def test_spend_borrows_too(pooled: tuple[Bayesian, list[Stage]]) -> None:
    rows = select(tidy(pooled[0].rows), model="bayes", estimand="spend", group="2")
    width = (rows["conf_high"] - rows["conf_low"]).to_numpy()
    found = dict(zip(rows["scenario"], width, strict=True))
    assert set(found) == {"", "alone", "new_cohort"}
    assert found[""] < min(found["alone"], found["new_cohort"])
    assert (rows["conf_low"] > 0).all()


def test_the_level_that_nobody_gave_is_predicted(pooled: tuple[Bayesian, list[Stage]]) -> None:
    rows = select(
        tidy(pooled[0].rows), model="bayes", estimand="retention", horizon=6, scenario="", group="4"
    )
    assert rows["n"].tolist() == [0]
    assert rows["conf_high"].iloc[0] - rows["conf_low"].iloc[0] > 0.1


def test_posteriors_come_back_from_one_file(tmp_path: Path, pooled: tuple[Bayesian, list[Stage]]) -> None:
    posteriors = pooled[0].posteriors
    save_posteriors(posteriors, tmp_path / "posterior.nc")
    read = load_posteriors(tmp_path / "posterior.nc")
    for name, posterior in posteriors.items():
        kept = "share" if name == "bayes_spend" else "score"
        np.testing.assert_array_equal(read[name].draws(kept), posterior.draws(kept))


def test_what_the_priors_say_of_late_entrants_counts_from_their_entry() -> None:
    counts = counts_of("late", 400, 5, spend=False, seed=6)
    late = counts.cells.assign(entry=np.where(counts.cells["exit"] > 2, 2, 0))
    spells = spells_of(replace(counts, cells=add_up(late)))
    pooled = pool({"late": person_periods(spells)})
    log_survival = -np.cumsum([0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    drawn = np.tile(log_survival, (2, len(pooled.coding.levels), len(pooled.coding.strata), 1))
    entered = np.bincount(spells.entry, spells.n)
    share = entered / entered.sum()
    found = _since_entry(drawn, pooled, spells)
    assert found.shape == (2, 6)
    # by hand: of who enters after two periods the first loss is the third's
    one = share[0] * np.exp(-0.1) + share[2] * np.exp(-0.3)
    three = share[0] * np.exp(-0.6) + share[2] * np.exp(-1.2)
    np.testing.assert_allclose(found[:, [0, 1, 3, 4]], [[1, one, three, np.exp(-1.0)]] * 2, rtol=1e-12)


def test_too_few_draws_are_said_aloud(pooled: tuple[Bayesian, list[Stage]]) -> None:
    # 300 draws of two chains cannot have the 200 effective ones in every tail, or R-hat under 1.01, of everything
    warnings = sampling_failures(pooled[0].findings)
    assert len(warnings) >= 1
    about = (
        "Do not rely on the posterior of retention (bayes",
        "Do not rely on the posterior of spend (bayes",
    )
    assert all(text.startswith(about) for text in warnings)


def test_small_groups_leave_pictures_and_findings(pooled: tuple[Bayesian, list[Stage]]) -> None:
    found = pooled[0].without({"best", "2"})
    assert "best" not in set(pd.concat(found.curves)["group"])
    assert "worst" in set(pd.concat(found.curves)["group"])
    said = blank_checks(found.findings, {"best", "2"})
    about = matching(said, group=("best", "2"))
    assert {"predicted_losses", "predicted_pattern", "prior_sensitivity"} <= {check.code for check in about}
    assert np.isnan([(check.value, check.low, check.high) for check in about]).all()
    # what was replicated is told beside what was counted: neither stays, and the sentence says so
    replicated = [check for check in about if check.code.startswith("predicted_")]
    assert {tuple(sorted(set(check.facts) - {"case"})) for check in replicated} == {
        ("blank", "level", "of"),
        ("blank", "of"),
    }
    assert {note(check) for check in replicated} == {"left blank: a small group"}
    assert not np.isnan([check.value for check in matching(said, group="1")]).any()
