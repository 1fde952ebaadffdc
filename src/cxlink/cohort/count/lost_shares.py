"""Whether some rows are of customers who were lost more often, or less, than the others: chosen by the outcome."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cxlink.cohort.read import columns, dates
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

CHANCE = 0.01
"""Probability (Fisher's exact test) under which two shares of lost customers are not called equal."""
_NEARLY_ALL = 0.9
"""Share of the rows whose outcome must be readable, for a share lost to be of all of them."""


@dataclass(frozen=True, slots=True)
class LostShares:
    """Customers with a score inside a set of rows and outside it, and how many of them were lost.

    Attributes
    ----------
    n, lost : int
        Customers inside whose outcome is readable, and the lost ones of them.
    n_others, lost_others : int
        The same outside.
    unread : int
        Customers inside whose outcome is not readable.
    """

    n: int = 0
    lost: int = 0
    n_others: int = 0
    lost_others: int = 0
    unread: int = 0

    @property
    def readable(self) -> bool:
        """Whether the outcome of nearly all customers inside is readable."""
        return self.n >= _NEARLY_ALL * (self.n + self.unread)

    @property
    def unlike(self) -> bool:
        """Whether the two shares differ by more than chance (Fisher's exact test, two-sided)."""
        from scipy.stats import fisher_exact

        inside, outside = (
            (self.lost, self.n - self.lost),
            (self.lost_others, self.n_others - self.lost_others),
        )
        return bool(fisher_exact([inside, outside]).pvalue < CHANCE)

    @property
    def moved(self) -> float:
        """What leaving them out adds to the share lost; 0 where nobody is left on either side."""
        if not self.n or not self.n_others:
            return 0.0
        return self.lost_others / self.n_others - self._share

    @property
    def error(self) -> float:
        """Standard error of the share lost outside, were both shares equal."""
        return math.sqrt(self._share * (1 - self._share) / max(self.n_others, 1))

    @property
    def _share(self) -> float:
        return (self.lost + self.lost_others) / max(self.n + self.n_others, 1)

    def facts(self) -> dict[str, int]:
        """Its four numbers, as facts of a check."""
        return {"n": self.n, "lost": self.lost, "n_others": self.n_others, "lost_others": self.lost_others}

    def smaller_than(self, smallest: int) -> bool:
        """Whether one of the four cells has customers, and fewer than may be published."""
        cells = (self.lost, self.n - self.lost, self.lost_others, self.n_others - self.lost_others)
        return any(0 < cell < smallest for cell in cells)


def gone_key(source: Source, spec: CohortSpec) -> Any:
    """Give 1 where a row says that its customer was lost after the score, 0 where not, nothing where it does not say.

    It needs no other column than the event; of dates the end, against the survey and the end of observation where
    these are given.
    """
    import ibis

    sub = spec.subscription
    assert sub is not None
    if not sub.dated:
        event = columns.yes_no(columns.raw(source, str(sub.event), "event"), spec.table)
        return event.isin([0, 1]).ifelse(event, None).cast("int64")
    end, survey = dates.day(source, str(sub.end), "end"), dates.day(source, str(sub.survey), "survey")
    until = dates.day_or_column(source, str(sub.observed_until), "observed_until")
    unread = columns.is_given(columns.raw(source, str(sub.end), "end")) & end.isnull()
    outside = (survey > until).fill_null(False) | (survey > end).fill_null(False)
    lost = end.notnull() & ~(end > until).fill_null(False)
    return ibis.cases((unread | outside, None), else_=columns.as_one(lost))


def lost_shares(source: Source, rows: Any, inside: Any) -> LostShares:
    """Count the customers with a score inside a set of rows and outside it, by what became of them.

    Parameters
    ----------
    source : Source
        Runs the query.
    rows : ibis table
        With the columns ``score`` and ``gone``.
    inside : ibis column
        Whether each row is in the set.
    """
    marked = rows.select(score=rows.score, gone=rows.gone, inside=columns.as_one(inside.fill_null(False)))
    scored = marked.filter(marked.score.notnull())
    found = source.run(scored.group_by("inside", "gone").aggregate(n=scored.count())).to_pylist()
    n: Mapping[tuple[int, int | None], int] = {(row["inside"], row["gone"]): row["n"] for row in found}
    stayed, lost, stayed_others, lost_others = (n.get((i, gone), 0) for i in (1, 0) for gone in (0, 1))
    return LostShares(stayed + lost, lost, stayed_others + lost_others, lost_others, n.get((1, None), 0))
