"""Effects of posteriors in the table of coefficients: worked by hand from draws of linear predictors."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from cohorts import random_rows, spec_for, spells_from

from cxlink.bayes.draws.sampling import Posterior
from cxlink.bayes.pooled_counts import Coding, strata_of
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import Spells
from cxlink.estimands.bayesian.posterior_coefficients import posterior_coefficients
from cxlink.estimands.model_rows.coefficients import coefficient_table

N_DRAWS = 400


def case(*adjust: str) -> tuple[Spells, Counts, pd.DataFrame]:
    rows, spec = random_rows(11, 900, strata=2), spec_for(adjust=adjust)
    return spells_from(rows, spec), Counts(pd.DataFrame(), spec, Profile("rows", 900, 900)), rows


def posterior_of(spells: Spells, *ends: str) -> tuple[Posterior, np.ndarray]:
    """Draws of an older cohort and of this one, and the last one's predictor (N_DRAWS, levels, strata)."""
    # a level that nobody gave comes first, so that positions in the coding are not those in the spells
    coding = Coding((0, *spells.levels), strata_of(spells.strata), ("old", "new"), "levels")
    rng = np.random.default_rng(5)
    baseline = rng.normal(size=(2, N_DRAWS // 2, 2, coding.shape[2]))
    score = rng.normal(size=(2, N_DRAWS // 2, *coding.shape))
    kept = {}
    for k, end in enumerate(("", *ends)):
        kept[f"baseline{end}"] = (("chain", "draw", "cohort", "stratum"), baseline * (k + 1))
        kept[f"score{end}"] = (("chain", "draw", "cohort", "level", "stratum"), score * (k + 1))
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(kept)})
    eta = (baseline[:, :, :, None] + score).reshape(N_DRAWS, *coding.shape)
    return Posterior("bayes", tree, {"coding": coding.as_dict()}), eta[:, -1, 1:]


def test_effects_of_levels_strata_and_both_are_differences_of_predictors() -> None:
    spells, counts, rows = case("plan")
    posterior, eta = posterior_of(spells)
    table = coefficient_table(posterior_coefficients(posterior, counts, spells))
    assert set(table["scale"]) == {"log_hazard_ratio"}
    assert set(table["adjusted"]) == {"interacting"}
    plans = [dict(one)["stratum.plan"] for one in strata_of(spells.strata)]
    levels = [str(level) for level in spells.levels]
    by = table.set_index(["term", "level"])
    assert len(table) == len(levels) * len(plans) - 1
    by_hand = {
        ("score", levels[2]): (eta[:, 2] - eta[:, 0]).mean(axis=1),
        ("plan", plans[1]): (eta[:, :, 1] - eta[:, :, 0]).mean(axis=1),
        ("score:plan", f"{levels[2]}:{plans[1]}"): eta[:, 2, 1] - eta[:, 0, 1] - eta[:, 2, 0] + eta[:, 0, 0],
    }
    for at, draws in by_hand.items():
        row = by.loc[at]
        assert row["estimate"] == pytest.approx(draws.mean(), abs=1e-10)
        assert row["std_error"] == pytest.approx(draws.std(ddof=1), abs=1e-10)
        ends = np.quantile(draws, [0.025, 0.975], method="weibull")
        assert row[["conf_low", "conf_high"]].to_numpy(float) == pytest.approx(ends, abs=1e-10)
    assert by.loc[("score:plan", f"{levels[2]}:{plans[1]}"), "reference"] == f"{levels[0]}:{plans[0]}"
    assert by.loc[("score", levels[2]), "n"] == (rows["score"].astype(str) == levels[2]).sum()


def test_without_strata_there_are_the_levels_alone() -> None:
    spells, counts, _ = case()
    posterior, _ = posterior_of(spells)
    table = coefficient_table(posterior_coefficients(posterior, counts, spells))
    assert set(table["term"]) == {"score"}
    assert set(table["adjusted"]) == {"no"}
    assert list(table["level"]) == [str(level) for level in spells.levels[1:]]


def test_polarisation_is_a_part_of_its_own() -> None:
    spells, counts, _ = case("plan")
    posterior, _ = posterior_of(spells, "_polarisation")
    table = coefficient_table(posterior_coefficients(posterior, counts, spells))
    churn, polarisation = (table[table["part"] == part]["estimate"] for part in ("churn", "polarisation"))
    assert set(table["scale"]) == {"log_odds_ratio"}
    assert polarisation.to_numpy() == pytest.approx(2 * churn.to_numpy(), abs=1e-10)
