"""A check is data: what was looked at, of whom, what was found, and whether that is as it should be.

No check holds a sentence. Its sentence is made at the edge, from its code and its facts, by the words of a language.
"""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

Fact = str | int | float | bool | tuple["Fact", ...]
COLUMNS = ("code", "model", "group", "value", "conf_low", "conf_high", "bound", "ok", "note", "facts")
NAN = math.nan


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    code : str
        What: a stable name such as ``support``.
    model : str
        Whose, as in the estimates table; empty where it is no model's.
    group : str
        Of whom, as in the estimates table: ``worst``, ``best``, ``all``, a level, a set of levels; empty where it is
        of nobody in particular. The other side of a contrast is the fact ``reference``.
    value, low, high : float
        What was found, and its interval; NaN where there is none.
    bound : float
        What the value is held against; NaN where it is held against nothing.
    passed : bool or None
        Whether that is as it should be; None where nothing is judged.
    facts : mapping of str to Fact
        Everything else that tells it apart or that its sentence says: ``reference``, ``adjusted``, ``stratum``,
        ``scenario``, ``horizon``, ``unit``, …; ``case`` where a code has several sentences.
    """

    code: str
    model: str = ""
    group: str = ""
    value: float = NAN
    low: float = NAN
    high: float = NAN
    bound: float = NAN
    passed: bool | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def get(self, name: str) -> object:
        """Give a field or a fact; an empty text for a fact that it has not."""
        return getattr(self, name) if name in _FIELDS else self.facts.get(name, "")


_FIELDS = frozenset(Check.__dataclass_fields__) - {"facts"}


def matching(checks: Iterable[Check], **where: object) -> list[Check]:
    """Keep the checks whose fields and facts have these values; a tuple or a set means any of them.

    Examples
    --------
    >>> found = [Check("support", "means", "best", 0.8, facts={"reference": "worst"}), Check("sparse", group="2")]
    >>> [check.value for check in matching(found, code="support", reference="worst")]
    [0.8]
    """
    wanted = {name: value if isinstance(value, tuple | set) else (value,) for name, value in where.items()}
    return [check for check in checks if all(check.get(name) in values for name, values in wanted.items())]


def once(checks: Iterable[Check]) -> tuple[Check, ...]:
    """Keep the first of those that look at the same thing: equal in code, model, group and facts."""
    first: dict[tuple[str, ...], Check] = {}
    for check in checks:
        first.setdefault((check.code, check.model, check.group, facts_text(check.facts)), check)
    return tuple(first.values())


def check_table(checks: Iterable[Check], note: Callable[[Check], str]) -> pd.DataFrame:
    """Set checks out as ``diagnostics.csv`` has them, one row a check.

    Parameters
    ----------
    checks : iterable of Check
        What was looked at.
    note : callable
        Makes the sentence of a check.

    Returns
    -------
    DataFrame
        With the columns `COLUMNS`; ``ok`` is true, false or missing.
    """
    rows = [
        (c.code, c.model, c.group, c.value, c.low, c.high, c.bound, c.passed, note(c), facts_text(c.facts))
        for c in checks
    ]
    numbers = ("value", "conf_low", "conf_high", "bound")
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(numbers, float))
    table["ok"] = table["ok"].astype("boolean")
    return table


def checks_of(table: pd.DataFrame) -> tuple[Check, ...]:
    """Make the checks of a table again, as `check_table` set them out: the sentences are left out.

    Parameters
    ----------
    table : DataFrame
        With the columns `COLUMNS`, ``ok`` as true, false or missing.
    """
    rows: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    return tuple(
        Check(
            row["code"], row["model"], row["group"], row["value"], row["conf_low"], row["conf_high"], row["bound"],
            None if pd.isna(row["ok"]) else bool(row["ok"]),
            {name: _fact(value) for name, value in json.loads(row["facts"]).items()},
        )
        for row in rows
    )  # fmt: skip


def _fact(value: Any) -> Fact:
    if isinstance(value, list):
        return tuple(_fact(one) for one in value)
    if value is None:
        return NAN
    # an infinite number is written as text
    fact: Fact = float(value) if value in ("inf", "-inf") else value
    return fact


def facts_text(facts: Mapping[str, Fact]) -> str:
    """Write facts as JSON: sorted by name, numbers in ten significant digits, null for no number."""
    return json.dumps({name: _plain(facts[name]) for name in sorted(facts)}, ensure_ascii=False)


def _plain(fact: Fact) -> object:
    if isinstance(fact, tuple):
        return [_plain(one) for one in fact]
    if isinstance(fact, float):
        return float(f"{fact:.10g}") if math.isfinite(fact) else None if math.isnan(fact) else str(fact)
    return fact
