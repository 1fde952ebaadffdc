"""Posteriors of surveys that all count: those of rows of clustered customers with the same strata."""

from typing import Any, Literal

import numpy as np
import pytest
from waves import HISTORY, SPEC, surveys_as_rows, waves

import cxlink


@pytest.mark.long
@pytest.mark.parametrize("kind", ["hazard", "spend"])
def test_they_are_those_of_rows_of_clustered_customers(kind: Literal["hazard", "spend"]) -> None:
    table = waves(700, 3, planted=0.5)
    table["spent"] = np.random.default_rng(3).gamma(2, 20, len(table)).round(2)
    shared: dict[str, Any] = {**SPEC, "spend": {"column": "spent", "complete": True}}
    rows = {**shared, "cohort": {"name": "waves", "cluster": "customer"}, "adjust": HISTORY}
    every, alone = (
        cxlink.posterior(cxlink.read_cohort(one, cxlink.make_spec(spec)), kind, draws=100, tune=100, chains=2)
        for one, spec in ((table, shared), (surveys_as_rows(table), rows))
    )
    for found, plain in ((every.average(), alone.average()), (every.summary(), alone.summary())):
        np.testing.assert_array_equal(found.select_dtypes("number"), plain.select_dtypes("number"))
    errors = every.average()["std_error"]
    assert (errors > 0).all()
