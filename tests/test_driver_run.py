"""Several scores from a table to the run folder: files, what is read back, pages, and what small groups leave."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cxlink
from cxlink import InputError
from cxlink.checks import Check
from cxlink.cli.flags import sections
from cxlink.display import Analysis
from cxlink.report.content import gather
from cxlink.report.document import Notice, Paragraph, Picture, Table, plain
from cxlink.report.metric_sections.driver_section import driver_pages

pytestmark = pytest.mark.long

SPEC = {
    "cohort": {"name": "several"},
    "score": {
        "column": "nps", "scale": "0-10",
        "others": {"csat": {"column": "csat", "scale": "1-5"}, "effort": {"column": "ces", "scale": "1-7"}},
    },
    "spend": {"column": "spent", "complete": True},
    "subscription": {"duration": "months", "event": "left"},
    "analysis": {"draws": 100, "horizon": 6},
}  # fmt: skip


def customers(n: int = 900) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    mood = rng.normal(size=n)
    noisy = [mood + 0.7 * rng.normal(size=n) for _ in range(3)]
    left = rng.random(n) < 1 / (1 + np.exp(1 + 1.3 * noisy[0]))
    table = pd.DataFrame({
        "nps": np.digitize(noisy[0], np.linspace(-1.5, 1.5, 10)), "csat": np.digitize(noisy[1], [-1, -0.3, 0.3, 1]) + 1,
        "ces": np.digitize(noisy[2], np.linspace(-1, 1, 6)) + 1, "spent": rng.gamma(2, 20, n).round(2),
        "months": np.where(left, 3, 8), "left": left * 1,
    })  # fmt: skip
    return table.assign(ces=table["ces"].astype("Int64").mask(table.index % 30 == 0))


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return cxlink.analyse(cxlink.read_cohort(customers(), cxlink.make_spec(SPEC)))


@pytest.mark.usefixtures("empty_pictures")
def test_a_run_folder_has_the_second_table_and_gives_the_drivers_back(
    analysis: Analysis, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    analysis.write(folder)
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert {"drivers.parquet", "follow_up.parquet"} <= set(record["files"])
    assert record["spec"]["score"]["others"]["effort"] == {
        "column": "ces", "scale": "1-7", "higher_is_better": True, "round": False, "labels": [],
    }  # fmt: skip
    written = pd.read_csv(folder / "metrics.csv", keep_default_na=False)
    own = written[written["metric"] == "driver_retention_gain"]
    assert set(own["segment"]) == {"", "driver=score", "driver=csat", "driver=effort"}
    assert own["definition"].str.contains("log score|Shapley").all()
    again = cxlink.load_run(folder)
    pd.testing.assert_frame_equal(again.drivers(), analysis.drivers(), check_exact=True)
    both = [one.results.counts.follow_up for one in (again, analysis)]
    pd.testing.assert_frame_equal(*(one.cells for one in both if one is not None))
    (folder / "drivers.parquet").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"drivers\.parquet is not as it was written"):
        cxlink.load_run(folder)


def test_the_pages_of_customers_in_accounts_say_how_they_are_compared_and_their_file_has_buckets(
    tmp_path: Path,
) -> None:
    table = customers(600).assign(account=lambda t: [f"A{k // 3}" for k in t.index])
    spec = cxlink.make_spec({**SPEC, "cohort": {"name": "several", "cluster": "account"}})
    made = cxlink.analyse(cxlink.read_cohort(table, spec))
    made.write(tmp_path / "run")
    text = " ".join(str(block) for block in driver_pages(gather(made.results)))
    assert "five folds of whole buckets of clusters" in text
    assert "by leaving out one bucket of clusters at a time" in text
    assert "leaving one customer out" not in text
    written = pd.read_csv(tmp_path / "run" / "metrics.csv", keep_default_na=False)
    gains = written[written["metric"] == "driver_spend_gain"]
    whole = gains[gains["version"] == "whole"]["definition"].item()
    assert "(five folds of whole buckets of clusters)" in whole
    assert gains["source"].str.contains("over buckets of clusters").all()
    again = cxlink.load_run(tmp_path / "run")
    counts = again.results.counts.drivers
    assert counts is not None
    assert "bucket" in counts.cells
    pd.testing.assert_frame_equal(again.drivers(), made.drivers(), check_exact=True)
    first = [check for check in made.results.checks if check.code == "driver_first"]
    assert all(np.isfinite([check.low, check.high]).all() for check in first)


def test_the_pages_of_a_few_accounts_say_that_nothing_can_be_said() -> None:
    table = customers(300).assign(account=lambda t: [f"A{k % 5}" for k in t.index])
    spec = cxlink.make_spec({**SPEC, "cohort": {"name": "several", "cluster": "account"}})
    made = cxlink.analyse(cxlink.read_cohort(table, spec))
    blocks = driver_pages(gather(made.results))
    texts = [plain(block.runs) for block in blocks if isinstance(block, Paragraph)]
    assert sum("which score tells most cannot be said" in text for text in texts) == 2
    assert "nan" not in " ".join(str(block) for block in blocks if isinstance(block, Table)).lower()


def test_the_pages_say_what_the_intervals_say(analysis: Analysis) -> None:
    blocks = driver_pages(gather(analysis.results))
    texts = [plain(block.runs) for block in blocks if isinstance(block, Paragraph)]
    n = int(customers()["ces"].notna().sum())
    assert (
        texts[0]
        == f"{n} customers gave every one of nps, csat and effort. The scores are compared on these customers. "
        "30 customers with the score lack at least one of the others and are not in this section."
    )
    retention, spend = (
        next(text for text in texts if text.startswith(start)) for start in ("Retention", "Spend")
    )
    assert "nps tells most" in retention
    assert "csat and effort add nothing" in retention
    assert "no score is said to tell more than another" in spend
    assert not any("doubt" in text for text in texts)
    tables = [block for block in blocks if isinstance(block, Table)]
    assert [row[0] for row in tables[0].rows] == ["nps", "csat", "effort", "All together"]
    frame = analysis.drivers().set_index(["outcome", "quantity", "score"])["estimate"]
    assert tables[0].rows[0][3].startswith(f"{frame['retention', 'shapley', 'score']:.1f}")
    assert tables[2].rows[0][2].startswith(f"{100 * frame['retention', 'contrast', 'score']:.2f}")
    assert tables[2].header[2:] == [
        "Retained per 100 customers, per point", "All at once", "Spend per point (EUR)", "All at once",
    ]  # fmt: skip
    own = (
        analysis.drivers().set_index(["outcome", "quantity", "score"]).loc[("spend", "simultaneous", "csat")]
    )
    assert tables[2].rows[1][5] == f"[{own['conf_low']:.2f},\u00a0{own['conf_high']:.2f}]".replace("-", "−")
    (figure,) = (block for block in blocks if isinstance(block, Picture))
    assert "nps" in figure.alt


def test_every_flaw_of_the_scores_is_shown(analysis: Analysis) -> None:
    facts = {
        "score": "csat",
        "twin": "effort",
        "outcome": "spend",
        "given": 0.9,
        "lacking": 0.2,
        "horizon": 6,
        "unit": "month",
    }
    flaws = (
        "driver_after_outcome",
        "driver_missing",
        "driver_constant",
        "driver_twin",
        "driver_merged",
        "drivers_unfollowed",
    )
    checks = tuple(Check(code, value=3.0, facts=facts) for code in flaws)
    results = replace(analysis.results, checks=(*analysis.results.checks, *checks))
    notices = [plain(block.runs) for block in driver_pages(gather(results)) if isinstance(block, Notice)]
    assert len(notices) == len(flaws)
    assert any("90\u202f% were retained" in one for one in notices)


def test_a_cohort_with_one_score_has_no_such_pages(analysis: Analysis) -> None:
    score = analysis.spec.score.model_copy(update={"others": None})
    counts = replace(analysis.counts, spec=analysis.spec.model_copy(update={"score": score}))
    assert driver_pages(gather(replace(analysis.results, counts=counts))) == []


def test_the_figure_is_of_the_outcome_that_is_asked_for(analysis: Analysis) -> None:
    axes = analysis.importance_performance(outcome="spend")
    assert "spend" in axes.get_ylabel()
    assert {text.get_text() for text in axes.texts} == {"nps", "csat", "effort"}
    with pytest.raises(InputError, match="no scores were compared for tenure"):
        analysis.importance_performance(outcome="tenure")


@pytest.mark.usefixtures("empty_pictures")
def test_small_groups_leave_no_second_table_and_a_quick_run_no_drivers(tmp_path: Path) -> None:
    spec = cxlink.make_spec(
        {
            **SPEC,
            "analysis": {"draws": 100, "horizon": 6, "models": "quick"},
            "publish": {"smallest_cell": 10},
        }
    )
    quick = cxlink.analyse(cxlink.read_cohort(customers(), spec))
    assert not len(quick.drivers())
    unused = quick.checks(code="unused_key")
    assert unused["facts"].str.contains("others").any()
    quick.write(tmp_path / "run")
    assert not (tmp_path / "run" / "drivers.parquet").exists()
    assert not (tmp_path / "run" / "follow_up.parquet").exists()


def test_a_flag_names_each_further_score() -> None:
    flags = {"score_others": ["csat=csat:1-5", "effort=ces: now:1-7:lower"]}
    assert sections(flags)["score"]["others"] == {
        "csat": {"column": "csat", "scale": "1-5", "higher_is_better": True},
        "effort": {"column": "ces: now", "scale": "1-7", "higher_is_better": False},
    }
    for wrong in ("csat", "csat=csat", "=csat:1-5"):
        with pytest.raises(Exception, match="NAME=COLUMN:SCALE"):
            sections({"score_others": [wrong]})
