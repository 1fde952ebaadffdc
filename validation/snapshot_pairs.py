"""Pairs of snapshots of one law: customers of any age, each observed for the last three months, ten per cell and less.

Five levels and three strata. A customer of age a when the window opens is there with the probability S(a); whoever is
there is observed until lost, or for three months. Cells of a level, stratum and month of age are thin, and of some the
base has nobody.
"""

from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.coding import LOST
from cxlink.cohort.count.counts import Counts, add_up
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec

OLDEST, WINDOW, HORIZON = 69, 3, 6
LEVELS, STRATA = (1, 2, 3, 4, 5), ("monthly", "two years", "yearly")


def hazards() -> np.ndarray:
    """Hazard by level, stratum and month since signup: (5, 3, 72)."""
    month = np.arange(OLDEST + WINDOW)
    level = np.exp(-0.35 * (np.array(LEVELS) - 3.0))[:, None, None]
    stratum = np.array([1.0, 0.06, 0.25])[:, None]
    hazard: np.ndarray = np.minimum(level * stratum * 0.3 * (1 + month / 6) ** -0.5, 0.9)
    return hazard


def snapshot(n: int, name: str, draws: int, rng: np.random.Generator) -> Counts:
    """Draw the counts of n customers who are there when the window opens."""
    hazard, share = hazards(), np.outer([0.1, 0.15, 0.35, 0.25, 0.15], [0.5, 0.25, 0.25])
    kept = np.pad(np.cumprod(1 - hazard, axis=2), ((0, 0), (0, 0), (1, 0)), constant_values=1.0)
    there = share[..., None] * kept[..., : OLDEST + 1]
    at = np.arange(OLDEST + 1)
    later = np.stack([kept[..., at + k] / kept[..., at] for k in range(WINDOW + 1)], axis=-1)
    ends = np.concatenate([-np.diff(later, axis=-1), later[..., -1:]], axis=-1) * there[..., None]
    counted = rng.multinomial(n, ends.ravel() / ends.sum()).reshape(ends.shape)
    level, stratum, entry, end = np.nonzero(counted)
    cells = pd.DataFrame({
        "score": pd.array(np.array(LEVELS)[level], dtype="Int64"),
        "stratum.plan": np.array(STRATA, dtype=object)[stratum],
        "entry": entry, "exit": entry + np.minimum(end + 1, WINDOW),
        "cause": np.where(end < WINDOW, LOST, ""), "wave": "", "n": counted[level, stratum, entry, end],
    })  # fmt: skip
    return Counts(add_up(cells), spec_of(name, draws), Profile(name, n, n))


def spec_of(name: str, draws: int) -> CohortSpec:
    """Say of a snapshot what `snapshot` counts."""
    said: dict[str, Any] = {
        "cohort": {"name": name, "simulated": True},
        "score": {"column": "score", "scale": "1-5", "worst": [1, 2], "best": [4, 5]},
        "subscription": {"duration": "months", "event": "lost", "window": WINDOW},
        "adjust": {"columns": ["plan"]},
        "analysis": {"horizon": HORIZON, "draws": draws},
    }
    return make_spec(said)
