"""Sections of a spec, one model each: their keys, types, and constraints within a section."""

import codecs
import datetime
import math
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from cxlink.cohort.spec.anchor_texts import stated_anchors
from cxlink.cohort.spec.other_scores import OtherScore
from cxlink.cohort.spec.scales import parse_levels
from cxlink.cohort.spec.score_labels import LabelledScore
from cxlink.cohort.spec.section import Section as Section
from cxlink.cohort.spec.skipped_rows import SkipRows, around_header, checked_skip

Unit = Literal["day", "week", "month", "quarter", "year"]
Effect = Literal["levels", "linear", "monotone", "spline"]
ActsOn = Literal["location", "shape"]
Models = Literal["quick", "standard", "all"]
Levels = Annotated[tuple[int, ...], BeforeValidator(parse_levels)]


def _date_as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date) else value


def _as_text(codes: Any) -> tuple[Any, ...]:
    return tuple(str(code) if isinstance(code, int | float) else code for code in codes)


NOTHING = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")
"""Text that is an empty cell unless the spec lists other."""


EVERY_COLUMN = "*"
"""Beside the columns of ``[table] missing``: what is empty in all of them."""


class CohortSection(Section):
    """Which customers these are."""

    name: str = Field(default="cohort", min_length=1, max_length=100)
    id: str | None = None
    repeat: Literal["error", "first", "all"] = "error"
    cluster: str | None = None
    count: str | None = None
    simulated: bool = False
    unconfirmed: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _first_of_whom(self) -> "CohortSection":
        if self.repeat != "error" and self.id is None:
            raise ValueError(f'repeat = "{self.repeat}" needs id, the column that identifies the customer')
        if self.count is not None and self.id is not None:
            raise ValueError("count goes without id: a row of several customers has no id of one")
        return self


class TableSection(Section):
    """How to read a text table, where that needs help."""

    decimal: Literal[".", ","] = "."
    thousands: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    encoding: str = "utf-8"
    missing: tuple[str, ...] | dict[str, tuple[str, ...]] = NOTHING
    date_format: str | None = None
    sheet: str | None = None
    skip_rows: Annotated[SkipRows | None, BeforeValidator(checked_skip)] = None
    surveys: str | None = None
    on: str | None = None
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()

    @property
    def around_header(self) -> tuple[int, int]:
        """Number of rows above the header, and of those between it and the first customer."""
        return around_header(self.skip_rows or 0)

    @property
    def missing_anywhere(self) -> tuple[str, ...]:
        """Text that is an empty cell in every column."""
        return self.missing.get(EVERY_COLUMN, NOTHING) if isinstance(self.missing, dict) else self.missing

    @property
    def missing_in(self) -> dict[str, tuple[str, ...]]:
        """Codes that are an empty cell in one column, by its name."""
        listed = self.missing if isinstance(self.missing, dict) else {}
        return {name: codes for name, codes in listed.items() if name != EVERY_COLUMN}

    @field_validator("missing", mode="before")
    @classmethod
    def _codes_as_text(cls, value: Any) -> Any:
        lists = value.values() if isinstance(value, Mapping) else [value]
        if not all(isinstance(codes, list | tuple) for codes in lists):
            raise ValueError(
                'write a list, ["-"] for every column, or one for each of some, { csat = ["99"], "*" = ["-"] }'
            )
        if isinstance(value, Mapping):
            return {name: _as_text(codes) for name, codes in value.items()}
        return _as_text(value)

    @field_validator("encoding")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            return codecs.lookup(name).name.removesuffix("-sig")
        except LookupError:
            raise ValueError(f"{name!r} is not an encoding. Write utf-8, latin-1 or cp1252") from None

    @field_validator("date_format")
    @classmethod
    def _whole_day(cls, text: str | None) -> str | None:
        if text is not None and not all(re.search(part, text) for part in ("%-?d", "%-?m|%[bB]", "%[yY]")):
            raise ValueError(f'{text!r} does not name day, month and year, such as "%d-%m-%Y"')
        return text

    @model_validator(mode="after")
    def _marks_differ(self) -> "TableSection":
        if self.thousands is not None and (self.thousands == self.decimal or self.thousands.isdigit()):
            raise ValueError("thousands must be a mark other than decimal, and no digit")
        if (self.surveys is None) != (self.on is None):
            raise ValueError(
                "surveys and on go together: a table, and the column that names the customer in both"
            )
        yes, no = ({word.strip().lower() for word in words} for words in (self.true, self.false))
        if yes & no:
            raise ValueError(f"{min(yes & no)!r} stands both in true and in false")
        return self


