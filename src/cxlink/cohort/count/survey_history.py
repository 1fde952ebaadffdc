"""Surveys of one customer in their order: the score before each, its number, the time since."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from cxlink.cohort.count import whole_periods as periods
from cxlink.cohort.count.clusters import BUCKET_OF_ROW, with_bucket_of_some
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.read import columns
from cxlink.cohort.read.dates import day, day_or_column
from cxlink.cohort.read.score_column import score_key
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import (
    PREVIOUS_SCORE,
    SINCE_LAST,
    SURVEY_NUMBER,
    CohortSpec,
)
from cxlink.cohort.strata import stratum_column

FIRST = "first"
"""What a first survey has for the score before and the time since."""
MOST_NUMBERED = 3
"""Surveys are numbered to here; later ones are counted with it."""
BY_LEVEL = 5
"""Scales of at most so many levels are adjusted for the score before by level, longer ones by band."""
WHOLE = 720_720
"""What a customer is divided into, so that the surveys of each have whole parts: a multiple of 1 to 16."""
_PREVIOUS, _NUMBER, _SINCE, _TWICE = "survey.previous", "survey.number", "survey.since", "survey.twice"
_NEXT, _SURVEYS, _UNTIL = "survey.next", "survey.surveys", "survey.until"
_SCORE, _GIVEN, _DAY = "survey.score", "survey.given", "survey.day"
_START, _END, _LAST, _AGAIN = "survey.start", "survey.end", "survey.last", "survey.again"
"""Of a row, the row before it and the one after, while the others are made; days as `whole_periods` places them."""


def with_history(source: Source, spec: CohortSpec) -> Source:
    """Give each survey what came before it, and leave out surveys that a customer who answered others did not answer.

    Who answered none has one row without a score. One pass over the rows, in the order of each customer's surveys.

    Parameters
    ----------
    source : Source
        The table, a row a survey; ids are there in every row.
    spec : CohortSpec
        With ``repeat = "all"``.
    """
    import ibis

    sub = spec.subscription
    assert sub is not None
    source = with_bucket_of_some(source, spec)
    raw, on = columns.raw(source, spec.score.column, "score"), day(source, str(sub.survey), "survey")
    # what the rows before and after are asked of is made once a row
    source = source.kept(
        source.table.mutate(
            score_key(raw, spec.table, spec.scale, spec.score.round, spec.score.labels).name(_SCORE),
            columns.is_given(raw).name(_GIVEN),
            on.name(_DAY),
            periods.start_place(on, sub.unit).cast("int32").name(_START),
            periods.end_place(on, sub.unit).cast("int32").name(_END),
        )
    )
    rows = source.table
    given, next_one = rows[_GIVEN], rows[_next_day(spec)]
    # unanswered surveys come last, so that the row before an answered one is answered; equal days are refused
    over = ibis.window(
        group_by=columns.raw(source, str(spec.cohort.id), "id"),
        order_by=[columns.as_one(~given), rows[_DAY]],
    )
    bucket = [name for name in rows.columns if name == BUCKET_OF_ROW]
    placed = rows.mutate(
        *(rows[name].max().over(over).name(name) for name in bucket),
        ibis.row_number().over(over).name(_NUMBER),
        rows[_SCORE].lag().over(over).name(_PREVIOUS),
        rows[_START].lag().over(over).name(_LAST),
        next_one.lead().over(over).name(_NEXT),
        given.lead().over(over).name(_AGAIN),
        # over all of a customer's rows, in the one order that the engine sorts them in
        columns.as_one(given).sum().over(over).name(_SURVEYS),
    )
    # the next survey of a customer who does not answer again is none
    after = placed[_AGAIN].ifelse(placed[_NEXT], None)
    same_day = (placed[_LAST] == placed[_START], after == placed[_next_day(spec)])
    twice = same_day[0].fill_null(False) | same_day[1].fill_null(False)
    # what is worked out of these is worked out once, before the keys of cells use it
    known = placed.mutate(
        periods.between(placed[_LAST], placed[_END], sub.unit).name(_SINCE),
        after.name(_NEXT),
        placed[_SURVEYS].clip(lower=1).name(_SURVEYS),
        (twice & placed[_GIVEN]).name(_TWICE),
    )
    kept = known.filter(known[_GIVEN] | (known[_NUMBER] == 0))
    return source.kept(kept.drop(_SCORE, _GIVEN, _DAY, _END, _LAST, _AGAIN))


def _next_day(spec: CohortSpec) -> str:
    """Column whose next value follow-up is cut at: a date, or of durations the place of the survey's day."""
    assert spec.subscription is not None
    return _DAY if spec.subscription.dated else _END


def first_surveys(source: Source) -> Source:
    """Keep one row a customer: the first survey that they answered, or one without a score; see `with_history`."""
    return source.kept(source.table.filter(source.table[_NUMBER] == 0))


