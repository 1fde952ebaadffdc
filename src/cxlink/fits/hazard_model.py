"""Proportional hazards by a formula: grouped, exact on counts; Cox's partial likelihood where time is fine.

Grouped: log(−log(1 − h_t)) = α_t + x'β with a free baseline (Prentice & Gloeckler 1978, doi 10.2307/2529588), which is
a binomial GLM with complementary log-log link on person-periods. Where a term is continuous and at most a tenth of the
losses share a period, lifelines' Cox regression with Efron's ties on the rows.
"""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pandas as pd

from cxlink.cohort.arguments_given import refuse_unlisted
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import Cohort
from cxlink.estimation.optimise import Optimum
from cxlink.estimation.penalties import Penalty, stacked
from cxlink.estimation.profile_draws import Marginal, exchange, marginals
from cxlink.fits.cox_model import fit_cox
from cxlink.fits.formulas.clusters_of_models import clustered_by, refuse_clusters
from cxlink.fits.formulas.formula import parse_formula
from cxlink.fits.formulas.model_cells import ModelCells, model_cells
from cxlink.fits.formulas.profile_design import ProfileDesign, learn_design, refuse_aliased
from cxlink.fits.retention_model import RetentionModel
from cxlink.fits.survival_curves import FreeBaseline, last_at_risk_of, mean_columns, normal_draws
from cxlink.survival.proportional_hazards.cloglog import Grouped, Solution, mean_covariates, shifted, solve
from cxlink.survival.proportional_hazards.hazard_design import separated
from cxlink.survival.proportional_hazards.hazard_draws import ProfileDraws
from cxlink.survival.proportional_hazards.hazard_errors import HazardErrors
from cxlink.survival.proportional_hazards.robust_errors import Covariance, errors_of, few_losses

_SHARED = 0.1
_DENSE = 20_000_000


def hazards(
    cohort: Cohort | Counts,
    formula: str = "score",
    *,
    covariance: Covariance = "robust",
    cluster: str | None = None,
) -> RetentionModel:
    """Fit proportional hazards.

    Parameters
    ----------
    cohort : Cohort or Counts
        From `cxlink.read_cohort`; from counts alone, the formula may use what they were adjusted for.
    formula : str
        Terms, such as ``score + plan + bs(age, df=3)``; ``score`` is the spec's, with its effect.
    covariance : {"robust", "model", "jackknife"}
        Robust (sandwich) standard errors over customers, which do not take hazards to be proportional, or those of the
        model, as `native` has them. Categories with fewer than ten losses, or kept, have the model's. Of
        clustered customers also by leaving out one bucket of clusters at a time.
    cluster : str, optional
        Column of accounts or households whose customers are not independent, in place of the spec's ``[cohort]
        cluster``: standard errors are then robust over their buckets, and intervals Student's.

    Returns
    -------
    RetentionModel
        Its coefficients are log hazard ratios.

    Raises
    ------
    InputError
        If the formula or a variable of it is wrong, terms cannot be told apart, there is no loss to learn from, or
        the model's covariance is asked of clustered customers, or the jackknife of independent ones; or there is no
        such covariance.

    Examples
    --------
    >>> import pandas as pd
    >>> from cxlink import hazards, make_spec, read_cohort
    >>> rows = pd.DataFrame({"score": [1, 1, 1, 2, 2, 2] * 20, "months": [1, 2, 3, 1, 3, 3] * 20})
    >>> rows["left"] = [1, 1, 0, 1, 0, 0] * 20
    >>> durations = {"duration": "months", "event": "left"}
    >>> spec = make_spec({"score": {"column": "score", "scale": "1-2"}, "subscription": durations})
    >>> hazards(read_cohort(rows, spec), "score").summary()["hazard_ratio"].round(2)
    term
    score[T.2]    0.45
    Name: hazard_ratio, dtype: float64
    """
    refuse_unlisted(covariance, get_args(Covariance), "covariance")
    cohort = clustered_by(cohort, cluster)
    _needs_retention(cohort)
    parsed = parse_formula(formula)
    if covariance == "model":
        refuse_clusters(cohort, 'covariance="model"')
    if covariance == "jackknife" and cohort.spec.cluster_column is None:
        raise InputError('covariance="jackknife" leaves out clusters: give cluster=, or use robust or model.')
    cells = model_cells(cohort, parsed)
    return fit_hazards_to(cells, learn_design(parsed, cells.profiles, cells.weight), covariance)


def fit_hazards_to(
    cells: ModelCells, design: ProfileDesign, covariance: Covariance = "robust"
) -> RetentionModel:
    """Fit proportional hazards to cells, see `hazards`."""
    if cells.continuous and _shared(cells) <= _SHARED:
        return fit_cox(cells, design, covariance)
    return _grouped(cells, design, covariance)


def _needs_retention(cohort: Cohort | Counts) -> None:
    if cohort.spec.subscription is None:
        raise InputError(
            "a model of retention needs [subscription] in the spec: when each customer was lost."
        )


