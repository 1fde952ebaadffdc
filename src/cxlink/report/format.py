"""How numbers, groups and units are written for readers."""

import math
import re
import unicodedata
from functools import cache
from pathlib import Path

import numpy as np

from cxlink.checks import Check
from cxlink.cohort.spec.cohort_spec import PERIODS_PER_YEAR, TENURE_AT_SURVEY, CohortSpec
from cxlink.cohort.spec.scales import label
from cxlink.cohort.strata import Category
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.language import NONE as NONE
from cxlink.report.language import THIN as THIN
from cxlink.report.language import capital as capital
from cxlink.report.language import current
from cxlink.report.language import decimal as decimal
from cxlink.report.language import listed as listed
from cxlink.report.language import percent as percent
from cxlink.report.language import whole as whole
from cxlink.report.words import say, sentences
from cxlink.survival.families.catalogue import families_by_name

FIRM = "\u00a0"  # no-break space: keeps an interval on one line
_RANGE = re.compile(r"(-?\d+)-(-?\d+)")
_LONG = 1000  # periods: beyond, decimals say nothing
_LONGEST = 60
TIMES = ("day", "week", "month", "quarter", "year")


def value(row: Estimate | None, digits: int | None = None) -> str:
    """Write an estimate in its unit: ``74 %``, ``31 points``, ``EUR 1 234``, ``18.3 months``."""
    if row is None or row.blank:
        return NONE
    if math.isinf(row.estimate):
        return say("format.endless")
    return _with_unit(number(row, digits), row)


def number(row: Estimate | None, digits: int | None = None) -> str:
    """Write an estimate as a bare number (probabilities in per cent); ``∞`` where there is no end."""
    if row is None or row.blank:
        return NONE
    return _scaled(row.estimate, row, digits)


def interval(row: Estimate | None, digits: int | None = None) -> str:
    """Write an interval in brackets: ``[72, 76]``; nothing where there is none."""
    if row is None or row.blank or math.isnan(row.conf_low + row.conf_high) or math.isinf(row.conf_low):
        return ""
    low, high = (_scaled(end, row, digits) for end in (row.conf_low, row.conf_high))
    return f"[{low},{FIRM}{high}]"


def full(row: Estimate | None, digits: int | None = None) -> str:
    """Write an estimate in its unit, with its interval: ``74 % [72, 76]``."""
    return f"{value(row, digits)} {interval(row, digits)}".strip()


def bare(row: Estimate | None, digits: int | None = None) -> str:
    """Write an estimate and its interval for a table whose header names the unit: ``74.1 [72.0, 76.2]``."""
    return f"{number(row, digits)} {interval(row, digits)}".strip()


def with_limits(check: Check) -> str:
    """Write the value of a check with its interval: ``0.91 [0.88, 0.94]``."""
    return f"{decimal(check.value, 2)} [{decimal(check.low, 2)},{FIRM}{decimal(check.high, 2)}]"


def is_share(row: Estimate) -> bool:
    """Whether an estimate is a probability or a difference of two, written in per cent."""
    return row.unit == "probability"


def _with_unit(text: str, row: Estimate) -> str:
    if is_share(row):
        return say("format.points", number=text) if row.is_difference else f"{text}{THIN}%"
    if row.unit == "ratio" or not row.unit:
        return text
    if row.unit in TIMES:
        return f"{text} {units(row.unit)}"
    return money(text, row.unit)


def money(text: str, currency: str) -> str:
    """Put a currency before a written number: ``EUR 1 234``."""
    return f"{currency}{THIN}{text}"


def _scaled(estimate: float, row: Estimate, digits: int | None) -> str:
    shown = digits if digits is not None else _digits(row)
    if row.unit in TIMES and abs(estimate) >= _LONG:
        shown = 0
    if not is_share(row):
        return decimal(estimate, shown)
    text = decimal(100 * estimate, shown)
    if row.is_difference:
        return text
    least = 10.0**-shown
    if 0 < estimate < 1 and text == decimal(0, shown):
        return f"<{decimal(least, shown)}"
    if 0 < estimate < 1 and text == decimal(100, shown):
        return f">{decimal(100 - least, shown)}" if shown else ">99"
    return text


def _digits(row: Estimate) -> int:
    """Decimals that show an estimate as finely as its interval allows, and no finer."""
    spread = row.conf_high - row.conf_low
    if is_share(row):
        return 0 if spread == 0 else 2 if spread < 0.002 else 1 if spread < 0.02 else 0
    if row.unit == "ratio":
        size = max(abs(row.estimate), abs(row.conf_high)) if np.isfinite(row.conf_high) else abs(row.estimate)
        return 2 if size < 100 else 0
    if row.unit in TIMES:
        return 1
    return money_digits([row])


