"""The table of coefficients against other software on rows whose design is made from the table's own names."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from cohorts import cell_rows, random_rows, spec_for, spells_from
from lifelines import WeibullAFTFitter
from spenders import PLANS, cells_of, spec_of, spending

from cxlink.cohort.count.spells import Spells, merged_over_strata, person_periods
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.model_rows.coefficients import (
    COLUMNS,
    coefficient_table,
    family_coefficients,
    hazard_coefficients,
    spend_coefficients,
)
from cxlink.spend.fitted_regressions import SpendFit
from cxlink.spend.regressions import fit_gamma, fit_poisson
from cxlink.spend.two_part import fit_log_ols, fit_two_part
from cxlink.survival.families.catalogue import EXPONENTIAL, WEIBULL, gompertz
from cxlink.survival.families.fit import fit
from cxlink.survival.families.fitted import Fit
from cxlink.survival.proportional_hazards.hazard_draws import drawn
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, fit_hazards

SOFTWARE = 1e-6
Z = 1.959963984540054


def design_of(rows: pd.DataFrame, table: pd.DataFrame) -> np.ndarray:
    """Columns of rows by what the table says of its terms alone: a dummy for each crossing of levels."""
    columns = []
    for term, level in zip(table["term"], table["level"], strict=True):
        column = np.ones(len(rows))
        if term != "intercept":
            for variable, value in zip(term.split(":"), level.split(":"), strict=True):
                column *= (rows[variable].astype(str) == value).to_numpy(float)
        columns.append(column)
    return np.column_stack(columns)


def a_row_a_period(rows: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """Whether a customer was lost in each period, and who and when."""
    rows = rows.reset_index(drop=True)
    long = rows.loc[rows.index.repeat(rows["exit"])].copy()
    long["period"] = long.groupby(level=0).cumcount() + 1
    lost = (long["period"] == long["exit"]) & (long["cause"] != "")
    return lost.to_numpy(float), long.reset_index(names="customer")


def spec_with(effect: str = "levels", **cohort: object) -> CohortSpec:
    tables = spec_for(adjust=("plan",), **cohort).model_dump(exclude_none=True)  # type: ignore[arg-type]
    tables["score"]["effect"] = effect
    return CohortSpec.model_validate(tables)


def fitted_hazards(
    spells: Spells, effect: str = "levels", interacting: bool = False, strata: bool = True
) -> HazardFit:
    periods = person_periods(spells)
    found = fit_hazards(periods if strata else merged_over_strata(periods), effect, interacting)  # type: ignore[arg-type]
    assert isinstance(found, HazardFit)
    return found


@pytest.mark.parametrize("interacting", [False, True])
def test_hazards_equal_statsmodels_on_rows(interacting: bool) -> None:
    rows, spec = random_rows(11, 900, strata=2), spec_with()
    spells = spells_from(rows, spec)
    found = fitted_hazards(spells, interacting=interacting)
    assert not found.penalised
    table = coefficient_table(hazard_coefficients(found, spells, spec, "conditional"))
    lost, long = a_row_a_period(rows)
    periods = pd.get_dummies(long["period"]).to_numpy(float)[:, found.informative]
    inside = periods.any(axis=1)
    design = np.column_stack([design_of(long, table), periods])[inside]
    link = sm.families.links.CLogLog()
    customers = {"groups": long["customer"].to_numpy()[inside], "use_correction": False}
    theirs = sm.GLM(lost[inside], design, sm.families.Binomial(link)).fit(
        tol=1e-14, maxiter=300, cov_type="cluster", cov_kwds=customers
    )
    k = len(table)
    normal = table.loc[~np.isin(range(k), [one.index for one in found.few])]
    assert len(normal) >= 3
    assert table["estimate"].to_numpy() == pytest.approx(theirs.params[:k], abs=SOFTWARE)
    at = normal.index.to_numpy()
    assert normal["std_error"].to_numpy() == pytest.approx(theirs.bse[at], abs=SOFTWARE)
    ends = normal[["conf_low", "conf_high"]].to_numpy()
    assert ends == pytest.approx(theirs.conf_int()[at], abs=SOFTWARE)
    assert set(table["scale"]) == {"log_hazard_ratio"}


def test_terms_have_the_names_of_the_spec_and_count_their_customers() -> None:
    rows, spec = random_rows(11, 900, strata=2), spec_with()
    spells = spells_from(rows, spec)
    found = fitted_hazards(spells, interacting=True)
    table = coefficient_table(hazard_coefficients(found, spells, spec, "interacting"))
    assert tuple(table.columns) == COLUMNS
    assert not table.duplicated(["model", "adjusted", "part", "term", "level"]).any()
    zero = str(spells.levels[found.design.reference])
    assert set(table.loc[table["term"] == "score", "reference"]) == {zero}
    scores = table[table["term"] == "score"].set_index("level")["n"]
    assert scores.to_dict() == rows["score"].astype(str).value_counts().drop(zero).to_dict()
    crossed = table[table["term"] == "score:plan"].iloc[0]
    level, plan = crossed["level"].split(":")
    assert crossed["n"] == ((rows["score"] == int(level)) & (rows["plan"] == plan)).sum()
    other = "x" if plan == "y" else "y"
    assert crossed["reference"] == f"{zero}:{other}"
    single = coefficient_table(hazard_coefficients(fitted_hazards(spells, strata=False), spells, spec, "no"))
    assert set(single["term"]) == {"score"}


@pytest.mark.parametrize(
    ("effect", "named"), [("linear", ["linear"]), ("spline", ["spline", "spline, bend 1", "spline, bend 2"])]
)
def test_a_score_as_a_number_is_named_by_its_function(effect: str, named: Sequence[str]) -> None:
    rows, spec = random_rows(11, 900, strata=2), spec_with(effect)
    spells = spells_from(rows, spec)
    table = coefficient_table(
        hazard_coefficients(fitted_hazards(spells, effect), spells, spec, "conditional")
    )
    score = table[table["term"] == "score"]
    assert list(score["level"]) == named
    assert set(score["n"]) == {len(rows)}


def test_a_level_without_a_loss_has_a_finite_interval_from_its_draws() -> None:
    rows = cell_rows(
        (1, "x", 4, 1, 60), (1, "x", 6, 0, 90), (2, "x", 5, 1, 30), (2, "x", 6, 0, 90), (5, "x", 6, 0, 40)
    )
    spec = spec_with()
    spells = spells_from(rows, spec)
    found = fitted_hazards(spells, strata=False)
    assert found.penalised == ("score 5",)
    table = coefficient_table(hazard_coefficients(found, spells, spec, "no")).set_index("level")
    row = table.loc["5"]
    draws = drawn(found, 20_000, np.random.default_rng(4)).beta[:, list(found.design.names).index("score 5")]
    assert np.isfinite(row[["estimate", "std_error", "conf_low", "conf_high"]].to_numpy(float)).all()
    assert row["conf_low"] < row["estimate"] < row["conf_high"]
    # quantiles of 2,000 draws against those of 20,000: four standard errors, the density in the tails taken as a tenth
    assert row["conf_high"] == pytest.approx(
        np.quantile(draws, 0.975), abs=4 * np.sqrt(0.975 * 0.025 / 2000) / 0.1
    )
    # Wald's would be symmetric; that of a level nobody left is not
    assert (row["estimate"] - row["conf_low"]) > 1.2 * (row["conf_high"] - row["estimate"])


def test_a_monotone_effect_is_as_it_was_projected() -> None:
    rows, spec = random_rows(3, 400, strata=2), spec_with("monotone")
    spells = spells_from(rows, spec)
    found = fitted_hazards(spells, "monotone")
    table = coefficient_table(hazard_coefficients(found, spells, spec, "conditional"))
    score = table[table["term"] == "score"].set_index("level")
    zero = str(spells.levels[found.design.reference])
    effects = [score["estimate"].get(str(level), 0.0) for level in spells.levels]
    assert zero not in score.index
    steps = np.diff(effects)
    assert (steps <= 1e-12).all() or (steps >= -1e-12).all()
    assert (score["conf_low"] <= score["estimate"]).all()
    assert (score["estimate"] <= score["conf_high"]).all()


def fitted_family(family: object, spells: Spells, **more: object) -> Fit:
    found = fit(family, person_periods(spells), **more)  # type: ignore[arg-type]
    assert isinstance(found, Fit)
    return found


def test_an_exponential_equals_statsmodels_with_a_constant_baseline() -> None:
    """Within a period log(−log(1 − h)) is the log rate; effects are of log time, so of the other sign."""
    rows, spec = random_rows(13, 900, strata=3), spec_with()
    spells = spells_from(rows, spec)
    found = fitted_family(EXPONENTIAL, spells)
    table = coefficient_table(family_coefficients(found, spells, spec, "conditional"))
    lost, long = a_row_a_period(rows)
    model = sm.GLM(lost, design_of(long, table), sm.families.Binomial(sm.families.links.CLogLog()))
    theirs = model.fit(tol=1e-14, maxiter=300)
    errors = np.sqrt(np.diag(np.linalg.inv(-model.hessian(theirs.params, observed=True))))
    sign = np.where(table["term"] == "plan", -1.0, 1.0)
    assert (sign * table["estimate"]).to_numpy() == pytest.approx(theirs.params, abs=SOFTWARE)
    assert table["std_error"].to_numpy() == pytest.approx(errors, abs=SOFTWARE)
    expected = table["estimate"].to_numpy() + Z * errors
    assert table["conf_high"].to_numpy() == pytest.approx(expected, abs=SOFTWARE)
    assert dict(zip(table["term"], table["scale"], strict=True)) == {"score": "log", "plan": "log_time_ratio"}
    assert set(table["part"]) == {"rate"}


def test_a_weibull_equals_lifelines_regression() -> None:
    rows, spec = random_rows(14, 900, strata=2), spec_with()
    spells = spells_from(rows, spec)
    table = coefficient_table(
        family_coefficients(fitted_family(WEIBULL, spells), spells, spec, "conditional")
    )
    design = table[table["part"] == "rate"]
    lost = rows["cause"] != ""
    theirs = pd.DataFrame(design_of(rows, design), columns=[f"x{k}" for k in design.index])
    theirs = theirs.assign(
        lower=np.where(lost, rows["exit"] - 1, rows["exit"]), upper=np.where(lost, rows["exit"], np.inf)
    )
    reference = WeibullAFTFitter(fit_intercept=False).fit_interval_censoring(
        theirs, "lower", "upper", ancillary=pd.DataFrame({"Intercept": np.ones(len(rows))})
    )
    sign = np.where(design["term"] == "score", -1.0, 1.0)  # lifelines' scale is 1/rate
    coefficients = reference.params_["lambda_"].loc[[f"x{k}" for k in design.index]].to_numpy()
    # it stops early, see test_families_lifelines
    assert (sign * design["estimate"]).to_numpy() == pytest.approx(coefficients, abs=2e-3)
    shape = table[table["part"] == "shape"].iloc[0]
    assert (shape["term"], shape["level"], shape["scale"]) == ("intercept", "", "log")
    assert shape["estimate"] == pytest.approx(float(reference.params_["rho_"].iloc[0]), abs=2e-3)
    assert shape["n"] == len(rows)


def test_the_shape_of_a_gompertz_is_per_period() -> None:
    """Its link counts in follow-ups; the table has the parameter as the literature writes it."""
    rows, spec = random_rows(14, 900, strata=2), spec_with()
    spells = spells_from(rows, spec)
    found = fitted_family(gompertz(7.0), spells)
    table = coefficient_table(family_coefficients(found, spells, spec, "conditional"))
    shape = table[table["part"] == "shape"].iloc[0]
    assert shape["scale"] == "identity"
    assert shape["estimate"] == pytest.approx(found.estimate[-1] / 7, rel=1e-12)
    assert shape["std_error"] == pytest.approx(np.sqrt(found.covariance[-1, -1]) / 7, rel=1e-12)


def test_variables_of_a_stratum_are_crossed() -> None:
    rows = spending(3, 900)
    spec = spec_of(PLANS)
    spells = spells_from(rows, spec)
    table = coefficient_table(
        family_coefficients(fitted_family(EXPONENTIAL, spells), spells, spec, "conditional")
    )
    strata = table[table["term"] == "plan:region"]
    assert len(strata) == 5
    first = strata.iloc[0]
    plan, region = first["level"].split(":")
    assert first["n"] == ((rows["plan"] == plan) & (rows["region"] == region)).sum()


def of_rows(found: object, rows: pd.DataFrame, plain: bool = True) -> pd.DataFrame:
    """The table of a regression; with HC0 errors, which statsmodels gives on rows, in place of HC2."""
    assert isinstance(found, SpendFit), found
    shown = replace(found, stack=replace(found.stack, covariance=found.stack.plain)) if plain else found
    return coefficient_table(spend_coefficients(shown, cells_of(rows), spec_of()))


def equal(table: pd.DataFrame, theirs: object) -> None:
    assert table["estimate"].to_numpy() == pytest.approx(np.asarray(theirs.params), abs=SOFTWARE)  # type: ignore[attr-defined]
    assert table["std_error"].to_numpy() == pytest.approx(np.asarray(theirs.bse), abs=SOFTWARE)  # type: ignore[attr-defined]
    ends = np.asarray(theirs.conf_int())  # type: ignore[attr-defined]
    assert table[["conf_low", "conf_high"]].to_numpy() == pytest.approx(ends, abs=SOFTWARE)


GAMMA = sm.families.Gamma(sm.families.links.Log())


@pytest.mark.parametrize(
    ("made", "family"), [(fit_poisson, sm.families.Poisson()), (fit_gamma, GAMMA)], ids=["poisson", "gamma"]
)
def test_means_of_spend_equal_statsmodels_on_rows(made: object, family: object) -> None:
    rows = spending(1, 3000)
    table, whole = of_rows(made(cells_of(rows)), rows), rows.dropna(subset=["spend"])  # type: ignore[operator]
    theirs = sm.GLM(whole["spend"].to_numpy(), design_of(whole, table), family)
    equal(table, theirs.fit(tol=1e-14, maxiter=200, cov_type="HC0"))
    assert set(table["part"]) == {"mean"}
    scales = table.groupby("term")["scale"].first().to_dict()
    assert scales == {"score": "log", "plan": "log_mean_ratio", "region": "log_mean_ratio"}
    counted = whole["score"].astype(str).value_counts().to_dict()
    assert table[table["term"] == "score"].set_index("level")["n"].to_dict() == counted


def test_two_parts_equal_statsmodels_on_rows() -> None:
    rows = spending(1, 3000)
    table = of_rows(fit_two_part(cells_of(rows)), rows)
    whole = rows.dropna(subset=["spend"])
    share, amount = (table[table["part"] == part] for part in ("any_spend", "amount"))
    spent = whole["spend"].to_numpy() > 0
    logit = sm.GLM(spent.astype(float), design_of(whole, share), sm.families.Binomial())
    equal(share, logit.fit(tol=1e-14, cov_type="HC0"))
    those = whole[spent]
    equal(
        amount,
        sm.GLM(those["spend"].to_numpy(), design_of(those, amount), GAMMA).fit(tol=1e-14, maxiter=200, cov_type="HC0"),
    )  # fmt: skip
    assert set(share["scale"]) == {"logit", "log_odds_ratio"}
    scores = amount[amount["term"] == "score"].set_index("level")["n"].to_dict()
    assert scores == those["score"].astype(str).value_counts().to_dict()


def test_least_squares_of_logs_equal_statsmodels_on_rows() -> None:
    rows = spending(1, 3000)
    table = of_rows(fit_log_ols(cells_of(rows)), rows)
    those = rows[rows["spend"] > 0]
    amount = table[table["part"] == "amount"]
    theirs = sm.OLS(np.log(those["spend"].to_numpy()), design_of(those, amount)).fit(
        cov_type="HC0", use_t=False
    )
    equal(amount, theirs)
    smearing = table[table["part"] == "smearing"]
    factors = [np.exp(theirs.resid[(those["score"] == level).to_numpy()]).mean() for level in range(1, 6)]
    assert np.exp(smearing["estimate"].to_numpy()) == pytest.approx(factors, abs=SOFTWARE)
    assert set(amount["scale"]) == {"log", "log_geometric_mean_ratio"}


def test_errors_of_spend_are_robust_by_hand() -> None:
    """HC2 of a mean is s/√n with n − 1 beneath, and of its logarithm that over the mean."""
    rows = spending(2, 500).assign(plan="x", region="s")
    table = of_rows(fit_poisson(cells_of(rows)), rows, plain=False).set_index("level")
    whole = rows.dropna(subset=["spend"])
    for level, spend in whole.groupby("score")["spend"]:
        error = spend.std(ddof=1) / np.sqrt(len(spend)) / spend.mean()
        assert table.loc[str(level), "std_error"] == pytest.approx(error, rel=1e-9)
        assert table.loc[str(level), "estimate"] == pytest.approx(np.log(spend.mean()), rel=1e-9)


def test_a_level_that_spent_nothing_is_held_and_finite() -> None:
    rows = spending(2, 1500)
    rows.loc[rows["score"] == 2, "spend"] = 0.0
    table = of_rows(fit_poisson(cells_of(rows)), rows, plain=False)
    row = table[(table["term"] == "score") & (table["level"] == "2")].iloc[0]
    assert np.isfinite(row[["estimate", "std_error", "conf_low", "conf_high"]].to_numpy(float)).all()
    assert row["conf_low"] < row["estimate"] < row["conf_high"]


def test_small_levels_are_blank_and_so_is_what_is_set_against_them() -> None:
    rows, spec = random_rows(11, 900, strata=2), spec_with()
    spells = spells_from(rows, spec)
    made = hazard_coefficients(fitted_hazards(spells), spells, spec, "conditional")
    sizes = rows["score"].value_counts()
    limit = int(sizes.min()) + 1
    table = coefficient_table(made, limit)
    small = table["level"] == str(sizes.idxmin())
    assert small.sum() == 1
    shown = ["estimate", "std_error", "conf_low", "conf_high", "n"]
    assert table.loc[small, shown].isna().all(axis=None)
    assert table.loc[~small, shown].notna().all(axis=None)
    against = [{**row, "n_reference": 3} for row in made]
    assert coefficient_table(against, limit)[shown].isna().all(axis=None)
    assert coefficient_table([]).empty
