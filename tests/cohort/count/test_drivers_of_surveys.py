"""Several scores of customers with several surveys: those of the first count, from the table to the page."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from waves import SPEC, waves

import cxlink
from cxlink import InputError, make_spec, read_cohort
from cxlink.report.content import gather
from cxlink.report.document import Paragraph, Table, plain
from cxlink.report.metric_sections.driver_section import driver_pages

OTHERS = {"csat": {"column": "csat", "scale": "1-5"}}
SECTIONS: tuple[dict[str, Any], ...] = (
    {}, {"spend": {"column": "spent", "complete": True}}, {"cohort": {"cluster": "account"}},
    {"adjust": {"columns": ["plan"], "bands": {"since_last_survey": [6]}}},
)  # fmt: skip


def surveys(n: int = 800) -> pd.DataFrame:
    """Surveys with a second score, which some did not give."""
    table, rng = waves(n, 8), np.random.default_rng(2)
    csat = np.clip(np.rint(table["score"] + rng.normal(size=len(table))), 1, 5).astype("Int64")
    return table.assign(
        csat=csat.mask(rng.random(len(table)) < 0.1), spent=rng.gamma(2, 20, len(table)).round(2),
        account=table["customer"] // 3, plan=np.where(table["customer"] % 3 == 0, "pro", "basic"),
    )  # fmt: skip


def described(repeat: str, **more: Any) -> cxlink.CohortSpec:
    """The spec of every survey, or of the first, with more sections."""
    cohort = {**SPEC["cohort"], **more.pop("cohort", {}), "repeat": repeat}
    adjust = more.pop("adjust", {})
    if repeat == "first":
        adjust = {name: part for name, part in adjust.items() if name != "bands"}
    analysis = {"horizon": 8, "draws": 100}  # later waves are followed for six months
    score = {**SPEC["score"], "others": OTHERS}
    return make_spec(
        {**SPEC, "cohort": cohort, "score": score, "analysis": analysis, "adjust": adjust, **more}
    )


@pytest.mark.parametrize("more", SECTIONS, ids=["plain", "spend", "accounts", "strata"])
def test_they_are_those_of_a_cohort_of_first_surveys(more: dict[str, Any]) -> None:
    table = surveys()
    every, first = (read_cohort(table, described(repeat, **more)).drivers for repeat in ("all", "first"))
    assert every is not None
    assert first is not None
    pd.testing.assert_frame_equal(every.cells, first.cells)
    pd.testing.assert_frame_equal(every.answered, first.answered)
    assert every.horizon == first.horizon == 8
    assert every.answered["n"].sum() == table["customer"].nunique()


def test_they_are_followed_to_the_horizon_of_the_report() -> None:
    """Later surveys are followed for two months: too few of all are followed for a year, though first ones are."""
    table = surveys(300)
    later = table.groupby("customer").cumcount() > 0
    table["followed"] = table["followed"].mask(later, 2)
    table["left"] = table["left"].where(table["months"] <= table["followed"], 0)
    table["months"] = table[["months", "followed"]].min(axis=1)
    every, first = (described(repeat) for repeat in ("all", "first"))
    by_rule = {"analysis": every.analysis.model_copy(update={"horizon": None})}
    counts, others = (read_cohort(table, one.model_copy(update=by_rule)).count() for one in (every, first))
    assert counts.drivers is not None
    assert others.drivers is not None
    assert counts.drivers.horizon == counts.spec.horizon == 2 < others.drivers.horizon == 12


def test_a_level_off_the_scale_of_a_later_survey_is_refused() -> None:
    table = surveys()
    table.loc[table.groupby("customer").cumcount() == 1, "csat"] = 9
    with pytest.raises(InputError, match=r"csat must be a whole number from 1 to 5, or empty\."):
        read_cohort(table, described("all"))


@pytest.mark.long
@pytest.mark.usefixtures("empty_pictures")
def test_the_report_says_whose_scores_are_compared_and_the_run_gives_them_back(tmp_path: Path) -> None:
    analysis = cxlink.analyse(read_cohort(surveys(), described("all", spend=SECTIONS[1]["spend"])))
    first = cxlink.analyse(read_cohort(surveys(), described("first", spend=SECTIONS[1]["spend"])))
    pd.testing.assert_frame_equal(analysis.drivers(), first.drivers())
    blocks = driver_pages(gather(analysis.results))
    said = " ".join(plain(block.runs) for block in blocks if isinstance(block, Paragraph))
    assert "the first one that was answered counts" in said
    notes = " ".join(note for block in blocks if isinstance(block, Table) for note in block.notes)
    assert "leaving one customer out" in notes
    assert "bucket" not in notes
    analysis.write(tmp_path / "run")
    again = cxlink.load_run(tmp_path / "run")
    assert again.results.counts.drivers is not None
    pd.testing.assert_frame_equal(
        again.results.counts.drivers.cells, analysis.results.counts.drivers.cells  # type: ignore[union-attr]
    )  # fmt: skip
    metrics = pd.read_csv(tmp_path / "run" / "metrics.csv")
    gains = metrics[metrics["metric"] == "driver_spend_gain"]
    assert len(gains)
    assert not gains["definition"].str.contains("bucket").any()


@pytest.mark.long
def test_models_by_a_formula_use_the_further_score_of_every_survey() -> None:
    table = surveys()
    cohort = read_cohort(table, described("all"))
    model = cxlink.hazards(cohort, "score + csat")
    given = table.dropna(subset=["csat"])
    assert f"{len(given):,}" in repr(model)
