"""Leave-one-out cross-validation by cell: how well each is predicted from the others."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logsumexp

MOST_K = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Log predictive density of each cell, given all others.

    Attributes
    ----------
    elpd : ndarray of shape (n_cells,)
        Log density of all a cell's customers together, averaged over the posterior without them.
    refitted : int ndarray
        Positions of the cells for which the model was fitted again without them.
    p : float
        Effective number of parameters: log density with the cells in, less ``elpd``, summed.
    """

    elpd: np.ndarray
    refitted: np.ndarray
    p: float

    @property
    def total(self) -> float:
        """Sum of ``elpd``."""
        return float(self.elpd.sum())

    @property
    def std_error(self) -> float:
        """Standard error of `total`, the cells taken as a sample: √(n·Var(elpd))."""
        return float(np.sqrt(len(self.elpd) * np.var(self.elpd, ddof=1))) if len(self.elpd) > 1 else np.nan


def loo_by_cell(log_likelihood: np.ndarray, refit: Callable[[int], np.ndarray]) -> LeftOut:
    """Leave-one-out cross-validation over cells: by Pareto-smoothed importance sampling, by a new fit where that fails.

    What is left out is a *cell*, many customers, so that the score says how well a whole cell is predicted from the
    others, and not how well one customer is (Vehtari, Gelman & Gabry 2017, doi 10.1007/s11222-016-9696-4). The
    smaller the cells, the fewer refits: a cell is a level, stratum and period of a retention model, and not the
    whole row of its periods.

    Parameters
    ----------
    log_likelihood : ndarray of shape (n_chains, n_draws, n_cells)
        Log density of each cell at each draw. A thousand draws do; see `bayes_checks.thinned`.
    refit : callable
        Given the position of a cell, fits the model without it and returns that cell's log density at each draw,
        of shape (n_draws,).

    Returns
    -------
    LeftOut
        Cells whose Pareto k is over 0.7 (for fewer than 2,200 draws S, over 1 − 1/log10 S; Vehtari et al. 2024,
        JMLR 25(72)) are refitted, all of them.
    """
    import arviz_stats
    import xarray as xr

    azs: Any = arviz_stats

    chains, draws, n_cells = log_likelihood.shape
    S = chains * draws
    flat = log_likelihood.reshape(S, n_cells)
    whole = logsumexp(flat, axis=0) - np.log(S)
    stored = xr.Dataset({"cells": (("chain", "draw", "cell"), log_likelihood)})
    tree = xr.DataTree.from_dict({"log_likelihood": stored})
    with warnings.catch_warnings():
        # cells over the bound are refitted below, which is what the warning asks for
        warnings.filterwarnings("ignore", message="Estimated shape parameter of Pareto", category=UserWarning)
        loo = azs.loo(tree, pointwise=True, reff=_efficiency(log_likelihood))
    elpd, k = loo.elpd_i.to_numpy().copy(), loo.pareto_k.to_numpy()
    bound = min(MOST_K, 1 - 1 / np.log10(S))
    # a cell that says the same at every draw has no tail, and k no value
    over = np.flatnonzero((k > bound) | (np.isnan(k) & (np.ptp(flat, axis=0) > 0)))
    for cell in over:
        again = refit(int(cell))
        elpd[cell] = logsumexp(again) - np.log(len(again))
    return LeftOut(elpd, over, float((whole - elpd).sum()))


def _efficiency(log_likelihood: np.ndarray) -> float:
    """Effective draws of the log-likelihood of all cells, as a share of the draws; at most 1."""
    import arviz_stats

    azs: Any = arviz_stats

    total = log_likelihood.sum(axis=2)
    if np.ptp(total) == 0 or total.shape[1] < 4:
        return 1.0
    return float(np.clip(float(azs.ess(total, method="mean", relative=True)), 0.01, 1.0))
