"""The proof of the intervals: its cells, tallies, rules and page."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlink.study.processes import processes
from validation import sparse_levels
from validation.interval_page import RULES, interval_page, verdicts
from validation.interval_proof import SEEDS, SIZES, SPARSE, cells, coverage, tallied
from validation.page import write_page
from validation.process import Cell
from validation.replicate import block_table


def test_every_process_size_and_seed_has_its_cohorts() -> None:
    cohorts = {one.name: one.cohorts for one in cells()}
    for name in processes():
        assert [cohorts[f"{name}-20000-{seed}"] for seed in SEEDS] == [2_000, 2_000]
        assert [cohorts[f"{name}-1000000-{seed}"] for seed in SEEDS] == [500, 500]
    assert [cohorts[f"{SPARSE}-{n}-{SEEDS[0]}"] for n in (20, 50, 200)] == [2_000] * 3
    assert len(cohorts) == 2 * 2 * len(processes()) + 3


def test_tallies_of_blocks_become_coverage() -> None:
    one = next(one for one in cells() if one.process == "heavy_spend")
    small = Cell(
        {**one.labels, "customers": 500}, one.seed, 2, 1, partial(tallied, "heavy_spend", 500), one.add
    )
    blocks = [block_table(small, number) for number in range(2)]
    assert not blocks[0].equals(blocks[1])
    found = coverage([(small, small.add(blocks))])
    assert list(found.columns[:5]) == ["process", "customers", "seed", "cohorts", "estimand"]
    assert set(found["made"]) == {2}
    assert set(found["cohorts"]) == {2}
    by_hand = (blocks[0]["held"] + blocks[1]["held"]) / 2
    np.testing.assert_array_equal(found["coverage"], by_hand)


def _coverages() -> pd.DataFrame:
    rows = []
    for size in SIZES:
        for name, law in processes().items():
            for estimand in ("retention", "spend"):
                if (law.survival if estimand == "retention" else law.spending) is None:
                    continue
                for group in ("1", "5", "10", "worst", "best"):
                    shared = {
                        "process": name,
                        "customers": size,
                        "seed": 1,
                        "estimand": estimand,
                        "group": group,
                    }
                    shared |= {"reference": "", "scenario": "", "n": 500.0, "made": 10}
                    rows.append({**shared, "adjusted": "standardised", "coverage": 0.95})
                    rows.append({**shared, "adjusted": "no", "coverage": 0.3})
        shared = {"process": "no_effect", "customers": size, "seed": 1, "estimand": "retention_difference"}
        shared |= {"group": "best", "reference": "worst", "n": 500.0, "made": 10}
        rows.append({**shared, "adjusted": "standardised", "scenario": "", "coverage": 0.95})
        rows.append({**shared, "adjusted": "no", "scenario": "from_signup", "coverage": 0.0})
    return pd.DataFrame(rows)


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Judge the processes, without sparse levels."""
    return verdicts(table, pd.DataFrame({"model": [], "seed": []}))


def test_every_rule_holds_where_all_is_well_and_fails_where_it_is_not() -> None:
    table = _coverages()
    made = judged(table)
    assert len(made) == len(RULES)
    assert made["held"].all()
    assert (made["values"] > 0).all()
    standardised = table["adjusted"].eq("standardised")
    low = table.assign(coverage=np.where(standardised, 0.89, 0.95))
    assert not judged(low)["held"].any()
    high = judged(table.assign(coverage=0.99))
    assert list(high.loc[high["held"], "rule"]) == ["spend, each group and contrast"]


def test_groups_of_few_customers_and_hopeless_tails_are_not_judged_one_by_one() -> None:
    table = _coverages()
    few = table["group"].eq("5") & table["estimand"].eq("retention") & table["adjusted"].eq("standardised")
    table.loc[few, ["n", "coverage"]] = [150.0, 0.91]
    table.loc[table["process"].eq("very_heavy_spend"), "coverage"] = 0.8
    held = judged(table).set_index("rule")["held"]
    assert held["retention and tenure, each group and contrast, 20,000 customers"]
    assert held["spend, each group and contrast"]


def test_the_page_shows_what_was_found(tmp_path: Path) -> None:
    sparse = pd.DataFrame({
        "process": SPARSE, "customers": [20, 20], "model": ["kaplan_meier", "weibull"], "truth": [0.05, 0.05],
        "coverage": [0.951, 0.899], "made": [2000, 2000], "seed": 1,
    })  # fmt: skip
    table = _coverages()
    table.loc[(table["group"] == "5") & (table["adjusted"] == "standardised"), "coverage"] = 0.8765
    write_page(interval_page(table, sparse), tmp_path)
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "**not held**" in page
    assert "87.7%" in page or "87.6%" in page
    assert "| weibull | 20 | 89.9% |" in page
    assert (tmp_path / "coverage.svg").read_text(encoding="utf-8").startswith("<?xml")
    held = pd.read_csv(tmp_path / "verdicts.csv").set_index("rule")["held"]
    assert len(held) == len(RULES) + 2
    assert held["levels of few customers, kaplan_meier"]
    assert not held["levels of few customers, weibull"]


def test_sparse_levels_are_drawn_from_their_heights() -> None:
    curves = sparse_levels.survival()
    assert curves[:-1, 12] == pytest.approx(np.array(sparse_levels.KEPT), rel=1e-12)
    counts = sparse_levels.drawn_cohort(200, 100, np.random.default_rng(1))
    cells = counts.cells
    by_level = cells.groupby("score")["n"].sum()
    assert list(by_level) == [200] * 11 + [1_000]
    rest = cells[(cells["score"] == 12) & (cells["cause"] != "") & (cells["exit"] <= 12)]["n"].sum()
    assert rest == pytest.approx(400, abs=4 * np.sqrt(1000 * 0.4 * 0.6))


def test_each_model_answers_for_each_sparse_level() -> None:
    rows = pd.DataFrame(sparse_levels.replicated(20, 100, np.random.default_rng(2)))
    assert rows.groupby("model").size().to_dict() == {"grouped_ph": 11, "kaplan_meier": 11, "weibull": 11}
    assert np.isfinite(rows[["estimate", "conf_low", "conf_high"]]).all(axis=None)
    assert (rows["conf_low"] < rows["conf_high"]).all()
    assert rows.groupby("group")["truth"].first().loc["11"] == 0.999
