"""Means of a regression of spend, combination by combination: what its averages are held to."""

import numpy as np

from cxlink.spend.fitted_regressions import SpendFit


def combined_means(fit: SpendFit, theta: list[np.ndarray]) -> np.ndarray:
    """Mean spend of each combination, in units: (n_draws, n_levels, n_strata) of parameters (n_draws, …)."""
    mean = np.zeros((1, 1, 1))
    for term, drawn in zip(fit.terms, theta, strict=True):
        by_level, by_stratum = term.linear(drawn)
        eta = by_level[:, :, None] + by_stratum[:, None, :]
        mean = mean + (-np.logaddexp(0, -eta) if term.share else eta)
    return np.exp(mean)
