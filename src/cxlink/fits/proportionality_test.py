"""Whether hazards are proportional: each coefficient may change with the logarithm of time, one at a time."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxlink.survival.proportional_hazards.cloglog import Grouped, solve

if TYPE_CHECKING:
    from cxlink.fits.retention_model import RetentionModel


def proportionality_table(model: "RetentionModel") -> pd.DataFrame:
    """Test each column's product with log₂ t in grouped proportional hazards (Wald).

    The mean of log₂ t over losses is taken off, so that a coefficient is that of the typical loss.

    Parameters
    ----------
    model : RetentionModel
        Whose terms are tested.

    Returns
    -------
    DataFrame
        Indexed by ``term``: ``change``, the factor by which the hazard ratio changes with each doubling of time,
        ``conf_low``, ``conf_high``, ``p_value``.
    """
    from scipy.stats import norm

    from cxlink.fits.hazard_model import grouped_counts

    matrix = model.design.matrix(model.cells.profiles)
    counts, periods, _ = grouped_counts(model.cells, matrix)
    time = np.log2(periods)
    time = time - counts.lost.sum(axis=0) @ time / counts.lost.sum()
    width = norm.isf((1 - model.cells.spec.analysis.level) / 2)
    rows = []
    for column in matrix.T:
        varying = (column[:, None] * time)[None]
        solution = solve(Grouped(counts.at_risk, counts.lost, matrix, varying))
        value = float(solution.beta[-1])
        error = float(np.sqrt(np.linalg.pinv(solution.information, hermitian=True)[-1, -1]))
        ends = np.exp([value, value - width * error, value + width * error])
        p_value = 2 * float(norm.sf(abs(value / error))) if error > 0 else np.nan
        rows.append((*ends, p_value))
    columns = ["change", "conf_low", "conf_high", "p_value"]
    return pd.DataFrame(rows, columns=columns, index=pd.Index(model.design.names, name="term"))
