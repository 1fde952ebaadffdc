"""A simulated cohort as three files: the table, its spec and its truth."""

import datetime
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from cxlink.cohort.errors import InputError
from cxlink.estimands.csv_tables import csv_text
from cxlink.estimands.tidy import KEY
from cxlink.report.words import say
from cxlink.study.simulate import Simulated, simulate
from cxlink.study.truth import checked_design


def write_simulated(
    design: str,
    n: int,
    seed: int,
    path: Path,
    *,
    scores: bool = False,
    waves: int = 1,
    accounts: int | None = None,
) -> tuple[Path, Path, Path]:
    """Simulate a cohort and write FILE, FILE.toml and FILE.truth.csv; all three or none.

    Parameters
    ----------
    design : str
        ``subscription`` or ``transaction``.
    n, seed : int
        Customers in the base, and the seed.
    path : Path
        Ends in ``.parquet`` or ``.csv``; none of the three may exist.
    scores : bool
        Whether to add further scores.
    waves : int
        Surveys sent to each customer.
    accounts : int, optional
        Accounts that the customers belong to.

    Raises
    ------
    InputError
        If the design, the number or the ending is none, or a file is in the way.
    """
    if path.suffix not in (".parquet", ".csv"):
        raise InputError(f"{path.name}: --out must end in .parquet or .csv.")
    paths = (path, path.with_name(path.name + ".toml"), path.with_name(path.name + ".truth.csv"))
    for each in paths:
        if each.exists():
            raise InputError(f"{each}: exists already. Choose another --out.")
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}. Make it first.")
    made = simulate(checked_design(design), n, seed, scores=scores, waves=waves, accounts=accounts)
    written: list[Path] = []
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial{path.suffix}")
    try:
        _write_table(made, partial)
        comment = say("study.simulated_spec", design=design, n=n, seed=seed)
        spec_text = f"# {comment}\n{toml_text(made.spec)}"
        written.append(paths[1])
        paths[1].write_text(spec_text, encoding="utf-8", newline="\n")
        truth = made.truth[[*KEY, "estimate", "unit"]]
        written.append(paths[2])
        paths[2].write_text(csv_text(truth), encoding="utf-8", newline="")
        partial.rename(path)
    except BaseException as error:
        for each in written:
            _remove(each)
        if isinstance(error, OSError):
            raise InputError(f"{path}: cannot be written ({error.strerror}).") from None
        raise
    finally:
        _remove(partial)
    return paths


def _remove(path: Path) -> None:
    """Remove a file that was begun; where the place cannot be written to, there is none."""
    with suppress(OSError):
        path.unlink()


def _write_table(made: Simulated, path: Path) -> None:
    table = made.table.copy()
    for name in [name for name in table if "date" in str(name)]:
        table[name] = table[name].dt.date
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False, lineterminator="\n")


def toml_text(tables: dict[str, Any]) -> str:
    """Write a spec's tables as TOML."""
    parts = []
    for section, keys in tables.items():
        parts.append(f"[{section}]")
        parts += [f"{key} = {_value(value)}" for key, value in keys.items()]
        parts.append("")
    return "\n".join(parts)


def _value(value: Any) -> str:
    import json

    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, datetime.date | str):
        return json.dumps(str(value), ensure_ascii=False)
    return repr(value)