def _shared(cells: ModelCells) -> float:
    """Share of the losses that fall in the period with most of them."""
    lost = np.bincount(cells.exit[cells.lost], cells.n[cells.lost])
    return float(lost.max(initial=0.0) / lost.sum()) if lost.sum() else 1.0


def grouped_counts(cells: ModelCells, matrix: np.ndarray) -> tuple[Grouped, np.ndarray, np.ndarray]:
    """Person-periods in the periods with both a loss and a survivor, those periods, and the extinct ones.

    Raises
    ------
    InputError
        If there is no such period, or profiles × periods are more than memory holds.
    """
    if len(cells.profiles) * cells.n_periods > _DENSE:
        raise InputError(
            f"{cells.name}: {len(cells.profiles):,} customers over {cells.n_periods:,} periods are too many rows. Cut "
            "numbers into bands ([adjust] bands), or use a longer [subscription] unit."
        )
    at_risk, lost = cells.risk_sets()
    total, gone = at_risk.sum(axis=0), lost.sum(axis=0)
    informative = (gone > 0) & (gone < total)
    if not informative.any():
        raise InputError(f"{cells.name}: no period has both a loss and a survivor, so hazards have no ratio.")
    counts = Grouped(
        at_risk[:, informative], lost[:, informative], matrix, np.empty((0, len(matrix), int(informative.sum())))
    )  # fmt: skip
    extinct = np.flatnonzero((gone > 0) & (gone == total)) + 1
    return counts, np.flatnonzero(informative) + 1, extinct


def _grouped(cells: ModelCells, design: ProfileDesign, covariance: Covariance) -> RetentionModel:
    matrix = design.matrix(cells.profiles)
    centre = mean_columns(cells, matrix)
    counts, periods, extinct = grouped_counts(cells, matrix - centre)
    at_risk, lost = counts.at_risk.sum(axis=1), counts.lost.sum(axis=1)
    refuse_aliased(design, matrix[at_risk > 0])
    extreme = separated(matrix, at_risk, lost)
    penalties = [
        Penalty(j, np.eye(matrix.shape[1])[j], scale=max(float(np.ptp(matrix[:, j])), 1e-6)) for j in extreme
    ]
    solution = solve(counts, penalties)
    customers = None if covariance == "model" else cells.customers(periods)
    few = few_losses(replace(counts, design=matrix))
    errors = errors_of(
        counts, solution, penalties, customers, few=few, by_jackknife=covariance == "jackknife"
    )
    drawn, baselines = _drawn(counts, solution, errors, penalties, cells)
    theta = np.concatenate([solution.beta, solution.alpha - solution.beta @ centre])
    curve = FreeBaseline(matrix.shape[1], periods, extinct, float(last_at_risk_of(cells)))
    return RetentionModel(
        name="grouped_ph", ratio="hazard_ratio", sign=1.0, design=design, columns=slice(0, matrix.shape[1]),
        theta=theta, covariance=errors.joint(mean_covariates(counts, solution.weight) + centre[:, None]),
        draws=np.concatenate([drawn, baselines - (drawn @ centre)[:, None]], axis=1), curve=curve, cells=cells,
        log_likelihood=solution.log_likelihood, penalised=tuple(design.names[j] for j in extreme), referee=as_glm,
        covariance_type=covariance, modelled=few if customers is not None else np.ones(len(matrix), bool),
    )  # fmt: skip


def _drawn(
    counts: Grouped, solution: Solution, errors: HazardErrors, penalties: list[Penalty], cells: ModelCells
) -> tuple[np.ndarray, np.ndarray]:
    """Draws of coefficients and of the baseline's logarithms, see `hazard_draws`."""
    beta = solution.beta
    tables: tuple[Marginal, ...] = ()
    if penalties:
        profile = ProfileDraws(counts, solution, tuple(penalties), stacked(penalties, len(beta)))
        optimum = Optimum(beta, -solution.information, 0.0, np.zeros(len(beta), bool))
        tables = marginals(profile, optimum, errors.covariance, len(beta))
    moves = normal_draws(errors.covariance, cells)
    drawn = beta + exchange(moves, tables)
    rng = np.random.default_rng([cells.spec.analysis.seed, 17])
    noise = errors.baseline_noise(moves, rng)
    return drawn, shifted(counts, solution, drawn) + noise


def as_glm(model: RetentionModel) -> Any:
    """Statsmodels' binomial GLM with complementary log-log link on person-periods, a dummy for each period."""
    import statsmodels.api as sm

    matrix = model.design.matrix(model.cells.profiles)
    counts, periods, _ = grouped_counts(model.cells, matrix)
    profile, period = np.nonzero(counts.at_risk > 0)
    at_risk, lost = counts.at_risk[profile, period], counts.lost[profile, period]
    names = [*model.design.names, *(f"period {one}" for one in periods)]
    exog = pd.DataFrame(np.hstack([matrix[profile], np.eye(len(periods))[period]]), columns=names)
    family = sm.families.Binomial(link=sm.families.links.CLogLog())
    return sm.GLM(np.column_stack([lost, at_risk - lost]), exog, family=family).fit(tol=1e-10)
