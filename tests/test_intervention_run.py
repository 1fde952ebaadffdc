"""The value of a programme from a run folder: what is written, what is said, what is refused."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from cxlink.checks import matching
from cxlink.cli.closing_lines import intervention_lines
from cxlink.cli.commands import run
from cxlink.cohort.count.counts import FORMAT, Counts, save_counts, suppress
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.csv_tables import read_csv
from cxlink.estimands.tidy import COLUMNS, select
from cxlink.report.change_sections.intervention_document import intervention_document
from cxlink.report.check_notes import published_error
from cxlink.runs import write_record
from cxlink.verbs import value_of

MOVE = ["--move", "1-2:4-5", "--fraction", "0.5", "--cost", "900", "--causal-share", "0.4"]


def buyers(**value: object) -> Counts:
    """Buyers without retention: nothing has to be fitted."""
    rng = np.random.default_rng(3)
    score = np.repeat([1, 2, 3, 4, 5], 50)
    frame = pd.DataFrame({"score": score, "spend": rng.gamma(4.0, 20.0, len(score)).round(2) + 30 * score})
    spec = make_spec({
        "cohort": {"name": "shop", "simulated": True}, "score": {"column": "score", "scale": "1-5"},
        "spend": {"column": "spend", "complete": True}, "analysis": {"draws": 200},
        **({"value": value} if value else {}),
    })  # fmt: skip
    return read_cohort(frame, spec).count()


def run_of(counts: Counts, folder: Path) -> Path:
    """Write what valuing reads of a run folder."""
    folder.mkdir()
    save_counts(counts, folder / "counts.parquet")
    write_record(folder, {"format": FORMAT})
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return run_of(buyers(margin=0.5), tmp_path / "run")


@pytest.mark.long
def test_a_folder_is_written_and_the_result_said_plainly(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["value", str(folder), *MOVE]) == 0
    said, out = capsys.readouterr().out, tmp_path / "run-value"
    assert (
        "50 % of the customers who gave 1–2 (50 customers) shifted to 4–5, over 12 months, at a cost of EUR 900"
        in said
    )
    assert "if 40 % of the adjusted difference is causal, the incremental margin is" in said
    assert "association" in said
    assert said.endswith(f"{out}/report.html\n")
    assert {p.name for p in out.iterdir()} == {
        "value.csv",
        "diagnostics.csv",
        "report.html",
        "report.pdf",
        "run.json",
        "figures",
    }
    table = read_csv(out / "value.csv")
    assert tuple(table.columns) == COLUMNS
    assert {"incremental_margin", "programme_return", "payback", "break_even_probability", "break_even_share",
            "value", "value_difference", "value_ratio", "e_value"} == set(table["estimand"])  # fmt: skip
    pages = PdfReader(out / "report.pdf").pages
    text = " ".join("".join(page.extract_text() for page in pages).split())
    assert "breaks even" in text
    assert text.count("simulated customers") >= len(pages)
    assert {p.stem for p in (out / "figures").iterdir()} == {"break-even", "break-even-probability"}
    record = json.loads((out / "run.json").read_text())
    assert set(record["files"]) == {p.relative_to(out).as_posix() for p in out.rglob("*.*")} - {"run.json"}
    first = {p.name: p.read_bytes() for p in out.rglob("*.*")}
    assert run(["value", str(folder), *MOVE]) == 2
    assert run(["value", str(folder), *MOVE, "--overwrite"]) == 0
    assert {p.name: p.read_bytes() for p in out.rglob("*.*")} == first


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--move", "1-3:3-5"], "the two bands overlap at 3"),
        (["--move", "1:5", "--fraction", "2"], "--fraction must be from 0 to 1 (found 2)"),
        (["--move", "1:5", "--margin", "7"], "a share of spend is from -1 to 1 (found 7)"),
        (["--shift", "9"], "--shift must be from 1 to 4 points on this scale (found 9)"),
    ],
)
def test_what_is_wrong_is_one_line_and_writes_nothing(
    folder: Path, asked: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.parent.rglob("*"))
    assert run(["value", str(folder), *asked]) == 2
    told = capsys.readouterr().err
    assert told.startswith("cxlink: ")
    assert said in told
    assert told.count("\n") == 1
    assert sorted(folder.parent.rglob("*")) == before


def test_an_edited_run_is_refused(folder: Path) -> None:
    save_counts(buyers(margin=0.4), folder / "counts.parquet")
    with pytest.raises(InputError, match=r"counts\.parquet is not as it was written"):
        value_of(folder, shift=1)


def test_a_margin_may_be_given_afterwards_and_must_be() -> None:
    with pytest.raises(InputError, match=r"these counts: no margin\. Give --margin 0\.3"):
        value_of(buyers(), shift=1)
    later, asked = value_of(buyers(), shift=1, margin=0.5), value_of(buyers(margin=0.5), shift=1)
    pd.testing.assert_frame_equal(later.estimates, asked.estimates)


def test_counts_without_spend_or_with_cells_left_out_are_refused() -> None:
    with pytest.raises(InputError, match=r"these counts: small cells were left out"):
        value_of(suppress(buyers(margin=0.5), 60), shift=1)
    frame = pd.DataFrame({"score": [1, 2], "months": [3, 4], "lost": [1, 0]})
    spec = make_spec({
        "score": {"column": "score", "scale": "1-2"}, "subscription": {"duration": "months", "event": "lost"},
    })  # fmt: skip
    with pytest.raises(InputError, match=r"these counts: no \[spend\] was counted"):
        value_of(read_cohort(frame, spec).count(), shift=1, margin=0.3)


def test_of_a_cohort_that_nobody_left_value_goes_on_with_half_a_loss_and_says_how_far() -> None:
    frame = pd.DataFrame(
        {"score": [1, 2] * 20, "months": [5] * 40, "lost": [0] * 40, "spend": [10.0, 20.0] * 20}
    )
    spec = make_spec({
        "score": {"column": "score", "scale": "1-2"}, "subscription": {"duration": "months", "event": "lost"},
        "spend": {"column": "spend", "complete": True, "window_months": 4}, "analysis": {"draws": 100},
    })  # fmt: skip
    counts = read_cohort(frame, spec).count()
    far = value_of(counts, shift=1, margin=0.5, discount=0.0, horizon=36, causal_share=1.0)
    shown = select(far.estimates, estimand="incremental_margin", scenario="causal_share=1").iloc[0]
    whole = 20 * 0.5 * 10 / 4 * 36  # were nobody ever to leave
    # if all of score 1 left at once the gain would be twice that
    assert shown["conf_low"] < shown["estimate"] < shown["conf_high"] < 2 * whole
    assert shown["conf_low"] < 0.9 * shown["conf_high"]
    (said,) = matching(far.checks, code="extrapolation_factor")
    assert (said.model, said.value, said.facts["followed"]) == ("value", 36 / 5, 5)
    first, second = published_error(far.checks, "value", "month")
    assert first.startswith("A horizon of 36 months is 7.2 times the follow-up, 5 months (of the group")
    assert second.startswith("Hardly any published curve was followed for more than 3 times the period")
    farther, nearer = ([replace(said, value=times)] for times in (24.0, 9.96))
    assert " is 24 times the follow-up" in published_error(farther, "value", "month")[0]
    assert " is 10 times the follow-up" in published_error(nearer, "value", "month")[0]
    shown_text = " ".join(
        "".join(str(run) for run in getattr(block, "runs", ())) for block in intervention_document(far).blocks
    )
    assert first in shown_text
    assert second in shown_text
    found = value_of(counts, shift=1, margin=0.5, horizon=6, discount=0.0, causal_share=1.0).estimates
    margin = found[(found["estimand"] == "incremental_margin") & (found["scenario"] == "causal_share=1")]
    assert margin["estimate"].iloc[0] == pytest.approx(20 * 0.5 * 10 / 4 * 6, rel=1e-12)


def test_a_cost_of_nothing_is_said() -> None:
    told = " ".join(intervention_lines(value_of(buyers(margin=0.5), shift=1)))
    assert "At a cost of 0 the return is not defined, and there is no payback period." in told
    dear = " ".join(intervention_lines(value_of(buyers(margin=0.5), shift=1, cost=1e9)))
    assert "The whole difference would not cover the cost" in dear
    assert "The cost is not paid back within 12 months" in dear


def test_a_notebook_shows_the_sentences_and_the_table_by_causal_share() -> None:
    found = value_of(buyers(margin=0.5), shift=1)
    html = found._repr_html_()
    assert html.count("<table>") == 1
    assert html.count('role="note"') == 1
    assert "By causal share" in html
