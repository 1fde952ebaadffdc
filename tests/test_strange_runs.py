"""Run folders from strangers: what is larger, deeper or other than a run is refused in one line, before it is used."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from subscribers import subscribers

import cxlink
from cxlink.cohort.count import foreign_cells
from cxlink.cohort.count.counts import load_counts, save_counts
from cxlink.cohort.errors import InputError
from cxlink.estimands.tidy import COLUMNS
from cxlink.runs import read_run, write_record


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of counts and tables alone."""
    folder = tmp_path_factory.mktemp("strange") / "run"
    folder.mkdir()
    durations = {"duration": "months", "event": "lost"}
    spec = cxlink.make_spec({"score": {"column": "score", "scale": "1-5"}, "subscription": durations})
    frame = subscribers(60).assign(months=[1 + i % 9 for i in range(60)], lost=[i % 2 for i in range(60)])
    save_counts(cxlink.read_cohort(frame, spec).count(), folder / "counts.parquet")
    write_record(folder, {"format": 3, "version": cxlink.__version__})
    return folder


@pytest.fixture
def run(written: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    for path in written.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def _refused(folder: Path) -> str:
    with pytest.raises(InputError) as refused:
        read_run(folder)
    said = str(refused.value)
    assert said.isprintable()
    return said


def test_a_run_of_ours_is_read(run: Path) -> None:
    assert int(read_run(run).cells["n"].sum()) == 60


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"format": 3, "files": 5}', "[]", "\xff", '{"format": 3, "files": {"a": ' * 9999],
    ids=["deep", "no files", "a list", "latin", "deep files"],
)  # fmt: skip
def test_a_record_that_is_none_is_refused(run: Path, text: str) -> None:
    (run / "run.json").write_bytes(text.encode("latin-1"))
    assert "not a run folder" in _refused(run)


def test_a_record_larger_than_any_is_refused(run: Path) -> None:
    with (run / "run.json").open("r+b") as stream:
        stream.truncate(1 << 30)  # takes no room on the disk
    assert "not a run folder" in _refused(run)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/passwd", "a/../../secret", "..\\secret", "C:secret", "x\0y", ""]
)
def test_no_file_outside_of_the_folder_is_looked_at(run: Path, name: str) -> None:
    (run.parent / "secret").write_text("x")
    record = json.loads((run / "run.json").read_text())
    record["files"][name] = hashlib.sha256(b"x").hexdigest()
    (run / "run.json").write_text(json.dumps(record))
    assert "names a file outside of it" in _refused(run)


def test_no_link_is_followed_out_of_the_folder(run: Path) -> None:
    inside = (run / "counts.parquet").read_bytes()
    (run.parent / "elsewhere").write_bytes(inside)
    (run / "counts.parquet").unlink()
    (run / "counts.parquet").symlink_to("../elsewhere")
    assert "names a file outside of it" in _refused(run)


def test_counts_that_say_they_are_too_large_are_not_read(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> None:
        raise AssertionError("read before its size was looked at")

    monkeypatch.setattr(pq.ParquetFile, "read", read)
    for limit in ("_MOST_ROWS", "_MOST_BYTES", "_MOST_COLUMNS", "_MOST_METADATA"):
        with monkeypatch.context() as patch:
            patch.setattr(foreign_cells, limit, 3)
            assert "It is not read." in _refused(run)


def _changed(change: Callable[[pd.DataFrame], pd.DataFrame], run: Path) -> None:
    table = pq.read_table(run / "counts.parquet")
    about = {b"cxlink": table.schema.metadata[b"cxlink"]}
    other = pa.Table.from_pandas(change(table.to_pandas()), preserve_index=False)
    pq.write_table(other.replace_schema_metadata(about), run / "counts.parquet")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.assign(exit=10**9), "exit is over 2,400 periods"),
        (lambda t: t.assign(entry=-1), "entry is negative"),
        (lambda t: t.assign(n=0), "n is 0"),
        (lambda t: t.assign(n=1.5), "n is no whole number"),
        (lambda t: t.assign(n=2**60), "n is more than anybody has customers"),
        (lambda t: t.assign(n=float("nan")), "n is missing"),
        (lambda t: t.assign(score=99), "score leaves the scale 1-5"),
        (lambda t: t.assign(cause=3), "cause is not text"),
        (lambda t: t.assign(entry=3, exit=2), "entry after exit"),
        (lambda t: t.assign(score="5"), "score is not a number"),
        (lambda t: t.drop(columns="wave"), "not the columns of counts (wave)"),
        (lambda t: t.assign(code="import os"), "not the columns of counts (code)"),
    ],
)  # fmt: skip
def test_cells_that_no_count_gives_are_refused(
    run: Path, change: Callable[[pd.DataFrame], pd.DataFrame], words: str
) -> None:
    _changed(change, run)
    with pytest.raises(InputError) as refused:
        load_counts(run / "counts.parquet")
    assert words in str(refused.value)


@pytest.mark.parametrize(
    "about", ["[" * 100_000, "null", '{"format": 3, "spec": {"score": 1}}', '{"format": [3]}']
)
def test_a_description_that_is_none_is_refused(run: Path, about: str) -> None:
    table = pq.read_table(run / "counts.parquet")
    pq.write_table(table.replace_schema_metadata({"cxlink": about}), run / "counts.parquet")
    with pytest.raises(InputError, match=r"^counts\.parquet: "):
        load_counts(run / "counts.parquet")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("estimates", "a,b\n1\n"),
        ("estimates", "estimand,estimate\nx,1\n"),
        ("estimates", ""),
        (
            "diagnostics",
            "code,model,group,value,conf_low,conf_high,bound,ok,note,facts\nx,,,,,,,,," + "[" * 50_000,
        ),
        ("coefficients", 'a\n"' + "x" * 200_000 + '"\n'),
    ],
)
def test_tables_that_are_none_are_refused_before_any_fit(
    run: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fitted(*_: object, **__: object) -> Any:
        raise AssertionError("fitted before the tables were looked at")

    (run / f"{name}.csv").write_text(text)
    write_record(run, {"format": 3, "version": cxlink.__version__})
    monkeypatch.setattr("cxlink.verbs.analyse", fitted)
    with pytest.raises(InputError, match=rf"run: {name}\.csv is not such as a run has"):
        cxlink.load_run(run)


@pytest.mark.parametrize("name", ["estimates", "diagnostics"])
def test_a_run_without_its_tables_is_refused(run: Path, name: str) -> None:
    for other in {"estimates", "diagnostics"} - {name}:
        columns = (
            "code,model,group,value,conf_low,conf_high,bound,ok,note,facts"
            if other == "diagnostics"
            else ",".join(COLUMNS)
        )
        (run / f"{other}.csv").write_text(columns + "\n")
    (run / f"{name}.csv").unlink(missing_ok=True)
    write_record(run, {"format": 3, "version": cxlink.__version__})
    with pytest.raises(InputError, match=rf"a run folder without {name}\.csv"):
        cxlink.load_run(run)
