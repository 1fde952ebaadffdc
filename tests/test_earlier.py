"""Earlier cohorts come back from their run folders, and only those that can be pooled."""

import json
import shutil
from pathlib import Path

import pytest

from cxlink.cohort.counts import FORMAT, Counts, add_up, save_counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec import read_spec
from cxlink.cohort.table import read_cohort
from cxlink.earlier import earlier_cohorts, read_run
from cxlink.runs import write_record
from cxlink.study.files import write_simulated


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
        f"{other}: not of the same kind: [subscription] clock differs (months since survey and weeks since survey). "
        "Fit both cohorts by one spec."
    )


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
    with pytest.raises(InputError, match=r"edited: format 7; this version reads 1\."):
        read_run(run)
