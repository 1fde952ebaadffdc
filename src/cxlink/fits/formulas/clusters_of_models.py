"""Clusters of a model with a formula: which column says them, and which models account for them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.arguments_given import refuse_other
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import Cohort, read_again
from cxlink.estimands.over_clusters.clustered_rows import student_ends
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE

_ENDS = ("std_error", "conf_low", "conf_high")


def clustered_by(cohort: Cohort | Counts, cluster: str | None) -> Cohort | Counts:
    """Give a cohort with its customers clustered by a column; as it is without one.

    Parameters
    ----------
    cohort : Cohort or Counts
        From `cxlink.read_cohort`. Counts have the clusters that they were made with.
    cluster : str or None
        Column of accounts or households, in place of that of the spec.

    Raises
    ------
    InputError
        If it is no cohort, counts were made with others, or a cluster is missing or has half of the customers.
    """
    refuse_other(cohort, (Cohort, Counts), "cohort")
    section = cohort.spec.cohort
    if cluster is None or cluster == section.cluster:
        return cohort
    if isinstance(cohort, Counts):
        raise InputError(
            f"cluster={cluster!r}: these counts were made without it. Give the cohort, or set [cohort] cluster."
        )
    spec = cohort.spec.model_copy(update={"cohort": section.model_copy(update={"cluster": cluster})})
    return replace(read_again(cohort, spec), table=cohort.table, drop_invalid=cohort.drop_invalid)


def refuse_clusters(cohort: Cohort | Counts, model: str) -> None:
    """Refuse a model whose intervals would take clustered customers for independent ones.

    Raises
    ------
    InputError
        Naming the models that account for clusters.
    """
    if cohort.spec.cluster_column is not None:
        raise InputError(
            f"{model} takes rows as independent, which [cohort] cluster or repeat says they are not. Use hazards(), "
            "aft(), kaplan_meier() or spend_regression(), or leave cluster out."
        )


def students_table(table: pd.DataFrame, freedom: np.ndarray, level: float) -> pd.DataFrame:
    """Stretch intervals that are those of normal draws to Student's; rows have none under six.

    Parameters
    ----------
    table : DataFrame
        ``estimate``, ``std_error``, ``conf_low``, ``conf_high``, ``unit``, and ``reference`` where it has contrasts.
    freedom : ndarray of shape (n_rows,)
        Of each row; infinite where its interval stays as it is.
    level : float
        Of the intervals.
    """
    rows: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    ends = [_ends({**row, "level": level}, float(nu)) for row, nu in zip(rows, freedom, strict=True)]
    return table.assign(**dict(zip(_ENDS, np.array(ends, dtype=float).reshape(-1, 3).T, strict=True)))


def _ends(row: dict[str, Any], freedom: float) -> tuple[float, float, float]:
    if freedom < FEWEST_EFFECTIVE:
        return np.nan, np.nan, np.nan
    if np.isinf(freedom):
        return row["std_error"], row["conf_low"], row["conf_high"]
    return row["std_error"], *student_ends(row, freedom)


def student_width(freedom: np.ndarray, level: float) -> np.ndarray:
    """Half widths of intervals in standard errors: Student's, normal ones where infinite; NaN under six."""
    from scipy.stats import norm, t

    tail = (1 - level) / 2
    width: np.ndarray = np.where(np.isinf(freedom), norm.isf(tail), t.isf(tail, np.maximum(freedom, 1.0)))
    return np.where(freedom < FEWEST_EFFECTIVE, np.nan, width)


def p_values(z: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """Two-sided p-values of statistics z: Student's, normal where infinite; NaN under six."""
    from scipy.stats import norm, t

    z = np.abs(z)
    values = 2 * np.where(np.isinf(freedom), norm.sf(z), t.sf(z, np.maximum(freedom, 1.0)))
    return np.where(freedom < FEWEST_EFFECTIVE, np.nan, values)
