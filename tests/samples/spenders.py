"""Rows of customers who spend, their cells, and statsmodels' design on the rows."""

import numpy as np
import pandas as pd
from cohorts import counts_of, random_rows, spec_for

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.spend.spend_cells import SpendCells, spend_cells
from cxlink.spend.spend_design import SpendDesign
from cxlink.spend.standardised_means import SpendQuestion, spend_question

PLANS = ("plan", "region")


def spending(seed: int, n: int, strata: int = 3) -> pd.DataFrame:
    """Zeros, long tails, a spread that grows with the score, confounding, and windows that are not over."""
    rows = random_rows(seed, n, strata=strata)
    rng = np.random.default_rng(seed + 1)
    rows["region"] = np.where(rng.random(n) < 0.3 + 0.1 * (rows["score"] > 3), "n", "s")
    amount = rng.lognormal(3 + 0.1 * rows["score"] + 0.4 * (rows["region"] == "n"), 0.3 + 0.1 * rows["score"])
    rows["spend"] = np.where(rng.random(n) < 0.35 - 0.04 * rows["score"], 0.0, amount)
    rows.loc[rng.random(n) < 0.1, "spend"] = np.nan
    return rows


def spec_of(adjust: tuple[str, ...] = PLANS, effect: str = "levels", refunds: bool = False) -> CohortSpec:
    tables = spec_for(adjust=adjust, spend=True).model_dump(exclude_none=True)
    tables["score"]["effect"], tables["spend"]["refunds"] = effect, refunds
    return make_spec(tables)


def counted(rows: pd.DataFrame, **spec: object) -> Counts:
    return counts_of(rows, spec_of(**spec))


def cells_of(rows: pd.DataFrame, adjust: tuple[str, ...] = PLANS) -> SpendCells:
    counts = counted(rows, adjust=adjust)
    return spend_cells(counts, spells_of(counts))


def question_of(rows: pd.DataFrame, **spec: object) -> SpendQuestion:
    counts = counted(rows, **spec)
    return spend_question(counts, spells_of(counts))


def on_rows(rows: pd.DataFrame, design: SpendDesign) -> tuple[np.ndarray, np.ndarray]:
    """The amounts and the design of customers with a complete window, one row each."""
    whole = rows.dropna(subset=["spend"])
    columns = []
    for name in design.names:
        variable, _, category = name.partition("=")
        known = whole[variable] == category if category else whole["score"] == int(variable)
        columns.append(known.to_numpy(float))
    return whole["spend"].to_numpy(float), np.column_stack(columns)
