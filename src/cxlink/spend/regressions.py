"""Regressions of spend beside the saturated means: additive Poisson, quasi-gamma, and two parts.

Each is additive on its link scale: the score and each category of each adjustment variable. All are fitted to the
cells of `SpendCells`, in multiples of the mean positive amount; estimates equal those fitted to the rows.
"""

from collections.abc import Callable

import numpy as np

from cxlink.cohort.spec.spec_sections import Effect
from cxlink.spend.bucket_sandwich import jackknifed
from cxlink.spend.estimating_equations import GAMMA, POISSON, SpendFamily
from cxlink.spend.fitted_regressions import Fitted, NoSpendFit, SpendFit, Term
from cxlink.spend.sandwich import stacked
from cxlink.spend.solve import Sums, solve
from cxlink.spend.spend_cells import SpendCells, in_units
from cxlink.spend.spend_design import additive
from cxlink.spend.two_part import fit_log_ols, fit_two_part

_SAME = 1e-3
_WHY = {"poisson": "nothing_net_somewhere", "gamma": "no_finite_effects"}


def fit_poisson(cells: SpendCells, effect: Effect = "levels", *, by_jackknife: bool = False) -> Fitted:
    """Fit the additive Poisson pseudo-likelihood with a log link (Gourieroux, Monfort & Trognon 1984).

    Negative amounts are allowed as long as every fitted mean is positive.

    Parameters
    ----------
    cells : SpendCells
        With at least one spender.
    effect : {"levels", "linear", "monotone", "spline"}
        Of the score; a monotone one is fitted free here.
    by_jackknife : bool
        Of clustered customers: whether errors are by leaving out one bucket at a time.
    """
    return _whole("poisson", POISSON, cells, effect, by_jackknife=by_jackknife)


def fit_gamma(cells: SpendCells, effect: Effect = "levels") -> Fitted:
    """Fit the quasi-likelihood of the gamma with a log link, zeros included: Σ(y − μ)/μ·x = 0. See `fit_poisson`."""
    return _whole("gamma", GAMMA, cells, effect)


def _whole(
    model: str, family: SpendFamily, cells: SpendCells, effect: Effect, *, by_jackknife: bool = False
) -> Fitted:
    """Fit spend of all customers, zeros included."""
    unit = cells.positive_mean
    if not unit > 0:
        return NoSpendFit(model, "nothing_net")
    measured, design = in_units(cells, unit), additive(cells, effect)
    sums = Sums(measured.n, measured.total, measured.squares, *_bucketed(measured))
    equation = solve(family, design.rows(cells), sums)
    if not equation.converged:
        return NoSpendFit(model, _WHY[model])
    joined = stacked([equation], {}, {})
    if by_jackknife and cells.buckets is not None:
        joined = jackknifed(equation, joined)
    currency = unit if family is POISSON else 1.0
    return SpendFit(
        model, (Term(design, equation.columns),), joined, unit, equation.inestimable(design, design.rows(cells)),
        currency * equation.dispersion, penalised=equation.penalised(design),
    )  # fmt: skip


def _bucketed(cells: SpendCells) -> tuple[np.ndarray, np.ndarray] | tuple[()]:
    """Customers and spend by bucket, where customers are clustered."""
    return () if cells.buckets is None else (cells.buckets.n, cells.buckets.total)


_MODELS: dict[str, Callable[[SpendCells, Effect], Fitted]] = {
    "poisson": fit_poisson, "gamma": fit_gamma, "two_part": fit_two_part, "log_ols": fit_log_ols,
}  # fmt: skip
SPEND_MODELS = tuple(_MODELS)


def fit_spend(
    cells: SpendCells, effect: Effect, refunds: bool = False, *, leads: bool = False
) -> tuple[Fitted, ...]:
    """Fit each regression of spend; a model that cannot be fitted returns its reason.

    Parameters
    ----------
    cells : SpendCells
        The counts.
    effect : {"levels", "linear", "monotone", "spline"}
        Of the score.
    refunds : bool
        Whether spend may be negative; then only the additive Poisson is fitted.
    leads : bool
        Whether the additive Poisson holds the headline: of clustered customers its errors are then a jackknife's.
    """
    if not cells.n.sum():
        return tuple(NoSpendFit(model, "no_complete_window") for model in _MODELS)
    return tuple(
        NoSpendFit(model, "refunds")
        if refunds and model != "poisson"
        else fit_poisson(cells, effect, by_jackknife=leads)
        if model == "poisson"
        else fit(cells, effect)
        for model, fit in _MODELS.items()
    )


def variance_power(cells: SpendCells) -> float:
    """Estimate the power λ in Var(y) ∝ μ^λ, by a gamma regression of (y − μ)² on log μ (Manning & Mullahy 2001).

    μ is fitted by the additive Poisson; NaN where that fails, or where all means are equal.
    """
    unit = cells.positive_mean
    if not unit > 0:
        return np.nan
    measured = in_units(cells, unit)
    sums = Sums(measured.n, measured.total, measured.squares)
    means = solve(POISSON, additive(cells, "levels").rows(cells), sums)
    deviations = POISSON.squared(sums.total, sums.squares, sums.n, means.eta)
    if not means.converged or np.ptp(means.eta) < _SAME or not deviations.any():
        return np.nan
    rows = np.column_stack([np.ones_like(means.eta), means.eta])
    power = solve(GAMMA, rows, Sums(measured.n, deviations, deviations))
    return float(power.theta[1]) if power.converged and len(power.theta) == 2 else np.nan
