"""How numbers, groups and units are written for readers."""

import math
import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np

from cxlink.checks import Check
from cxlink.cohort.spec.cohort_spec import PERIODS_PER_YEAR, SURVEY_HISTORY, TENURE_AT_SURVEY, CohortSpec
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
_LARGEST = 1000
_LONGEST = 60
FINEST = 2  # decimals
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
    if row.conf_low == row.estimate == row.conf_high:
        return ""
    low, high = (_scaled(end, row, digits) for end in (row.conf_low, row.conf_high))
    return f"[{low},{FIRM}{high}]"


def full(row: Estimate | None, digits: int | None = None) -> str:
    """Write an estimate in its unit, with its interval: ``74 % [72, 76]``; or one limit: ``100 % (at least 99 %)``."""
    bound = limit(row, digits)
    if row is None or not bound:
        return f"{value(row, digits)} {interval(row, digits)}".strip()
    return f"{value(row, 0 if _certain(row) else digits)} ({bound})"


def full_beside(row: Estimate | None, found: Mapping[str, Estimate | None]) -> str:
    """Write an estimate beside a group, its reference and their difference, so that a reader can subtract.

    It has the decimals of the finest of them, at most one more than its own interval knows.
    """
    finest = shared_digits([one for name, one in found.items() if name != "ratio"])
    if row is None or row.blank or finest is None or _end(row) is not None:
        return full(row)
    return full(row, min(finest, _digits(row) + 1))


def limit(row: Estimate | None, digits: int | None = None) -> str:
    """Write the one limit of an estimate that is bounded on one side; nothing where both or none is known.

    That is so where nobody or everybody was lost, and where the estimate or its upper limit is infinite.
    """
    end = _end(row)
    if row is None or end is None:
        return ""
    written = _with_unit(_scaled(end, row, digits), row)
    return say(f"format.at_{'most' if _certain(row) and row.estimate == 0 else 'least'}", limit=written)


def _end(row: Estimate | None) -> float | None:
    """Give the one limit of an estimate that is bounded on one side; None where both or none is known."""
    if row is None or row.blank or math.isnan(row.conf_low + row.conf_high):
        return None
    end = row.conf_high if _certain(row) and row.estimate == 0 else row.conf_low
    bounded = _certain(row) or math.isinf(row.conf_high)
    return end if bounded and end != row.estimate and math.isfinite(end) else None


def _certain(row: Estimate) -> bool:
    """Whether an estimate is the least or the greatest that a probability can be."""
    return is_share(row) and not row.is_difference and row.estimate in (0.0, 1.0)


def bare(row: Estimate | None, digits: int | None = None) -> str:
    """Write an estimate and its interval for a table whose header names the unit: ``74 [72, 76]``, ``100 [≥ 99]``."""
    end = _end(row)
    if row is None or end is None:
        return f"{number(row, digits)} {interval(row, digits)}".strip()
    sign = "≤" if _certain(row) and row.estimate == 0 else "≥"
    lost = digits is not None and _certain(row) and abs(end - row.estimate) < 0.5 * 10.0 ** (-2 - digits)
    written = _scaled(end, row, None if lost else digits)  # 99.7 beside 100, not over 99
    return f"{number(row, 0 if _certain(row) else digits)} [{sign}{FIRM}{written}]"


def with_limits(check: Check) -> str:
    """Write the ratio of a check with its interval: ``0.91 [0.88, 0.94]``."""
    digits = decimals(check.low, check.high, none=1.0)
    value, low, high = (decimal(number, digits) for number in (check.value, check.low, check.high))
    return f"{value} [{low},{FIRM}{high}]"


def is_share(row: Estimate) -> bool:
    """Whether an estimate is a probability or a difference of two, written in per cent."""
    return row.unit == "probability"


def _with_unit(text: str, row: Estimate) -> str:
    if is_share(row):
        return say("format.points", number=text, n=_counted(text)) if row.is_difference else f"{text}{THIN}%"
    if row.unit == "ratio" or not row.unit:
        return text
    if row.unit in TIMES:
        return f"{text} {units(row.unit, _counted(text))}"
    return money(text, row.unit)


def _counted(text: str) -> int:
    """Give the number that chooses the plural form beside a written one: 1 of ``1`` and ``−1``, but not of ``1.0``."""
    return 1 if text in (whole(1), whole(-1)) else 2


def money(text: str, currency: str) -> str:
    """Put a currency before a written number: ``EUR 1 234``."""
    return f"{currency}{THIN}{text}"


def _scaled(estimate: float, row: Estimate, digits: int | None) -> str:
    shown = digits if digits is not None else _digits(row)
    if row.unit in TIMES and abs(estimate) >= _LONG:
        shown = 0
    if row.unit == "ratio" and (bounded := out_of_scale(estimate, shown)):
        return bounded
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


def out_of_scale(ratio: float, shown: int = 0) -> str:
    """Write a ratio that no data of this kind know: over a thousand, or so small that its digits are zeros."""
    if _LARGEST < ratio < math.inf:
        return f">{whole(_LARGEST)}"
    return f"<{decimal(10.0**-shown, shown)}" if 0 < ratio < 1 and not round(ratio, shown) else ""


