"""Counts beside what plain loops make of the same rows: where they differ, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.driver_counts import DriverCounts
from cxlink.cohort.count.follow_up_counts import FollowUpCounts
from cxlink.cohort.count.journey_counts import JourneyCounts
from validation.fuzz.own_counting import Expected
from validation.fuzz.own_journey import Journey
from validation.fuzz.own_several import Several

Cells = Mapping[tuple[Any, ...], Mapping[str, float]]


def difference(counts: Counts, expected: Expected, strata: list[str]) -> str:
    """How counts differ from what is expected; empty where they do not."""
    left_out: dict[str, int] = {}
    for one in counts.profile.dropped:
        left_out[one.code] = left_out.get(one.code, 0) + one.n
    if left_out != expected.left_out:
        return f"left out {left_out}, expected {expected.left_out}"
    if counts.profile.rows_read != expected.rows:
        return f"{counts.profile.rows_read} rows read, expected {expected.rows}"
    codes = (
        "surveys_unmatched",
        "contacts_incomplete",
        "contacts_unknown",
        "contacts_unscored",
        "contacts_after",
    )
    notes = {one.code: one.n for one in counts.profile.notes if one.code in codes}
    if notes != expected.notes:
        return f"notes {notes}, expected {expected.notes}"
    columns = [f"stratum.{name}" for name in strata]
    keys = ["score", *columns, "entry", "exit", "cause", "wave", "touchpoint", "member", "previous", "bucket"]
    cells = counts.cells.assign(**{name: "" for name in keys if name not in counts.cells})
    return (
        _cells(cells, keys, expected.cells)
        or _named("by scores: ", _drivers(counts.drivers, expected.drivers, columns))
        or _named("by times: ", _follow_up(counts.follow_up, expected.follow_up, columns))
        or _named("metrics: ", _metrics(counts.metrics, expected.metrics))
        or _named("contacts: ", _journey(counts.journey, expected.journey, columns))
    )


def _named(of: str, differs: str) -> str:
    return of + differs if differs else ""


def _cells(table: pd.DataFrame, keys: Sequence[str], expected: Cells) -> str:
    """How the cells of a table differ from those that are expected."""
    found: dict[tuple[Any, ...], dict[str, float]] = {}
    sums = [name for name in table if name not in keys]
    for record in table.to_dict("records"):
        key = tuple(None if pd.isna(record[name]) else record[name] for name in keys)
        if key in found:
            return f"two cells of {key}"
        found[key] = {str(name): float(record[name]) for name in sums}
    if found.keys() != expected.keys():
        more, fewer = found.keys() - expected.keys(), expected.keys() - found.keys()
        return f"cells {_some(more)}, expected {_some(fewer)}"
    for key, cell in expected.items():
        if cell.keys() != found[key].keys():
            return f"columns {sorted(found[key])}, expected {sorted(cell)}"
        for name, value in cell.items():
            # amounts are added up in steps of 10^-8 or less
            if not np.isclose(found[key][name], value, rtol=1e-9, atol=1e-8 * cell["n"]):
                return f"{name} of {key} is {found[key][name]!r}, expected {value!r}"
    return ""


def _metrics(found: pd.DataFrame, expected: Cells) -> str:
    return _by_bucket(found, ["of", "variable", "level", "period", "score"], expected)


def _by_bucket(table: pd.DataFrame, keys: Sequence[str], expected: Cells) -> str:
    """As `_cells`, by the bucket too; empty where customers are independent."""
    buckets = table.assign(**({} if "bucket" in table else {"bucket": ""}))
    return _cells(buckets, [*keys, "bucket"], expected)


def _some(keys: Any) -> str:
    return str(sorted(keys, key=repr)[:3])


def _absent(found: object, expected: object) -> str | None:
    """What to say where one of them is not there; None where both are."""
    if found is not None and expected is not None:
        return None
    return "" if found is expected else f"there: {found is not None}, expected: {expected is not None}"


def _about(found: DriverCounts | FollowUpCounts, expected: Several) -> str:
    if found.left_out != expected.left_out:
        return f"{found.left_out} known after the outcome, expected {expected.left_out}"
    return (
        "" if found.horizon == expected.horizon else f"horizon {found.horizon}, expected {expected.horizon}"
    )


def _drivers(found: DriverCounts | None, expected: Several | None, strata: Sequence[str]) -> str:
    if found is None or expected is None:
        return _absent(found, expected) or ""
    answered = found.answered.to_dict("records")
    given = {
        (one["score"], one["given"]): {what: float(one[what]) for what in list(one)[2:]} for one in answered
    }
    for key, sums in expected.answered.items():
        if not np.allclose([given[key][what] for what in sums], list(sums.values()), rtol=1e-9):
            return f"{key} answered {given[key]}, expected {sums}"
    keys = [
        "score",
        *sorted({name for name, _ in expected.answered} - set(found.left_out)),
        *strata,
    ]
    return _about(found, expected) or _by_bucket(found.cells, keys, expected.cells)


def _follow_up(found: FollowUpCounts | None, expected: Several | None, strata: Sequence[str]) -> str:
    if found is None or expected is None:
        return _absent(found, expected) or ""
    others = sorted({name for name, _ in expected.answered} - set(found.left_out))
    keys, table = ["score", *others, *strata, "entry", "exit", "lost"], found.cells
    cells: Cells = expected.cells
    if not len(table):  # no further score is left, or there are too many cells
        return _about(found, expected)
    if found.merged:  # levels are merged for their number: what is left of the keys is compared
        keys = [name for name in keys if name not in others]
        table = table.drop(columns=others).groupby(keys, as_index=False).sum()
        cells = _without(expected.cells, len(others))
    return _about(found, expected) or _cells(table, keys, cells)


def _without(cells: Cells, n: int) -> Cells:
    """Add cells up over the further scores, which stand after the first key."""
    rolled: dict[tuple[Any, ...], dict[str, float]] = {}
    for key, sums in cells.items():
        short = (key[0], *key[1 + n :])
        rolled[short] = {"n": rolled.get(short, {"n": 0.0})["n"] + sums["n"]}
    return rolled


def _journey(found: JourneyCounts | None, expected: Journey | None, strata: Sequence[str]) -> str:
    if found is None or expected is None:
        return _absent(found, expected) or ""
    if found.touchpoints != expected.touchpoints or found.horizon != expected.horizon:
        return (
            f"{found.touchpoints} to {found.horizon}, expected {expected.touchpoints} to {expected.horizon}"
        )
    keys = [*(f"touchpoint.{name}" for name in found.touchpoints), *strata, "segment"]
    return (
        _by_bucket(found.cells, keys, expected.cells)
        or _by_bucket(found.contacts, ["touchpoint", "segment", "period", "score"], expected.contacts)
        or _by_bucket(found.paths, ["path", "last"], expected.paths)
    )
