"""Cox's partial likelihood with Efron's ties, by lifelines on the rows of the customers, and Breslow's baseline."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError
from cxlink.fits.formulas.model_cells import ModelCells, person_rows
from cxlink.fits.formulas.profile_design import ProfileDesign, refuse_aliased
from cxlink.fits.retention_model import RetentionModel
from cxlink.fits.survival_curves import FreeBaseline, last_at_risk_of, mean_columns, normal_draws
from cxlink.survival.proportional_hazards.cloglog import Grouped, mean_covariates
from cxlink.survival.proportional_hazards.hazard_errors import Contributions, HazardErrors
from cxlink.survival.proportional_hazards.robust_errors import Covariance, few_losses, sandwich


def fit_cox(cells: ModelCells, design: ProfileDesign, covariance: Covariance) -> RetentionModel:
    """Fit Cox's regression to cells, see `cxlink.fits.hazard_model.hazards`.

    Robust standard errors are those of Lin & Wei (1989, doi 10.1080/01621459.1989.10478874) with Breslow's baseline.
    Draws of the coefficients are normal; increments of the baseline are gamma.

    Raises
    ------
    InputError
        If the jackknife is asked for, or terms cannot be told apart.
    """
    if covariance == "jackknife":
        raise InputError(
            f'{design.formula.text}: Cox\'s regression on rows has no covariance="jackknife". Use robust, or cut '
            "numbers into bands ([adjust] bands)."
        )
    matrix = design.matrix(cells.profiles)
    refuse_aliased(design, matrix)
    fitted = _lifelines(cells, design, matrix)
    beta = fitted.params_.to_numpy(float)
    centre = mean_columns(cells, matrix)
    counts, periods = _counted(cells, matrix - centre)
    losses, weight = counts.lost.sum(axis=0), np.exp(counts.shift(beta)) * counts.at_risk
    log_rest, middle = np.log(weight.sum(axis=0)), mean_covariates(counts, weight)
    few = np.ones(len(matrix), bool)
    errors = HazardErrors(fitted.variance_matrix_.to_numpy(float), np.zeros(middle.shape), 1 / losses)
    if covariance == "robust":
        rate = np.exp(counts.shift(beta) + np.log(losses) - log_rest)
        made = Contributions(rate, np.ones(rate.shape), counts.at_risk * rate)
        few = few_losses(replace(counts, design=matrix))
        errors = sandwich(counts, made, cells.customers(periods), few, np.zeros((len(beta), len(beta))))
    middle = middle + centre[:, None]
    theta = np.concatenate([beta, np.log(losses) - log_rest - beta @ centre])
    moves = normal_draws(errors.covariance, cells)
    noise = errors.baseline_noise(moves, np.random.default_rng([cells.spec.analysis.seed, 17]))
    draws = np.concatenate([moves, noise - moves @ middle], axis=1)
    return RetentionModel(
        name="cox", ratio="hazard_ratio", sign=1.0, design=design, columns=slice(0, len(beta)), theta=theta,
        covariance=errors.joint(middle), draws=theta + draws,
        curve=FreeBaseline(len(beta), periods, np.zeros(0, int), float(last_at_risk_of(cells))), cells=cells,
        log_likelihood=float(fitted.log_likelihood_), penalised=(), referee=as_cox, covariance_type=covariance,
        modelled=few,
    )  # fmt: skip


def _counted(cells: ModelCells, matrix: np.ndarray) -> tuple[Grouped, np.ndarray]:
    """Customers at risk and lost in the periods with losses, and those periods: what Breslow's baseline is made of."""
    at_risk, lost = cells.risk_sets()
    periods = np.flatnonzero(lost.sum(axis=0) > 0)
    nothing = np.empty((0, len(matrix), len(periods)))
    return Grouped(at_risk[:, periods], lost[:, periods], matrix, nothing), periods + 1


def _lifelines(cells: ModelCells, design: ProfileDesign, matrix: np.ndarray) -> Any:
    from lifelines import CoxPHFitter

    rows = person_rows(cells)
    frame = pd.DataFrame(matrix[rows["profile"]], columns=list(design.names))
    frame = frame.assign(entry=rows["entry"], exit=rows["exit"], lost=rows["lost"])
    late = {"entry_col": "entry"} if rows["entry"].any() else {}
    return CoxPHFitter().fit(
        frame if late else frame.drop(columns="entry"), duration_col="exit", event_col="lost", **late
    )


def as_cox(model: RetentionModel) -> Any:
    """Lifelines' `CoxPHFitter` on one row a customer."""
    return _lifelines(model.cells, model.design, model.design.matrix(model.cells.profiles))
