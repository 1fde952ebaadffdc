"""One case tried: what the package makes of it, beside what plain loops make of it."""

import re
import tempfile
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cxlink.analysis import analyse
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from validation.fuzz import own_counting
from validation.fuzz.drawn_case import Case, drawn
from validation.fuzz.own_counting import Expected, counted
from validation.fuzz.writers import READERS, Stored

_FAIL = re.compile(r"([0-9,]+) of ([0-9,]+) rows? fails?(?:, (?:the first )?in row ([0-9,]+))?")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case.

    Attributes
    ----------
    seed : int
        It is made again from this.
    reader : str
        How the table was stored.
    verdict : str
        ``counted`` or ``refused`` as it should be; else ``wrong`` (counts differ, or what is wrong was counted),
        ``unexplained`` (refused though nothing is wrong, or by more than one line) or ``crashed``.
    detail : str
        Of a refusal its message, of a fault what it is.
    """

    seed: int
    reader: str
    verdict: str
    detail: str = ""

    @property
    def good(self) -> bool:
        """Whether it is as it should be."""
        return self.verdict in ("counted", "refused")


def tried(seed: int, analysed: float = 0.0) -> Outcome:
    """Make a case and try it.

    Parameters
    ----------
    seed : int
        Of the case.
    analysed : float
        Share of the valid cases that are analysed too.
    """
    case = drawn(seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stored = READERS[case.reader](case, folder)
        before = sorted(folder.rglob("*"))
        try:
            verdict, detail = _judged(case, stored, analysed)
        finally:
            stored.close()
        if sorted(folder.rglob("*")) != before:
            verdict, detail = "wrong", f"left behind: {set(folder.rglob('*')) - set(before)}"
    return Outcome(seed, case.reader, verdict, detail)


def expectation(case: Case, stored: Stored) -> Expected:
    """What plain loops make of a case."""
    if case.spoilt:
        return Expected(refused=f"spec: {case.spoilt}")
    spec = {**case.spec, "table": {**case.spec.get("table", {}), **stored.keys}}
    if len(set(stored.names)) < len(stored.names):
        return Expected(refused="two columns of one name")
    rows: list[Mapping[str, Any]] = [
        dict(zip(stored.columns, cells, strict=True)) for cells in zip(*stored.columns.values(), strict=True)
    ]
    return counted(rows, spec, stored.names, case.drop_invalid)


def _judged(case: Case, stored: Stored, analysed: float) -> tuple[str, str]:
    expected = expectation(case, stored)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            found = _counts(case, stored)
        except InputError as refused:
            return _refusal(str(refused), expected)
        except Exception as error:
            return "crashed", _where(error)
        if warned:
            return "wrong", f"warned: {warned[0].message}"
    if expected.refused:
        return "wrong", f"counted, but: {expected.refused}"
    differs = difference(found, expected, own_counting.strata(case.spec))
    if differs:
        return "wrong", differs
    if case.random.random() < analysed:
        return _analysed(found)
    return "counted", ""


def _counts(case: Case, stored: Stored) -> Counts:
    tables: dict[str, Any] = dict(case.spec)
    if stored.keys and isinstance(tables.get("table", {}), dict):
        given = tables.get("table", {})
        # what was made invalid on purpose stays so
        tables["table"] = {**stored.keys, **given} if case.spoilt else {**given, **stored.keys}
    return read_cohort(stored.table, make_spec(tables), case.drop_invalid).count()


def _where(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "cxlink" in frame.filename]
    at = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__} at {at}: {' '.join(str(error).split())[:300]}"


def _refusal(message: str, expected: Expected) -> tuple[str, str]:
    """Judge a refusal: of one line, of something that is wrong, and of rows that are."""
    if not message.isprintable() or not message.endswith((".", "?")):
        return "unexplained", f"not one line: {message!r}"
    if not expected.refused:
        return "unexplained", f"valid, but: {message}"
    match = _FAIL.search(message)
    if match and expected.refused == "broken rows":
        n, of, row = (int(part.replace(",", "")) if part else None for part in match.groups())
        if of != expected.rows or not 1 <= (n or 0) <= len(expected.broken):
            return "wrong", f"{len(expected.broken)} of {expected.rows} rows break a rule, but: {message}"
        if (
            row is not None
            and row not in expected.broken
            and " of " not in message[match.end() :].split("(")[0]
        ):
            return "wrong", f"row {row} breaks no rule: {message}"
    return "refused", message


def difference(counts: Counts, expected: Expected, strata: list[str]) -> str:
    """How counts differ from what is expected; empty where they do not."""
    left_out: dict[str, int] = {}
    for one in counts.profile.dropped:
        left_out[one.code] = left_out.get(one.code, 0) + one.n
    if left_out != expected.left_out:
        return f"left out {left_out}, expected {expected.left_out}"
    if counts.profile.rows_read != expected.rows:
        return f"{counts.profile.rows_read} rows read, expected {expected.rows}"
    keys = ["score", *(f"stratum.{name}" for name in strata), "entry", "exit", "cause", "wave"]
    keys += ["touchpoint", "member", "previous", "bucket"]
    cells = counts.cells.assign(**{name: "" for name in keys if name not in counts.cells})
    found: dict[tuple[Any, ...], dict[str, float]] = {}
    sums = [name for name in cells if name not in keys]
    for record in cells.to_dict("records"):
        key = tuple(None if pd.isna(record[name]) else record[name] for name in keys)
        if key in found:
            return f"two cells of {key}"
        found[key] = {str(name): float(record[name]) for name in sums}
    if found.keys() != expected.cells.keys():
        more, fewer = found.keys() - expected.cells.keys(), expected.cells.keys() - found.keys()
        return f"cells {_some(more)}, expected {_some(fewer)}"
    for key, cell in expected.cells.items():
        if cell.keys() != found[key].keys():
            return f"columns {sorted(found[key])}, expected {sorted(cell)}"
        for name, value in cell.items():
            # amounts are added up in steps of 10^-8 or less
            if not np.isclose(found[key][name], value, rtol=1e-9, atol=1e-8 * cell["n"]):
                return f"{name} of {key} is {found[key][name]!r}, expected {value!r}"
    return ""


def _some(keys: Any) -> str:
    return str(sorted(keys, key=repr)[:3])


def _analysed(counts: Counts) -> tuple[str, str]:
    """Analyse counts: every estimate is a number, and inside its interval."""
    checks: dict[str, Callable[[pd.DataFrame], Any]] = {
        "no number": lambda t: t["estimate"].isna(),
        "interval turned around": lambda t: t["conf_low"] > t["conf_high"],
        "no probability": lambda t: (t["unit"] == "probability") & ~t["estimate"].between(-1, 1),
        "infinite error": lambda t: np.isinf(t["std_error"]),
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table = analyse(counts, models="quick").estimates
    except InputError as refused:
        return (
            ("counted", f"not analysed: {refused}") if str(refused).isprintable() else ("wrong", "many lines")
        )
    except Exception as error:
        return "crashed", f"analyse: {_where(error)}"
    for name, broken in checks.items():
        rows = table[broken(table)]
        if len(rows):
            row = rows.iloc[0]
            return (
                "wrong",
                f"analysed: {name}: {row['estimand']} {row['model']} {row['group']} {row['estimate']}",
            )
    return "counted", "analysed"
