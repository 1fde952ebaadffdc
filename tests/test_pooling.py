"""Earlier cohorts come back from their run folders, and only those that can be pooled."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cxlink.cohort.count.counts import FORMAT, SPEND, Counts, add_up, save_counts, suppress
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import read_spec
from cxlink.cohort.spec.metrics_section import MetricsSection
from cxlink.cohort.table import read_cohort
from cxlink.pooling import add_cohorts, earlier_cohorts
from cxlink.report.profile_words import profile_notes
from cxlink.runs import read_run, write_record
from cxlink.study.simulated_files import write_simulated


def counted(folder: Path, seed: int, name: str, **changed: object) -> Counts:
    """Count 300 simulated customers."""
    table = folder / f"{name}.csv"
    write_simulated("subscription", 300, seed, table)
    flags = {"cohort": {"name": name}, **changed}
    return read_cohort(str(table), read_spec(str(table) + ".toml", flags, name)).count()


def run_of(counts: Counts, folder: Path) -> Path:
    """Write what pooling reads of a run folder."""
    folder.mkdir()
    save_counts(counts, folder / "counts.parquet")
    (folder / "estimates.csv").write_text("estimand\n")
    write_record(folder, {"format": FORMAT, "spec": counts.spec.model_dump(mode="json", exclude_none=True)})
    return folder


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Counts, Counts, Path]:
    folder = tmp_path_factory.mktemp("runs")
    new, old = counted(folder, 1, "new"), counted(folder, 2, "old")
    return new, old, run_of(old, folder / "run")


def test_counts_come_back_from_a_run(cohorts: tuple[Counts, Counts, Path]) -> None:
    new, old, run = cohorts
    found = earlier_cohorts([run], new)
    assert list(found) == ["old"]
    assert add_up(found["old"].cells).equals(add_up(old.cells))


def test_a_cohort_is_pooled_once(cohorts: tuple[Counts, Counts, Path]) -> None:
    new, old, run = cohorts
    with pytest.raises(InputError, match=r"run: the same customers as .*run\. Pool each cohort once\."):
        earlier_cohorts([run, run], new)
    with pytest.raises(InputError, match=r"the same customers as the table"):
        earlier_cohorts([run], old)


def test_two_cohorts_of_one_name_are_refused(tmp_path: Path, cohorts: tuple[Counts, Counts, Path]) -> None:
    other = run_of(counted(tmp_path, 3, "new"), tmp_path / "run")
    with pytest.raises(
        InputError, match=r"a cohort named new is there already\. Give each a \[cohort\] name"
    ):
        earlier_cohorts([other], cohorts[0])


def test_another_spec_is_refused_and_the_difference_named(
    tmp_path: Path, cohorts: tuple[Counts, Counts, Path]
) -> None:
    other = run_of(counted(tmp_path, 3, "weeks", subscription={"unit": "week"}), tmp_path / "run")
    with pytest.raises(InputError) as refused:
        earlier_cohorts([other], cohorts[0])
    assert str(refused.value) == (
        f"{other}: not of the same kind: [subscription] unit differs (month and week). Fit both cohorts by one spec."
    )


def test_cohorts_add_up_to_the_counts_of_both_tables_with_the_cohort_as_a_stratum(
    tmp_path: Path, cohorts: tuple[Counts, Counts, Path]
) -> None:
    """What a table of both cohorts' rows, adjusted for the cohort as well, would have been counted to."""
    new, _, run = cohorts
    pooled = add_cohorts(new, earlier_cohorts([run], new))
    frames = []
    for seed, name in ((1, "new"), (2, "old")):
        write_simulated("subscription", 300, seed, tmp_path / f"{name}.csv")
        frames.append(pd.read_csv(tmp_path / f"{name}.csv").assign(cohort=name))
    both = pd.concat(frames).assign(customer_id=range(600))
    both.to_csv(tmp_path / "both.csv", index=False)
    flags = {"adjust": {"columns": ["need", "cohort"]}}
    whole = read_cohort(
        str(tmp_path / "both.csv"), read_spec(str(tmp_path / "new.csv.toml"), flags, "both")
    ).count()
    sums = [name for name in SPEND if name not in ("spend_n", "spend_zero")]
    pd.testing.assert_frame_equal(pooled.cells.drop(columns=sums), whole.cells.drop(columns=sums))
    pd.testing.assert_frame_equal(pooled.cells[sums], whole.cells[sums], rtol=1e-12)
    assert pooled.spec.stratum_variables == whole.spec.stratum_variables
    assert pooled.spec.cohort.name == "new"
    assert pooled.profile.rows_used == whole.profile.rows_used
    assert profile_notes(pooled)[0] == (
        "2 cohorts were pooled, each a stratum of its own: old (300 customers) and new (300 customers)."
    )


