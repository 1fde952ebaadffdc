"""Further scores of simulated customers: nothing else changes, and given the score they say nothing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlink import make_spec, read_cohort, read_spec, simulate
from cxlink.estimands.tidy import select
from cxlink.metrics.drivers.driver_frame import driver_frame
from cxlink.metrics.drivers.driver_rows import drivers_of
from cxlink.study.further_scores import OTHERS
from cxlink.study.population import population
from cxlink.study.simulated_files import write_simulated


def test_the_cohort_itself_stays_and_scores_are_on_their_scales() -> None:
    plain, made = simulate("transaction", 3_000, 7), simulate("transaction", 3_000, 7, scores=True)
    names = [other["column"] for other in OTHERS.values()]
    pd.testing.assert_frame_equal(made.table.drop(columns=names), plain.table)
    scored = made.table[made.table["score"].notna()]
    assert made.table.loc[made.table["score"].isna(), names].isna().all().all()
    assert scored["satisfaction"].dropna().between(1, 5).all()
    assert scored["effort"].dropna().between(1, 7).all()
    assert 0.93 < scored["effort"].notna().mean() < 0.97
    numbers = scored[["score", *names]].dropna().astype(float)
    assert numbers.corr().loc["score", "satisfaction"] > 0.7
    assert numbers.corr().loc["score", "effort"] < -0.5


def test_contrasts_of_further_scores_hold_their_truth() -> None:
    made = simulate("subscription", 20_000, 11, scores=True)
    truth = made.truth[made.truth["estimand"].str.startswith("driver_")].set_index(["estimand", "group"])[
        "estimate"
    ]
    assert (truth == 0).sum() == 4
    counts = read_cohort(made.table, make_spec(made.spec)).count()
    frame = driver_frame(drivers_of(counts, np.random.default_rng(1)).table, counts.spec)
    contrasts = frame[frame["quantity"] == "contrast"].set_index(["outcome", "score"])
    for outcome in ("retention", "spend"):
        for name in ("score", *OTHERS):
            row = contrasts.loc[(outcome, name)]
            z = (row["estimate"] - truth[f"driver_{outcome}_contrast", name]) / row["std_error"]
            assert abs(z) < 4
    # the score's own: the difference of retention over its nine steps, were they equal, would be some 33 points
    assert truth["driver_retention_contrast", "score"] == pytest.approx(0.0365, abs=5e-5)


def test_the_contrast_of_the_score_is_the_slope_of_its_true_levels() -> None:
    truth = simulate("subscription", 10, 1, scores=True).truth
    own = truth[truth["estimand"].eq("driver_retention_contrast") & truth["group"].eq("score")]
    rows = select(truth, estimand="retention", horizon=12, adjusted="standardised")
    levels = rows[rows["group"].isin([str(level) for level in range(1, 11)])]
    x, y, share = levels["group"].astype(float), levels["estimate"], population().level_share
    weights = pd.Series(share, index=[str(level) for level in range(1, 11)])[levels["group"]].to_numpy()
    slope = np.polyfit(x, y, 1, w=np.sqrt(weights))[0]  # least squares, by numpy
    assert own["estimate"].item() == pytest.approx(slope, rel=1e-10)


def test_the_files_name_the_scores(tmp_path: Path) -> None:
    table, spec, truth = write_simulated("transaction", 200, 3, tmp_path / "made.csv", scores=True)
    assert set(read_spec(spec).others) == {"satisfaction", "effort"}
    assert "effort" in pd.read_csv(table).columns
    assert (pd.read_csv(truth)["estimand"] == "driver_spend_contrast").sum() == 3
