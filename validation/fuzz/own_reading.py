"""What a cell of a table says, read by plain Python from the documentation: nothing of the package is imported.

A reading is a number, a day, a text, 0 or 1; `None` where the cell is empty; `BAD` where it holds something else.
"""

import datetime
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final


class _Bad:
    def __repr__(self) -> str:
        return "BAD"


BAD: Final = _Bad()
"""What a cell holds that is not what its column is."""
LARGEST = 1e12
"""The largest amount that is taken for one."""
_YES = {"1", "true", "t", "yes", "y", "ja", "j", "si", "sí", "sim", "oui"}
_NO = {"0", "false", "f", "no", "n", "nee", "nein", "non", "nao", "não"}
_CODE = re.compile(r"([0-9]+)(?:[.,]0{0,2}|\s+=\s.*)")
_LABEL = re.compile(r"([-+]?[0-9]{1,3})(?:\s*[-–—=:.)(]+\s*|\s+)[^0-9\s/].*", re.DOTALL)
_OUT_OF = re.compile(r"([0-9]{1,3})\s*(?:/|out of|of|van|von)\s*([0-9]{1,3})")
_TIME = re.compile(
    r"(?:,? |T)(?:[01]?[0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?(?: ?[AaPp][Mm])?$"
)
_DAY = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)


def is_empty(cell: Any) -> bool:
    """Whether a cell holds nothing: no value, NaN, or blank text."""
    if isinstance(cell, str):
        return not cell.strip(" ")
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def number(cell: Any, table: Mapping[str, Any]) -> Any:
    """Read a number, written as ``[table]`` says where it is text."""
    if is_empty(cell):
        return None
    if isinstance(cell, str):
        point, mark = re.escape(table.get("decimal", ".")), re.escape(table.get("thousands") or "")
        whole = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+)" if mark else "[0-9]+"
        plain = point == r"\." and not mark
        written = (
            rf"[-+]?(?:{whole}(?:{point}[0-9]*)?{rf'|{point}[0-9]+' if plain else ''})(?:[eE][-+]?[0-9]+)?"
        )
        text = cell.strip(" ")
        if not re.fullmatch(written, text):
            return BAD
        text = text.replace(table.get("thousands") or "\0", "").replace(table.get("decimal", "."), ".")
        cell = float(text)
    if isinstance(cell, int | float) and math.isfinite(cell):
        return cell
    return BAD


def amount(cell: Any, table: Mapping[str, Any], currency: str, least: float = -LARGEST) -> Any:
    """Read an amount of money, with the mark of its currency or without; ``""``: of no currency."""
    read = _money(cell, table, currency)
    return read if read in (None, BAD) or least <= read <= LARGEST else BAD


def _money(cell: Any, table: Mapping[str, Any], currency: str) -> Any:
    read = number(cell, table)
    return _of_bookkeeping(cell, table, currency) if read is BAD and isinstance(cell, str) else read


def _of_bookkeeping(cell: str, table: Mapping[str, Any], currency: str) -> Any:
    """An amount with a mark, in brackets, with its minus behind, or with a dash for no cents."""
    text = cell.strip()
    if re.match(r"[-−]\s", text):
        text = f"-{text[1:].strip()}"
    text = text.replace("−", "-", 1) if text.startswith("−") else text
    for mark in [mark for mark in ({"EUR": "€"}.get(currency), currency) if mark]:
        name = re.escape(mark)
        if found := re.fullmatch(
            rf"([-+(]?)\s*{name}\s*(.*)|(.*?)\s*{name}\s*([-)]?)", text, re.I | re.DOTALL
        ):
            text = "".join(part or "" for part in found.groups())
            break
    point = re.escape(table.get("decimal", "."))
    text = re.sub(rf"(?<=[0-9]){point}[-–]{{1,2}}$", "", text)
    if found := re.fullmatch(r"\(\s*([0-9.,][^()]*)\)|([.,]?[0-9].*)(?<=[0-9])\s*[-−]", text):
        inside = (found[1] or found[2]).strip()
        return BAD if "-" in inside or "+" in inside else number(f"-{inside}", table)
    return number(text, table)


def quantity(cell: Any, table: Mapping[str, Any], currency: str) -> Any:
    """Read an amount of any size, or a percentage as the number before its sign."""
    read = _money(cell, table, currency)
    return _percentage(cell, table) if read is BAD else read


def _percentage(cell: Any, table: Mapping[str, Any]) -> Any:
    text = cell.strip() if isinstance(cell, str) else ""
    read = number(text[:-1].strip(), table) if text.endswith("%") else BAD
    return BAD if read is None else read


def currency_of(spec: Mapping[str, Any]) -> str:
    """Currency whose marks are read: that of spend, none where there is no spend."""
    return str(spec["spend"].get("currency", "EUR")) if "spend" in spec else ""


def yes_no(cell: Any, table: Mapping[str, Any]) -> Any:
    """Read 1 or 0; words that ``[table]`` lists go before those that are known."""
    if is_empty(cell):
        return None
    if isinstance(cell, bool | int | float):
        text = str(int(cell)) if cell in (0, 1) else "?"
    else:
        text = str(cell).strip(" ").lower()
    text = _code_of(text)
    listed = [{_code_of(word.strip().lower()) for word in table.get(key, ())} for key in ("true", "false")]
    yes, no = listed[0] | (_YES - listed[1]), listed[1] | (_NO - listed[0])
    return 1 if text in yes else 0 if text in no else BAD


def _code_of(text: str) -> str:
    """The number that a label is of: 1 of ``1 = yes``; other text as it is."""
    match = _CODE.fullmatch(text)
    return match[1] if match else text