class ScoreSection(LabelledScore):
    """The experience score."""

    column: str
    worst: Levels | None = None
    best: Levels | None = None
    round: bool = False
    effect: Effect = "levels"
    acts_on: ActsOn = "location"
    others: dict[str, OtherScore] | None = None


class SubscriptionSection(Section):
    """Retention: time origin, unit, and dates or durations."""

    clock: Literal["survey", "signup"] = "survey"
    unit: Unit = "month"
    signup: str | None = None
    survey: str | None = None
    end: str | None = None
    observed_until: Annotated[str, BeforeValidator(_date_as_text)] | None = None
    duration: str | None = None
    event: str | None = None
    counts: Literal["periods", "completed"] = "periods"
    follow_up: str | None = None
    entry: str | None = None
    window: Annotated[int, Field(ge=1)] | None = None
    gap_days: Annotated[int, Field(ge=0, le=3650)] | None = None
    cause: str | None = None

    @property
    def dated(self) -> bool:
        """Whether durations are computed from dates."""
        return self.end is not None

    @model_validator(mode="before")
    @classmethod
    def _late_entry_starts_at_signup(cls, keys: Any) -> Any:
        if isinstance(keys, Mapping) and "clock" not in keys and {"entry", "window"} & set(keys):
            return {**keys, "clock": "signup"}
        return keys

    @model_validator(mode="after")
    def _dates_or_durations(self) -> "SubscriptionSection":
        dates = {"signup": self.signup, "end": self.end, "observed_until": self.observed_until}
        durations = {"duration": self.duration, "event": self.event}
        late = self.entry is not None or self.window is not None
        if any(dates.values()) and any(durations.values()):
            raise ValueError("give dates or durations, not both")
        if self.clock == "survey" and late:
            raise ValueError('entry and window imply clock "signup"; leave clock out')
        if self.entry is not None and self.window is not None:
            raise ValueError("give entry or window, not both")
        if not any(dates.values()):
            _refuse_missing(
                durations, _timeless(self.unit) if self.event else "give duration and event, or dates"
            )
            if self.clock == "signup" and not late:
                raise ValueError(
                    'clock "signup" needs entry or window: customers are at risk only after the survey'
                )
            if self.counts == "completed" and self.follow_up is None:
                raise ValueError(
                    'counts = "completed" needs follow_up, the whole periods that each customer, lost or not, could '
                    "have been observed: otherwise losses in periods that were followed in part count, and those "
                    "retained in them do not"
                )
            return self
        if late or self.follow_up is not None:
            raise ValueError("entry, window and follow_up go with durations; with dates they are computed")
        needed = {"survey": self.survey, "end": self.end, "observed_until": self.observed_until}
        needed |= {"signup": self.signup} if self.clock == "signup" else {}
        _refuse_missing(needed, "dates need survey, end and observed_until, and signup for its clock")
        return self

    @model_validator(mode="after")
    def _spans_start_and_end(self) -> "SubscriptionSection":
        if self.gap_days is None:
            return self
        if not self.dated:
            raise ValueError("gap_days goes with dates: rows are spans, from signup to end")
        _refuse_missing({"signup": self.signup}, "with gap_days a row is a span, from signup to end")
        if len({self.signup, self.survey, self.end}) < 3:
            raise ValueError("gap_days needs three columns: signup and end of a span, and survey")
        return self


