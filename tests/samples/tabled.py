"""Small tables and specs that the tests of cohorts share."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.cohort.table import read_cohort

SCORE = {"score": {"column": "score", "scale": "1-10"}}
STAY = {"subscription": {"duration": "months", "event": "lost"}}
DATES = {"survey": "survey", "end": "end", "observed_until": "2026-06-30"}
DROP = "or drop them with --drop-invalid."
PERIODS = "must be a number of months from 0 to 2,400 in every row with a score."
CSV = b"score,months,lost\n5,3,1\n6,4,0\n"


def spec(*sections: dict[str, Any], **more: Any) -> CohortSpec:
    """A spec of these sections, later ones over earlier ones, key by key; a score from 1 to 10 unless they say."""
    tables: dict[str, dict[str, Any]] = {"score": dict(SCORE["score"])}
    for section in (*sections, more):
        for name, keys in section.items():
            tables[name] = {**tables.get(name, {}), **keys}
    return make_spec(tables)


def count(table: Any, /, *sections: dict[str, Any], **more: Any) -> Counts:
    """Counts of a table under a spec of these sections; of durations where they do not say."""
    if not any("subscription" in part or "spend" in part for part in (*sections, more)):
        sections = (STAY, *sections)
    return read_cohort(table, spec(*sections, **more)).count()


def cells(counts: Counts, *columns: str) -> dict[Any, int]:
    """Customers by score, entry, exit and cause, or by other columns."""
    names = list(columns or ("score", "entry", "exit", "cause"))
    shown = counts.cells.assign(
        score=counts.cells["score"].astype(object).where(counts.cells["score"].notna(), None)
    )
    found: dict[Any, int] = {}
    for *key, n in shown[[*names, "n"]].itertuples(index=False, name=None):
        known = tuple(key) if len(key) > 1 else key[0]
        found[known] = found.get(known, 0) + n
    return found


def stay(score: list[Any], months: list[Any], lost: list[Any], **more: list[Any]) -> pd.DataFrame:
    """A table of scores, durations and losses."""
    return pd.DataFrame({"score": score, "months": months, "lost": lost, **more})


TABLE = stay(
    [5, 7, None, 10, 5],
    [3, 2.5, 1, 4, 3],
    [1, 0, 1, 0, 1],
    plan=["a", "b", "a", None, "Zoë"],
    age=[29, 30, 51, None, 49],
    spent=[12.5, 0, 1000000.25, 99.99, 1234.5],
)


def whole(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with its whole numbers as such, for text."""
    return frame.assign(score=frame["score"].astype("Int64"), age=frame["age"].astype("Int64"))


def write_csv(path: Path, **how: Any) -> Path:
    """Write the table as text, in some layout."""
    whole(TABLE).to_csv(path, index=False, **how)
    return path


def refusal(table: Any, *sections: dict[str, Any], **more: Any) -> str:
    """What is said of a table that is refused, in one line."""
    with pytest.raises(InputError) as refused:
        count(table, *sections, **more)
    message = str(refused.value)
    assert message.isprintable()
    assert message.endswith((".", "?"))
    return message