def shared_digits(rows: list[Estimate | None]) -> int | None:
    """Give the decimals for estimates of one unit that stand side by side: those of the finest."""
    known = [row for row in rows if row is not None and not row.blank]
    if known and all(not is_share(row) and row.unit not in TIMES and row.unit != "ratio" for row in known):
        return money_digits(known)
    return max((_digits(row) for row in known), default=None)


def money_digits(rows: list[Estimate]) -> int:
    """Decimals for amounts of money that stand together: none from a hundred on, else two."""
    sizes = [abs(row.estimate) for row in rows if np.isfinite(row.estimate)]
    return 0 if not sizes or max(sizes) >= 100 else 2


def units(unit: str, count: int = 2) -> str:
    """Write a unit of time: ``months``, or ``month`` after one."""
    return say(f"unit.{unit}", n=count)


def periods(count: int, unit: str) -> str:
    """Write a number of periods: ``12 months``."""
    return say("format.periods", count=count, unit=units(unit, count))


def levels(group: str, spec: CohortSpec) -> str:
    """Write the score levels of a group: ``9–10``; ``−3 to −1`` on a scale that goes below 0."""
    if group == "all":
        return say("format.all_scores")
    below = spec.scale.low < 0
    ranges = _RANGE.sub(r"\1 to \2" if below else r"\1–\2", label(spec.group(group)))
    return ranges.replace("-", "−").replace(",", ", ")


def score(group: str, spec: CohortSpec) -> str:
    """Name a group in a figure or a table: ``score 7``, ``scores 9–10``, ``all scores``."""
    if group == "all":
        return say("format.all_scores")
    return say("format.score", n=len(spec.group(group)), levels=levels(group, spec))


def who(group: str, spec: CohortSpec) -> str:
    """Write who a group is: ``customers who gave 9–10``."""
    return say("format.everybody") if group == "all" else say("format.who", levels=levels(group, spec))


def customers(n: int) -> str:
    """Write a number of customers: ``1 customer``."""
    return say("format.customers", n=n)


def signed(level: int) -> str:
    """Write a score level, with a true minus."""
    return str(level).replace("-", "−")


def coverage(spec: CohortSpec) -> str:
    """Write the coverage of the intervals: ``95 %``."""
    return f"{100 * spec.analysis.level:.6g}{THIN}%"


def words(name: str) -> str:
    """Write a name of the tables for readers: ``log_logistic`` becomes ``log-logistic``."""
    family = families_by_name().get(name)
    if family is not None and family.kind == "cure":
        return say("format.cure", family=words(family.contains[0].name))
    if family is not None and family.kind == "spline":
        return say("format.spline", n=len(family.parameters) - 2)  # beside its level and slope, one a knot
    return say(f"model.{name}") if f"model.{name}" in sentences(current()) else name.replace("_", " ")


def spelled(count: int) -> str:
    """Write a number in words up to twelve: ``two``; ``27``."""
    return say(f"number.{count}") if 0 < count < 13 else whole(count)


def time_span(count: int, unit: str) -> tuple[str, int]:
    """Write a time in whole years where it is some, else in its unit, and give its number: ``("two years", 2)``."""
    years, rest = divmod(count, PERIODS_PER_YEAR[unit])
    if years and not rest:
        count, unit = years, "year"
    return say("format.span", count=spelled(count), unit=units(unit, count)), count


def variable(name: str) -> str:
    """Write the name of an adjustment variable: the user's own as it stands, ours in words."""
    return say("format.tenure_at_survey") if name == TENURE_AT_SURVEY else name


def category(one: Category) -> str:
    """Write a category of a variable for readers: ``plan: basic``; long ones are cut."""
    return shortened(f"{variable(one.variable)}: {one.value}")


def shortened(text: str) -> str:
    """Cut a text that is too long for a table."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def printable(text: str) -> str:
    """Make any text safe to typeset: what no font here can show, or would hide, is written ``[U+202E]``."""
    return "".join(character if _shows(character) else _named(character) for character in text)


def _named(character: str) -> str:
    return " " if character.isspace() else f"[U+{ord(character):04X}]"


def _shows(character: str) -> bool:
    if character.isascii() and character.isprintable():
        return True
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
        return False
    return ord(character) in _glyphs()


@cache
def _glyphs() -> frozenset[int]:
    """Characters of the font that both the figures and the PDF fall back to."""
    from matplotlib.ft2font import FT2Font  # heavy, and needed for unusual characters only

    return frozenset(FT2Font(str(font_folder() / "DejaVuSans.ttf")).get_charmap())


def font_folder() -> Path:
    """Give the folder of the fonts that come with matplotlib: the same on every machine."""
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf"
