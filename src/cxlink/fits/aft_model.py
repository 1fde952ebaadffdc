"""Parametric families by a formula: the terms act on the location of a family, the other parameters are shared.

The likelihood is that of grouped durations (`cxlink.estimation.likelihood`), exact on counts: lifelines'
interval-censored regressions of the same families give the same coefficients.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import PersonPeriods
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import Cohort
from cxlink.estimation.likelihood import Likelihood, stretches
from cxlink.estimation.optimise import Box, maximise
from cxlink.estimation.penalties import Penalty
from cxlink.estimation.profile_draws import exchange, marginals
from cxlink.fits.formulas.clusters_of_models import clustered_by
from cxlink.fits.formulas.formula import parse_formula
from cxlink.fits.formulas.model_cells import ModelCells, model_cells, person_rows
from cxlink.fits.formulas.profile_design import ProfileDesign, learn_design, refuse_aliased
from cxlink.fits.retention_model import RetentionModel
from cxlink.fits.survival_curves import normal_draws
from cxlink.survival.families.bucket_covariance import Predicted, bucket_covariance
from cxlink.survival.families.catalogue import menu
from cxlink.survival.families.family import Family
from cxlink.survival.families.survival_at_times import at_times
from cxlink.survival.proportional_hazards.hazard_design import separated

_RATIOS = {
    "log_hazard_ratio": "hazard_ratio",
    "log_time_ratio": "time_ratio",
    "log_odds_ratio": "odds_ratio",
}
_ALMOST_ZERO = 1e-10
_LIFELINES = {
    "weibull": "WeibullAFTFitter", "log_normal": "LogNormalAFTFitter", "log_logistic": "LogLogisticAFTFitter",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class FamilyCurve:
    """Survival of a parametric family whose location depends on the terms.

    Attributes
    ----------
    name : str
        Of the family.
    lost : tuple of float
        Losses by period, that its knots were chosen from.
    n_location : int
        Parameters of the location, the intercept first.
    until : float
        Infinite: a family extrapolates.
    """

    name: str
    lost: tuple[float, ...]
    n_location: int
    until: float = np.inf

    @property
    def family(self) -> Family:
        """The family itself."""
        return family_named(self.name, np.array(self.lost))

    def log_survival(self, theta: np.ndarray, rows: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Log S of the family at x'θ, see `cxlink.fits.retention_model.Curve`."""
        location = theta[:, :1] + theta[:, 1 : self.n_location] @ rows.T
        others = [theta[:, k : k + 1] for k in range(self.n_location, theta.shape[1])]
        return at_times(self.family, [location, *others], times.astype(float))


def aft(
    cohort: Cohort | Counts, formula: str = "score", family: str = "weibull", *, cluster: str | None = None
) -> RetentionModel:
    """Fit a parametric family of the time to loss, the terms acting on its location.

    Parameters
    ----------
    cohort : Cohort or Counts
        From `cxlink.read_cohort`; from counts alone, the formula may use what they were adjusted for.
    formula : str
        Terms, such as ``score + plan``.
    family : str
        Of the menu: ``exponential``, ``weibull``, ``gompertz``, ``log_normal``, ``log_logistic``,
        ``generalised_gamma``, ``spline_1`` …, ``cure_weibull`` …, ``shifted_beta_geometric``, ….
    cluster : str, optional
        Column of accounts or households whose customers are not independent, in place of the spec's ``[cohort]
        cluster``: standard errors are then robust over their buckets, and intervals Student's.

    Returns
    -------
    RetentionModel
        Its coefficients are log time ratios (over 0: customers stay longer), log hazard ratios or log odds ratios: see
        ``ratio``.

    Raises
    ------
    InputError
        If there is no such family, the losses fall in too few periods for it, or the formula is wrong.
    """
    cohort = clustered_by(cohort, cluster)
    if cohort.spec.subscription is None:
        raise InputError(
            "a model of retention needs [subscription] in the spec: when each customer was lost."
        )
    parsed = parse_formula(formula)
    cells = model_cells(cohort, parsed)
    return fit_family_to(cells, learn_design(parsed, cells.profiles, cells.weight), family)


def family_named(name: str, lost: np.ndarray) -> Family:
    """A family of the menu for losses by period.

    Raises
    ------
    InputError
        If the menu has no such family.
    """
    families = {one.name: one for one in menu(lost)}
    if name not in families:
        raise InputError(f"{name!r} is no family; there are {', '.join(families)}.")
    return families[name]


