"""Regressions of spend on folds of customers: fitted to some, scored on others, beside a gradient-boosted rival."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import SPEND
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import Cohort
from cxlink.fits.formulas.model_cells import ModelCells, model_cells
from cxlink.fits.formulas.profile_design import ProfileDesign, profile_features
from cxlink.fits.scores import spend_scores_of
from cxlink.fits.spend_model import SpendModel, fit_spend_to, sums_by_profile

MeanSpendOf = Callable[[ModelCells, ModelCells], np.ndarray]
"""Fits to the first cells, and predicts mean spend of the profiles of the second, (n_profiles,)."""


def spenders(widest: SpendModel) -> ModelCells:
    """Customers with a complete window by the profile of a model and by what they spent: a cell has one amount.

    Raises
    ------
    InputError
        If the model was fitted to counts, which do not say what single customers spent.
    """
    if not isinstance(widest.source, Cohort) or widest.source.spec.spend is None:
        raise InputError(
            "counts do not say what single customers spent: fit the regressions to the cohort, which can be dealt into "
            "folds."
        )
    cells = model_cells(widest.source, widest.design.formula, apart=(widest.source.spec.spend.column,))
    return replace(cells, n=cells.spend[SPEND[0]].to_numpy(float))


def refitted(model: SpendModel) -> MeanSpendOf:
    """Fits a regression to other customers."""

    def predicted(fitted: ModelCells, scored: ModelCells) -> np.ndarray:
        return fit_spend_to(fitted, model.design, model.name, model.source).means_at(scored.profiles)

    return predicted


def boosted(fitted: ModelCells, scored: ModelCells) -> np.ndarray:
    """Mean spend by gradient boosting of the Poisson deviance."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    used = fitted.n > 0
    amount = fitted.spend["spend_sum"].to_numpy(float)[used] / fitted.n[used]
    model = HistGradientBoostingRegressor(
        loss="poisson",
        max_iter=100,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=50,
        random_state=0,
    )
    features = profile_features(fitted.profiles)
    model.fit(features[fitted.profile[used]], amount, sample_weight=fitted.n[used])
    means: np.ndarray = model.predict(profile_features(scored.profiles))
    return means


def scores_of_fold(
    rest: ModelCells, fold: ModelCells, design: ProfileDesign, predictions: Sequence[MeanSpendOf]
) -> list[pd.Series]:
    """Scores of one fold by each model, fitted to the rest; R² against the mean of the rest."""
    mean = float(rest.spend["spend_sum"].sum() / rest.n.sum())
    sums = sums_by_profile(fold, design)
    return [spend_scores_of(sums, predicted(rest, fold), mean) for predicted in predictions]
