"""One entry of what is tried, and how rows are set beside their truths."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxlink.cohort.count.counts import Counts
from validation.printed.planted_law import PlantedLaw, counts_of, drawn, planted_laws, spec_of

Row = dict[str, Any]
Rows = Callable[[str, int, np.random.Generator], Iterable[Row]]
SMALL = 1_500
SIZES = (SMALL, 20_000, 1_000_000)
FEWER = 400


@dataclass(frozen=True, slots=True)
class Entry:
    """Estimands that one function makes.

    Attributes
    ----------
    name, about : str
        A word, and what the rows are.
    rows : callable
        Draws a cohort of a law, and gives every row that has a truth, with it.
    laws : tuple of str
        Which laws' cohorts.
    cohorts : int
        Cohorts of a cell: `FEWER` where one takes over half a second.
    sizes : tuple of int
        Customers with a score.
    lower_limit_only : bool
        Whether what is printed reaches beyond follow-up: coverage, over truths drawn at random, has no upper limit.
    """

    name: str
    about: str
    rows: Rows
    laws: tuple[str, ...]
    cohorts: int = 1_000
    sizes: tuple[int, ...] = SIZES
    lower_limit_only: bool = False


def joined(rows: Iterable[Row], truths: Iterable[Row]) -> Iterator[Row]:
    """Set rows beside truths by what identifies them; what has no truth, or no interval, is left out."""
    known = {_key(row): row["truth"] for row in truths}
    for row in rows:
        key = _key(row)
        if key in known and np.isfinite(row.get("conf_low", np.nan)):
            estimand, group, reference, scenario, model = key
            yield {
                **{name: row.get(name, np.nan) for name in ("estimate", "std_error", "conf_low", "conf_high", "n")},
                "estimand": estimand, "group": group, "reference": reference, "scenario": scenario, "model": model,
                "adjusted": "", "truth": known[key],
            }  # fmt: skip


def _key(row: Row) -> tuple[str, str, str, str, str]:
    """Estimand, group, reference, the rest in words, and the model where it is a line."""
    group = row.get("group") or row.get("category") or "all"
    where = [f"{name}={row[name]}" for name in ("horizon", "cause", "given") if _given(row.get(name))]
    where += [
        str(row[name]) for name in ("scenario", "version", "adjusted") if row.get(name) and _told(row, name)
    ]
    line = "line" if row.get("model") == "line" else ""
    name = row.get("estimand") or row.get("metric") or ""
    return str(name), str(group), str(row.get("reference") or ""), " ".join(where), line


def _given(value: Any) -> bool:
    return bool(value) and not (isinstance(value, float) and np.isnan(value))


def _told(row: Row, name: str) -> bool:
    return name != "adjusted" or row[name] != "standardised"


def seeded(rng: np.random.Generator) -> int:
    """Draw a seed of an analysis."""
    return int(rng.integers(2**31))


def drawn_cohort(law: str, n: int, rng: np.random.Generator) -> tuple[PlantedLaw, Counts]:
    """Draw a cohort of a law."""
    asked = planted_laws()[law]
    return asked, counts_of(asked, n, spec_of(asked, seeded(rng)), drawn(rng))


def standardised(rows: Iterable[Row]) -> list[Row]:
    """Keep the standardised rows of the whole cohort."""
    return [row for row in rows if row.get("adjusted") == "standardised" and not row.get("stratum")]
