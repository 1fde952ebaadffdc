"""The row-level expressions that a cohort is counted from, and the one group-by over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cxlink.cohort import clock, columns
from cxlink.cohort.errors import InputError
from cxlink.cohort.source import Source
from cxlink.cohort.spec import TENURE_AT_SURVEY, CohortSpec

MOST_SPENT = 1e12
FAULTS = ("signup", "survey", "end", "observed_until", "survey<signup", "end<survey", "observed_until<survey")
"""What can be wrong with dates, in the order in which it is looked for; key ``fault`` counts from 1."""


@dataclass(frozen=True)
class Prepared:
    """Rows ready to be grouped.

    Attributes
    ----------
    keys : dict of str to ibis column
        What tells cells apart: ``score``, ``stratum.*``, the clock's keys, ``cause``, ``wave``.
    spend : dict of str to ibis column
        ``use`` (0 or 1: the window is complete) and ``y`` (spend where it is used and a number); or nothing.
    """

    keys: dict[str, Any]
    spend: dict[str, Any]


def prepare(source: Source, spec: CohortSpec) -> Prepared:
    """Turn the table's columns into keys and amounts.

    Raises
    ------
    InputError
        If a column that the spec names is not there.
    """
    options = spec.table
    score = columns.raw(source, spec.score.column, "score")
    keys = {"score": columns.score_key(score, options, spec.scale.low - 1)}
    if spec.subscription is not None:
        keys |= _dated(source, spec) if spec.subscription.dated else _undated(source, spec)
    keys |= _strata(source, spec)
    return Prepared(keys, _spend(source, spec, keys))


def _undated(source: Source, spec: CohortSpec) -> dict[str, Any]:
    sub, options = spec.subscription, spec.table
    assert sub is not None
    assert sub.duration is not None
    assert sub.event is not None
    duration = columns.raw(source, sub.duration, "duration")
    keys = {
        "event": columns.yes_no(columns.raw(source, sub.event, "event")),
        "whole": columns.whole_key(duration, options),
        "part": columns.has_part(duration, options),
    }
    if sub.follow_up:
        keys["follow"] = columns.whole_key(columns.raw(source, sub.follow_up, "follow_up"), options)
    if sub.entry:
        keys["entry"] = columns.whole_key(columns.raw(source, sub.entry, "entry"), options, up=True)
    if sub.cause:
        cause = columns.category(columns.raw(source, sub.cause, "cause"))
        keys["cause"] = (keys["event"] == 1).ifelse(cause, None)
    if sub.survey:
        survey = columns.date(columns.raw(source, sub.survey, "survey"))
        keys["wave"] = _quarter(survey)
    return keys


def _dated(source: Source, spec: CohortSpec) -> dict[str, Any]:
    sub = spec.subscription
    assert sub is not None
    assert sub.end is not None
    assert sub.survey is not None
    assert sub.observed_until is not None
    given = {"survey": columns.raw(source, sub.survey, "survey"), "end": columns.raw(source, sub.end, "end")}
    if sub.signup:
        given["signup"] = columns.raw(source, sub.signup, "signup")
    if sub.observed_until in source.columns:
        given["observed_until"] = source.table[sub.observed_until]
    dates = {name: columns.date(column) for name, column in given.items()}
    until = dates.setdefault("observed_until", columns.date_or_column(source, sub.observed_until, "observed_until"))
    start = dates["signup"] if sub.clock == "signup" else dates["survey"]
    follow = clock.whole_periods(start, until, sub.unit)
    period = clock.period_of(start, dates["end"], sub.unit)
    lost = (period <= follow).fill_null(False)
    keys = {
        "fault": _fault(given, dates),
        "lost": lost,
        "exit": lost.ifelse(period.clip(lower=1), follow),
        "wave": _quarter(dates["survey"]),
    }
    if sub.clock == "signup":
        keys["entry"] = clock.period_of(start, dates["survey"], sub.unit)
    if sub.cause:
        keys["cause"] = lost.ifelse(columns.category(columns.raw(source, sub.cause, "cause")), None)
    return keys


def _fault(given: Mapping[str, Any], dates: Mapping[str, Any]) -> Any:
    """Code of the first thing wrong with a row's dates (position in `FAULTS`, from 1); 0 where nothing is."""
    import ibis

    branches = []
    for code, what in enumerate(FAULTS, 1):
        if "<" in what:
            earlier, later = what.split("<")
            if earlier in dates and later in dates:
                branches.append((dates[earlier] < dates[later], code))
        elif what in given and not given[what].type().is_temporal():
            branches.append((columns.is_given(given[what]) & dates[what].isnull(), code))
    return ibis.cases(*branches, else_=0) if branches else ibis.literal(0)


def _quarter(survey: Any) -> Any:
    return (survey.year() * 4 + survey.quarter() - 1).cast("int64")


def _strata(source: Source, spec: CohortSpec) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    for name in spec.stratum_variables:
        cuts = spec.cuts.get(name)
        if cuts is None:
            keys[f"stratum.{name}"] = columns.category(columns.raw(source, name, "adjust"))
        elif name == TENURE_AT_SURVEY and name not in source.columns:
            keys[f"stratum.{name}"] = columns.band(_tenure_at_survey(source, spec), cuts)
        else:
            column = columns.raw(source, name, "adjust")
            value = columns.number(column, spec.table)
            code = columns.band(value.nullif(float("nan")) if column.type().is_floating() else value, cuts)
            # text that is no number is a fault, not a gap
            keys[f"stratum.{name}"] = columns.is_given(column).ifelse(code.coalesce(columns.BAD), None)
    return keys


def _tenure_at_survey(source: Source, spec: CohortSpec) -> Any:
    sub = spec.subscription
    if sub is None or not (sub.signup and sub.survey):
        raise InputError(
            f"[adjust] bands: {TENURE_AT_SURVEY} is worked out from signup and survey dates; name both, or a column."
        )
    signup = columns.date(columns.raw(source, sub.signup, "signup"))
    survey = columns.date(columns.raw(source, sub.survey, "survey"))
    return clock.whole_periods(signup, survey, sub.unit)


def _spend(source: Source, spec: CohortSpec, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Amounts spent over complete windows."""
    import ibis

    section = spec.spend
    if section is None:
        return {}
    value = columns.number(columns.raw(source, section.column, "spend"), spec.table)
    fits = value.abs() <= MOST_SPENT
    use = _complete(source, spec)
    y = (fits & (use == 1)).ifelse(value.cast("float64"), None)
    return {"use": use.coalesce(0) if use is not None else ibis.literal(1), "y": y}


def _complete(source: Source, spec: CohortSpec) -> Any:
    import ibis

    section, sub = spec.spend, spec.subscription
    assert section is not None
    if isinstance(section.complete, str):
        return columns.yes_no(columns.raw(source, section.complete, "complete"))
    if section.complete is not None:
        return ibis.literal(int(section.complete))
    assert sub is not None
    assert sub.survey is not None
    assert sub.observed_until is not None
    survey = columns.date(columns.raw(source, sub.survey, "survey"))
    until = columns.date_or_column(source, sub.observed_until, "observed_until")
    over = clock.whole_periods(survey, until, "month") >= section.window_months
    return over.fill_null(False).cast("int64")


