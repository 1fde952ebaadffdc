"""Two-part models of spend: the probability of any spend, and the amount of the spenders (Duan 1983; Mullahy 1998)."""

import numpy as np
from scipy.special import expit

from cxlink.cohort.spec.spec_sections import Effect
from cxlink.spend.equation_stack import Layer, Stack
from cxlink.spend.estimating_equations import GAMMA, LOGIT, NORMAL, SpendFamily
from cxlink.spend.fitted_regressions import Fitted, NoSpendFit, SpendFit, Term
from cxlink.spend.sandwich import Cross, stacked
from cxlink.spend.solve import Equation, Sums, solve
from cxlink.spend.spend_cells import SpendCells, in_units
from cxlink.spend.spend_design import additive, each_level, filled


def fit_two_part(cells: SpendCells, effect: Effect = "levels") -> Fitted:
    """Fit a logit of any spend, times a gamma with log link for the positive amounts. See `fit_poisson`."""
    return _parts("two_part", GAMMA, cells, effect)


def fit_log_ols(cells: SpendCells, effect: Effect = "levels") -> Fitted:
    """Fit a logit of any spend, times least squares of log y of positive y, smeared by level of the score.

    The smearing factor of a level is the mean of exp(residual) over its spenders, Σ y·exp(−x'b) / n
    (Duan 1983, doi 10.2307/2288126; by group, to allow for heteroscedasticity: Manning 1998,
    doi 10.1016/S0167-6296(98)00025-3). See `fit_poisson`.
    """
    return _parts("log_ols", NORMAL, cells, effect)


def _parts(model: str, family: SpendFamily, cells: SpendCells, effect: Effect) -> Fitted:
    """Fit the probability of any spend, and the amounts of the spenders."""
    unit = cells.positive_mean
    if not unit > 0:
        return NoSpendFit(model, "nobody_spent")
    measured, design = in_units(cells, unit), additive(cells, effect)
    rows = design.rows(cells)
    amounts, averaged = filled(design, cells)
    each = measured.buckets
    amount = solve(family, rows, amount_sums(measured, logs=family is NORMAL))
    equations, terms = [amount], [Term(amounts, amount.columns)]
    inestimable = amount.inestimable(amounts, rows)
    if (cells.positive < cells.n).any():
        spenders = (each.n, each.positive) if each is not None else ()
        any_spend = solve(LOGIT, rows, Sums(cells.n, cells.positive, cells.positive, *spenders))
        equations, terms = [any_spend, amount], [Term(design, any_spend.columns, share=True), *terms]
        inestimable |= any_spend.inestimable(design, rows)
    if not all(equation.converged for equation in equations):
        return NoSpendFit(model, "no_end")
    if family is NORMAL:
        joined, smearing = smeared(equations, measured)
        terms.append(smearing)
    else:
        joined = stacked(equations, *crossed(equations, measured.positive, measured.total))
    return SpendFit(
        model, tuple(terms), joined, unit, inestimable, amount.dispersion,
        penalised=tuple(name for equation in equations for name in equation.penalised(design)),
        averaged=tuple(averaged),
    )  # fmt: skip


def amount_sums(cells: SpendCells, *, logs: bool) -> Sums:
    """Sums of the amounts of those who spent, or of their logarithms; by bucket too where they are clustered."""
    each = cells.buckets
    if logs:
        own = () if each is None else (each.positive, each.log_total)
        return Sums(cells.positive, cells.log_total, cells.log_squares, *own)
    own = () if each is None else (each.positive, each.total)
    return Sums(cells.positive, cells.total, cells.squares, *own)


def crossed(equations: list[Equation], positive: np.ndarray, total: np.ndarray) -> tuple[Cross, Cross]:
    """Products and slopes between the logit of any spend and a gamma of the amounts, by cell.

    Σ(1(y > 0) − p)·1(y > 0)·(y − μ)/μ = (1 − p)·(Σy/μ − n), over those who spent.
    """
    if len(equations) == 1:
        return {}, {}
    share, amount = equations
    left = expit(-share.eta)
    return {(0, 1): left * (total * np.exp(-amount.eta) - positive)}, {}


def smeared(equations: list[Equation], cells: SpendCells) -> tuple[Stack, Term]:
    """Stack smearing factors upon the logit, if there is one, and least squares of log y.

    Parameters
    ----------
    equations : list of Equation
        The logit of any spend where somebody spent nothing, and least squares of log y.
    cells : SpendCells
        They were solved on; a factor for each of its levels.
    """
    n, amount, k = cells.positive, equations[-1], len(equations)
    inverse = np.exp(-amount.eta)
    of_level = np.bincount(cells.level, n, len(cells.levels))
    spenders = np.flatnonzero(of_level > 0)
    factor = np.bincount(cells.level, cells.total * inverse, len(cells.levels))[spenders] / of_level[spenders]
    levels = each_level(cells)
    rows = levels.rows(cells)[:, spenders]
    own = rows @ factor
    scaled = cells.total * inverse
    leverage = np.where(n > 0, 1 / np.maximum(of_level[cells.level], 1), 0.0)
    by_bucket = None
    if cells.buckets is not None:
        by_bucket = cells.buckets.total * inverse[:, None] - cells.buckets.positive * own[:, None]
    smearing = Layer(rows, np.log(factor), n, leverage, np.where(n > 0, own, 1.0) ** 2, by_bucket=by_bucket)
    residual = cells.log_total - n * amount.eta
    cross = {
        (k - 1, k): inverse * (cells.total_log - amount.eta * cells.total) - own * residual,
        (k, k): NORMAL.squared(scaled, cells.squares * inverse**2, n, own),
    }
    slope = {(k, k - 1): scaled, (k, k): n * own}
    if k == 2:
        left = expit(-equations[0].eta)
        cross |= {(0, 1): left * residual, (0, 2): left * (scaled - own * n)}
    term = Term(filled(levels, cells)[0], spenders)
    return stacked(equations, cross, slope, smearing), term
