"""Terms of fitted models that rest on one account, or on a few customers, have an estimate and no interval."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from clustered import account_rows, account_spec

from cxlink import read_cohort
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import person_periods, spells_of
from cxlink.estimands.model_rows.coefficients import (
    coefficient_table,
    family_coefficients,
    hazard_coefficients,
    spend_coefficients,
)
from cxlink.estimands.over_clusters.clustered_rows import clustering
from cxlink.spend.fitted_regressions import SpendFit
from cxlink.spend.regressions import fit_poisson
from cxlink.spend.spend_cells import spend_cells
from cxlink.spend.two_part import fit_log_ols
from cxlink.survival.families.bucket_covariance import over_buckets
from cxlink.survival.families.catalogue import WEIBULL
from cxlink.survival.families.fit import fit as fit_family
from cxlink.survival.families.fitted import Fit
from cxlink.survival.proportional_hazards.hazard_fit import HazardFit, fit_hazards

ENDS = ["std_error", "conf_low", "conf_high"]


def counted(rows: pd.DataFrame, cluster: str | None = "account", effect: str = "levels") -> Counts:
    spec = account_spec(cluster, score={"column": "score", "scale": "1-5", "effect": effect})
    return read_cohort(rows, spec).count()


def tabled(rows: list[dict[str, Any]], counts: Counts) -> pd.DataFrame:
    over = clustering(counts)
    return coefficient_table(rows if over is None else over.coefficients(rows))


def hazard_table(counts: Counts, interacting: bool = False) -> pd.DataFrame:
    spells = spells_of(counts)
    found = fit_hazards(person_periods(spells), counts.spec.score.effect, interacting)
    assert isinstance(found, HazardFit)
    labels = "interacting" if interacting else "conditional"
    return tabled(hazard_coefficients(found, spells, counts.spec, labels), counts)


def without(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Terms and levels without an interval; each has an estimate."""
    assert table["estimate"].notna().all()
    none = table[ENDS].isna()
    assert (none.any(axis=1) == none.all(axis=1)).all()
    return list(table.loc[none.all(axis=1), ["term", "level"]].itertuples(index=False, name=None))


def lone_corner(level: int, plan: str) -> pd.DataFrame:
    """Independent customers, seven tenths of them of plan a (the reference); one alone of a level has a plan."""
    rows = account_rows(1500, 1)
    rows["plan"] = np.where(rows.index % 10 < 7, "a", "b")
    other = {"a": "b", "b": "a"}[plan]
    mine = rows.index[rows["score"] == level]
    rows.loc[mine, "plan"] = other
    rows.loc[mine[0], ["plan", "months", "left"]] = [plan, 2, 1]
    return rows.assign(account=[f"c{k}" for k in rows.index])


def test_an_interaction_of_one_customer_has_no_interval_over_buckets() -> None:
    rows = lone_corner(4, "b")
    assert without(hazard_table(counted(rows), interacting=True)) == [("score:plan", "4:b")]
    # of independent customers fewer than ten losses vary as the model says
    free = hazard_table(counted(rows, None), interacting=True)
    assert without(free) == []
    assert free.loc[free["level"] == "4:b", "std_error"].item() > 0.9


@pytest.mark.parametrize("cluster", ["account", None])
def test_a_main_effect_of_one_customer_in_the_reference_has_none_either(cluster: str | None) -> None:
    table = hazard_table(counted(lone_corner(4, "a"), cluster), interacting=True)
    assert without(table) == [("score", "4"), ("score:plan", "4:b")]


def test_a_category_of_one_account_has_no_interval() -> None:
    rows = account_rows()
    rows["plan"] = np.where(rows["account"] == "A0003", "c", rows["plan"])
    counts = counted(rows)
    assert without(hazard_table(counts)) == [("plan", "c")]
    spells, cells = spells_of(counts), spend_cells(counts, spells_of(counts))
    for found in (fit_poisson(cells), fit_log_ols(cells)):
        assert isinstance(found, SpendFit)
        table = tabled(spend_coefficients(found, cells, counts.spec), counts)
        assert set(without(table)) == {("plan", "c")}
    periods = person_periods(spells)
    family = over_buckets(fit_family(WEIBULL, periods), periods)
    assert isinstance(family, Fit)
    assert without(tabled(family_coefficients(family, spells, counts.spec, "conditional"), counts)) == [
        ("plan", "c")
    ]


@pytest.mark.parametrize(("n", "alone"), [(5, True), (6, False)])
def test_spend_of_fewer_than_six_customers_has_no_interval(n: int, alone: bool) -> None:
    rows = account_rows(1200, 1)
    rows["score"] = rows["score"].clip(upper=4)
    rows.loc[: n - 1, "score"], rows.loc[: n - 1, "spend"] = 5, 50.0 + np.arange(n) / 100
    counts = counted(rows, None)
    cells = spend_cells(counts, spells_of(counts))
    found = fit_poisson(cells)
    assert isinstance(found, SpendFit)
    assert without(tabled(spend_coefficients(found, cells, counts.spec), counts)) == (
        [("score", "5")] if alone else []
    )


def test_a_family_of_independent_customers_has_the_models_errors() -> None:
    rows = account_rows(1200, 1)
    rows["score"] = rows["score"].clip(upper=4)
    rows.loc[:2, "score"] = 5
    counts = counted(rows, None)
    family = fit_family(WEIBULL, person_periods(spells_of(counts)))
    assert isinstance(family, Fit)
    assert without(tabled(family_coefficients(family, spells_of(counts), counts.spec, "no"), counts)) == []


def test_a_score_that_is_a_number_stands_on_all_accounts() -> None:
    counts = counted(account_rows(), effect="linear")
    table = hazard_table(counts, interacting=True)
    assert without(table) == []
    assert ("score", "linear") in set(table[["term", "level"]].itertuples(index=False, name=None))
    few = counts.cells.assign(bucket=counts.cells["bucket"] % 5)
    assert len(without(hazard_table(replace(counts, cells=few)))) == 2