def surveys_of_customer(source: Source) -> Any:
    """Rows that each survey's customer has: the surveys that they answered, or one."""
    return source.table[_SURVEYS]


def survey_share(source: Source) -> Any:
    """Share of its customer that a survey is, in parts of `WHOLE`: one by the number of those that they answered."""
    return (WHOLE / surveys_of_customer(source)).floor().cast("int64")


def cut_at_next(source: Source, spec: CohortSpec) -> tuple[Source, CohortSpec]:
    """Let the follow-up of each survey end on the day of the customer's next one.

    Parameters
    ----------
    source : Source
        With the history of `with_history`.
    spec : CohortSpec
        Its spec.

    Returns
    -------
    source : Source
        With a column more: the last day of follow-up; of durations its whole periods.
    spec : CohortSpec
        Of retention, reading that column.
    """
    import ibis

    sub = spec.subscription
    assert sub is not None
    after = source.table[_NEXT]
    if sub.dated:
        until = day_or_column(source, str(sub.observed_until), "observed_until")
        last = ibis.coalesce(ibis.least(until, after), until)
    else:
        last = periods.between(source.table[_START], after, sub.unit)
        if sub.follow_up:
            followed = columns.number(columns.raw(source, sub.follow_up, "follow_up"), spec.table)
            last = ibis.coalesce(ibis.least(followed, last.cast("float64")), followed)
    made = replace(
        source.kept(source.table.mutate(last.name(_UNTIL)).view()), columns=(*source.columns, _UNTIL)
    )
    return made, cut_spec(spec)


def cut_spec(spec: CohortSpec) -> CohortSpec:
    """Give the spec of retention that reads the column of `cut_at_next`."""
    sub = spec.subscription
    assert sub is not None
    named = "observed_until" if sub.dated else "follow_up"
    none = {"spend": None, "control": None, "metrics": None, "value": None}
    return spec.model_copy(update={**none, "subscription": sub.model_copy(update={named: _UNTIL})})


def history_keys(source: Source, spec: CohortSpec) -> dict[str, Any]:
    """Keys of a cell that come of a customer's earlier surveys; ``twice``: two scores on one day."""
    rows = source.table
    keys = {
        stratum_column(PREVIOUS_SCORE): rows[_PREVIOUS],
        stratum_column(SURVEY_NUMBER): (rows[_NUMBER] + 1).clip(upper=MOST_NUMBERED).cast("int64"),
        "twice": columns.as_one(rows[_TWICE]),
    }
    if SINCE_LAST in spec.cuts:
        keys[stratum_column(SINCE_LAST)] = columns.band(rows[_SINCE], rows[_SINCE], spec.cuts[SINCE_LAST])
    return keys


def history_names(raw: pa.Table, spec: CohortSpec) -> dict[str, Any]:
    """Columns of counts that come of a customer's earlier surveys, from raw cells.

    Returns
    -------
    dict of str to array of shape (n_cells,)
        ``previous``: the score before, empty of a first survey; and `stratum_column` of the score before in bands, of
        the number of the survey and of the time since the last one, `FIRST` where there is none.
    """
    previous = raw[stratum_column(PREVIOUS_SCORE)].to_pandas().astype("Float64").astype("Int64")
    number = raw[stratum_column(SURVEY_NUMBER)].to_pandas().astype(int)
    numbers = number.astype(str).where(number < MOST_NUMBERED, f"{MOST_NUMBERED}+")
    names = {
        "previous": previous,
        stratum_column(PREVIOUS_SCORE): previous_bands(previous, spec),
        stratum_column(SURVEY_NUMBER): numbers.to_numpy(object),
    }
    if SINCE_LAST in spec.cuts:
        labels = np.array([FIRST, *columns.band_labels(spec.cuts[SINCE_LAST])], dtype=object)
        band = raw[stratum_column(SINCE_LAST)].to_pandas().fillna(-1).to_numpy(dtype=int)
        names[stratum_column(SINCE_LAST)] = labels[band + 1]
    return names


def previous_bands(previous: pd.Series, spec: CohortSpec) -> np.ndarray:
    """Name what the score before is adjusted for by: its level, of a long scale its band, or that there is none.

    The bands are those of the spec before any is widened, so that the strata do not move with the scores.
    """
    known = previous.dropna().astype(int)
    names = known.astype(str)
    if len(spec.scale.levels) > BY_LEVEL:
        names = pd.Series("middle", known.index, dtype=object)
        for band in ("worst", "best"):
            names[known.isin(getattr(spec, band))] = band
    return np.asarray(names.reindex(previous.index).fillna(FIRST), dtype=object)


def unanswered_surveys(n_rows: int, n_kept: int) -> tuple[Remark, ...]:
    """Say how many surveys were not answered by customers who answered another one."""
    return (Remark("unanswered_survey", n_rows - n_kept),) if n_rows > n_kept else ()
