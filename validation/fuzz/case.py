"""A case of the fuzzer: a table, how it is stored, and a spec; and words for its cells."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

Columns = dict[str, list[Any]]


WORDS = (
    "basic", "pro", "Zoë", " pro ", "PRO", "", " ", "(missing)", "NA", '=HYPERLINK("http://x")', "+1+1", "@SUM(A1)",
    "\x1b[31mred", "bell\x07", "\u202egnp.exe", "a,b", "a;b", 'say "so"', "l" * 300, "two\nlines", "<b>", "1", "01",
    "price=high", "{0}", "50 %", "日本", "#import \"x\"", "$x$", "-", "null", "'",
)  # fmt: skip


@dataclass
class Case:
    """A table, how it is stored, and a spec.

    Attributes
    ----------
    seed : int
        All of it follows from this.
    reader : str
        Which of `writers.READERS` stores it.
    columns : dict of str to list
        Cells by column.
    spec : dict
        Sections of the spec.
    spoilt : str
        What was made invalid in the spec; empty where nothing was.
    twin : str
        A second column of an existing name, put last; empty for none.
    drop_invalid : bool
        Whether rows that break a rule are left out.
    contacts, surveys : dict of str to list, or None
        Cells of a second table by column; None where there is none.
    random : Random
        For what is drawn while it is written.
    """

    seed: int
    reader: str
    columns: Columns
    spec: dict[str, dict[str, Any]]
    random: Random
    spoilt: str = ""
    twin: str = ""
    drop_invalid: bool = False
    names: list[str] = field(default_factory=list)
    contacts: Columns | None = None
    surveys: Columns | None = None

    @property
    def n(self) -> int:
        """Rows."""
        return len(next(iter(self.columns.values())))

    def name(self) -> str:
        """A name that no column has yet, capitals aside."""
        return self.names.pop()

    def add(self, cells: list[Any]) -> str:
        """Add a column, and give its name."""
        name = self.name()
        self.columns[name] = cells
        return name


def cells_of(case: Case, draw: Callable[[], Any], missing: float = 0.0) -> list[Any]:
    """Cells drawn one by one, some of them empty."""
    return [None if case.random.random() < missing else draw() for _ in range(case.n)]
