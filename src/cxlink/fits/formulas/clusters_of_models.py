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


def student_noise(freedom: float, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """What makes normal draws Student's, (n_draws, 1): √(ν / χ²); NaN under six buckets, 1 without clusters."""
    if np.isinf(freedom):
        return np.ones((shape[0], 1))
    if freedom < FEWEST_EFFECTIVE:
        return np.full((shape[0], 1), np.nan)
    noise: np.ndarray = np.sqrt(freedom / rng.chisquare(freedom, (shape[0], 1)))
    return noise


def students_table(table: pd.DataFrame, freedom: float, level: float) -> pd.DataFrame:
    """Stretch intervals that are those of normal draws to Student's; rows have none under six buckets.

    Parameters
    ----------
    table : DataFrame
        ``estimate``, ``std_error``, ``conf_low``, ``conf_high``, ``unit``, and ``reference`` where it has contrasts.
    freedom : float
        Effective buckets.
    level : float
        Of the intervals.
    """
    if freedom < FEWEST_EFFECTIVE:
        return table.assign(std_error=np.nan, conf_low=np.nan, conf_high=np.nan)
    rows: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    ends = [student_ends({**row, "level": level}, freedom) for row in rows]
    return table.assign(conf_low=[low for low, _ in ends], conf_high=[high for _, high in ends])


def student_width(freedom: float, level: float) -> float:
    """Half width of an interval in standard errors: Student's, the normal one without clusters; NaN under six."""
    from scipy.stats import norm, t

    if np.isinf(freedom):
        return float(norm.isf((1 - level) / 2))
    return float(t.isf((1 - level) / 2, freedom)) if freedom >= FEWEST_EFFECTIVE else np.nan


def p_values(z: np.ndarray, freedom: float) -> np.ndarray:
    """Two-sided p-values of statistics z: normal, or Student's of clustered customers."""
    from scipy.stats import norm, t

    values: np.ndarray = 2 * (norm.sf(np.abs(z)) if np.isinf(freedom) else t.sf(np.abs(z), freedom))
    return np.where(freedom < FEWEST_EFFECTIVE, np.nan, values)
