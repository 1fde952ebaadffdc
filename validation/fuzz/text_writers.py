"""Text files: with rows around the header or none, packed or not, in one file or several."""

import bz2
import csv
import datetime
import io
import lzma
import math
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa

from validation.fuzz.stored import Columns, Stored, missing_of


def rows_around(seed: int, width: int) -> tuple[list[list[str]], list[list[str]], dict[str, Any]]:
    """Rows above the header and below it that are no customers, and ``[table] skip_rows`` that says so; mostly none."""
    random = Random(f"rows around the header of {seed}")
    if random.random() > 0.25 or not width:
        return [], [], {}
    titles: list[list[list[str]]] = [
        [],
        [["Customers of May"]],
        [["exported", "2024-05-01"], []],
        [[], []],
        [["a"] * width],
    ]
    above = random.choice(titles)
    texts = [[random.choice(["How, really?", 'the "score"', "two\nlines", "1"]) for _ in range(width)]]
    below = random.choice([[], [], texts, [*texts, ['{"ImportId":"q"}'] * width]])
    n = len(above)
    return above, below, {"skip_rows": [*range(1, n + 1), *range(n + 2, n + 2 + len(below))] if below else n}


def as_text(cell: Any, keys: Mapping[str, Any], random: Random) -> str:
    """Write a cell as ``[table]`` says."""
    if cell is None:
        return str(random.choice(list(missing_of(keys)))) if random.random() < 0.3 else ""
    if isinstance(cell, bool):
        return random.choice(["true", "True"]) if cell else random.choice(["false", "False"])
    if isinstance(cell, int | float) and math.isfinite(cell):
        text = str(cell) if abs(cell) < 1e15 else repr(cell)
        whole, dot, part = text.partition(".")
        mark = keys.get("thousands")
        if mark and whole.lstrip("-").isdigit() and "e" not in text:
            whole = f"{int(whole):,}".replace(",", mark) if whole not in ("-0",) else whole
        return whole + (keys.get("decimal", ".") if dot else "") + part
    if isinstance(cell, datetime.datetime):
        return cell.strftime(keys["date_format"]) if "date_format" in keys else cell.isoformat(" ")
    if isinstance(cell, datetime.date):
        if "date_format" in keys and cell.year >= 1000:
            return cell.strftime(keys["date_format"])
        return cell.isoformat()
    return str(cell)


def _csv(case: Any, folder: Path, ending: str = "csv", encoding: str = "utf-8") -> Stored:
    random, keys = case.random, case.spec.get("table", {})
    keys = keys if isinstance(keys, dict) else {}
    names = [*case.columns, *([case.twin] if case.twin else [])]
    text = {name: [as_text(cell, keys, random) for cell in cells] for name, cells in case.columns.items()}

    def fits(text: str) -> str:
        return text.encode(encoding, "replace").decode(encoding)

    text = {fits(name): [fits(cell) for cell in cells] for name, cells in text.items()}
    names = [fits(name) for name in names]
    delimiter = random.choice([",", ";", "\t", "|"])
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream, delimiter=delimiter, lineterminator=random.choice(["\n", "\r\n"]),
        quoting=random.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    )  # fmt: skip
    above, below, skipped = rows_around(case.seed, len(names))
    writer.writerows([*above, names, *([fits(cell) for cell in row] for row in below)])
    writer.writerows(zip(*(text[name] for name in names), strict=True))
    written = stream.getvalue().encode(encoding)
    if encoding == "utf-8" and random.random() < 0.2:
        written = b"\xef\xbb\xbf" + written
    path = folder / f"t.{ending}"
    _pack(path, written)
    stands = {
        name or f"unnamed_{at}": [None if cell in missing_of(keys) else cell for cell in text[name]]
        for at, name in enumerate(names)
    }
    more: dict[str, Any] = skipped if encoding == "utf-8" else {"encoding": encoding, **skipped}
    if (
        skipped
        or delimiter == keys.get("decimal")
        or any(set(name) & set(",;|\t") for name in names)
        or random.random() < 0.3
    ):
        more["delimiter"] = delimiter
    return Stored(path, [name or f"unnamed_{at}" for at, name in enumerate(names)], stands, more)


def _pack(path: Path, content: bytes) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("t.csv", content)
        return
    packs: dict[str, Callable[[bytes], bytes]] = {
        ".gz": lambda b: pa.compress(b, "gzip", asbytes=True), ".bz2": bz2.compress, ".xz": lzma.compress,
        ".zst": lambda b: _zst(b),
    }  # fmt: skip
    path.write_bytes(packs.get(path.suffix, bytes)(content))


def _zst(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue())


def text_file(ending: str, encoding: str = "utf-8") -> Callable[[Any, Path], Stored]:
    """Text files of an ending and an encoding."""
    return lambda case, folder: _csv(case, folder, ending, encoding)


def csv_folder(case: Any, folder: Path) -> Stored:
    """Several files in one folder."""
    place = folder / "parts"
    place.mkdir()
    half, names = case.n // 2, list(case.columns)
    parts = [
        {name: cells[rows] for name, cells in case.columns.items()}
        for rows in (slice(0, half), slice(half, None))
    ]
    stands: Columns = {}
    random, keys = case.random, case.spec.get("table", {})
    keys = keys if isinstance(keys, dict) else {}
    for at, part in enumerate(parts):
        text = {name: [as_text(cell, keys, random) for cell in cells] for name, cells in part.items()}
        with (place / f"{at}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(zip(*text.values(), strict=True))
        for i, name in enumerate(names):
            cells = [None if cell in missing_of(keys) else cell for cell in text[name]]
            stands.setdefault(name or f"unnamed_{i}", []).extend(cells)
    return Stored(place, list(stands), stands, {"delimiter": ","})
