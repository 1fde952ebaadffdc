"""A starter spec, guessed from the columns of a table, every guess commented."""

import datetime
import json
import re
from typing import Any

from cxlink.cohort.read.column_looks import Look, look_at
from cxlink.cohort.read.source import open_source
from cxlink.cohort.read.starter_metrics import metric_lines
from cxlink.cohort.spec.cohort_spec import TableSection

_SCORE = r"csat|nps|ces\b|satisf|recommend|rating|experience|effort|score"
_NOT_SCORE = r"churn|credit|risk|lead|propensity"
_DURATION = r"tenure|duration|lifetime|active|survival|months?\b|weeks?\b|days?\b|years?\b|length"
_NOT_DURATION = r"contract|charge|revenue|spend|refund|price|follow|observ|entry|at_survey"
_EVENT = r"churn|cancel|lost|event|attrit|exited|left\b|closed"
_SPEND = r"spend|spent|revenue|amount|sales|purchase_value|monetary|turnover"
_MARGIN = r"margin|profit|contribution"
_AFTER = r"annual_spend|_after|after_|next|following|subsequent|12m\b|window"
_ID = r"(^|[_ ])(id|uuid|key|number|no)$|customer.?id|account|^id[_ ]"
_SIGNUP, _SURVEY, _END = (
    r"sign.?up|start|join|creat|since|acquir|first_purchase|opened",
    r"survey|score|respon|rated|answer|feedback",
    r"end|cancel|churn|left|clos|terminat|lost",
)
_UNITS = {"day": "day", "week": "week", "month": "month", "quarter": "quarter", "year": "year"}


