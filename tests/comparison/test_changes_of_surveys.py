"""Cohorts whose surveys all count, compared: as rows of clustered customers, with the score before among the strata."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from waves import HISTORY, SPEC, surveys_as_rows, waves

from cxlink import Counts, InputError, compare, make_spec, read_cohort
from cxlink.comparison.changes import response_rows
from cxlink.report.change_sections.comparison_document import comparison_document
from cxlink.report.document import Table

SHARED: dict[str, Any] = {
    "spend": {"column": "spent", "complete": True}, "analysis": {"horizon": 8, "draws": 200},
}  # fmt: skip


def surveys(seed: int, planted: float) -> pd.DataFrame:
    table = waves(900, seed, planted)
    return table.assign(spent=np.random.default_rng(seed).gamma(2, 20, len(table)).round(2))


def every_survey(table: pd.DataFrame, name: str) -> Counts:
    cohort = {**SPEC["cohort"], "name": name}
    return read_cohort(table, make_spec({**SPEC, **SHARED, "cohort": cohort})).count()


def rows_alone(table: pd.DataFrame, name: str) -> Counts:
    """Each survey as a row of its own, with what is adjusted for as columns, customers as clusters."""
    cohort = {"name": name, "cluster": "customer"}
    return read_cohort(
        surveys_as_rows(table), make_spec({**SPEC, **SHARED, "cohort": cohort, "adjust": HISTORY})
    ).count()


@pytest.mark.long
def test_they_are_compared_as_rows_of_clustered_customers() -> None:
    tables = {"before": surveys(1, 0.0), "after": surveys(2, 0.5)}
    found, plain = (
        compare([count(table, name) for name, table in tables.items()])
        for count in (every_survey, rows_alone)
    )
    pd.testing.assert_frame_equal(found.changes, plain.changes)
    pd.testing.assert_frame_equal(found.calibration, plain.calibration)
    assert set(found.changes["part"]) == {"mix_strata", "mix_score", "mix", "baseline", "effect", "total"}
    document = comparison_document(found)
    heads = [cell for block in document.blocks if isinstance(block, Table) for cell in block.header]
    assert {"Customers", "Surveys"} <= set(heads)
    sizes = next(block for block in document.blocks if isinstance(block, Table))
    assert sizes.rows[0][1] == f"{tables['before']['customer'].nunique():,}".replace(",", "\u202f")


def test_the_share_with_a_score_is_of_customers() -> None:
    table = surveys(1, 0.0)
    silent = (
        table.groupby("customer")
        .head(1)
        .head(200)
        .assign(score=pd.NA, customer=lambda t: t["customer"] + 5000)
    )
    more = pd.concat([table, silent], ignore_index=True).astype({"score": "Int64"})
    base, new = every_survey(table, "before"), every_survey(more, "after")
    (row,) = response_rows(base, new)
    customers = table["customer"].nunique()
    assert row["estimate"] == pytest.approx(customers / (customers + 200) - 1, abs=1e-12)
    assert row["conf_low"] < row["estimate"] < row["conf_high"]


def test_a_cohort_of_one_survey_a_customer_is_no_match() -> None:
    counts = every_survey(surveys(1, 0.0), "before")
    spec = counts.spec
    once = spec.model_copy(
        update={"cohort": spec.cohort.model_copy(update={"repeat": "first", "name": "once"})}
    )
    with pytest.raises(InputError, match=r"\[cohort\] repeat"):
        compare([counts, replace(counts, spec=once)])
