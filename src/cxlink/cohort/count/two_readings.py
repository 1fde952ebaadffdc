"""Numbers in text that have two readings: ``2.612`` is 2.6 or 2,612, and no other value of the table says which."""

from typing import Any

from cxlink.cohort.count.amounts import MOST_SPENT
from cxlink.cohort.count.grouped_rows import MOST_CUSTOMERS
from cxlink.cohort.errors import InputError
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec

LOOKED_AT = 100_000
"""First rows, in which one number often decides, so that the others are not read."""
_NUMBER = r"\.?[0-9][0-9.,]*([eE][-+]?[0-9]+)?"
_EITHER = r"^[1-9][0-9]{0,2}\.[0-9]{3}$"


def refuse_two_readings(source: Source, spec: CohortSpec) -> None:
    """Refuse a table whose dots may be decimal marks or stand between thousands, unless the spec says which they are.

    A dot in a number decides where another number of digits than three follows, or none or a 0 goes before; one such
    number decides for all columns. A duration that would be too long were its dot between thousands has one reading.

    Raises
    ------
    InputError
        With both readings, and the lines that mean either.
    """
    if "decimal" in spec.table.model_fields_set or spec.table.thousands is not None:
        return
    names = [name for name in _highest(spec) if name in source.columns and _is_text(source.table[name])]
    if not names:
        return
    for rows in (source.table.limit(LOOKED_AT), source.table):
        seen = _dots(source, rows, names)
        if any(seen[f"n{i}"] != seen[f"open{i}"] for i in range(len(names))):
            return
    for i, name in enumerate(names):
        if seen[f"open{i}"] and float(seen[f"high{i}"]) * 1000 <= _highest(spec)[name]:
            text = seen[f"example{i}"]
            below = f"a number below {int(float(text)) + 1}"
            raise InputError(
                f"{source.name}: {name} holds numbers of two readings: {text} is {below}, or {text.replace('.', ',')}. "
                'Set [table] decimal = "." if the dot is the decimal mark, or decimal = ",", thousands = "." if it '
                "stands between thousands."
            )


def _highest(spec: CohortSpec) -> dict[str, float]:
    """Columns that are read as numbers of any size, with the largest that each may hold; scores are small."""
    sub, spend = spec.subscription, spec.spend
    periods = (sub.duration, sub.follow_up, sub.entry) if sub is not None else ()
    amounts = (spend.column if spend is not None else None, spec.margin_column,
               spec.control.column if spec.control is not None else None, *spec.cuts)  # fmt: skip
    highest: dict[str | None, float] = {spec.cohort.count: MOST_CUSTOMERS}
    highest |= dict.fromkeys(periods, float(spec.longest)) | dict.fromkeys(amounts, MOST_SPENT)
    return {name: high for name, high in highest.items() if name is not None}


def _is_text(column: Any) -> bool:
    return bool(column.type().is_string())


def _dots(source: Source, rows: Any, names: list[str]) -> dict[str, Any]:
    """Of each column the numbers with a dot, those of two readings, the largest of these and the first."""
    numbers = {f"text{i}": rows[name].contains(".").ifelse(rows[name].re_extract(_NUMBER, 0), None)
               for i, name in enumerate(names)}  # fmt: skip
    texts = rows.select(**numbers).view()
    summary: dict[str, Any] = {}
    for i in range(len(names)):
        text = texts[f"text{i}"]
        either = text.re_search(_EITHER).fill_null(False)
        summary |= {
            f"n{i}": text.contains(".").fill_null(False).ifelse(1, 0).sum(),
            f"open{i}": either.ifelse(1, 0).sum(),
            f"high{i}": either.ifelse(text, None).try_cast("float64").max(),
            f"example{i}": either.ifelse(text, None).min(),
        }
    seen: dict[str, Any] = source.run(texts.aggregate(**summary)).to_pylist()[0]
    return seen
