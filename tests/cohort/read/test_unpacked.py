"""A small file that unpacks to no end is refused while it is read; tables that merely repeat themselves are not."""

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import pytest

from cxlink.cohort.errors import InputError
from cxlink.cohort.read import unpacked
from cxlink.cohort.read.source import open_source
from cxlink.cohort.spec.spec_sections import TableSection

TEXT = b"score,months,lost\n" + b"5,12,0\n" * 200_000


def _packed(folder: Path, ending: str) -> Path:
    path = folder / f"t.csv.{ending}"
    if ending == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("t.csv", TEXT)
    else:
        path.write_bytes({"bz2": bz2, "xz": lzma, "gz": gzip}[ending].compress(TEXT))
    return path


@pytest.mark.parametrize("ending", ["zip", "bz2", "xz"])
def test_what_unpacks_to_no_end_is_refused(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _packed(tmp_path, ending)
    source = open_source(path, TableSection())
    assert source.run(source.table.count()).as_py() == 200_000
    source.close()
    monkeypatch.setattr(unpacked, "FREE", 1_200_000)
    monkeypatch.setattr(unpacked, "TIMES", 2)
    with pytest.raises(InputError, match=rf"t\.csv\.{ending}: unpacks to over 2 times its size"):
        open_source(path, TableSection())


def test_a_stream_that_the_engine_unpacks_is_counted_and_never_held(tmp_path: Path) -> None:
    source = open_source(_packed(tmp_path, "gz"), TableSection())
    assert source.run(source.table.count()).as_py() == 200_000
    source.close()
