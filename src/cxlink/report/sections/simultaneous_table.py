"""Every level against the worst band with simultaneous intervals, beside each interval by itself."""

from collections.abc import Sequence

from cxlink.estimands.simultaneous import SIMULTANEOUS
from cxlink.report.content import Material
from cxlink.report.document import Block, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import bare, coverage, interval, levels, score
from cxlink.report.sections.score_tables import blank_notes, common_digits
from cxlink.report.words import say

_HOW = ("no", "standardised", "conditional")


def simultaneous(
    m: Material, estimands: Sequence[str], model: str, horizon: int | None, caption: str
) -> list[Block]:
    """Set the family of each estimand out, adjusted where it is; nothing where there is no family.

    Parameters
    ----------
    m : Material
        The analysis.
    estimands : sequence of str
        Contrasts, such as ``retention_difference`` and ``retention_ratio``: two columns each.
    model : str
        Whose.
    horizon : int or None
        Of the rows; None where they have none.
    caption : str
        Key of the sentence above the table; it takes ``reference`` and ``level``.
    """
    families = {name: _family(m, name, model, horizon) for name in estimands}
    known = {name: rows for name, rows in families.items() if rows}
    if not known:
        return []
    groups = list(dict.fromkeys(group for rows in known.values() for group in rows))
    order = {str(level): k for k, level in enumerate(m.spec.scale.levels)}
    lines = []
    for group in sorted(groups, key=lambda one: order.get(one, len(order))):
        cells = [cell for rows in known.values() for cell in _cells(m, rows, group)]
        lines.append([levels(group, m.spec), *cells])
    header = [say("score_tables.score")]
    for name in known:
        header += [say(f"score_tables.each_{name.rsplit('_', 1)[-1]}"), say("score_tables.together")]
    notes = blank_notes(m) if any(not cell for line in lines for cell in line) else []
    said = say(caption, reference=score("worst", m.spec), level=coverage(m.spec))
    return [table(said, header, lines, notes=notes)]


def _family(m: Material, estimand: str, model: str, horizon: int | None) -> dict[str, Estimate]:
    """Rows by level, of the last kind of adjustment that there is."""
    rows = m.book.where(estimand, model=model, horizon=horizon, scenario=SIMULTANEOUS)
    by_kind = {how: {row.group: row for row in rows if row.adjusted == how} for how in _HOW}
    return next((found for how in reversed(_HOW) if (found := by_kind[how])), {})


def _cells(m: Material, rows: dict[str, Estimate], group: str) -> list[str]:
    """The interval of a level by itself, with its estimate, and that of all together."""
    row = rows.get(group)
    if row is None or row.blank:
        return ["", ""]
    key = {"reference": row.reference, "adjusted": row.adjusted}
    alone = m.book.get(row.estimand, group, row.model, row.horizon, **key)
    digits = common_digits(list(rows.values()))
    return [bare(alone, digits), interval(row, digits)]
