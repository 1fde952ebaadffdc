"""Profile of a cohort: rows read, used and excluded, and notes on them."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Profile:
    """Rows of a table: read, used and excluded.

    Attributes
    ----------
    table : str
        Name of the table, without its folder.
    rows_read, rows_used : int
        Rows in the table, and customers in the counts.
    dropped : dict of str to int
        Reasons of exclusion, and how many rows each.
    notes : tuple of str
        Whole sentences about odd but valid input, in the order of the rules.
    clock : str
        Unit and time origin of durations: ``months since the score``.
    fingerprint : str
        SHA-256 of the sorted raw cells: the same table gives the same one in any order of rows.
    """

    table: str
    rows_read: int
    rows_used: int
    dropped: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    clock: str = ""
    fingerprint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The profile as JSON-ready values."""
        return {**asdict(self), "notes": list(self.notes)}