def fit_family_to(cells: ModelCells, design: ProfileDesign, name: str) -> RetentionModel:
    """Fit a family to cells, see `aft`."""
    at_risk, lost = cells.risk_sets()
    family = family_named(name, lost.sum(axis=0))
    n_periods = int((lost.sum(axis=0) > 0).sum())
    if not n_periods:
        raise InputError(
            f"{cells.name}: nobody was lost, and a family of tenure is learnt from losses. Follow customers for "
            "longer, or look at kaplan_meier(), which needs none."
        )
    if n_periods <= len(family.parameters) - (len(family.parameters) == 1):
        raise InputError(
            f"{cells.name}: losses fall in {n_periods} periods, too few for the parameters of {name}. "
            "Use exponential, or a shorter [subscription] unit."
        )
    matrix = design.matrix(cells.profiles)
    refuse_aliased(design, matrix[at_risk.sum(axis=1) > 0])
    ones = np.ones((len(matrix), 1))
    location = np.hstack([ones, matrix])
    where = np.arange(len(matrix))
    periods = PersonPeriods(
        tuple(range(len(matrix))), pd.DataFrame(index=range(1)), where, 0 * where, at_risk, lost
    )
    likelihood = Likelihood(
        family.linked, stretches(periods), (location, *([ones] * (len(family.parameters) - 1)))
    )
    extreme = separated(matrix, at_risk.sum(axis=1), lost.sum(axis=1))
    likelihood = likelihood.with_penalties(
        [_penalty(j + 1, location.shape[1] + len(family.parameters) - 1, matrix[:, j]) for j in extreme]
    )
    start = family.start_linked(float((lost.sum() + 0.5) / (at_risk.sum() + 1)))
    optimum = maximise(likelihood, _starts(start, matrix.shape[1]), _box(family, matrix.shape[1]))
    covariance = np.linalg.pinv(-optimum.hessian, hermitian=True)
    if cells.bucket is not None:
        predicted = Predicted(family, likelihood.designs, optimum.theta, at_risk.shape[1])
        covariance = _over_buckets(predicted, cells, likelihood, covariance)
    tables = marginals(likelihood, optimum, covariance, location.shape[1]) if extreme else ()
    return RetentionModel(
        name=name, ratio=_RATIOS[family.location_ratio.scale], sign=family.location_ratio.sign, design=design,
        columns=slice(1, location.shape[1]), theta=optimum.theta, covariance=covariance,
        draws=optimum.theta + exchange(normal_draws(covariance, cells), tables),
        curve=FamilyCurve(name, tuple(lost.sum(axis=0)), location.shape[1]), cells=cells,
        log_likelihood=likelihood.plain(optimum.theta), penalised=tuple(design.names[j] for j in extreme),
        referee=as_lifelines, covariance_type="model" if cells.bucket is None else "robust",
        modelled=np.ones(len(matrix), bool),
    )  # fmt: skip


def _over_buckets(
    predicted: Predicted, cells: ModelCells, likelihood: Likelihood, inverse: np.ndarray
) -> np.ndarray:
    """Give the sandwich over buckets of clusters."""
    customers = cells.customers(np.arange(predicted.n_periods) + 1)
    held = [-penalty.hessian(predicted.theta) for penalty in likelihood.penalties]
    return bucket_covariance(
        predicted, customers, inverse, np.sum(held, axis=0) if held else np.empty((0, 0))
    )


def _penalty(index: int, n_parameters: int, column: np.ndarray) -> Penalty:
    return Penalty(index, np.eye(n_parameters)[index], scale=max(float(np.ptp(column)), 1e-6))


def _starts(start: np.ndarray, n_columns: int) -> list[np.ndarray]:
    plain = np.concatenate([start[:1], np.zeros(n_columns), start[1:]])
    moved = np.concatenate([np.zeros(1 + n_columns), np.full(len(start) - 1, 0.7)])
    return [plain, plain + moved, plain - moved] if len(start) > 1 else [plain]


def _box(family: Family, n_columns: int) -> Box:
    low, high = (np.array([getattr(p, side) for p in family.parameters[1:]]) for side in ("low", "high"))
    free = np.full(1 + n_columns, np.inf)
    rising = np.array([(*np.zeros(1 + n_columns), *row) for row in family.rising])
    return Box(
        np.concatenate([-free, low]), np.concatenate([free, high]), rising.reshape(-1, 1 + n_columns + len(low))
    )  # fmt: skip


def as_lifelines(model: RetentionModel) -> Any:
    """Lifelines' regression of the same family on one row a customer, censored to whole periods.

    Raises
    ------
    InputError
        If lifelines has no such family.
    """
    import lifelines

    if model.name not in _LIFELINES:
        raise InputError(
            f"lifelines has no regression of {model.name}; it has that of {', '.join(_LIFELINES)}."
        )
    rows = person_rows(model.cells)
    names = [f"x{k}" for k in range(len(model.design.names))]
    frame = pd.DataFrame(model.design.matrix(model.cells.profiles)[rows["profile"]], columns=names)
    # lifelines takes the logarithm of the lower bound
    frame["low"] = np.maximum(np.where(rows["lost"] == 1, rows["exit"] - 1, rows["exit"]), _ALMOST_ZERO)
    frame["high"] = np.where(rows["lost"] == 1, rows["exit"], np.inf)
    late = {}
    if rows["entry"].any():
        frame["entry"], late = rows["entry"].astype(float), {"entry_col": "entry"}
    fitter = getattr(lifelines, _LIFELINES[model.name])()
    return fitter.fit_interval_censoring(
        frame, lower_bound_col="low", upper_bound_col="high", formula=" + ".join(names) or "1", **late
    )
