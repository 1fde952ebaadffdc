"""What to do about the first cell that violates a rule: the key that reads it, from what it holds."""

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

Cure = Callable[[str | None], str]
"""From the text of a cell, None where it is empty, to a sentence."""

DROP = "drop them with --drop-invalid"
"""Proposed only where a rule does not depend on the outcome: dropping customers by what became of them is no cure."""
_LONGEST = 40
"""Letters of a cell that a cure repeats."""


def score_cure(column: str, spec: CohortSpec) -> Cure:
    """Of a score that is no level of its scale: an average, another notation, another scale, or no answer."""
    low, high = spec.scale.low, spec.scale.high

    def cure(cell: str | None) -> str:
        marks = _other_marks(cell, spec.table)
        if marks:
            return f"{marks}, or {DROP}."
        out_of = re.fullmatch(OUT_OF, (cell or "").strip().lower())
        if out_of is not None and not spec.score.labels and int(out_of[1]) <= int(out_of[3]):
            scales = [f'"{least}-{out_of[3]}"' for least in (1, 0) if least <= int(out_of[1])]
            return f"{out_of[0]} is out of {out_of[3]}: set [score] scale = {' or '.join(scales)}, or {DROP}."
        value = plain_number((cell or "").rstrip("% "), spec.table)
        if value is not None and value != round(value) and low - 0.5 <= value < high + 0.5:
            return f"Set [score] round = true, by which averages count as the nearest level, or {DROP}."
        ask = _means_nothing(column, cell)
        if spec.score.labels and value is None:
            return f"Add it to [score] labels, set {ask} if it means no answer, or {DROP}."
        first = "Set [score] scale" if value is not None or not ask else "Recode words as numbers"
        return f"{first}{f', set {ask} if it means no answer' if ask else ''}, or {DROP}."

    return cure


def event_cure(last: str) -> Cure:
    """Of a cell that is neither yes nor no; ``last`` is the last resort."""

    def cure(cell: str | None) -> str:
        if cell is None or not cell.strip():
            return f'If an empty cell means no, set [table] false = [""] (true = [""] if it means yes), or {last}.'
        word = quoted(cell.strip())
        if len(word) > _LONGEST:
            return f"Write yes or no, or {last}."
        return f"Say what it means ([table] true = [{word}] or false = [{word}]), or {last}."

    return cure


def amount_cure(column: str, spec: CohortSpec, otherwise: str, below_zero: str = "") -> Cure:
    """Of an amount: another currency, another notation, a code for not known, or less than 0; else what is said."""
    currency = spec.spend.currency if spec.spend is not None else ""

    def cure(cell: str | None) -> str:
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
            return f"{below_zero}. {otherwise}"
        if value is None and re.search("[0-9]", cell or ""):
            return f"Write the number alone, with a minus in front if it is negative. {otherwise}"
        ask = _means_nothing(column, cell) if value is None else ""
        return f"If it means not known, set {ask}. {otherwise}" if ask else otherwise

    return cure


def period_cure(spec: CohortSpec, *last: str) -> Cure:
    """Of a number of periods; ``last`` are the last resorts."""

    def cure(cell: str | None) -> str:
        text = (cell or "").strip()
        value = plain_number(text, spec.table)
        if not text:
            return _either("Fill it in", *last[1:])
        if value is not None:
            return _either(*(["Set [subscription] unit"] if value > 0 else []), *last)
        alone = f"Write the number alone, in {spec.unit}s" if re.search("[0-9]", text) else ""
        return _either(_other_marks(text, spec.table) or alone, *last)

    return cure


def date_cure(column: str, spec: CohortSpec, *last: str) -> Cure:
    """Of a date that is written otherwise, is no day, or stands for none; ``last`` are the last resorts."""

    def cure(cell: str | None) -> str:
        text = (cell or "").strip()
        ask = _means_nothing(column, cell) if not re.search("[1-9]", text) else ""
        if ask:
            return _either(f"Set {ask} if it means no date", *last)
        forms = forms_of(text)
        forms += ("%Y-%d-%m",) if ISO in forms else ()
        days = [form for form in forms if is_day_by(text, form)]
        if forms and not days:
            return _either("There is no such day: correct it", *last[1:])
        if days and ISO not in days:
            return _either(f"Set [table] date_format = {' or '.join(map(quoted, days))}", *last)
        if way_of(text):
            return _either(way_of(text), *last)
        return _either("Set [table] date_format" if spec.table.date_format is None else "", *last)

    return cure


def _either(*ways: str) -> str:
    """A sentence of what to do, one of several."""
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
