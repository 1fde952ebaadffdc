"""Models compared out of sample, by folds of customers, beside a gradient-boosted rival on the same folds."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError
from cxlink.fits.aft_model import fit_family_to
from cxlink.fits.formulas.model_cells import ModelCells
from cxlink.fits.hazard_model import fit_hazards_to
from cxlink.fits.retention_model import RetentionModel
from cxlink.fits.scores import scores_of

FOLDS = 5
RIVAL = "gradient_boosting"


def compare_models(*models: RetentionModel, folds: int = FOLDS, rival: bool = True) -> pd.DataFrame:
    """Compare models of the same customers by out-of-sample scores.

    Customers are dealt into folds, the same for all models; each model is fitted without a fold and scored on it, to
    the last period that all of them say anything of. The rival is scikit-learn's `HistGradientBoostingClassifier` of
    leaving in a period, on the variables of all models and the period: what a flexible model would predict better is
    what the others leave on the table.

    Parameters
    ----------
    *models : RetentionModel
        From `cxlink.hazards` or `cxlink.aft`, of one cohort; one of them has all variables of the others.
    folds : int
        Number of folds.
    rival : bool
        Whether to fit the gradient-boosted rival as well.

    Returns
    -------
    DataFrame
        One row a model: ``model``, ``formula``, ``log_score`` (mean log probability per customer; higher is better),
        ``difference`` from the first and its ``std_error`` over folds, ``brier`` at the spec's horizon.

    Raises
    ------
    InputError
        If no model is given, they are of different cohorts, or none has all variables of the others.
    """
    if not models:
        raise InputError("give at least one model.")
    first = models[0].cells
    if any(one.cells.name != first.name or one.cells.n.sum() != first.n.sum() for one in models):
        raise InputError("the models are of different cohorts: their scores cannot be compared.")
    widest = max(models, key=lambda one: len(one.design.formula.variables))
    for one in models:
        if missing := set(one.design.formula.variables) - set(widest.design.formula.variables):
            raise InputError(
                f"no model has all variables: {widest.design.formula.text!r} lacks {sorted(missing)[0]}. Give one that "
                "has them all too, so that all are scored on the same customers."
            )
    names = [(one.name, one.design.formula.text) for one in models]
    predictions = [_refitted(one) for one in models]
    if rival:
        names.append((RIVAL, ", ".join(widest.design.formula.variables)))
        predictions.append(_boosted)
    by_fold = [_fold_scores(widest.cells, part, predictions) for part in _folds(widest.cells, folds)]
    scores = [list(one) for one in zip(*by_fold, strict=True)]
    log_scores = np.array([[fold["log_score"] for fold in one] for one in scores])
    difference = log_scores - log_scores[0]
    return pd.DataFrame({
        "model": [name for name, _ in names],
        "formula": [text for _, text in names],
        "log_score": log_scores.mean(axis=1),
        "difference": difference.mean(axis=1),
        "std_error": difference.std(axis=1, ddof=1) / np.sqrt(folds),
        "brier": [np.mean([fold["brier"] for fold in one]) for one in scores],
    })  # fmt: skip


LogSurvival = Callable[[ModelCells, ModelCells], np.ndarray]


def _refitted(model: RetentionModel) -> LogSurvival:
    """Fits a model to other customers, and predicts log S of profiles at whole periods."""

    def predicted(fitted: ModelCells, scored: ModelCells) -> np.ndarray:
        design = model.design
        if model.name in ("grouped_ph", "cox"):
            made = fit_hazards_to(fitted, design)
        else:
            made = fit_family_to(fitted, design, model.name)
        times = np.arange(int(min(scored.n_periods, made.curve.until)) + 1)
        log_survival = made.curve.log_survival(made.theta[None], design.matrix(scored.profiles), times)
        return np.asarray(log_survival[0])

    return predicted


def _boosted(fitted: ModelCells, scored: ModelCells) -> np.ndarray:
    """Log S by gradient boosting of the hazard on person-periods."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    at_risk, lost = fitted.risk_sets()
    profile, period = np.nonzero(at_risk > 0)
    features = _features(fitted.profiles)
    rows = np.column_stack([features[profile], period + 1.0])
    gone, stayed = lost[profile, period], (at_risk - lost)[profile, period]
    model = HistGradientBoostingClassifier(
        max_iter=100, learning_rate=0.05, max_leaf_nodes=15, min_samples_leaf=50, random_state=0
    )
    outcome = np.repeat([1, 0], len(rows))
    weight = np.concatenate([gone, stayed])
    used = weight > 0
    model.fit(np.vstack([rows, rows])[used], outcome[used], sample_weight=weight[used])
    times = np.arange(1, scored.n_periods + 1)
    every = np.column_stack([
        np.repeat(features, len(times), axis=0), np.tile(times.astype(float), len(features))
    ])  # fmt: skip
    hazard = model.predict_proba(every)[:, 1].reshape(len(features), len(times))
    log_survival = np.cumsum(np.log1p(-np.clip(hazard, 0.0, 1 - 1e-9)), axis=1)
    return np.concatenate([np.zeros((len(features), 1)), log_survival], axis=1)


def _features(profiles: pd.DataFrame) -> np.ndarray:
    columns = [
        column.cat.codes if isinstance(column.dtype, pd.CategoricalDtype) else column
        for _, column in profiles.items()
    ]
    return np.column_stack(columns).astype(float) if columns else np.zeros((len(profiles), 1))


def _fold_scores(
    cells: ModelCells, part: np.ndarray, predictions: Sequence[LogSurvival]
) -> list[dict[str, Any]]:
    """Scores of one fold by each model, predicted from the other folds."""
    rest, fold = cells.of(cells.n - part), cells.of(part)
    curves = [predicted(rest, fold) for predicted in predictions]
    last = min(one.shape[1] for one in curves)
    return [dict(scores_of(fold, one[:, :last], cells.spec.horizon)) for one in curves]


def _folds(cells: ModelCells, folds: int) -> Sequence[np.ndarray]:
    """Customers of each cell dealt at random into equal folds: one array (n_cells,) a fold."""
    rng = np.random.default_rng([cells.spec.analysis.seed, 18])
    left = np.rint(cells.n).astype(np.int64)
    parts = []
    for k in range(folds, 1, -1):
        part = rng.binomial(left, 1 / k)
        parts.append(part.astype(float))
        left = left - part
    return [*parts, left.astype(float)]
