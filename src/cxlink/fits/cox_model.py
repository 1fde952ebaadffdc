"""Cox's partial likelihood with Efron's ties, by lifelines on the rows of the customers, and Breslow's baseline."""

from typing import Any

import numpy as np
import pandas as pd

from cxlink.fits.formulas.model_cells import ModelCells, person_rows
from cxlink.fits.formulas.profile_design import ProfileDesign, refuse_aliased
from cxlink.fits.retention_model import RetentionModel
from cxlink.fits.survival_curves import FreeBaseline, last_at_risk_of, normal_draws


def fit_cox(cells: ModelCells, design: ProfileDesign) -> RetentionModel:
    """Fit Cox's regression to cells, see `cxlink.fits.hazard_model.hazards`.

    Draws of the coefficients are normal; increments of the baseline are gamma, Breslow's at each draw.
    """
    matrix = design.matrix(cells.profiles)
    refuse_aliased(design, matrix)
    fitted = _lifelines(cells, design, matrix)
    beta = fitted.params_.to_numpy(float)
    covariance = fitted.variance_matrix_.to_numpy(float)
    periods, losses, log_rest, means = _breslow(cells, matrix, beta)
    draws = beta + normal_draws(covariance, cells)
    rng = np.random.default_rng([cells.spec.analysis.seed, 17])
    increments = np.log(rng.gamma(losses, size=(len(draws), len(losses))))
    baseline = increments - log_rest - (draws - beta) @ means.T
    theta = np.concatenate([beta, np.log(losses) - log_rest])
    whole = np.zeros((len(theta), len(theta)))
    whole[: len(beta), : len(beta)] = covariance
    whole[len(beta) :, len(beta) :] = np.diag(1 / losses)
    return RetentionModel(
        name="cox", ratio="hazard_ratio", sign=1.0, design=design, columns=slice(0, len(beta)), theta=theta,
        covariance=whole, draws=np.concatenate([draws, baseline], axis=1),
        curve=FreeBaseline(len(beta), periods, np.zeros(0, int), float(last_at_risk_of(cells))), cells=cells,
        log_likelihood=float(fitted.log_likelihood_), penalised=(), referee=as_cox,
    )  # fmt: skip


def _breslow(
    cells: ModelCells, matrix: np.ndarray, beta: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Breslow's baseline: periods with losses, the losses, log Σ e^{x'β} at risk and the mean x there."""
    at_risk, lost = cells.risk_sets()
    gone = lost.sum(axis=0)
    periods = np.flatnonzero(gone > 0)
    weight = np.exp(matrix @ beta)[:, None] * at_risk[:, periods]
    total = weight.sum(axis=0)
    return periods + 1, gone[periods], np.log(total), (matrix.T @ weight / total).T


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
