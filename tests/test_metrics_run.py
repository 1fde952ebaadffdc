"""Metrics from a table to the run folder, whole: the files, their bytes, and what small groups leave."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlink.analysis import analyse
from cxlink.cli.flags import sections
from cxlink.cohort.count.counts import load_counts
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.starter.starter_spec import starter_spec
from cxlink.cohort.table import read_cohort

SPEC = {
    "score": {"column": "recommend", "scale": "0-10"},
    "spend": {"column": "spent", "complete": True},
    "analysis": {"draws": 100},
    "metrics": {"orders": "orders", "touchpoint": "channel", "support_cost": "support_cost", "date": "asked"},
}


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    score = rng.integers(0, 11, 300)
    return pd.DataFrame({
        "recommend": score, "spent": np.round(rng.gamma(2, 10 + 3 * score), 2), "orders": 1 + rng.poisson(2, 300),
        "channel": rng.choice(["phone", "web"], 300, p=[0.03, 0.97]), "support_cost": np.round(rng.gamma(2, 9, 300), 2),
        "asked": pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 360, 300), unit="D"),
    })  # fmt: skip


@pytest.mark.long
@pytest.mark.usefixtures("empty_pictures")
def test_a_run_writes_its_metrics_the_same_twice(customers: pd.DataFrame, tmp_path: Path) -> None:
    spec = make_spec(SPEC)
    analysis = analyse(read_cohort(customers, spec))
    analysis.write(tmp_path / "run")
    text = (tmp_path / "run" / "metrics.csv").read_text(encoding="utf-8")
    again = analyse(load_counts(tmp_path / "run" / "counts.parquet"))
    pd.testing.assert_frame_equal(again.metrics(), analysis.metrics(), check_exact=True)
    read = pd.read_csv(tmp_path / "run" / "metrics.csv", keep_default_na=False)
    assert text.startswith(
        "metric,version,segment,period,estimate,std_error,conf_low,conf_high,level,unit,n,"
    )
    row = read[
        (read["metric"] == "transaction_size") & (read["segment"] == "") & (read["period"] == "")
    ].iloc[0]
    assert float(row["estimate"]) == pytest.approx(
        customers["spent"].sum() / customers["orders"].sum(), rel=1e-9
    )
    assert {"nps", "cost_to_serve", "log_score_spend", "touchpoint_spend_ratio"} < set(read["metric"])
    assert (tmp_path / "run" / "figures" / "metrics-over-time.svg").is_file()


def test_small_groups_leave_no_number(customers: pd.DataFrame) -> None:
    few = int((customers["channel"] == "phone").sum())
    spec = make_spec({**SPEC, "publish": {"smallest_cell": few + 1}})
    metrics = analyse(read_cohort(customers, spec)).metrics()
    hidden = metrics[metrics["segment"].str.endswith("=phone")]
    assert len(hidden) > 5
    assert hidden[["estimate", "conf_low", "conf_high", "n"]].isna().all().all()
    assert metrics.loc[metrics["segment"].str.endswith("=web"), "estimate"].notna().any()


def test_flags_say_what_the_section_says() -> None:
    given = {"metrics_nps": "9-10:0-6", "metrics_contract_months": "12", "metrics_contract_value": "v",
             "metrics_new_customer": "new", "metrics_segments": ["plan", "region"], "metrics_ces": True}  # fmt: skip
    found = make_spec({"score": {"column": "s", "scale": "0-10"}, "spend": {"column": "y", "complete": True},
                       **sections(given)}).metrics  # fmt: skip
    assert found is not None
    assert found.nps is not None
    assert (found.nps.promoters, found.nps.detractors) == ((9, 10), (0, 1, 2, 3, 4, 5, 6))
    assert (found.contract_months, found.segments, found.ces) == (12.0, ("plan", "region"), True)


def test_a_starter_spec_names_what_looks_like_it(customers: pd.DataFrame) -> None:
    text = starter_spec(customers)
    for line in ('# orders = "orders"', '# support_cost = "support_cost"', '# touchpoint = "channel"'):
        assert line in text
    assert "# [metrics]" not in starter_spec(customers[["recommend", "spent"]])
