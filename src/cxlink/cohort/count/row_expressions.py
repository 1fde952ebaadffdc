"""Row-level expressions that a cohort is counted from: keys that identify cells, and amounts to sum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cxlink.cohort.count import whole_periods as periods
from cxlink.cohort.count.amounts import MOST_SPENT
from cxlink.cohort.count.clusters import bucket_key
from cxlink.cohort.count.survey_history import history_keys, survey_share, surveys_of_customer
from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns, dates
from cxlink.cohort.read.money import amount, amount_within, quantity
from cxlink.cohort.read.score_column import further_key, label_of, score_key
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import SURVEY_HISTORY, TENURE_AT_SURVEY, CohortSpec
from cxlink.cohort.strata import stratum_column

FAULTS: tuple[tuple[str, ...], ...] = (
    ("signup",), ("survey",), ("end",), ("observed_until",),
    ("signup", "survey"), ("survey", "end"), ("survey", "observed_until"), ("observed_until", "today"),
)  # fmt: skip
"""Errors of dates, in the order in which they are checked: one is no date, or the first of two is after
the second. Key ``fault`` counts from 1."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows ready to be grouped.

    Attributes
    ----------
    keys : dict of str to ibis column
        Keys of a cell: ``score``, ``stratum.*``, the keys of time, ``cause``, ``wave``, where customers are clustered
        ``bucket``, and where metrics use them ``touchpoint`` and ``member``.
    use : ibis column or None
        1 where the spend window is complete, 0 where not; None where all are.
    y : ibis column or None
        Spend, where it is used and an amount; None without spend.
    given : ibis column or None
        Whether a row of the negative control holds anything; None without one.
    control : ibis column or None
        The negative control, where it is a number; None without one.
    margin : ibis column or None
        Margin, where spend is used and it is an amount; None without a column of it.
    words : ibis column or None
        What the event column says where it is neither 1/0 nor true/false; None where its type has no words.
    filled : ibis column or None
        Empty where the window is complete and the cell of spend empty: such a row leaves spend alone. None without
        spend.
    labels : ibis column or None
        What the score column says where it is no plain number; None where its type has no text.
    rounded : ibis column or None
        Whether the score is an average that is rounded; None where none is.
    share, surveys : ibis column or None
        What share of its customer a survey is, see `survey_share`, and how many rows that customer has; None where one
        survey a customer counts.
    """

    keys: dict[str, Any]
    use: Any | None = None
    y: Any | None = None
    given: Any | None = None
    control: Any | None = None
    margin: Any | None = None
    words: Any | None = None
    filled: Any | None = None
    labels: Any | None = None
    rounded: Any | None = None
    share: Any | None = None
    surveys: Any | None = None


def prepare(
    source: Source,
    spec: CohortSpec,
    top: float = MOST_SPENT,
    control_top: float = MOST_SPENT,
    margin_top: float = MOST_SPENT,
) -> Prepared:
    """Turn the table's columns into keys and amounts.

    Parameters
    ----------
    source : Source
        The table.
    spec : CohortSpec
        What it holds.
    top, control_top, margin_top : float
        The largest amount that is taken for one, of spend, of the negative control and of margin.

    Raises
    ------
    InputError
        If a column that the spec names is not there.
    """
    keys = {"score": _score(source, spec)}
    if spec.subscription is not None:
        keys |= _dated(source, spec) if spec.subscription.dated else _undated(source, spec)
    keys |= {stratum_column(name): _stratum(source, spec, name) for name in _of_the_table(spec)}
    keys |= history_keys(source, spec) if spec.every_survey else {}
    if spec.cluster_column is not None:
        keys["bucket"] = bucket_key(source, spec)
    section = spec.metrics
    if section is not None and section.touchpoint is not None:
        keys["touchpoint"] = columns.category(columns.raw(source, section.touchpoint, "touchpoint"))
    if section is not None and section.member is not None:
        keys["member"] = columns.yes_no(columns.raw(source, section.member, "member"), spec.table)
    given, control = _control(source, spec, control_top)
    said = {"words": _event_words(source, spec), **_said_of_scores(source, spec)}
    if spec.every_survey:
        said |= {"share": survey_share(source), "surveys": surveys_of_customer(source)}
    if spec.spend is None:
        return Prepared(keys, given=given, control=control, **said)
    spent = columns.raw(source, spec.spend.column, "spend")
    use = _complete(source, spec, keys["score"])
    currency = spec.spend.currency
    fits = amount_within(spent, spec.table, currency, -top if spec.spend.refunds else 0, top)
    used = fits if use is None else fits & (use == 1)
    margin = None
    if spec.margin_column is not None:
        earned = columns.raw(source, spec.margin_column, "margin")
        valid = used & amount_within(earned, spec.table, currency, -margin_top, margin_top)
        margin = _amount(earned, valid, spec)
    y = _amount(spent, used, spec)
    if use is None and spent.type().is_floating():  # as it is: a condition costs more than the column
        said["filled"] = columns.without_nan(spent)
    else:
        empty = ~columns.is_given(spent)
        lacks = empty if use is None else (use == 1).fill_null(False) & empty
        said["filled"] = lacks.ifelse(None, 1)
    return Prepared(keys, use, y, given, control, margin, **said)


def _said_of_scores(source: Source, spec: CohortSpec) -> dict[str, Any]:
    """Labels of scores, and whether an average is rounded."""
    column = columns.raw(source, spec.score.column, "score")
    rounded = columns.has_part(column, spec.table) if spec.score.round else None
    return {"labels": label_of(column, spec.table), "rounded": rounded}


def _event_words(source: Source, spec: CohortSpec) -> Any | None:
    sub = spec.subscription
    if sub is None or sub.event is None:
        return None
    return columns.words_of(columns.raw(source, sub.event, "event"), spec.table)


def _amount(column: Any, counts: Any, spec: CohortSpec) -> Any:
    """The column's number where it counts, empty elsewhere."""
    assert spec.spend is not None
    value = column if column.type().is_floating() else amount(column, spec.table, spec.spend.currency)
    return counts.ifelse(value.cast("float64"), None)