def test_metrics_of_one_cohort_alone_are_left_out_and_said(cohorts: tuple[Counts, Counts, Path]) -> None:
    def asking(counts: Counts) -> Counts:
        spec = counts.spec.model_copy(update={"metrics": MetricsSection(touchpoint="channel")})
        return replace(counts, spec=spec, cells=counts.cells.assign(touchpoint="web"))

    new, old, _ = cohorts
    plain = add_cohorts(new, {"old": old}).cells
    for pooled, said in (
        (add_cohorts(asking(new), {"old": old}), True),
        (add_cohorts(new, {"old": asking(old)}), False),
    ):
        assert pooled.spec.metrics is None
        pd.testing.assert_frame_equal(pooled.cells, plain)
        assert (Remark("metrics_differ") in pooled.profile.notes) == said


def test_what_was_added_up_is_pooled_by_its_parts(
    tmp_path: Path, cohorts: tuple[Counts, Counts, Path]
) -> None:
    new, old, run = cohorts
    pooled = run_of(add_cohorts(new, earlier_cohorts([run], new)), tmp_path / "pooled")
    third = counted(tmp_path, 3, "third")
    with pytest.raises(InputError, match=r"pooled: several cohorts added up already\. Pool the runs"):
        earlier_cohorts([pooled], third)
    assert add_cohorts(new, {}) is new
    spec = new.spec.model_copy(update={"adjust": new.spec.adjust.model_copy(update={"columns": ("cohort",)})})
    with pytest.raises(InputError, match=r"--pool: \[adjust\] names a column cohort, by which pooled"):
        add_cohorts(replace(new, spec=spec), {"old": old})


def test_suppressed_counts_are_refused(tmp_path: Path, cohorts: tuple[Counts, Counts, Path]) -> None:
    new, old, _ = cohorts
    run = run_of(suppress(old, 3), tmp_path / "small")
    with pytest.raises(InputError, match=r"small: small cells were left out \(\[publish\] smallest_cell\)"):
        earlier_cohorts([run], new)


def test_a_run_of_the_first_format_is_read(tmp_path: Path, cohorts: tuple[Counts, Counts, Path]) -> None:
    new, old, run = cohorts
    first = tmp_path / "first"
    shutil.copytree(run, first)
    record = json.loads((first / "run.json").read_text(encoding="utf-8"))
    assert record["format"] == 5
    (first / "run.json").write_text(json.dumps({**record, "format": 1}), encoding="utf-8")
    assert add_up(read_run(first).cells).equals(add_up(old.cells))
    assert list(earlier_cohorts([first], new)) == ["old"]


def test_what_is_no_whole_run_is_refused(tmp_path: Path, cohorts: tuple[Counts, Counts, Path]) -> None:
    with pytest.raises(InputError, match=r"not a run folder \(no run.json that can be read\)"):
        read_run(tmp_path)
    run = tmp_path / "edited"
    shutil.copytree(cohorts[2], run)
    (run / "estimates.csv").write_text("estimand\nretention\n")
    with pytest.raises(
        InputError, match=r"edited: estimates.csv is not as it was written\. Fit the cohort again\."
    ):
        read_run(run)
    (run / "estimates.csv").unlink()
    with pytest.raises(InputError, match=r"edited: estimates.csv is missing"):
        read_run(run)
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    (run / "run.json").write_text(json.dumps({**record, "format": 7}), encoding="utf-8")
    with pytest.raises(
        InputError, match=r"edited: format 7; this version reads 1 to 5\. Fit the cohort again"
    ):
        read_run(run)