def _timeless(unit: str) -> str:
    """What to do where a table says who was lost and not when."""
    return (
        f"say when customers were lost. If all were followed for one {unit} and the table only says who was lost "
        "in it, add a column that is 1 in every row and name it duration (set unit to the length of follow-up)"
    )


def _refuse_missing(keys: Mapping[str, Any], cure: str) -> None:
    missing = [key for key, value in keys.items() if value is None]
    if missing:
        raise ValueError(f"{' and '.join(missing)} missing: {cure}")


class SpendSection(Section):
    """Spend in the window after the score."""

    column: str
    currency: str = "EUR"
    window_months: Annotated[int, Field(ge=1, le=120)] = 12
    complete: bool | str | None = None
    refunds: bool = False

    @field_validator("complete")
    @classmethod
    def _somebody(cls, complete: bool | str | None) -> bool | str | None:
        if complete is False:
            raise ValueError(
                "false leaves no spend to count: name the column that marks complete windows, or omit [spend]"
            )
        return complete


class AdjustSection(Section):
    """Covariates to adjust for: categories, and numbers cut into bands."""

    columns: tuple[str, ...] = ()
    bands: dict[str, tuple[float, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _cuts_rise(self) -> "AdjustSection":
        for name, cuts in self.bands.items():
            if any(b <= a for a, b in pairwise(cuts)) or not all(map(math.isfinite, cuts)):
                raise ValueError(f"bands of {name} must be strictly increasing numbers, such as 3, 12, 24")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("columns: a column is named twice")
        return self


class AnalysisSection(Section):
    """Horizons, contrasts, intervals and random numbers of the analysis."""

    horizon: Annotated[int, Field(ge=1, le=3650)] | None = None
    tenure_horizons: tuple[Annotated[int, Field(ge=1, le=36500)], ...] | None = None
    given: tuple[Annotated[int, Field(ge=1, le=36500)], ...] | None = None
    discount: Annotated[float, Field(ge=0, le=1)] = 0.1
    waning: tuple[Annotated[int, Field(ge=1, le=36500)], ...] = ()
    contrasts: tuple[str, ...] = ("best:worst",)
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    draws: Annotated[int, Field(ge=100, le=100_000)] = 2000
    seed: Annotated[int, Field(ge=0)] = 20140801
    target: Literal["scored", "customers"] = "scored"
    models: Models = "standard"
    anchors: tuple[str, ...] | None = None

    @field_validator("anchors")
    @classmethod
    def _readable(cls, anchors: tuple[str, ...] | None) -> tuple[str, ...] | None:
        stated_anchors(anchors or ())
        if anchors is not None and not all(text.strip() for text in anchors):
            raise ValueError("an anchor is empty: write LABEL:PERIOD=SHARE, or name a run folder")
        return anchors


class ControlSection(Section):
    """Negative control outcome: one that the score cannot have changed, such as spend in the year before the survey."""

    column: str


class ValueSection(Section):
    """Customer lifetime value: margin, discount rate and horizon."""

    margin: float | str | None = None
    discount: Annotated[float, Field(ge=0, le=1)] | None = None
    horizon: Annotated[int, Field(ge=1, le=36500)] | None = None

    @field_validator("margin")
    @classmethod
    def _a_share(cls, margin: float | str | None) -> float | str | None:
        if isinstance(margin, float | int) and not -1 <= margin <= 1:
            raise ValueError(
                f"a share of spend is from -1 to 1 (found {margin:g}): write 0.3, or name a column"
            )
        return margin


_Line = Annotated[str, Field(max_length=200)]


class ReportSection(Section):
    """Title block and formats of the report; what is empty is left out, or stands as it does by default."""

    title: _Line = ""
    author: _Line = ""
    organisation: _Line = ""
    period: _Line = ""
    formats: Annotated[tuple[Literal["pdf", "html"], ...], Field(min_length=1)] = ("pdf", "html")


class PublishSection(Section):
    """Disclosure control: suppression of small groups."""

    smallest_cell: Annotated[int, Field(ge=0)] = 0