def starter_spec(table: Any) -> str:
    """Inspect a table and write a starter spec.

    Parameters
    ----------
    table : str, Path, frame or Ibis table
        As `read_cohort` takes it.

    Returns
    -------
    str
        TOML, with what could not be guessed left as a comment.

    Raises
    ------
    InputError
        If the table cannot be read.
    """
    source = open_source(table, TableSection())
    try:
        looks = [look_at(source, name) for name in source.columns]
    finally:
        source.close()
    score = _score(looks)
    rest = [look for look in looks if look is not score]
    stay = _subscription(rest)
    spend = _spend(rest, stay)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", source.name.rsplit(".", 1)[0]).strip("-.") or "cohort"
    parts = [
        f"# A starter spec for {source.name}. Every line is a guess: read it, correct it, delete what does not apply.",
        "# Then: cxlink check TABLE --spec THIS_FILE",
        "",
        "[cohort]",
        f"name = {_quoted(name)}",
        *_id(rest),
        "",
        "[score]",
        *_score_lines(score),
        *stay,
        *spend,
        *_adjust(rest, stay),
        *metric_lines(rest),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _first(looks: list[Look], *patterns: str, without: str = "$^") -> Look | None:
    """First column whose name matches the first pattern that matches any."""
    for pattern in patterns:
        for look in looks:
            if look.called(pattern) and not look.called(without):
                return look
    return None


def _id(looks: list[Look]) -> list[str]:
    column = _first([look for look in looks if look.unique and look.dates is None], _ID)
    if column is None:
        return ['# id = "…"                     # column in which no value may occur twice']
    return [f"id = {_quoted(column.name)}  # no value occurs twice in the rows looked at"]


def _score(looks: list[Look]) -> Look | None:
    fits = [
        look for look in looks
        if look.whole and look.low is not None and look.high is not None and look.low >= 0 and look.high <= 10
        and 2 < look.n_values <= 11
    ]  # fmt: skip
    return _first(fits, *_SCORE.split("|"), without=_NOT_SCORE)


def _score_lines(look: Look | None) -> list[str]:
    if look is None or look.high is None or look.low is None:
        return [
            '# column = "…"                 # no column looks like a score of whole numbers from 0 to 10: name it',
            'scale = "1-10"',
        ]
    if look.called("nps|recommend") or look.low == 0:
        scale = "0-10"
    else:
        scale = "1-5" if look.high <= 5 else "1-7" if look.high <= 7 else "1-10"
    lines = [
        f"column = {_quoted(look.name)}",
        f'scale = "{scale}"  # found {look.low:g} to {look.high:g}; write the whole scale, with unused levels',
    ]
    if look.called(r"effort|\bces\b"):
        return [
            *lines,
            "higher_is_better = true  # an effort score of version 1 has 1 as its best: then false",
        ]
    return [*lines, "higher_is_better = true"]


def _subscription(looks: list[Look]) -> list[str]:
    days = [look for look in looks if look.dates is not None]
    survey = _first(days, _SURVEY)
    signup = _first([look for look in days if look is not survey], _SIGNUP)
    end = _first([look for look in days if look not in (survey, signup)], _END)
    if survey is not None and end is not None:
        return _dates(survey, signup, end, max(look.dates[1] for look in days if look.dates))
    event = _first([look for look in looks if look.yes_no], _EVENT)
    numbers = [
        look
        for look in looks
        if look.low is not None and look.low >= 0 and not look.yes_no and look.n_values > 2
    ]
    duration = _first(numbers, *_DURATION.split("|"), without=_NOT_DURATION)
    if event is None or duration is None:
        return [
            "",
            "# [subscription]               # no duration and event, nor survey and end dates, were recognised",
            '# duration = "…"',
            '# event = "…"',
        ]
    unit = next((unit for word, unit in _UNITS.items() if duration.called(word)), "month")
    taken = "taken as time since the score; if it is time since signup, see entry and window"
    if duration.called("tenure|lifetime"):
        taken = "TAKE CARE: tenure usually counts from signup; entry or window below is then needed"
    return [
        "",
        "[subscription]",
        f"duration = {_quoted(duration.name)}  # {taken}",
        f"event = {_quoted(event.name)}",
        f'unit = "{unit}"',
        'counts = "periods"  # a loss at 3 fell in the third period; "completed": three whole periods had passed',
        '# follow_up = "…"     # whole periods each, lost or not, could have been observed; "completed" needs it',
        "# survivors must have whole periods rounded down: rounded up, they stay too long",
        '# entry = "…"         # if durations start at signup: periods elapsed when the score was given',
        "# window = 3          # or, for a snapshot of current customers: observed for the last 3 periods only",
        *_cause(looks),
    ]


def _dates(survey: Look, signup: Look | None, end: Look, last: datetime.date) -> list[str]:
    lines = ["", "[subscription]"]
    lines += [f"signup = {_quoted(signup.name)}"] if signup else ['# signup = "…"']
    return [
        *lines,
        f"survey = {_quoted(survey.name)}",
        f"end = {_quoted(end.name)}  # empty for current customers",
        f'observed_until = "{last}"  # the last date in the table; write the date of extraction',
        'unit = "month"',
    ]


def _cause(looks: list[Look]) -> list[str]:
    column = _first(
        [look for look in looks if look.low is None and 1 < look.n_values <= 20],
        r"churn.*(categ|reason)|cause|reason",
    )
    return [f"# cause = {_quoted(column.name)}  # competing causes of loss"] if column else []


def _spend(looks: list[Look], stay: list[str]) -> list[str]:
    amounts = [
        look for look in looks
        if look.low is not None and look.n_values > 10 and _quoted(look.name) not in "".join(stay)
    ]  # fmt: skip
    after = _first([look for look in amounts if look.called(_AFTER)], _SPEND)
    if after is not None:
        dated = any(line.startswith("survey") for line in stay)
        complete = (
            []
            if dated
            else ["complete = true  # every customer's window is complete; or the column that marks those"]
        )
        return [
            "",
            "[spend]",
            f"column = {_quoted(after.name)}  # spend over the window after the score",
            'currency = "EUR"',
            "window_months = 12",
            *complete,
            *_value(looks),
        ]
    column = _first(amounts, *_SPEND.split("|"))
    if column is None:
        return []
    return [
        "",
        "# [spend]                      # only spend AFTER the score counts: earlier spend may be a cause of it",
        f"# column = {_quoted(column.name)}  # uncomment if this is spend after the score",
        '# currency = "EUR"',
        "# window_months = 12",
        "# complete = true",
    ]


def _value(looks: list[Look]) -> list[str]:
    amounts = [look for look in looks if look.low is not None and look.n_values > 10]
    column = _first([look for look in amounts if look.called(_AFTER)], _MARGIN) or _first(amounts, _MARGIN)
    margin = _quoted(column.name) if column is not None else "0.3"
    return [
        "",
        "# [value]                      # customer lifetime value",
        f"# margin = {margin}  # a share of spend, or a column of margin over the same window",
    ]


def _adjust(looks: list[Look], stay: list[str]) -> list[str]:
    used = "".join(stay)
    fits = [
        look.name for look in looks
        if look.low is None and look.dates is None and 1 < look.n_values <= 12 and not look.yes_no
        and _quoted(look.name) not in used and not look.called(r"churn|status|reason|cancel|(^|[_ ])cause")
    ]  # fmt: skip
    if not fits:
        return [
            "",
            "# [adjust]",
            '# columns = ["…"]              # possible confounders, measured before the score',
        ]
    return [
        "",
        "# [adjust]                     # possible confounders, measured before the score",
        f"# columns = [{', '.join(_quoted(name) for name in fits[:6])}]",
    ]
