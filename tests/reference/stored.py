"""The tables of this folder as a user would give them, and the numbers that R gave for them."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import cxlink
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec, merged

_HERE = Path(__file__).parent
_TEXT = ("case", "quantity", "group", "stratum", "cause", "sex", "age", "coinsurance")

STAY = {"duration": "exit", "event": "lost", "cause": "cause"}
SPECS: dict[str, dict[str, dict[str, Any]]] = {
    "lung": {
        "score": {"column": "score", "scale": "0-2", "higher_is_better": False, "worst": [2], "best": [0]},
        "subscription": {**STAY, "unit": "month"},
        "adjust": {"columns": ["sex"]},
        "analysis": {"horizon": 12, "tenure_horizons": [24]},
    },
    "flchain": {
        "score": {
            "column": "score",
            "scale": "1-10",
            "higher_is_better": False,
            "worst": [10],
            "best": [1, 2],
        },
        "subscription": {**STAY, "unit": "year"},
        "adjust": {"columns": ["age", "sex"]},
        "analysis": {"horizon": 10, "tenure_horizons": [12]},
    },
    "mgus": {
        "score": {"column": "score", "scale": "1-3", "higher_is_better": False, "worst": [3], "best": [1]},
        "subscription": {**STAY, "unit": "year", "entry": "entry"},
        "adjust": {"columns": ["sex"]},
        "analysis": {"horizon": 5, "tenure_horizons": [10]},
    },
    "colon": {
        "score": {"column": "score", "scale": "1-3", "worst": [1], "best": [3]},
        "subscription": {**STAY, "unit": "quarter"},
        "adjust": {"columns": ["nodes"]},
        "analysis": {"horizon": 12, "tenure_horizons": [24]},
    },
    "randhie": {
        "score": {"column": "score", "scale": "1-4", "worst": [1], "best": [4]},
        "spend": {"column": "visits", "currency": "visits", "complete": True},
        "adjust": {"columns": ["coinsurance"]},
    },
}


def spec_of(case: str, **sections: dict[str, Any]) -> CohortSpec:
    """Spec of a table; sections are laid over it, key by key."""
    return make_spec(merged(SPECS[case], sections))


def rows_of(case: str) -> pd.DataFrame:
    """A table, one row a customer."""
    table = _read(f"{case}.csv")
    if "n" in table:
        table = table.loc[table.index.repeat(table["n"])].drop(columns="n").reset_index(drop=True)
    return table.assign(lost=table["cause"].ne("")) if "cause" in table else table


@cache
def estimates_of(case: str, draws: int) -> pd.DataFrame:
    """The estimates of the whole analysis, as its users get them; made once for all tests."""
    return cxlink.analyse(
        cxlink.read_cohort(rows_of(case), spec_of(case, analysis={"draws": draws}))
    ).estimates


def numbers(part: str, case: str, quantity: str | None = None) -> pd.DataFrame:
    """R's numbers on a table: ``quantity, group, stratum, cause, time, estimate, std_error``."""
    table = _read(f"r_{part}.csv")
    keep = table["case"].eq(case) & (table["quantity"].eq(quantity) if quantity else True)
    assert keep.any(), f"R gave no {quantity} of {case}"
    return table[keep].drop(columns="case").reset_index(drop=True)


def number(part: str, case: str, quantity: str, **where: str) -> tuple[float, float]:
    """One of them, and its standard error."""
    table = numbers(part, case, quantity)
    for name, value in where.items():
        table = table[table[name] == value]
    (found,) = table[["estimate", "std_error"]].to_numpy(float)
    return float(found[0]), float(found[1])


def beside(theirs: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """R's numbers and the rows of our estimates that they are of, one for one."""
    keys = ["group", "stratum", "cause", "horizon"]
    wanted = theirs.rename(columns={"time": "horizon"}).astype({"horizon": "Int64"})
    pairs = wanted.merge(ours, how="left", on=keys, suffixes=("_r", ""), validate="one_to_one")
    assert pairs["estimate"].notna().all(), pairs[pairs["estimate"].isna()]
    return pairs


def agree(pairs: pd.DataFrame, relative: float) -> None:
    """Assert that estimates agree to a relative difference."""
    np.testing.assert_allclose(pairs["estimate"], pairs["estimate_r"], rtol=relative, atol=0)


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(
        _HERE / name, keep_default_na=False, na_values={"time": "", "estimate": "", "std_error": ""},
        dtype=dict.fromkeys(_TEXT, str),
    )  # fmt: skip
