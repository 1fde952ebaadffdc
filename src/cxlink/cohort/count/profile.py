"""Profile of a cohort: rows read, used and excluded, and what is odd about its input, as data."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from cxlink.checks import Fact, facts_text


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to say of a table: rows that were excluded, or odd but valid input.

    Attributes
    ----------
    code : str
        What: a stable name such as ``later_survey``.
    n : int
        Of how many rows or customers.
    facts : mapping of str to Fact
        What else its sentence says.
    """

    code: str
    n: int = 0
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Profile:
    """Rows of a table: read, used and excluded.

    Attributes
    ----------
    table : str
        Name of the table, without its folder.
    rows_read, rows_used : int
        Rows in the table, and customers in the counts.
    dropped : tuple of Remark
        Why rows were excluded, and how many.
    notes : tuple of Remark
        Odd but valid input, in the order of the rules.
    fingerprint : str
        SHA-256 of the cells: the same table gives the same one in any order of rows and from any reader.
    """

    table: str
    rows_read: int
    rows_used: int
    dropped: tuple[Remark, ...] = ()
    notes: tuple[Remark, ...] = ()
    fingerprint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The profile as JSON-ready values; `profile_from` reads them back."""
        return asdict(self)


def number_of_rows(dropped: Iterable[Remark]) -> int:
    """Give the number of rows that were excluded, for whatever reason."""
    return sum(one.n for one in dropped)


def together(*several: Iterable[Remark]) -> tuple[Remark, ...]:
    """Add up the numbers of remarks of several tables that are equal in code and facts."""
    totals: dict[tuple[str, str], Remark] = {}
    for one in (remark for remarks in several for remark in remarks):
        key = (one.code, facts_text(one.facts))
        totals[key] = replace(one, n=totals[key].n + one.n) if key in totals else one
    return tuple(totals.values())


def profile_from(record: Mapping[str, Any]) -> Profile:
    """Read what `Profile.as_dict` gave, or an earlier version that wrote reasons and notes as sentences."""
    dropped, notes = record["dropped"], record["notes"]
    if isinstance(dropped, Mapping):
        dropped = [{"code": "invalid", "n": n, "facts": {"rule": why}} for why, n in dropped.items()]
    notes = [{"code": "as_written", "facts": {"text": one}} if isinstance(one, str) else one for one in notes]
    return Profile(
        record["table"], record["rows_read"], record["rows_used"], tuple(map(_remark, dropped)),
        tuple(map(_remark, notes)), record["fingerprint"],
    )  # fmt: skip


def _remark(record: Mapping[str, Any]) -> Remark:
    facts = {name: _fact(fact) for name, fact in record["facts"].items()}
    return Remark(record["code"], record.get("n", 0), facts)


def _fact(fact: Any) -> Fact:
    return tuple(map(_fact, fact)) if isinstance(fact, list) else fact
