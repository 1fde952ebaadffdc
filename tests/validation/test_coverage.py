"""The proof goes on where it stopped, refuses what other code has made, and judges by its rules."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.errors import InputError
from cxlink.study.processes import processes
from validation import interval_coverage as coverage
from validation import sparse_levels
from validation.coverage_page import RULES, judged, write_page
from validation.interval_coverage import SEEDS, SIZES, SPARSE, Block, collected, every_block, remade


def test_every_process_size_and_seed_has_its_cohorts() -> None:
    table = pd.DataFrame([(b.process, b.size, b.seed, b.cohorts) for b in every_block()])
    cohorts = table.groupby([0, 1, 2])[3].sum()
    for name in processes():
        assert [cohorts[name, 20_000, seed] for seed in SEEDS] == [2_000, 2_000]
        assert [cohorts[name, 1_000_000, seed] for seed in SEEDS] == [500, 500]
    assert [cohorts[SPARSE, n, SEEDS[0]] for n in (20, 50, 200)] == [2_000] * 3
    assert len({block.file for block in every_block()}) == len(table)


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    law = processes()["heavy_spend"]
    monkeypatch.setattr(coverage, "processes", lambda: {"heavy_spend": law})
    monkeypatch.setattr(coverage, "SIZES", {500: 2})
    wanted = [Block("heavy_spend", 500, 7, number, 1) for number in range(2)]
    told: list[tuple[int, int]] = []
    remade(tmp_path, wanted[:1], 1, lambda *at: told.append(at))
    before = (tmp_path / wanted[0].file).stat().st_mtime_ns
    remade(tmp_path, wanted, 1, lambda *at: told.append(at))
    assert told == [(1, 1), (2, 2)]
    assert (tmp_path / wanted[0].file).stat().st_mtime_ns == before
    assert not list(tmp_path.glob("*.partial"))
    found = collected(tmp_path, wanted)
    assert set(found["made"]) == {2}
    assert set(found["cohorts"]) == {2}
    (tmp_path / "probe.csv").write_text("other", encoding="utf-8")
    with pytest.raises(InputError, match=r"made by other code than this\. Remove the folder"):
        remade(tmp_path, wanted, 1, lambda *_: None)


def test_blocks_differ_and_a_block_is_the_same_again() -> None:
    first, again, other, seeded = (
        Block("heavy_spend", 500, seed, number, 1).tallies()
        for seed, number in ((1, 0), (1, 0), (1, 1), (2, 0))
    )
    assert first.equals(again)
    assert not first.equals(other)
    assert not first.equals(seeded)


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


def test_every_rule_holds_where_all_is_well_and_fails_where_it_is_not() -> None:
    table = _coverages()
    verdicts = judged(table)
    assert len(verdicts) == len(RULES)
    assert verdicts["held"].all()
    assert (verdicts["values"] > 0).all()
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
    write_page(table, sparse, tmp_path)
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "**not held**" in page
    assert "87.7%" in page or "87.6%" in page
    assert "| weibull | 20 | 89.9% |" in page
    assert (tmp_path / "coverage.svg").read_text(encoding="utf-8").startswith("<?xml")
    verdicts = pd.read_csv(tmp_path / "verdicts.csv").set_index("rule")["held"]
    assert len(verdicts) == len(RULES) + 2
    assert verdicts["levels of few customers, kaplan_meier"]
    assert not verdicts["levels of few customers, weibull"]


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
