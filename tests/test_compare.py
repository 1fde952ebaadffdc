"""Comparing run folders: what is written, what is refused, and what the terminal and the report say."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader

from cxlink.cli.commands import run
from cxlink.cohort.count.counts import FORMAT, Counts, save_counts, suppress
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec, merged
from cxlink.report.change_sections.comparison_document import comparison_document
from cxlink.report.words import say
from cxlink.runs import read_run, write_record
from cxlink.verbs import compare, compare_runs
from validation.cohort_pairs import drawn, law, spec_of


def counted(seed: int, name: str, estimand: str = "retention", kind: str = "base") -> Counts:
    """Draw 1,500 simulated customers."""
    rng = np.random.default_rng(seed)
    counts = drawn(law(kind), 1500, spec_of(estimand, name, 100, 1), rng)
    return replace(counts, profile=replace(counts.profile, fingerprint=f"{name}-{seed}"))


def run_of(counts: Counts, folder: Path) -> Path:
    """Write what comparing reads of a run folder."""
    folder.mkdir()
    save_counts(counts, folder / "counts.parquet")
    write_record(folder, {"format": FORMAT})
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    return [
        run_of(counted(seed, name), folder / f"run-{name}") for seed, name in enumerate(("old", "new"), 1)
    ]


@pytest.fixture(scope="module")
def made(runs: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a comparison, and what the terminal said."""
    out = tmp_path_factory.mktemp("out") / "compared"
    with pytest.MonkeyPatch.context() as patch:
        said: list[str] = []
        patch.setattr("builtins.print", lambda *text, **_: said.append(" ".join(map(str, text))))
        assert run(["compare", *map(str, runs), "--out", str(out)]) == 0
    return out, "\n".join(said)


def test_the_folder_holds_tables_report_and_hashes(made: tuple[Path, str]) -> None:
    out, said = made
    assert sorted(path.name for path in out.iterdir()) == [
        "calibration.csv", "changes.csv", "figures", "report.html", "report.pdf", "run.json",
    ]  # fmt: skip
    changes = pd.read_csv(out / "changes.csv", dtype={"group": str})
    assert list(changes) == [
        "base", "cohort", "estimand", "group", "horizon", "part", "estimate", "std_error", "conf_low", "conf_high",
        "unit",
    ]  # fmt: skip
    assert set(changes["estimand"]) == {"retention", "tenure"}
    changes = changes[changes["estimand"] == "retention"]
    parts = {"mix_strata", "mix_score", "mix", "baseline", "effect", "total"}
    assert set(changes["part"]) == parts
    assert set(changes["group"]) == {"1", "2", "3", "4", "5", "worst", "best", "all"}
    assert changes["horizon"].eq(6).all()
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["compares"] == ["old", "new"]
    assert set(record["files"]) >= {"changes.csv", "calibration.csv", "report.html", "report.pdf"}
    for verdict in record["verdicts"]:
        assert (
            f"{verdict['estimand'].capitalize()}, new: {say('verdict.name_' + verdict['verdict'])} ({verdict['why']})"
            in said
        )
        assert "0.95 to 1.05" in verdict["rule"]
    assert "Retention after 6 months changed by " in said
    assert f"{out}/report.pdf" in said


def test_the_report_says_what_changed_and_that_it_is_simulated(made: tuple[Path, str]) -> None:
    pages = PdfReader(made[0] / "report.pdf").pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    for phrase in (
        "What changed from old to new", "Retention after 6 months changed by", "Decision rule.",
        "Calibration of the base model", "Yun 2005", "accounting terms, not causes", "Brier score",
        "cxlink compare run-old run-new",
    ):  # fmt: skip
        assert phrase in text, phrase
    assert all("simulated customers" in page.extract_text() for page in pages)
    names = {path.name for path in (made[0] / "figures").iterdir()}
    assert names == {"1-parts.svg", "1-effects.svg", "1-calibration.svg"}