def day(cell: Any, table: Mapping[str, Any]) -> Any:
    """Read the calendar day of a cell, in the cell's own zone."""
    if is_empty(cell):
        return None
    if isinstance(cell, datetime.datetime):
        return cell.date()
    if isinstance(cell, datetime.date):
        return cell
    text, how = str(cell).strip(" "), table.get("date_format")
    timed = how is not None and ("%H" in how or "%I" in how)
    by_format = _strptime(text if timed else _TIME.sub("", text), how) if how is not None else BAD
    if by_format is not BAD or (how or "").startswith("%Y-"):
        return by_format
    match = _DAY.fullmatch(text)
    try:
        return datetime.date(*(int(part) for part in match.groups())) if match else BAD
    except ValueError:
        return BAD


def _strptime(text: str, how: str) -> Any:
    try:
        return datetime.datetime.strptime(text, how).date()
    except ValueError:
        return BAD


def emptied(cell: Any, codes: Sequence[str]) -> Any:
    """Give a cell, or nothing where it is one of the codes: as text, as a number however written, as a day."""
    if cell is None:
        return None
    codes = [code.strip(" ") for code in codes]
    numbers = [float(code) for code in codes if _FLOAT.fullmatch(code)]
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return None if float(cell) in numbers else cell
    if isinstance(cell, datetime.datetime):
        return None if cell.date().isoformat() in codes or cell.isoformat(" ") in codes else cell
    text = str(cell).lower() if isinstance(cell, bool) else str(cell).strip(" ")
    timed = re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?=[T ])", text)
    alike = isinstance(cell, str) and bool(_FLOAT.fullmatch(text)) and float(text) in numbers
    return None if text in codes or alike or (timed and timed[0] in codes) else cell


_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def score(
    cell: Any, table: Mapping[str, Any], scale: tuple[int, int], rounded: bool, labels: Sequence[str] = ()
) -> Any:
    """Read a level of a scale: a whole number, a label of the spec, one with a label, or so many out of the highest."""
    read = number(cell, table)
    if read is BAD and scale[1] == 100:
        read = _percentage(cell, table)
    if labels:
        said = {" ".join(label.split()).lower(): level for level, label in enumerate(labels, scale[0])}
        read = said.get(" ".join(str(cell).split()).lower(), BAD) if read is BAD else read
    elif read is BAD and isinstance(cell, str):
        text = cell.strip(" ").lower()
        out_of, label = _OUT_OF.fullmatch(text), _LABEL.fullmatch(text)
        if out_of:
            read = int(out_of[1]) if int(out_of[2]) == scale[1] else BAD
        elif label:
            read = int(label[1])
    if read in (None, BAD):
        return read
    if rounded and scale[0] - 1 <= read <= scale[1] + 1:
        read = math.floor(read + 0.5)
    return int(read) if scale[0] <= read <= scale[1] and read == math.floor(read) else BAD


def periods(cell: Any, table: Mapping[str, Any], longest: int) -> Any:
    """Read a number of periods, with its fraction."""
    read = number(cell, table)
    return read if read in (None, BAD) or 0 <= read <= longest else BAD


def category(cell: Any) -> str:
    """Read a category, blanks as what is missing."""
    if is_empty(cell) or not str(cell).strip():
        return "(missing)"
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return str(cell).strip()


def band(cell: Any, table: Mapping[str, Any], cuts: tuple[float, ...], currency: str) -> Any:
    """Read the band of an amount or a percentage, by its label."""
    read = quantity(cell, table, currency)
    if read is BAD:
        return BAD
    if read is None:
        return "(missing)"
    return band_of(read, cuts)


def band_of(read: float, cuts: tuple[float, ...]) -> str:
    """Label of the band that a number is in."""
    shown = [str(int(cut)) if float(cut).is_integer() else repr(float(cut)) for cut in cuts]
    if read < cuts[0]:
        return f"<{shown[0]}"
    for low, high, cut in zip(shown, shown[1:], cuts[1:], strict=False):
        if read < cut:
            return f"{low}-<{high}"
    return f">={shown[-1]}"


def after(start: datetime.date, count: int, unit: str) -> datetime.date:
    """Give the day so many periods after another, clipped to the end of its month."""
    if unit in ("day", "week"):
        days = start.toordinal() + count * (7 if unit == "week" else 1)
        return datetime.date.fromordinal(min(days, datetime.date.max.toordinal()))
    month = start.month - 1 + count * {"month": 1, "quarter": 3, "year": 12}[unit]
    year, month = start.year + month // 12, month % 12 + 1
    if year > 9999:
        return datetime.date.max
    last = datetime.date(year + month // 12, month % 12 + 1, 1) if (year, month) != (9999, 12) else None
    most = 31 if last is None else (last - datetime.timedelta(days=1)).day
    return datetime.date(year, month, min(start.day, most))


def whole(start: datetime.date, end: datetime.date, unit: str) -> int:
    """Whole periods that fit between two days, the first not after the second."""
    if unit in ("day", "week"):
        return (end - start).days // (7 if unit == "week" else 1)
    count = 0
    while after(start, count + 1, unit) <= end and after(start, count + 1, unit) < datetime.date.max:
        count += 1
    return count


def period(start: datetime.date, event: datetime.date, unit: str) -> int:
    """Period in which an event falls: the first whose end is not before it."""
    if unit in ("day", "week"):
        return -((start - event).days // (7 if unit == "week" else 1))
    count = 0
    while after(start, count, unit) < event:
        count += 1
    return count
