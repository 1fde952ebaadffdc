"""The main results as a small table for a terminal: the numbers of page one, in its units."""

from collections.abc import Sequence

from cxlink.report.content import Material
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import NONE, coverage, interval, limit, periods, score, shared_digits, value, whole
from cxlink.report.sections.main_results import OUTCOMES, bound, headline, one_sided
from cxlink.report.words import say

_LINES = ("group", "reference", "difference", "ratio")


def headline_lines(m: Material) -> list[str]:
    """Give a block of lines for each outcome: both bands, their difference and their ratio, in aligned columns.

    Parameters
    ----------
    m : Material
        An analysis.

    Returns
    -------
    list of str
        A head, then for each outcome its name and up to four rows of label, estimate, interval and customers.
        Nothing where no outcome has a headline.
    """
    blocks = [(estimand, _cells(m, estimand)) for estimand in OUTCOMES]
    known = [(estimand, cells) for estimand, cells in blocks if cells]
    if not known:
        return []
    head = ("", "", say("terminal.head_interval", level=coverage(m.spec)), say("terminal.head_customers"))
    every = [head, *(row for _, cells in known for row in cells)]
    widths = [max(len(row[i]) for row in every) for i in range(len(head))]
    lines = [_line(head, widths)]
    for estimand, cells in known:
        lines += [_title(m, estimand), *(_line(row, widths) for row in cells)]
    return lines


def _cells(m: Material, estimand: str) -> list[tuple[str, ...]]:
    """Rows of an outcome: label, estimate, interval and customers; none where nothing of it is known."""
    found = headline(m, estimand)
    shared = shared_digits([found["group"], found["reference"], found["difference"]])
    rows: list[tuple[str, ...]] = []
    for name in _LINES:
        row = found[name]
        if row is not None:
            digits = None if name == "ratio" else shared
            label = (
                score(row.group, m.spec) if name in ("group", "reference") else say(f"terminal.row_{name}")
            )
            rows.append((label, *_numbers(row, digits), _customers(row)))
    return rows


def _numbers(row: Estimate, digits: int | None) -> tuple[str, str]:
    """Write an estimate and its interval, or the one limit that page one gives it."""
    kind = one_sided(row) if row.estimand == "retention" else ""
    if kind:
        return say(f"results.cell_{kind}_lost", n=row.n), bound(row)
    return value(row, digits), limit(row, digits) or interval(row, digits)


def _customers(row: Estimate) -> str:
    """Customers of a group; nothing beside a contrast, which has those of both sides."""
    if row.reference:
        return ""
    return NONE if row.n is None else whole(row.n)


def _title(m: Material, estimand: str) -> str:
    if estimand == "retention":
        return say("results.row_retention", after=periods(m.spec.horizon, m.spec.unit))
    if estimand == "spend" and m.spec.spend is not None:
        return say("results.row_spend", window=periods(m.spec.spend.window_months, "month"))
    known = [row for row in headline(m, estimand).values() if row is not None]
    return say("results.row_tenure", horizon=periods(known[0].horizon or m.spec.horizon, m.spec.unit))


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    label, *numbers = (
        text.ljust(width) if i == 0 else text.rjust(width)
        for i, (text, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([f"  {label}", *numbers]).rstrip()