def test_the_same_runs_give_the_same_tables(runs: list[Path], made: tuple[Path, str]) -> None:
    again = compare_runs(runs)
    assert again.changes.equals(compare([read_run(one) for one in runs]).changes)
    kept = pd.read_csv(made[0] / "changes.csv")["estimate"]
    pd.testing.assert_series_equal(kept, again.changes["estimate"], rtol=1e-9)
    html = again._repr_html_()
    assert html.count("<strong>Retention, new: ") == 1
    assert "from the mix of customers" in html


@pytest.mark.long
def test_several_are_each_compared_with_the_first(tmp_path: Path) -> None:
    kinds = {"old": "base", "new": "mix", "third": "all three"}
    cohorts = [counted(seed, name, "spend", kind) for seed, (name, kind) in enumerate(kinds.items())]
    found = compare(cohorts)
    assert [(one.base, one.cohort, one.estimand, one.verdict) for one in found.verdicts] == [
        ("old", "new", "spend", "valid"), ("old", "third", "spend", "refit"),
    ]  # fmt: skip
    alone = compare(cohorts[:2]).changes
    pd.testing.assert_frame_equal(
        found.changes[found.changes["cohort"] == "new"].reset_index(drop=True), alone
    )
    document = comparison_document(replace(found, outcomes=found.outcomes[:1], verdicts=found.verdicts[:1]))
    assert document.title == "What changed from old to new and third"
    text = str(document.blocks)
    assert "Mean spend changed by +" in text
    assert "beyond ±3 % of predicted mean spend" in text
    assert len(document.pictures) == 3
    (tmp_path / "out").mkdir()
    with pytest.raises(InputError, match="exists already"):
        found.write(tmp_path / "out")


def test_one_run_or_the_same_twice_is_refused(tmp_path: Path, runs: list[Path]) -> None:
    with pytest.raises(InputError, match=r"compare needs two runs or more: the baseline cohort, then"):
        compare_runs(runs[:1])
    with pytest.raises(
        InputError, match=r"run-old: the same customers as old\. A cohort cannot be compared with itself"
    ):
        compare_runs([runs[0], runs[0]])
    named = run_of(counted(5, "old"), tmp_path / "named")
    with pytest.raises(
        InputError, match=r"named: a cohort named old is there already\. Give each a \[cohort\] name"
    ):
        compare_runs([runs[0], named])


def test_another_kind_of_cohort_is_refused_and_the_difference_named(tmp_path: Path, runs: list[Path]) -> None:
    other = counted(5, "weeks")
    spec = merged(other.spec.model_dump(exclude_none=True), {"subscription": {"unit": "week"}})
    weeks = run_of(replace(other, spec=make_spec(spec)), tmp_path / "weeks")
    with pytest.raises(
        InputError, match=r"weeks: not of the same kind: \[subscription\] unit differs \(month and week\)"
    ):
        compare_runs([runs[0], weeks])
    small = run_of(suppress(read_run(runs[1]), 3), tmp_path / "small")
    with pytest.raises(InputError, match=r"small: small cells were left out"):
        compare_runs([runs[0], small])


def test_folders_that_are_no_whole_runs_are_refused_in_one_line_and_nothing_is_written(
    tmp_path: Path, runs: list[Path], made: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    edited = tmp_path / "edited"
    shutil.copytree(runs[1], edited)
    (edited / "counts.parquet").write_bytes(b"")
    out = tmp_path / "out"
    for folder, words in (
        (edited, "counts.parquet is not as it was written. Fit the cohort again."),
        (made[0], "a run folder without counts.parquet. Name one that `cxlink fit` wrote."),
        (tmp_path, "not a run folder (no run.json that can be read). `cxlink fit` writes one."),
    ):
        assert run(["compare", str(runs[0]), str(folder), "--out", str(out)]) == 2
        assert capsys.readouterr().err == f"cxlink: {folder}: {words}\n"
    assert run(["compare", *map(str, runs), "--horizon", "90", "--out", str(out)]) == 2
    assert (
        "no stratum is followed for 90 months after the score in both it and old" in capsys.readouterr().err
    )
    assert not out.exists()
    assert run(["compare", *map(str, runs), "--out", str(runs[0])]) == 2
    assert "exists already" in capsys.readouterr().err
