"""The proof of clustered intervals: laws with the intraclass correlation that they say, truths, rules that can fail."""

import numpy as np
import pandas as pd
import pytest

from cxlink.groups.curves import restricted_mean
from cxlink.study.replications import tally
from validation.account_law import (
    BEST,
    HORIZON,
    ICC,
    LARGE,
    account_laws,
    alone,
    drawn_counts,
    retained,
    truths,
)
from validation.cluster_proof import (
    ADDITIVE,
    EIGHT,
    USUAL,
    WITH,
    WITHOUT,
    cells,
    coverage,
    page,
    replicated,
    verdicts,
)


def test_customers_of_an_account_are_as_alike_as_is_said_and_truths_are_their_means() -> None:
    law, rng = account_laws()["by_account"], np.random.default_rng(1)
    counts = drawn_counts(law, 60_000, rng)
    cells_ = counts.cells
    stratum = cells_["stratum.segment"].str[1:].astype(int).to_numpy()
    p = retained()[cells_["score"].to_numpy(int) - 1, stratum]
    stays = (cells_["cause"] == "").to_numpy()
    n = cells_["n"].to_numpy(float)
    assert (n * stays).sum() / n.sum() == pytest.approx(
        (n @ p) / n.sum(), abs=4 * np.sqrt(0.25 * 2 / n.sum())
    )
    # the variance of buckets' sums about their means is 1 + (m − 1)·ICC times that of independent customers
    m = 91 / 21
    apart = np.bincount(cells_["bucket"], n * (stays - p), 200)
    effect = (apart**2).sum() / (n * p * (1 - p)).sum()
    assert effect == pytest.approx(1 + (m - 1) * ICC, rel=4 * np.sqrt(2 / 200))
    known = truths(counts)
    assert known["retention_difference", "best", "worst"] == pytest.approx(
        known["retention", "best", ""] - known["retention", "worst", ""]
    )
    kept = retained()[np.array(BEST) - 1]
    assert kept.min() < known["retention", "best", ""] < kept.max()
    assert known["tenure", "best", ""] < HORIZON


@pytest.mark.parametrize("name", account_laws())
def test_a_law_makes_accounts_of_its_sizes_and_scores(name: str) -> None:
    law = account_laws()[name]
    assert law.sizes.sum() == pytest.approx(1)
    counts = drawn_counts(law, 3_000, np.random.default_rng(2))
    assert int(counts.cells["n"].sum()) == pytest.approx(3_000, rel=0.3)
    assert "bucket" not in alone(counts).cells
    assert alone(counts).spec.cohort.cluster is None


def test_rows_of_a_cohort_have_their_truths() -> None:
    rows = replicated("inside", 1_500, ADDITIVE, np.random.default_rng(3))
    assert {row["model"] for row in rows} == {"grouped_ph", "poisson"}
    assert all(np.isfinite(row["truth"]) for row in rows)  # type: ignore[call-overload]
    cell = next(one for one in cells() if one.name == "inside-1500-additive")
    table = coverage([(cell, tally([*rows, *rows]))])
    assert set(table["clusters"]) == {ADDITIVE}
    assert "| retention |" in "\n".join(page([(cell, tally([*rows, *rows]))]).lines)


@pytest.mark.parametrize(
    ("how", "changed", "held"),
    [
        (WITH, {}, True), (WITH, {"coverage": 0.91}, False), (WITH, {"coverage": 0.985}, False),
        (WITH, {"errors": 1.2}, False), (WITH, {"n": 150, "coverage": 0.5}, False), (WITHOUT, {"coverage": 0.84}, True),
        (WITHOUT, {}, False), (WITHOUT, {"coverage": 0.80}, False),
    ],
)  # fmt: skip
def test_rules_fail_where_they_should(how: str, changed: dict[str, float], held: bool) -> None:
    row = {"process": "by_account", "customers": USUAL, "clusters": how, "estimand": "retention", "n": 900.0,
           "coverage": 0.95, "errors": 1.0}  # fmt: skip
    (found,) = verdicts(pd.DataFrame([{**row, **changed}]))
    assert found.held is held


def test_eight_accounts_are_of_one_size_and_the_additive_models_have_intervals() -> None:
    counts = drawn_counts(account_laws()["eight"], EIGHT, np.random.default_rng(2))
    assert set(counts.cells.groupby("bucket")["n"].sum() % LARGE) == {0}
    rows = replicated("eight", EIGHT, ADDITIVE, np.random.default_rng(2))
    assert {row["model"] for row in rows} == {"grouped_ph", "poisson"}


def test_scores_of_their_own_have_a_rule_of_their_own() -> None:
    row = {
        "process": "inside",
        "customers": USUAL,
        "clusters": WITHOUT,
        "estimand": "retention",
        "n": 900.0,
        "errors": 1.0,
    }
    for coverage_, held in ((0.95, True), (0.86, False), (0.98, False)):
        (found,) = verdicts(pd.DataFrame([{**row, "coverage": coverage_}]))
        assert found.held is held


def test_true_tenure_is_the_area_under_the_averaged_curve() -> None:
    """By strata and levels at once: the average of the areas of single curves differs within a period."""
    counts = drawn_counts(account_laws()["by_account"], 20_000, np.random.default_rng(1))
    level = counts.cells["score"].to_numpy(int) - 1
    n = np.zeros(retained().shape)
    np.add.at(
        n, (level, counts.cells["stratum.segment"].str[1:].astype(int)), counts.cells["n"].to_numpy(float)
    )
    curves = retained()[..., None] ** (np.arange(HORIZON + 1) / HORIZON)
    best = np.array(BEST) - 1
    weight = n[best].sum(axis=1) / n[best].sum()
    average = weight @ np.einsum("s,gst->gt", n.sum(axis=0) / n.sum(), curves)[best]
    tenure = truths(counts)["tenure", "best", ""]
    assert tenure == pytest.approx(float(restricted_mean(average, HORIZON)), abs=1e-10)
    areas = weight @ (restricted_mean(curves, HORIZON) @ (n.sum(axis=0) / n.sum()))[best]
    assert abs(tenure - areas) > 1e-6
