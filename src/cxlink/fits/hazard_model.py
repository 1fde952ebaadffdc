"""Proportional hazards by a formula: grouped, exact on counts; Cox's partial likelihood where time is fine.

Grouped: log(−log(1 − h_t)) = α_t + x'β with a free baseline (Prentice & Gloeckler 1978, doi 10.2307/2529588), which is
a binomial GLM with complementary log-log link on person-periods. Where a term is continuous and at most a tenth of the
losses share a period, lifelines' Cox regression with Efron's ties on the rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import Cohort
from cxlink.estimation.likelihood import Penalty
from cxlink.estimation.optimise import Optimum
from cxlink.estimation.penalties import stacked
from cxlink.estimation.profile_draws import Marginal, exchange, marginals
from cxlink.fits.formula import ProfileDesign, learn_design, parse_formula
from cxlink.fits.model_cells import ModelCells, model_cells
from cxlink.fits.retention_model import RetentionModel
from cxlink.groups.discrete_hazard import EXTINCT
from cxlink.survival.proportional_hazards.cloglog import Grouped, Solution, shifted, solve
from cxlink.survival.proportional_hazards.hazard_design import separated
from cxlink.survival.proportional_hazards.hazard_draws import LEAST_SHAPE, ProfileDraws

_SHARED = 0.1
_DENSE = 20_000_000
_ALIASED = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class FreeBaseline:
    """Survival of proportional hazards with a free baseline.

    Attributes
    ----------
    n_effects : int
        Coefficients; the logarithms of the baseline's increments come after them.
    periods : int ndarray of shape (n_increments,)
        In which the baseline rises.
    extinct : int ndarray
        Periods in which all at risk were lost.
    until : float
        Last period with customers at risk.
    """

    n_effects: int
    periods: np.ndarray
    extinct: np.ndarray
    until: float

    def log_survival(self, theta: np.ndarray, rows: np.ndarray, times: np.ndarray) -> np.ndarray:
        """−e^{x'β}·Σ_{u ≤ t} e^{α_u}, see `cxlink.fits.retention_model.Curve`."""
        beta, alpha = theta[:, : self.n_effects], theta[:, self.n_effects :]
        rises = np.zeros((len(theta), int(max(times.max(initial=0), self.until)) + 1))
        rises[:, self.periods] = np.exp(alpha)
        total = np.cumsum(rises, axis=1)[:, times]
        ratio = np.exp(np.clip(beta @ rows.T, -40.0, 40.0))
        log_survival: np.ndarray = -ratio[..., None] * total[:, None, :]
        for period in self.extinct:
            log_survival = np.where(times >= period, EXTINCT, log_survival)
        return log_survival


def hazards(cohort: Cohort | Counts, formula: str = "score") -> RetentionModel:
    """Fit proportional hazards.

    Parameters
    ----------
    cohort : Cohort or Counts
        From `cxlink.read_cohort`; from counts alone, the formula may use what they were adjusted for.
    formula : str
        Terms, such as ``score + plan + bs(age, df=3)``; ``score`` is the spec's, with its effect.

    Returns
    -------
    RetentionModel
        Its coefficients are log hazard ratios.

    Raises
    ------
    InputError
        If the formula or a variable of it is wrong, terms cannot be told apart, or there is no loss to learn from.

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
    _needs_retention(cohort)
    parsed = parse_formula(formula)
    cells = model_cells(cohort, parsed)
    return fit_hazards_to(cells, learn_design(parsed, cells.profiles, cells.weight))


def fit_hazards_to(cells: ModelCells, design: ProfileDesign) -> RetentionModel:
    """Fit proportional hazards to cells, see `hazards`."""
    if cells.continuous and _shared(cells) <= _SHARED:
        return _cox(cells, design)
    return _grouped(cells, design)


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


def refuse_aliased(design: ProfileDesign, rows: np.ndarray) -> None:
    """Refuse a column that is a sum of a constant and of others among the customers at risk.

    Raises
    ------
    InputError
        Naming the first such column.
    """
    basis = [np.full(len(rows), 1 / np.sqrt(max(len(rows), 1)))]
    for name, column in zip(design.names, rows.T, strict=True):
        left = column.astype(float)
        for _ in range(2):
            space = np.array(basis)
            left = left - space.T @ (space @ left)
        if np.linalg.norm(left) <= _ALIASED * max(float(np.linalg.norm(column)), 1e-300):
            raise InputError(
                f"formula {design.formula.text!r}: {name} cannot be told from the other terms. Leave one of them out."
            )
        basis.append(left / np.linalg.norm(left))


def _grouped(cells: ModelCells, design: ProfileDesign) -> RetentionModel:
    matrix = design.matrix(cells.profiles)
    counts, periods, extinct = grouped_counts(cells, matrix)
    at_risk, lost = counts.at_risk.sum(axis=1), counts.lost.sum(axis=1)
    refuse_aliased(design, matrix[at_risk > 0])
    extreme = separated(matrix, at_risk, lost)
    penalties = [
        Penalty(j, np.eye(matrix.shape[1])[j], scale=max(float(np.ptp(matrix[:, j])), 1e-6)) for j in extreme
    ]
    solution = solve(counts, penalties)
    theta = np.concatenate([solution.beta, solution.alpha])
    curve = FreeBaseline(matrix.shape[1], periods, extinct, float(_until(cells)))
    return RetentionModel(
        name="grouped_ph", ratio="hazard_ratio", sign=1.0, design=design, columns=slice(0, matrix.shape[1]),
        theta=theta, covariance=_joint(counts, solution), draws=_drawn(counts, solution, penalties, cells), curve=curve,
        cells=cells, log_likelihood=solution.log_likelihood, penalised=tuple(design.names[j] for j in extreme),
        referee=as_glm,
    )  # fmt: skip


def _until(cells: ModelCells) -> int:
    at_risk = cells.exit > cells.entry
    return int(cells.exit[at_risk].max(initial=0))


def _joint(counts: Grouped, solution: Solution) -> np.ndarray:
    """Covariance of coefficients and baseline, from the expected information."""
    own = np.maximum(solution.weight.sum(axis=0), 1e-300)
    mixed = counts.gather(solution.weight)
    effects = np.linalg.pinv(solution.information, hermitian=True)
    cross = -effects @ (mixed / own)
    baseline = np.diag(1 / own) + (mixed / own).T @ effects @ (mixed / own)
    joint: np.ndarray = np.block([[effects, cross], [cross.T, baseline]])
    return joint


def _drawn(counts: Grouped, solution: Solution, penalties: list[Penalty], cells: ModelCells) -> np.ndarray:
    """Draws of coefficients and of the baseline's logarithms, see `hazard_draws`: normal ones and gamma ones."""
    covariance, beta = np.linalg.pinv(solution.information, hermitian=True), solution.beta
    tables: tuple[Marginal, ...] = ()
    if penalties:
        profile = ProfileDraws(counts, solution, tuple(penalties), stacked(penalties, len(beta)))
        optimum = Optimum(beta, -solution.information, 0.0, np.zeros(len(beta), bool))
        tables = marginals(profile, optimum, covariance, len(beta))
    drawn = beta + exchange(normal_draws(covariance, cells), tables)
    rng = np.random.default_rng([cells.spec.analysis.seed, 17])
    shape = np.maximum(solution.weight.sum(axis=0), LEAST_SHAPE)
    noise = rng.standard_gamma(shape, (len(drawn), len(shape))) / shape
    return np.concatenate([drawn, shifted(counts, solution, drawn) + np.log(noise)], axis=1)


def normal_draws(covariance: np.ndarray, cells: ModelCells) -> np.ndarray:
    """Normal distances from an estimate, of shape (n_draws, n_parameters), by the spec's seed."""
    analysis = cells.spec.analysis
    values, axes = np.linalg.eigh(covariance)
    rng = np.random.default_rng([analysis.seed, 16])
    normal = rng.standard_normal((analysis.draws, len(values)))
    distances: np.ndarray = (normal * np.sqrt(np.maximum(values, 0.0))) @ axes.T
    return distances


def _cox(cells: ModelCells, design: ProfileDesign) -> RetentionModel:
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
        curve=FreeBaseline(len(beta), periods, np.zeros(0, int), float(_until(cells))), cells=cells,
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


def person_rows(cells: ModelCells) -> pd.DataFrame:
    """One row a customer at risk: ``profile``, ``entry``, ``exit``, ``lost``."""
    at_risk = cells.exit > cells.entry
    frame = pd.DataFrame({
        "profile": cells.profile, "entry": cells.entry, "exit": cells.exit, "lost": cells.lost.astype(int)
    })[at_risk]  # fmt: skip
    return frame.loc[frame.index.repeat(np.rint(cells.n[at_risk]).astype(int))].reset_index(drop=True)


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