def _control(source: Source, spec: CohortSpec, top: float) -> tuple[Any, Any] | tuple[None, None]:
    """Whether the negative control is given, and its number: 1 and 0 for true and false."""
    import ibis

    if spec.control is None:
        return None, None
    column = columns.raw(source, spec.control.column, "control")
    value = quantity(column, spec.table, _currency(spec)).cast("float64")
    if column.type().is_string():
        word = column.strip().lower()
        value = ibis.cases((word == "true", 1.0), (word == "false", 0.0), else_=value)
    return columns.is_given(column), value.between(-top, top).ifelse(value, None)


def _score(source: Source, spec: CohortSpec) -> Any:
    column, scale = columns.raw(source, spec.score.column, "score"), spec.scale
    if column.type().is_boolean() and (scale.low, scale.high) != (0, 1):
        raise InputError(
            f"{source.name}: {spec.score.column} holds true and false, no score from {scale.low} to {scale.high}. "
            "Name another [score] column."
        )
    return score_key(column, spec.table, scale, spec.score.round, spec.score.labels)


def _undated(source: Source, spec: CohortSpec) -> dict[str, Any]:
    sub, options = spec.subscription, spec.table
    assert sub is not None
    assert sub.duration is not None
    assert sub.event is not None
    span = (0, spec.longest)
    duration = columns.raw(source, sub.duration, "duration")
    part = columns.has_part(duration, options)
    keys = {
        "event": columns.yes_no(columns.raw(source, sub.event, "event"), options),
        "whole": columns.whole_key(duration, options, span, "down"),
    }
    if part is not None:
        keys["part"] = part
    if sub.follow_up:
        keys["follow"] = columns.whole_key(
            columns.raw(source, sub.follow_up, "follow_up"), options, span, "down"
        )
    if sub.entry:
        entry = columns.raw(source, sub.entry, "entry")
        keys["entry"] = columns.whole_key(entry, options, span, "up")
        keys["beyond"] = columns.number(entry, options) > columns.number(duration, options)
    if sub.cause:
        keys["cause"] = (keys["event"] == 1).ifelse(
            columns.category(columns.raw(source, sub.cause, "cause")), None
        )
    if sub.survey:
        survey = {"survey": dates.day(source, sub.survey, "survey")}
        raw_survey = {"survey": columns.raw(source, sub.survey, "survey")}
        keys |= {"fault": _fault(raw_survey, survey), "wave": _quarter(survey["survey"])}
    return keys


