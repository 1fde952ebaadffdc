"""What to do about the first cell that violates a rule: the key that reads it, from what it holds."""

import re
from collections.abc import Callable

from cxlink.cohort.read.columns import plain_number
from cxlink.cohort.read.money import bare, currency_of
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.spec_sections import TableSection
from cxlink.cohort.starter.date_forms import ISO, forms_of
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
        value = plain_number(cell or "", spec.table)
        if value is not None and value != round(value) and low - 0.5 <= value < high + 0.5:
            return f"Set [score] round = true, by which averages count as the nearest level, or {DROP}."
        ask = _means_nothing(column, cell)
        first = "Set [score] scale" if value is not None or not ask else "Recode words as numbers"
        return f"{first}{f', set {ask} if it means no answer' if ask else ''}, or {DROP}."

    return cure


def event_cure(last: str) -> Cure:
    """Of a cell that is neither yes nor no; ``last`` is the last resort."""

    def cure(cell: str | None) -> str:
        if cell is None or not cell.strip():
            return f'If an empty cell means no, set [table] false = [""], or {last}.'
        word = quoted(cell.strip()[:_LONGEST])
        return f"Say what it means ([table] true = [{word}] or false = [{word}]), or {last}."

    return cure


def amount_cure(column: str, spec: CohortSpec, otherwise: str) -> Cure:
    """Of an amount: another currency, another notation, or a code for not known; else what is said otherwise."""
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
        value = plain_number(cell or "", spec.table)
        ask = _means_nothing(column, cell) if value is None else ""
        return f"If it means not known, set {ask}. {otherwise}" if ask else otherwise

    return cure


def period_cure(spec: CohortSpec, last: str) -> Cure:
    """Of a number of periods; ``last`` is the last resort."""

    def cure(cell: str | None) -> str:
        text = (cell or "").strip()
        marks = _other_marks(text, spec.table)
        number_and_more = plain_number(text, spec.table) is None and re.search("[0-9]", text)
        alone = f"Write the number alone, in {spec.unit}s" if number_and_more else ""
        return f"{marks or alone or 'Set [subscription] unit or [table] decimal'}, {last}."

    return cure


def date_cure(column: str, spec: CohortSpec, last: str) -> Cure:
    """Of a date that is written otherwise, or of text that stands for none; ``last`` is the last resort."""

    def cure(cell: str | None) -> str:
        text = (cell or "").strip()
        forms = [form for form in forms_of(text) if form != ISO]
        if forms and spec.table.date_format is None:
            return f"Set [table] date_format = {' or '.join(map(quoted, forms))}, {last}."
        ask = _means_nothing(column, cell) if not re.search("[1-9]", text) else ""
        return f"Set [table] date_format, {f'{ask} if it means no date, ' if ask else ''}{last}."

    return cure


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
    text = (cell or "").strip()
    if not text or plain_number(text, options) is not None:
        return ""
    ways = [
        ", ".join(f"{key} = {quoted(mark)}" for key, mark in marks.items()) for marks in marks_of(bare(text))
    ]
    return f"Set [table] {', or '.join(ways)}" if ways else ""
