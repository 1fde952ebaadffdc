"""Weights for censoring from a table to the run folder: rows, file, report, and what is given back."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cxlink
from cxlink.estimands.tidy import select

pytestmark = pytest.mark.long

SPEC = {
    "cohort": {"name": "weighted"},
    "score": {
        "column": "nps", "scale": "0-10", "worst": [0, 1, 2, 3, 4, 5, 6], "best": [9, 10],
        "others": {"csat": {"column": "csat", "scale": "1-5"}},
    },
    "subscription": {"duration": "months", "event": "left"}, "adjust": {"columns": ["plan"]},
    "analysis": {"draws": 100, "horizon": 6}, "report": {"formats": ["html"]},
}  # fmt: skip


def customers(n: int = 1500) -> pd.DataFrame:
    """Customers of whom csat tells who leaves and who is censored."""
    rng = np.random.default_rng(4)
    nps, csat = rng.integers(0, 11, n), rng.integers(1, 6, n)
    stay = rng.geometric(0.1 * np.exp(-0.1 * (nps - 5) - 0.3 * (csat - 3)))
    end = np.minimum(rng.geometric(np.minimum(0.08 * np.exp(-0.4 * (csat - 3)), 0.9)), 9)
    return pd.DataFrame({
        "nps": nps, "csat": csat, "plan": rng.choice(["basic", "pro"], n), "months": np.minimum(stay, end),
        "left": (stay <= end) * 1,
    })  # fmt: skip


@pytest.mark.usefixtures("empty_pictures")
def test_a_run_has_the_weighted_rows_and_gives_them_back(tmp_path: Path) -> None:
    analysis = cxlink.analyse(cxlink.read_cohort(customers(), cxlink.make_spec(SPEC)))
    weighted = select(analysis.estimates, scenario="censoring_weighted")
    assert weighted["estimand"].tolist() == ["retention", "retention", "retention_difference"]
    assert (weighted["adjusted"] == "standardised").all()
    assert not weighted["headline"].any()
    main = select(
        analysis.estimates, estimand="retention", model="kaplan_meier", adjusted="standardised", horizon=6,
        scenario="", given=0, stratum="",
    )  # fmt: skip
    for group in ("best", "worst"):
        with_weights, without = (
            float(select(part, group=group, estimand="retention")["estimate"].iloc[0])
            for part in (weighted, main)
        )
        # those with a low csat leave sooner and are censored sooner: who is left looks too good
        assert 0.5 < with_weights / without < 0.995
    analysis.write(tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    assert "follow_up.parquet" in record["files"]
    assert "inverse probability of censoring weights" in (tmp_path / "run" / "report.html").read_text(
        encoding="utf-8"
    )
    again = cxlink.load_run(tmp_path / "run")
    pd.testing.assert_frame_equal(select(again.estimates, scenario="censoring_weighted"), weighted)
    made = cxlink.analyse(again.results.counts).estimates
    pd.testing.assert_frame_equal(select(made, scenario="censoring_weighted"), weighted)