def _dated(source: Source, spec: CohortSpec) -> dict[str, Any]:
    import ibis

    sub = spec.subscription
    assert sub is not None
    assert sub.observed_until is not None
    named = {"signup": sub.signup, "survey": sub.survey, "end": sub.end}
    raw_dates = {role: columns.raw(source, name, role) for role, name in named.items() if name is not None}
    days = {role: dates.day(source, name, role) for role, name in named.items() if name is not None}
    if sub.observed_until in source.columns:
        raw_dates["observed_until"] = source.table[sub.observed_until]
        days["today"] = ibis.literal(dates.today())
    until = days["observed_until"] = dates.day_or_column(source, sub.observed_until, "observed_until")
    start = days[sub.clock]
    follow = periods.whole_periods(start, dates.less_gap(until, sub.gap_days), sub.unit)
    if sub.gap_days:
        follow = follow.clip(lower=0)
    period = periods.period_of(start, days["end"], sub.unit)
    lost = (period <= follow).fill_null(False)
    keys = {
        "fault": _fault(raw_dates, days),
        "lost": lost,
        "exit": lost.ifelse(period.clip(lower=1), follow),
        "wave": _quarter(days["survey"]),
    }
    if sub.clock == "signup":
        keys["entry"] = periods.period_of(start, days["survey"], sub.unit)
    if sub.cause:
        keys["cause"] = lost.ifelse(columns.category(columns.raw(source, sub.cause, "cause")), None)
    return keys


def _fault(raw_dates: Mapping[str, Any], days: Mapping[str, Any]) -> Any:
    """Code of the first thing wrong with a row's dates (position in `FAULTS`, from 1); 0 where nothing is."""
    import ibis

    branches = []
    for code, roles in enumerate(FAULTS, 1):
        if len(roles) == 2:
            if set(roles) <= set(days):
                branches.append((days[roles[0]] > days[roles[1]], code))
        elif roles[0] in raw_dates and not _is_dated(raw_dates[roles[0]]):
            branches.append((columns.is_given(raw_dates[roles[0]]) & days[roles[0]].isnull(), code))
    return ibis.cases(*branches, else_=0) if branches else ibis.literal(0)


def _is_dated(column: Any) -> bool:
    return bool(column.type().is_date() or column.type().is_timestamp())


def _quarter(survey: Any) -> Any:
    return (survey.year() * 4 + survey.quarter() - 1).cast("int64")


def _of_the_table(spec: CohortSpec) -> tuple[str, ...]:
    """Adjustment variables that are columns, or worked out from those of the same row."""
    earlier = SURVEY_HISTORY if spec.every_survey else ()
    return tuple(name for name in spec.stratum_variables if name not in earlier)


def _stratum(source: Source, spec: CohortSpec, name: str) -> Any:
    cuts = spec.cuts.get(name)
    if name in spec.others:  # of a formula: a spec adjusts for no further score under its name
        return further_key(source, name, spec.others[name])
    if cuts is None:
        return columns.category(columns.raw(source, name, "adjust"))
    sub = spec.subscription
    dated = sub is not None and sub.signup is not None and sub.survey is not None
    if name == TENURE_AT_SURVEY and dated and (name not in spec.adjust.bands or name not in source.columns):
        assert sub is not None
        start, asked = (dates.day(source, str(column), "adjust") for column in (sub.signup, sub.survey))
        tenure = periods.whole_periods(start, asked, sub.unit)
        return columns.band(tenure, tenure, cuts)
    column = columns.raw(source, name, "adjust")
    return columns.band(column, quantity(column, spec.table, _currency(spec)), cuts)


def _currency(spec: CohortSpec) -> str:
    """The currency whose mark amounts may bear; none where there is no spend."""
    return spec.spend.currency if spec.spend is not None else ""


def _complete(source: Source, spec: CohortSpec, score: Any) -> Any | None:
    """Whether a spend window is over; `columns.BAD` where the column that says so does not, of a customer scored."""
    section, sub = spec.spend, spec.subscription
    assert section is not None
    if section.complete is True:
        return None
    if isinstance(section.complete, str):
        over = columns.yes_no(columns.raw(source, section.complete, "complete"), spec.table)
        return over.coalesce(score.notnull().ifelse(columns.BAD, 0))
    assert sub is not None
    assert sub.survey is not None
    assert sub.observed_until is not None
    survey = dates.day(source, sub.survey, "survey")
    until = dates.day_or_column(source, sub.observed_until, "observed_until")
    return columns.as_one(periods.whole_periods(survey, until, "month") >= section.window_months)
