"""What to do about the first cell that violates a rule: the key that reads it, from what it holds."""

import math
import re
from collections.abc import Callable

from cxlink.cohort.read.columns import plain_number
from cxlink.cohort.read.money import bare, currency_of
from cxlink.cohort.read.score_column import OUT_OF
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.spec_sections import TableSection
from cxlink.cohort.starter.date_forms import ISO, forms_of, is_day_by, way_of
from cxlink.cohort.starter.notation import marks_of
from cxlink.cohort.visible_text import quoted

Cure = Callable[[str | None, str], str]
"""From the text of a cell, None where it is empty, and a last resort, empty where there is none, to a sentence."""

DROP = "drop them with --drop-invalid"
"""The last resort of rules that do not depend on the outcome: dropping customers by what became of them is no cure."""
_LONGEST = 40
"""Letters of a cell that a cure repeats."""


def score_cure(column: str, spec: CohortSpec) -> Cure:
    """Of a score that is no level of its scale: an average, another notation, another scale, or no answer."""
    low, high = spec.scale.low, spec.scale.high

    def cure(cell: str | None, last: str) -> str:
        marks = _other_marks(cell, spec.table)
        if marks:
            return either(marks, last)
        out_of = re.fullmatch(OUT_OF, (cell or "").strip().lower())
        if out_of is not None and not spec.score.labels and int(out_of[1]) <= int(out_of[3]):
            scales = [f'"{least}-{out_of[3]}"' for least in (1, 0) if least <= int(out_of[1])]
            return either(
                f"{out_of[0]} is out of {out_of[3]}: set [score] scale = {' or '.join(scales)}", last
            )
        value = plain_number((cell or "").rstrip("% "), spec.table)
        if value is not None and value != round(value) and low - 0.5 <= value < high + 0.5:
            return either("Set [score] round = true, by which averages count as the nearest level", last)
        ask = _means_nothing(column, cell)
        if spec.score.labels and value is None:
            return either("Add it to [score] labels", f"set {ask} if it means no answer", last)
        first = "Set [score] scale" if value is not None or not ask else "Recode words as numbers"
        return either(first, f"set {ask} if it means no answer" if ask else "", last)

    return cure


def event_cure(otherwise: str = "") -> Cure:
    """Of a cell that is neither yes nor no; ``otherwise`` is what to do if no word for it is missing."""

    def cure(cell: str | None, last: str) -> str:
        if cell is None or not cell.strip():
            first = 'If an empty cell means no, set [table] false = [""] (true = [""] if it means yes)'
            return either(first, otherwise, last)
        word = quoted(cell.strip())
        if len(word) > _LONGEST:
            return either("Write yes or no", otherwise, last)
        return either(f"Say what it means ([table] true = [{word}] or false = [{word}])", otherwise, last)

    return cure


def _too_large(cell: str) -> bool:
    """Whether it is a number by itself, beyond those that a computer holds."""
    try:
        return math.isinf(float(cell)) and any(sign.isdigit() for sign in cell)
    except ValueError:
        return False


def amount_cure(column: str, spec: CohortSpec, otherwise: str, below_zero: str = "") -> Cure:
    """Of an amount: another currency, another notation, a code for not known, or less than 0; else what is said."""
    currency = spec.spend.currency if spec.spend is not None else ""

    def cure(cell: str | None, last: str) -> str:
        code = currency_of(cell or "", currency)
        if currency and code is not None and code != currency:
            return (
                f'It is marked {code}, and [spend] currency is {currency}: set currency = "{code}" if all amounts '
                "are in it, else convert them."
            )
        marks = _other_marks(cell, spec.table)
        if marks:
            return f"{marks}."
        value = plain_number(bare(cell or ""), spec.table)
        if below_zero and value is not None and value < 0:
            return f"{below_zero}. {either(otherwise, last)}"
        if _too_large(cell or ""):
            return either(otherwise, last)
        if value is None and re.search("[0-9]", cell or ""):
            return (
                f"Write the number alone, with a minus in front if it is negative. {either(otherwise, last)}"
            )
        ask = _means_nothing(column, cell) if value is None else ""
        return f"{f'If it means not known, set {ask}. ' if ask else ''}{either(otherwise, last)}"

    return cure


def period_cure(spec: CohortSpec) -> Cure:
    """Of a number of periods."""

    def cure(cell: str | None, last: str) -> str:
        text = (cell or "").strip()
        value = plain_number(text, spec.table)
        if not text:
            return either("Fill it in", last)
        if value is not None:
            return either("Set [subscription] unit" if value > 0 else "", "correct it", last)
        alone = f"Write the number alone, in {spec.unit}s" if re.search("[0-9]", text) else ""
        return either(_other_marks(text, spec.table) or alone, "correct it", last)

    return cure


def date_cure(column: str, spec: CohortSpec, rewrite: str) -> Cure:
    """Of a date that is written otherwise, is no day, or stands for none; ``rewrite`` says how to write it."""

    def cure(cell: str | None, last: str) -> str:
        text = (cell or "").strip()
        ask = _means_nothing(column, cell) if not re.search("[1-9]", text) else ""
        if ask:
            return either(f"Set {ask} if it means no date", rewrite, last)
        forms = forms_of(text)
        forms += ("%Y-%d-%m",) if ISO in forms else ()
        days = [form for form in forms if is_day_by(text, form)]
        if forms and not days:
            return either("There is no such day: correct it", last)
        if days and ISO not in days:
            return either(f"Set [table] date_format = {' or '.join(map(quoted, days))}", rewrite, last)
        if way_of(text):
            return either(way_of(text), rewrite, last)
        return either("Set [table] date_format" if spec.table.date_format is None else "", rewrite, last)

    return cure


def either(*ways: str) -> str:
    """A sentence of what to do, one of several ways; those that are empty are left out."""
    *others, last = [way for way in ways if way]
    said = ", ".join([*others, f"or {last}"]) if others else last
    return f"{said[0].upper()}{said[1:]}."


def _means_nothing(column: str, cell: str | None) -> str:
    """The key that makes a cell an empty one; empty where it cannot be written down."""
    text = (cell or "").strip()
    if not text or len(text) > _LONGEST or re.fullmatch("[-+]?(inf(inity)?|nan)", text.lower()):
        return ""
    key = column if re.fullmatch("[A-Za-z0-9_-]+", column) else quoted(column)
    code = quoted(text.removesuffix(".0"))
    return f"[table] missing = {{ {key} = [{code}] }}"


def _other_marks(cell: str | None, options: TableSection) -> str:
    """The marks by which a number that is written otherwise is read; empty where it is none."""
    text = bare((cell or "").strip())
    if not text or plain_number(text, options) is not None:
        return ""
    ways = [", ".join(f"{key} = {quoted(mark)}" for key, mark in marks.items()) for marks in marks_of(text)]
    if options.decimal != "." or options.thousands:
        plain = plain_number(text, TableSection()) is not None
        set_marks = {"decimal": options.decimal, "thousands": options.thousands}
        named = " and ".join(f"{key} = {quoted(mark)}" for key, mark in set_marks.items() if mark)
        return f"Write it as [table] {named} have it" if ways or plain else ""
    return f"Set [table] {', or '.join(ways)}" if ways else ""
