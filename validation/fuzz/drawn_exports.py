"""Cases written as products export them: amounts of bookkeeping, per cent, answers in words, codes of a column."""

import datetime
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

Spec = dict[str, dict[str, Any]]
SHARE = 0.25
"""Of the cases that could have it."""
_LABELS = ("awful", "Poor", "so so", "Quite  good", "good", "Very good", "excellent", "superb")
_ENDS = ("worst", "best")


def into_exports(spec: Spec, columns: dict[str, list[Any]], seed: int) -> list[str]:
    """Write some cases as exports, by streams of numbers of their own.

    Parameters
    ----------
    spec : dict
        Of the case; its score may gain ``labels`` or another scale, its table ``missing``.
    columns : dict of str to list
        Its cells by column, some of which are rewritten.
    seed : int
        Of the case.

    Returns
    -------
    list of str
        What was done.
    """
    ways: dict[str, Callable[[Spec, dict[str, list[Any]], Random], bool]] = {
        "labels": _into_labels, "per cent": _into_shares, "amounts": _into_bookkeeping, "codes": _into_codes,
    }  # fmt: skip
    draws = {name: Random(f"{name} of {seed}") for name in ways}
    return [
        name for name, way in ways.items() if draws[name].random() < SHARE and way(spec, columns, draws[name])
    ]


def _into_labels(spec: Spec, columns: dict[str, list[Any]], random: Random) -> bool:
    """Answers in words, in capitals or not, with more blanks or not; a few stay numbers."""
    section = spec["score"]
    low, _, high = section["scale"].rpartition("-")
    levels, cells = range(int(low), int(high) + 1), columns[section["column"]]
    if section.get("round") or len(levels) > len(_LABELS) or not _whole(cells):
        return False
    words = dict(zip(levels, _LABELS, strict=False))
    shapes: tuple[Callable[[str], Any], ...] = (
        str,
        str.upper,
        lambda word: f" {word.replace(' ', '  ')}\u00a0",
    )
    columns[section["column"]] = [
        None if cell is None else cell if random.random() < 0.1 else random.choice(shapes)(words[int(cell)])
        for cell in cells
    ]
    section["labels"] = list(words.values())
    return True


def _into_shares(spec: Spec, columns: dict[str, list[Any]], random: Random) -> bool:
    """A score from 0 to 100 in per cent; bands and the control likewise."""
    section, done = spec["score"], False
    if section["scale"] == "0-10" and "labels" not in section and _whole(columns[section["column"]]):
        for end in _ENDS:
            section.pop(end, None)
        section["scale"] = "0-100"
        columns[section["column"]] = [
            None
            if cell is None
            else random.choice([f"{int(cell) * 10}%", f"{int(cell) * 10} %", int(cell) * 10])
            for cell in columns[section["column"]]
        ]
        done = True
    for name in (spec.get("control", {}).get("column"), *spec.get("adjust", {}).get("bands", {})):
        if name in columns and _numbers(columns[name]):
            columns[name] = [
                f"{cell}%" if isinstance(cell, int) and random.random() < 0.5 else cell
                for cell in columns[name]
            ]
            done = True
    return done


def _into_bookkeeping(spec: Spec, columns: dict[str, list[Any]], random: Random) -> bool:
    """Whole amounts with a mark, in brackets, with the minus behind, without cents; as ``[table]`` has its decimals."""
    spend, done = spec.get("spend", {}), False
    currency = spend.get("currency", "EUR") if spend else ""
    mark = "€" if currency == "EUR" else currency
    point = spec.get("table", {}).get("decimal", ".")
    named = (spend.get("column"), spec.get("value", {}).get("margin"), spec.get("control", {}).get("column"))
    for name in dict.fromkeys(named):
        if name in columns and _numbers(columns[name]):
            columns[name] = [_written(cell, mark, point, random) for cell in columns[name]]
            done = True
    return done


def _written(cell: Any, mark: str, point: str, random: Random) -> Any:
    """An amount in one of the ways in which it can be read; now and then one in which it cannot."""
    if not isinstance(cell, int) or isinstance(cell, bool):
        return cell
    size = str(abs(cell))
    before = ("-{0}", "({0})", "{0}-", "−{0}", "- {0}", "{1} ({0})", "({1}{0})", "{0} {1}-", "-{1}\u00a0{0}")
    above = ("{0}", "{1}{0}", "{1} {0}", "{0} {1}", "{0}{2}-", "{1} {0}{2}--", "\u2009{0}\u00a0", "+{0}")
    odd = ("{0} CR", "--{0}", "({0})-", "{0}-1", "(-{0})", "{0}%", "()")
    return random.choice(odd if random.random() < 0.01 else before if cell < 0 else above).format(
        size, mark, point
    )


def _into_codes(spec: Spec, columns: dict[str, list[Any]], random: Random) -> bool:
    """Codes that stand for nothing in one column, some cell of it and one that it has not; beside a list or not."""
    section, sub = spec["score"], spec.get("subscription", {})
    named = [
        section["column"],
        spec.get("spend", {}).get("column"),
        sub.get("end"),
        *spec.get("adjust", {}).get("columns", ()),
    ]
    codes: dict[str, list[str]] = {}
    for name in named:
        cells = [cell for cell in columns.get(name, ()) if cell is not None]
        if cells and random.random() < 0.5:
            codes[name] = [_code(random.choice(cells)), random.choice(["-1", "99", "n/a", "0000-00-00"])]
    table = spec.get("table", {})
    listed = table.get("missing")
    if not codes or not (listed is None or isinstance(listed, list)):
        return False
    every: Mapping[str, list[str]] = {"*": listed} if listed is not None else {}
    spec.setdefault("table", {})["missing"] = {**every, **codes}
    return True


def _code(cell: Any) -> str:
    return cell.date().isoformat() if isinstance(cell, datetime.datetime) else str(cell)


def _whole(cells: list[Any]) -> bool:
    return all(cell is None or (isinstance(cell, int) and not isinstance(cell, bool)) for cell in cells)


def _numbers(cells: list[Any]) -> bool:
    return all(
        cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool)) for cell in cells
    )
