"""Whether hazards are proportional: each coefficient may change with the logarithm of time, one at a time."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxlink.survival.proportional_hazards.cloglog import Grouped, solve
from cxlink.survival.proportional_hazards.robust_errors import errors_of, few_losses

if TYPE_CHECKING:
    from cxlink.fits.retention_model import RetentionModel


def proportionality_table(model: "RetentionModel") -> pd.DataFrame:
    """Test each column's product with log₂ t in grouped proportional hazards (Wald).

    The mean of log₂ t over losses is taken off, so that a coefficient is that of the typical loss. Interval and p-value
    have the standard error that the model has: a robust one holds where other terms are not proportional either.

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
    from cxlink.fits.formulas.clusters_of_models import p_values, student_width
    from cxlink.fits.hazard_model import grouped_counts
    from cxlink.fits.survival_curves import mean_columns

    plain = model.design.matrix(model.cells.profiles)
    matrix = plain - mean_columns(model.cells, plain)
    counts, periods, _ = grouped_counts(model.cells, matrix)
    customers = model.cells.customers(periods) if model.covariance_type != "model" else None
    time = np.log2(periods)
    time = time - counts.lost.sum(axis=0) @ time / counts.lost.sum()
    few = few_losses(replace(counts, design=plain))
    each = model.support.of_columns()[1:]
    rows = []
    for column, freedom in zip(matrix.T, each, strict=True):
        varying = (column[:, None] * time)[None]
        moving = Grouped(counts.at_risk, counts.lost, matrix, varying)
        solution = solve(moving)
        value = float(solution.beta[-1])
        error = float(np.sqrt(errors_of(moving, solution, (), customers, few=few).covariance[-1, -1]))
        width = float(student_width(freedom, model.cells.spec.analysis.level))
        ends = np.exp([value, value - width * error, value + width * error])
        p_value = float(p_values(np.array(value / error), freedom)) if error > 0 else np.nan
        rows.append((*ends, p_value))
    columns = ["change", "conf_low", "conf_high", "p_value"]
    return pd.DataFrame(rows, columns=columns, index=pd.Index(model.design.names, name="term"))
