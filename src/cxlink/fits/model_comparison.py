"""Models compared out of sample, by folds of customers, beside a gradient-boosted rival on the same folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlink.cohort.arguments_given import refuse_other, whole_numbers
from cxlink.cohort.errors import InputError
from cxlink.fits.aft_model import fit_family_to
from cxlink.fits.formulas.model_cells import ModelCells
from cxlink.fits.formulas.profile_design import profile_features
from cxlink.fits.formulas.same_customers import same_customers
from cxlink.fits.hazard_model import fit_hazards_to
from cxlink.fits.retention_model import RetentionModel
from cxlink.fits.scores import scores_of
from cxlink.fits.spend_comparison import boosted, refitted, scores_of_fold, spenders
from cxlink.fits.spend_model import SpendModel
from cxlink.groups.bucket_folds import fold_of_buckets

FOLDS = 5
RIVAL = "gradient_boosting"


def compare_models(
    *models: RetentionModel | SpendModel, folds: int = FOLDS, rival: bool = True
) -> pd.DataFrame:
    """Compare models of the same customers by out-of-sample scores.

    Customers are dealt into folds, the same for all models; each model is fitted without a fold and scored on it,
    retention to the last period that all of them say anything of. The rival is scikit-learn's gradient boosting on the
    variables of all models: `HistGradientBoostingClassifier` of leaving in a period, or
    `HistGradientBoostingRegressor` of spend with the Poisson deviance. What a flexible model would predict better is
    what the others leave on the table.

    Parameters
    ----------
    *models : RetentionModel or SpendModel
        From `cxlink.hazards` or `cxlink.aft`, or all of them from `cxlink.spend_regression`, of one cohort; one of them
        has all variables of the others.
    folds : int
        Number of folds.
    rival : bool
        Whether to fit the gradient-boosted rival as well.

    Returns
    -------
    DataFrame
        One row a model: ``model``, ``formula``; of retention ``log_score`` (mean log probability per customer; higher
        is better), of spend ``poisson_deviance`` (per customer, in the currency; lower is better, whatever the
        distribution of spend); ``difference`` from the first and its ``std_error`` over folds; of retention ``brier``
        at the spec's horizon, of spend ``r_squared`` (against the mean of the other folds).

    Raises
    ------
    InputError
        If no model is given, folds are under two or more than the customers, or than the buckets of their clusters,
        models are of different cohorts,
        one is of clustered customers and another is not, none has all variables of the others, models of retention
        stand beside regressions of spend, or these were fitted to counts, which do not hold single customers' spend.
    """
    if not models:
        raise InputError("give at least one model.")
    for one in models:
        refuse_other(one, (RetentionModel, SpendModel), "compare_models")
    (folds,) = whole_numbers(folds, "folds")
    of_spend = [one for one in models if isinstance(one, SpendModel)]
    of_retention = [one for one in models if isinstance(one, RetentionModel)]
    if of_spend and of_retention:
        raise InputError(
            "models of retention and regressions of spend have no score in common: compare each by itself."
        )
    trial = _spend_trial(of_spend, rival) if of_spend else _retention_trial(of_retention, rival)
    names = [(one.name, one.design.formula.text) for one in models]
    if rival:
        names.append((RIVAL, ", ".join(trial.variables)))
    by_fold = [
        trial.scored(trial.cells.of(trial.cells.n - part), trial.cells.of(part))
        for part in _folds(trial.cells, folds)
    ]
    first, second = trial.measures
    scores = np.array([[one[first] for one in fold] for fold in by_fold])
    difference = scores - scores[:, :1]
    return pd.DataFrame({
        "model": [name for name, _ in names],
        "formula": [text for _, text in names],
        first: scores.mean(axis=0),
        "difference": difference.mean(axis=0),
        "std_error": difference.std(axis=0, ddof=1) / np.sqrt(folds),
        second: np.mean([[one[second] for one in fold] for fold in by_fold], axis=0),
    })  # fmt: skip


def _widest[Model: (RetentionModel, SpendModel)](models: Sequence[Model]) -> Model:
    """The model that has all variables of the others."""
    first = models[0].cells
    if any((one.cells.bucket is None) != (first.bucket is None) for one in models):
        raise InputError(
            "one model is of clustered customers and another is not: give all of them the same cluster."
        )
    if any(one.cells.name != first.name or one.cells.n.sum() != first.n.sum() for one in models):
        raise InputError("the models are of different cohorts: their scores cannot be compared.")
    widest = max(models, key=lambda one: len(one.design.formula.variables))
    for one in models:
        if missing := set(one.design.formula.variables) - set(widest.design.formula.variables):
            raise InputError(
                f"no model has all variables: {widest.design.formula.text!r} lacks {sorted(missing)[0]}. Give one that "
                "has them all too, so that all are scored on the same customers."
            )
        if not same_customers(one.cells, widest.cells, one.design.formula.variables):
            raise InputError("the models are of different cohorts: their scores cannot be compared.")
    return widest


@dataclass(frozen=True, slots=True)
class _Trial:
    """Customers to be dealt into folds, and how models fitted to some are scored on others."""

    cells: ModelCells
    variables: tuple[str, ...]
    scored: Callable[[ModelCells, ModelCells], Sequence[pd.Series]]
    measures: tuple[str, str]


def _spend_trial(models: Sequence[SpendModel], rival: bool) -> _Trial:
    widest = _widest(models)
    predictions = [*map(refitted, models), *([boosted] if rival else [])]

    def scored(rest: ModelCells, fold: ModelCells) -> Sequence[pd.Series]:
        return scores_of_fold(rest, fold, widest.design, predictions)

    return _Trial(
        spenders(widest), widest.design.formula.variables, scored, ("poisson_deviance", "r_squared")
    )


def _retention_trial(models: Sequence[RetentionModel], rival: bool) -> _Trial:
    widest = _widest(models)
    predictions = [*map(_refitted, models), *([_boosted] if rival else [])]

    def scored(rest: ModelCells, fold: ModelCells) -> Sequence[pd.Series]:
        curves = [predicted(rest, fold) for predicted in predictions]
        last = min(one.shape[1] for one in curves)
        return [scores_of(fold, one[:, :last], fold.spec.horizon) for one in curves]

    return _Trial(widest.cells, widest.design.formula.variables, scored, ("log_score", "brier"))


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
    features = profile_features(fitted.profiles)
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


def _folds(cells: ModelCells, folds: int) -> Sequence[np.ndarray]:
    """Customers of each cell dealt at random into equal folds, or whole buckets of clusters: (n_cells,) a fold.

    Raises
    ------
    InputError
        If there are fewer than two folds, or one of them has nobody.
    """
    if folds < 2:
        raise InputError("give two folds or more: a model is fitted without a fold, and scored on it.")
    if folds > cells.n.sum():
        raise InputError(
            f"{folds:,} folds are more than the {cells.n.sum():,.0f} customers: give fewer, such as 5."
        )
    rng = np.random.default_rng([cells.spec.analysis.seed, 18])
    if cells.bucket is not None:
        fold = _fold_of_buckets(np.bincount(cells.bucket, cells.n), folds, rng)[cells.bucket]
        return [np.where(fold == k, cells.n, 0.0) for k in range(folds)]
    left = np.rint(cells.n).astype(np.int64)
    parts = []
    for k in range(folds, 1, -1):
        part = rng.binomial(left, 1 / k)
        parts.append(part.astype(float))
        left = left - part
    parts.append(left.astype(float))
    if not all(part.any() for part in parts):
        raise InputError(
            f"one of {folds:,} folds has none of the {cells.n.sum():,.0f} customers: give fewer folds."
        )
    return parts


def _fold_of_buckets(size: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Deal buckets into folds; see `bucket_folds`.

    Raises
    ------
    InputError
        If there are fewer buckets with customers than folds.
    """
    present = int((size > 0).sum())
    if present < folds:
        raise InputError(
            f"the customers are in {present} buckets of clusters, too few for {folds} folds: give fewer folds, or more "
            "accounts."
        )
    return fold_of_buckets(size, folds, rng)
