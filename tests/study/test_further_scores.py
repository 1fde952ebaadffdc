"""Further scores of simulated customers: nothing else changes, and given the score they say nothing."""

from pathlib import Path

import numpy as np
import pandas as pd

from cxlink import make_spec, read_cohort, read_spec, simulate
from cxlink.metrics.drivers.driver_frame import driver_frame
from cxlink.metrics.drivers.driver_rows import drivers_of
from cxlink.study.further_scores import OTHERS
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
    assert truth.tolist() == [0.0] * 4
    counts = read_cohort(made.table, make_spec(made.spec)).count()
    frame = driver_frame(drivers_of(counts, np.random.default_rng(1)).table, counts.spec)
    contrasts = frame[frame["quantity"] == "contrast"].set_index(["outcome", "score"])
    for outcome in ("retention", "spend"):
        for name in OTHERS:
            row = contrasts.loc[(outcome, name)]
            z = (row["estimate"] - truth[f"driver_{outcome}_contrast", name]) / row["std_error"]
            assert abs(z) < 4
    # four standard errors of the score's own contrast lie above 0
    assert (
        contrasts.loc[("retention", "score"), "estimate"]
        > 4 * contrasts.loc[("retention", "score"), "std_error"]
    )


def test_the_files_name_the_scores(tmp_path: Path) -> None:
    table, spec, truth = write_simulated("transaction", 200, 3, tmp_path / "made.csv", scores=True)
    assert set(read_spec(spec).others) == {"satisfaction", "effort"}
    assert "effort" in pd.read_csv(table).columns
    assert (pd.read_csv(truth)["estimand"] == "driver_spend_contrast").sum() == 2
