"""A starter spec, guessed from the columns of a table, every guess commented."""

import re
from typing import Any

from cxlink.cohort.spec.open_keys import OPEN
from cxlink.cohort.starter import header_words as said
from cxlink.cohort.starter.column_looks import Look
from cxlink.cohort.starter.date_forms import ISO, forms_of, is_day_by, way_of
from cxlink.cohort.starter.later_headers import dated_after
from cxlink.cohort.starter.notation import Notation
from cxlink.cohort.starter.roles import BARE, answers_in, best, role_of
from cxlink.cohort.starter.seen_surveys import refuse_twins_used, with_surveys_seen
from cxlink.cohort.starter.seen_table import Seen, seen_table
from cxlink.cohort.starter.starter_follow_up import Drafted, follow_up
from cxlink.cohort.starter.starter_metrics import metric_lines
from cxlink.cohort.starter.starter_score import score_section
from cxlink.cohort.starter.starter_spend import spend_section
from cxlink.cohort.visible_text import quoted, visible


def starter_spec(table: Any, surveys: Any = None) -> str:
    """Inspect a table and write a starter spec.

    Parameters
    ----------
    table : str, Path, frame or Ibis table
        As `read_cohort` takes it.
    surveys : str, Path or None
        Where scores stand in a table of their own.

    Returns
    -------
    str
        TOML. What could not be guessed is left as ``"…"``, which a fit asks for; guesses that the table does not
        settle are listed as unconfirmed.

    Raises
    ------
    InputError
        If a table cannot be read, the surveys do not name the customers by the same column, or a column that the spec
        would name stands in both.
    """
    seen = seen_table(table)
    if surveys is not None:
        seen = with_surveys_seen(seen, table, surveys)
    score = best(seen.looks, "score")
    rest = [look for look in seen.looks if look is not score]
    spend = best(rest, "spend")
    after = spend is not None and spend.called(said.SPEND_WINDOW)
    asked = bool(seen.notation.dates_open) or any(look.unread for look in rest)
    stay = follow_up(rest, asked=asked, needed=not after, spans=seen.spans)
    whose = _id(rest, stay, seen)
    used = [look for look in (score, spend if after else None, *stay.used, *whose.used) if look is not None]
    refuse_twins_used(seen, surveys, (look.name for look in used))
    scored = score_section(score, seen.looks)
    marked = seen.notation.currencies.get(spend.name, ()) if spend is not None else ()
    spent = spend_section(rest, spend, dated=stay.dated, marked=marked)
    unconfirmed = [*whose.unconfirmed, *scored.unconfirmed, *stay.unconfirmed, *spent.unconfirmed]
    stem = said.without_accents(seen.name.rsplit(".", 1)[0])
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.") or "cohort"
    parts = [
        f"# A starter spec for {visible(seen.name)}. "
        "Every line is a guess: read it, correct it, delete what does not apply.",
        f'# A key that is "{OPEN}" is a question: a fit asks for it. Then: cxlink check TABLE --spec THIS_FILE',
        "",
        "[cohort]",
        f"name = {quoted(name)}",
        *whose.lines,
        *_unconfirmed(unconfirmed),
        *_table(seen, [*_missing(seen, used, score), *stay.table], stay, [*used, *_in_comments(rest, spend)]),
        "",
        "[score]",
        *scored.lines,
        *stay.lines,
        *spent.lines,
        *_adjust(rest, stay),
        *metric_lines(rest),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _table(seen: Seen, said_of_columns: list[str], stay: Drafted, used: list[Look]) -> list[str]:
    """Section of how the text is written; nothing where the defaults read it."""
    notation, lines = seen.notation, []
    if seen.encoding != "utf-8":
        lines.append(f'encoding = "{seen.encoding}"')
    if seen.sheets:
        lines.append(f"sheet = {quoted(seen.sheets[0])}  # it also has: {', '.join(seen.sheets[1:])}")
    if seen.skip_rows is not None:
        several = isinstance(seen.skip_rows, tuple)
        shown = list(seen.skip_rows) if isinstance(seen.skip_rows, tuple) else seen.skip_rows
        what = (
            "lines that describe the columns"
            if several
            else "a title or blank lines above the one that names the columns"
        )
        lines.append(f"skip_rows = {shown}  # {what}")
    lines += _numbers(notation, used)
    names = {look.name for look in stay.used}
    unread = [look for look in stay.used if look.unread]
    if unread:
        lines += _unread(unread, notation)
    elif names & set(notation.dates_open):
        name = next(name for name in notation.dates_open if name in names)
        lines.append(
            f'date_format = "{OPEN}"  # {notation.dates_open[name]} in {name}: "%d-%m-%Y" if the day comes first, '
            '"%m-%d-%Y" if the month does, with the marks of the table'
        )
    elif notation.date_format is not None and not notation.dates_open:
        decided = notation.decided.get("date_format", "")
        lines.append(f'date_format = "{notation.date_format}"  # {decided} can be read in no other order')
    lines += [f"# {name} is written otherwise: {day}" for name, day in notation.other_dates.items()]
    lines += [*said_of_columns, *seen.joined]
    return ["", "[table]", *lines] if lines else []


def _missing(seen: Seen, used: list[Look], score: Look | None) -> list[str]:
    """What stands for an empty cell in the columns that the spec names: words, and codes off a score's levels."""
    codes = {
        look.name: (*seen.placeholders.get(look.name, ()), *(_no_answer(look) if look is score else ()))
        for look in used
    }
    listed = [f"{quoted(name)} = [{', '.join(map(quoted, found))}]" for name, found in codes.items() if found]
    return [f"missing = {{ {', '.join(listed)} }}  # taken for empty cells"] if listed else []


def _no_answer(look: Look) -> tuple[str, ...]:
    """Codes off a score's levels, or words beside its answers, that mean no answer."""
    answers = answers_in(look)
    return look.codes if answers is None else answers.no_answer


def _unread(looks: list[Look], notation: Notation) -> list[str]:
    """Ask how dates are written that no format was found for."""
    shown = ", ".join(f"{quoted(look.unread)} in {look.name}" for look in looks)
    known = notation.date_format
    then = f"write {quoted(known)} here, as the others are" if known else "delete this line"
    none = [
        "# if it means no date, delete this line and write "
        f"missing = {{ {quoted(look.name)} = [{quoted(look.unread)}] }}"
        for look in looks
        if not re.search("[1-9]", look.unread)
    ]
    ways = (way_of(look.unread) or _format(look.unread) for look in looks)
    return [
        f'date_format = "{OPEN}"  # cannot be read as dates: {shown}.',
        *none,
        *(f"# {way}" for way in dict.fromkeys(ways) if way),
        '# Write the format if all dates have one, such as "%A %d %B %Y" (months in English);',
        f"# else write these as YYYY-MM-DD in the table, and {then}",
    ]


def _format(text: str) -> str:
    """Say by which formats a date is read; empty where by none."""
    days = [quoted(form) for form in forms_of(text) if form != ISO and is_day_by(text, form)]
    return f"{text} is read by {' or '.join(days)}" if days else ""


def _in_comments(looks: list[Look], spend: Look | None) -> list[Look]:
    """Columns of amounts that a comment proposes: their numbers must be readable once it is one no longer."""
    return [look for look in (spend, best(looks, "margin")) if look is not None]


def _numbers(notation: Notation, used: list[Look]) -> list[str]:
    unclear = [look.name for look in used if look.name in notation.numbers_open]
    if unclear:
        text = notation.numbers_open[unclear[0]]
        mark, other = (".", ",") if "." in text else (",", ".")
        return [
            f'decimal = "{OPEN}"  # {text} in {unclear[0]} has two readings: "{mark}" if that is the decimal mark,',
            f'# "{other}", and thousands = "{mark}", if it stands between thousands',
        ]
    marks = {"decimal": notation.decimal, "thousands": notation.thousands}
    return [
        f"{key} = {quoted(mark)}  # such as {notation.decided[key]}"
        for key, mark in marks.items()
        if mark is not None
    ]


def _unconfirmed(keys: list[str]) -> list[str]:
    if not keys:
        return []
    listed = ", ".join(map(quoted, keys))
    return [
        f"unconfirmed = [{listed}]  # guesses that every run repeats: delete a key from this list once it is right"
    ]


def _id(looks: list[Look], stay: Drafted, seen: Seen) -> Drafted:
    look = best(looks, "id")
    counted = best(looks, "count")
    if look is None and counted is not None:
        line = f"count = {quoted(counted.name)}  # no id was recognised: a row stands for so many customers"
        return Drafted(
            [line, "# delete count if a row is one customer"], unconfirmed=["cohort.count"], used=[counted]
        )
    if look is None:
        numbered = [
            one.name for one in looks if one.unique and one.called(said.NO_CUSTOMER) and one.dates is None
        ]
        verb = "number" if len(numbered) > 1 else "numbers"
        why = f": {', '.join(numbered[:3])} {verb} something else" if numbered else ""
        return Drafted(
            [f'# id = "{OPEN}"               # column that names the customer, none was recognised{why}']
        )
    line = f"id = {quoted(look.name)}"
    if seen.spans and (look.unique or not seen.joined):
        return Drafted([f"{line}  # several rows a customer: spans, see [subscription] gap_days"])
    if role_of(look).rank == BARE:
        return Drafted([f"{line}  # no value repeats; if it numbers rows rather than customers, delete it"])
    if look.unique:
        return Drafted([f"{line}  # no value repeats"])
    several = f"{look.n:,} rows of {look.n_values:,} values: several rows a customer"
    if stay.surveyed:
        lines = [
            f"{line}  # {several}",
            'repeat = "first"  # the first survey of each customer counts; or "all" of them',
        ]
        return Drafted(lines, unconfirmed=["cohort.repeat"])
    return Drafted(
        [
            f"{line}  # {several}. Keep one row a customer,",
            '# or name the date of each score, [subscription] survey, and set repeat = "first" here',
        ]
    )


def _adjust(looks: list[Look], stay: Drafted) -> list[str]:
    fits = [look for look in looks if role_of(look).role == "adjust" and look not in stay.used]
    later = [look.name for look in fits if dated_after(look.header, stay.surveyed)]
    twins = [look.name for look in fits if look.tells_event and look.name not in later]
    names = [look.name for look in fits if look.name not in (*later, *twins)]
    known_later = [look.name for look in looks if role_of(look).role == "after" and look.called(said.AFTER)]
    lines = ["", "# [adjust]                     # possible confounders, measured before the score"]
    lines.append(f"# columns = [{', '.join(map(quoted, names[:6])) or quoted(OPEN)}]")
    if later or known_later:
        lines.append(
            f"# not proposed, since dated or named as after the score: {', '.join([*later, *known_later])}"
        )
    if twins:
        lines.append(f"# not proposed, since nearly the same as the loss itself: {', '.join(twins)}")
    return lines
