"""One case tried: what the package makes of it, beside what plain loops make of it."""

import re
import tempfile
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
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
from validation.fuzz.case import Case
from validation.fuzz.compared import difference
from validation.fuzz.drawn_case import drawn
from validation.fuzz.drawn_surveys import joined
from validation.fuzz.own_counting import Expected, counted
from validation.fuzz.own_reading import emptied
from validation.fuzz.own_rows import strata
from validation.fuzz.second_tables import stored_beside
from validation.fuzz.stored import Columns, Stored
from validation.fuzz.writers import READERS

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
        further = _second_tables(case, stored, folder)
        before = sorted(folder.rglob("*"))
        try:
            verdict, detail = _judged(case, stored, further, analysed)
        finally:
            stored.close()
        if sorted(folder.rglob("*")) != before:
            verdict, detail = "wrong", f"left behind: {set(folder.rglob('*')) - set(before)}"
    return Outcome(seed, case.reader, verdict, detail)


def _second_tables(case: Case, stored: Stored, folder: Path) -> dict[str, Columns]:
    """Store the tables of contacts and of surveys, and put their names into the spec."""
    stands: dict[str, Columns] = {}
    for section, key, columns in (
        ("touchpoints", "table", case.contacts),
        ("table", "surveys", case.surveys),
    ):
        place = case.spec.get(section)
        if columns is not None and isinstance(place, dict) and key in place:
            place[key], stands[section] = stored_beside(case, stored, folder, columns, key)
    return stands


def expectation(case: Case, stored: Stored, further: Mapping[str, Columns]) -> Expected:
    """What plain loops make of a case."""
    if case.spoilt:
        return Expected(refused=f"spec: {case.spoilt}")
    spec = {**case.spec, "table": {**case.spec.get("table", {}), **stored.keys}}
    if len(set(stored.names)) < len(stored.names):
        return Expected(refused="two columns of one name")
    codes = spec["table"].get("missing")
    codes = {name: one for name, one in codes.items() if name != "*"} if isinstance(codes, dict) else {}
    if set(codes) - {*stored.names} - {*further.get("table", {})}:
        return Expected(refused="codes of a column that is not there")
    stands, further = (
        _without_codes(stored.columns, codes),
        {key: _without_codes(one, codes) for key, one in further.items()},
    )
    rows, names, notes = _rows(stands), [*stored.names], {}
    if "table" in further:
        on = spec["table"]["on"]
        if on not in names:
            return Expected(refused="no column of ids")
        rows, unmatched, refused = joined(rows, further["table"], on)
        if refused or ({*further["table"]} - {on}) & {*names}:
            return Expected(refused=refused or "a column stands in both tables")
        names += [name for name in further["table"] if name != on]
        notes = {"surveys_unmatched": unmatched} if unmatched else {}
    found = counted(rows, spec, names, case.drop_invalid, _rows(further.get("touchpoints", {})))
    found.notes |= notes
    return found


def _without_codes(columns: Columns, codes: Mapping[str, Sequence[str]]) -> Columns:
    return {name: [emptied(cell, codes.get(name, ())) for cell in cells] for name, cells in columns.items()}


def _rows(columns: Columns) -> list[dict[str, Any]]:
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _judged(case: Case, stored: Stored, further: Mapping[str, Columns], analysed: float) -> tuple[str, str]:
    expected = expectation(case, stored, further)
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
    differs = difference(found, expected, strata(case.spec))
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
