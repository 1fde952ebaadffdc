"""Cohorts of rows, and the spells they make: what the tests of the nonparametric models compare on."""

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.count.spells import Spells, spells_of
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec


def spec_for(
    horizon: int = 6,
    adjust: tuple[str, ...] = (),
    late: bool = False,
    spend: bool = False,
    **analysis: object,
) -> CohortSpec:
    tables: dict[str, object] = {
        "score": {"column": "score", "scale": "1-5", "worst": [1], "best": [4, 5]},
        "subscription": {
            "duration": "exit",
            "event": "lost",
            "cause": "cause",
            **({"entry": "entry"} if late else {}),
        },
        "adjust": {"columns": list(adjust)},
        "analysis": {"horizon": horizon, "tenure_horizons": [horizon + 2], **analysis},
    }
    if spend:
        tables["spend"] = {"column": "spend", "complete": True}
    return make_spec(tables)


def counts_of(rows: pd.DataFrame, spec: CohortSpec) -> Counts:
    """Counts of rows with ``score``, ``exit``, ``cause`` ('' for still there), and where given ``entry``, ``spend``
    (NaN: window not over) and the adjustment columns.
    """
    cells = pd.DataFrame({"score": rows["score"].astype("Int64")})
    for name in spec.stratum_variables:
        cells[f"stratum.{name}"] = rows[name]
    cells["entry"] = rows.get("entry", 0)
    cells["exit"], cells["cause"], cells["wave"], cells["n"] = rows["exit"], rows["cause"], "", 1
    if spec.spend is not None:
        y = rows["spend"].astype(float)
        positive = y.where(y > 0)
        columns = {
            "n": y.notna(), "zero": y == 0, "sum": y, "sum_sq": y**2, "sum_log": np.log(positive),
            "sum_log_sq": np.log(positive) ** 2, "sum_y_log": y * np.log(positive),
        }  # fmt: skip
        for name, column in columns.items():
            cells[f"spend_{name}"] = column.astype(float).fillna(0.0)
    return Counts(add_up(cells), spec, Profile("rows", len(rows), len(rows)))


def spells_from(rows: pd.DataFrame, spec: CohortSpec) -> Spells:
    return spells_of(counts_of(rows, spec))


def random_rows(
    seed: int,
    n: int,
    strata: int = 1,
    late: bool = False,
    causes: int = 1,
    follow_up: tuple[int, int] = (4, 11),
) -> pd.DataFrame:
    """Confounded customers: the stratum drives both score and loss; ties everywhere, censoring throughout."""
    rng = np.random.default_rng(seed)
    stratum = rng.integers(0, strata, n)
    score = np.clip(np.round(2.2 + 0.8 * stratum + 1.4 * rng.standard_normal(n)), 1, 5).astype(int)
    entry = rng.integers(0, 5, n) if late else np.zeros(n, int)
    hazard = 0.22 * np.exp(-0.25 * (score - 3) + 0.3 * stratum)
    stay = entry + np.ceil(rng.exponential(1 / hazard)).astype(int)
    followed = np.maximum(rng.integers(*follow_up, n), entry)
    exit_ = np.minimum(stay, followed)
    lost = (stay <= followed) & (exit_ > entry)
    cause = np.where(lost, np.array(["a", "b", "c"])[rng.integers(0, causes, n)], "")
    return pd.DataFrame({
        "score": score, "plan": np.array(["x", "y", "z", "w"])[stratum], "entry": entry, "exit": exit_, "cause": cause,
    })  # fmt: skip


def cell_rows(*cells: tuple[int, str, int, int, int]) -> pd.DataFrame:
    """Rows from (score, plan, exit, lost, n)."""
    parts = [
        pd.DataFrame(
            {"score": [s] * n, "plan": plan, "entry": 0, "exit": exit_, "cause": "lost" if lost else ""}
        )
        for s, plan, exit_, lost, n in cells
    ]
    return pd.concat(parts, ignore_index=True)
