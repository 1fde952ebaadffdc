"""Halves of a public cohort, split at random: the older half's model is still valid, and not where contracts lie."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.comparison.recommendation import REFIT, SLOPE, VALID
from cxlink.estimands.tidy import select
from cxlink.verbs import compare

TELCO = Path(__file__).parents[2] / "shared" / "data" / "telco.csv"
SEEDS = 20


def counted(rows: pd.DataFrame, name: str) -> Counts:
    spec = {
        "cohort": {"name": name, "id": "Customer ID"},
        "score": {"column": "Satisfaction Score", "scale": "1-5", "worst": [1, 2], "best": [4, 5]},
        "subscription": {"duration": "Tenure in Months", "event": "Churn Value", "window": 3},
        "adjust": {"columns": ["Contract"]},
        "analysis": {"horizon": 6, "draws": 500},
    }
    return read_cohort(rows, make_spec(spec)).count()


@pytest.mark.slow
@pytest.mark.skipif(not TELCO.exists(), reason="telco.csv is not beside the project")
def test_random_halves_are_still_valid_and_shuffled_contracts_are_not() -> None:
    table, found = pd.read_csv(TELCO), Counter[str]()
    for seed in range(SEEDS):
        names = [f"{seed}:{customer}".encode() for customer in table["Customer ID"]]
        second = np.array([hashlib.sha256(name).digest()[0] % 2 == 1 for name in names])
        base = counted(table[~second], "first")
        other = table[second]
        found[compare([base, counted(other, "second")]).verdicts[0].verdict] += 1
        shuffled = np.random.default_rng(seed).permutation(other["Contract"].to_numpy())
        made = compare([base, counted(other.assign(Contract=shuffled), "shuffled")])
        assert made.verdicts[0].verdict == REFIT, seed
        slope = select(made.calibration, quantity="slope").iloc[0]
        # contracts say next to nothing any more, and it is the slope that shows it
        assert slope["conf_high"] < SLOPE[0], seed
        assert made.verdicts[0].slope is not None
        assert made.verdicts[0].slope[2] == slope["conf_high"]
    assert found[VALID] >= 18, found