def decimals(low: float, high: float, none: float = math.nan) -> int:
    """Decimals that an interval knows: the fewest with which it is two units of the last place wide; of a ratio, ten.

    There are more, at most one beyond `FINEST`, where an end would be rounded to the value of no difference, which
    the interval would then seem to touch, or where both ends would be written the same. A ratio has a limit near 1
    that says as much as its width.

    Parameters
    ----------
    low, high : float
        The interval, as it is printed; an infinite end counts as twice the other.
    none : float
        The value of no difference: 0 of a difference, 1 of a ratio.

    Examples
    --------
    >>> decimals(72.2, 76.4), decimals(73.6, 74.5), decimals(0.455, 0.515, none=1.0), decimals(1.04, 9.5, none=1.0)
    (0, 1, 2, 2)
    >>> decimals(0.9472, 0.9514)
    3
    """
    width = high - low if math.isfinite(high - low) else abs(low if math.isfinite(low) else high)
    if not (math.isfinite(width) and width > 0):
        return 0
    fewest = min(max(math.ceil(math.log10((10 if none == 1 else 2) / width)), 0), FINEST)
    ends = [end for end in (low, high) if math.isfinite(end) and end != none]
    fine = (
        shown
        for shown in range(fewest, FINEST + 2)
        if all(round(end, shown) != none for end in ends) and round(low, shown) != round(high, shown)
    )
    same = round(low, fewest) == round(high, fewest)
    return next(fine, FINEST + 1 if same else fewest)


def _digits(row: Estimate) -> int:
    """Decimals that show an estimate as finely as its interval allows, and no finer."""
    scale = 100.0 if is_share(row) else 1.0
    none = 0.0 if row.is_difference else 1.0 if row.unit == "ratio" else math.nan
    if not math.isnan(row.conf_low + row.conf_high) and row.conf_low < row.conf_high:
        shown = decimals(scale * row.conf_low, scale * row.conf_high, none)
        return shown + _one_more(scale * row.estimate, shown) if row.is_difference else shown
    if is_share(row) or row.conf_low == row.conf_high:
        return 0
    return 2 if row.unit == "ratio" else 1 if row.unit in TIMES else money_digits([row])


def _one_more(difference: float, shown: int) -> int:
    """Give 1 where a small difference would be printed as twice itself or as none, and one more decimal mends it.

    Half a month with an interval from -0.6 to 1.6 is not 1 month [-1, 2].
    """

    def off(digits: int) -> bool:
        return abs(round(difference, digits) - difference) >= abs(difference) / 2

    return int(difference != 0 and shown < FINEST and off(shown) and not off(shown + 1))


def shared_digits(rows: list[Estimate | None]) -> int | None:
    """Give the decimals for estimates of one unit that stand side by side: of the finest that has both limits."""
    known = [row for row in rows if row is not None and not row.blank]
    both = [row for row in known if _end(row) is None]
    return max((_digits(row) for row in both or known), default=None)


def money_digits(rows: list[Estimate]) -> int:
    """Decimals for a column of amounts of money: none from a hundred on, else two."""
    sizes = [abs(row.estimate) for row in rows if np.isfinite(row.estimate)]
    return 0 if not sizes or max(sizes) >= 100 else 2


def units(unit: str, count: int = 2) -> str:
    """Write a unit of time: ``months``, or ``month`` after one."""
    return say(f"unit.{unit}", n=count)


def periods(count: int, unit: str) -> str:
    """Write a number of periods: ``12 months``."""
    return say("format.periods", count=count, unit=units(unit, count))


def stretch(count: int, unit: str) -> str:
    """Write a number of periods behind "the last" or "the first": ``12 months``, but ``year``."""
    return units(unit, 1) if count == 1 else periods(count, unit)


def with_n(name: str, n: int | None) -> str:
    """Write a group with its number of customers: ``scores 9–10 (n = 812)``; alone where that is not known."""
    return name if n is None else say("format.with_n", name=name, n=n)


def levels(group: str, spec: CohortSpec) -> str:
    """Write the score levels of a group: ``9–10``; ``−3 to −1`` on a scale that goes below 0."""
    if group == "all":
        return say("format.all_scores")
    return ranges(label(spec.group(group)), spec.scale.low < 0)


def ranges(names: str, below: bool = False) -> str:
    """Write the names of levels for readers: ``1-3`` becomes ``1–3``; on a scale below 0 ``−3 to −1``."""
    below = below or names.startswith("-") or ",-" in names
    return _RANGE.sub(r"\1 to \2" if below else r"\1–\2", names).replace("-", "−").replace(",", ", ")


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
    return say(f"variable.{name}") if name in (TENURE_AT_SURVEY, *SURVEY_HISTORY) else name


def category(one: Category) -> str:
    """Write a category of a variable for readers: ``plan: basic``; long ones are cut."""
    return f"{shortened(variable(one.variable))}: {shortened(one.value)}"


def shortened(text: str, longest: int = _LONGEST) -> str:
    """Cut a text that is too long for where it stands: by default for a table."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


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
