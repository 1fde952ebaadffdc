"""What the user says of a table: the spec, read from TOML and flags, checked before any data is touched."""

import tomllib
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from cxlink.cohort.errors import InputError
from cxlink.cohort.scales import Scale, label, parse_levels, parse_scale

Unit = Literal["day", "week", "month", "quarter", "year"]
Levels = Annotated[tuple[int, ...], BeforeValidator(parse_levels)]

PERIODS_PER_YEAR: dict[str, int] = {"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}
LAGS: dict[str, tuple[int, ...]] = {
    "day": (30, 90), "week": (4, 13), "month": (1, 3), "quarter": (1,), "year": (),
}  # fmt: skip
TENURE_AT_SURVEY = "tenure_at_survey"
TENURE_CUTS: dict[str, tuple[float, ...]] = {
    "day": (90, 365, 730), "week": (13, 52, 104), "month": (3, 12, 24), "quarter": (1, 4, 8), "year": (1, 2),
}  # fmt: skip


class Section(BaseModel):
    """A table of the spec: frozen, and strict about unknown keys and types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CohortSection(Section):
    """Which customers these are."""

    name: str = Field(default="cohort", min_length=1, max_length=100)
    id: str | None = None
    repeat: Literal["error", "first"] = "error"
    simulated: bool = False


class TableSection(Section):
    """How to read a text table, where that needs help."""

    decimal: str = "."
    thousands: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"
    missing: tuple[str, ...] = ("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None")


class ScoreSection(Section):
    """The experience score."""

    column: str
    scale: str
    higher_is_better: bool = True
    worst: Levels | None = None
    best: Levels | None = None


class SubscriptionSection(Section):
    """How long customers stay: the clock, its unit, and dates or durations."""

    clock: Literal["survey", "signup"] = "survey"
    unit: Unit = "month"
    signup: str | None = None
    survey: str | None = None
    end: str | None = None
    observed_until: str | None = None
    duration: str | None = None
    event: str | None = None
    counts: Literal["periods", "completed"] = "periods"
    follow_up: str | None = None
    entry: str | None = None
    window: Annotated[int, Field(ge=1)] | None = None
    cause: str | None = None

    @property
    def dated(self) -> bool:
        """Whether the clock is read from dates."""
        return self.end is not None

    @model_validator(mode="before")
    @classmethod
    def _late_entry_is_on_the_signup_clock(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "clock" not in given and {"entry", "window"} & set(given):
            return {**given, "clock": "signup"}
        return given

    @model_validator(mode="after")
    def _dates_or_durations(self) -> "SubscriptionSection":
        dates = {"signup": self.signup, "end": self.end, "observed_until": self.observed_until}
        durations = {"duration": self.duration, "event": self.event}
        if any(dates.values()) and any(durations.values()):
            raise ValueError("give dates or durations, not both")
        if self.clock == "survey" and (self.entry or self.window):
            raise ValueError('entry and window imply clock "signup"; leave clock out')
        if self.entry and self.window:
            raise ValueError("give entry or window, not both")
        if not any(dates.values()):
            missing = [key for key, column in durations.items() if column is None]
            if missing:
                raise ValueError(f"{' and '.join(missing)} missing: give duration and event, or dates")
            if self.clock == "signup" and not (self.entry or self.window):
                raise ValueError('clock "signup" needs entry or window: customers are at risk only after the survey')
            return self
        dates["survey"] = self.survey
        needed = ["survey", "end", "observed_until"] + (["signup"] if self.clock == "signup" else [])
        missing = [key for key in needed if dates[key] is None]
        if missing:
            raise ValueError(f"{' and '.join(missing)} missing: dates need survey, end and observed_until")
        if self.entry or self.window or self.follow_up:
            raise ValueError("entry, window and follow_up go with durations; dates give them by themselves")
        return self


class SpendSection(Section):
    """What customers spend in the window after the score."""

    column: str
    currency: str = "EUR"
    window_months: Annotated[int, Field(ge=1, le=120)] = 12
    complete: bool | str | None = None
    refunds: bool = False


class AdjustSection(Section):
    """What else could explain the difference: categories, and numbers cut into bands."""

    columns: tuple[str, ...] = ()
    bands: dict[str, tuple[float, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _cuts_rise(self) -> "AdjustSection":
        for name, cuts in self.bands.items():
            if any(b <= a for a, b in pairwise(cuts)):
                raise ValueError(f"bands of {name} must rise without repeats, such as 3, 12, 24")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("a column is named twice")
        return self


class AnalysisSection(Section):
    """What is asked of the cohort."""

    horizon: Annotated[int, Field(ge=1, le=3650)] | None = None
    tenure_horizons: tuple[Annotated[int, Field(ge=1, le=36500)], ...] | None = None
    contrasts: tuple[str, ...] = ("best:worst",)
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    draws: Annotated[int, Field(ge=100, le=100_000)] = 2000
    seed: Annotated[int, Field(ge=0)] = 20140801


class PublishSection(Section):
    """What may leave the house."""

    smallest_cell: Annotated[int, Field(ge=0)] = 0


class CohortSpec(Section):
    """Everything the user says of a table (design 3.1); frozen, and valid once it exists."""

    cohort: CohortSection = CohortSection()
    table: TableSection = TableSection()
    score: ScoreSection
    subscription: SubscriptionSection | None = None
    spend: SpendSection | None = None
    adjust: AdjustSection = AdjustSection()
    analysis: AnalysisSection = AnalysisSection()
    publish: PublishSection = PublishSection()

    @model_validator(mode="after")
    def _whole(self) -> "CohortSpec":
        scale = self.scale
        for key, band in (("worst", self.worst), ("best", self.best)):
            off = [level for level in band if level not in scale.levels]
            if off or not band:
                raise ValueError(f"[score] {key} {label(band)} leaves the scale {self.score.scale}")
        both = set(self.worst) & set(self.best)
        if both:
            raise ValueError(f"[score] worst and best overlap at {label(both)}")
        for contrast in self.analysis.contrasts:
            self.contrast(contrast)
        if self.subscription is None and self.spend is None:
            raise ValueError("nothing to link the score to: give [subscription], [spend] or both")
        dated = self.subscription is not None and self.subscription.dated
        if self.spend is not None and self.spend.complete is None and not dated:
            raise ValueError("[spend] complete must be given where there are no dates: true, or the column that says so")
        return self

    @property
    def scale(self) -> Scale:
        """The score's scale."""
        return parse_scale(self.score.scale, self.score.higher_is_better)

    @property
    def worst(self) -> tuple[int, ...]:
        """The levels of the poorest experience."""
        return self.score.worst or self.scale.worst()

    @property
    def best(self) -> tuple[int, ...]:
        """The levels of the best experience."""
        return self.score.best or self.scale.best()

    @property
    def unit(self) -> str:
        """The clock's unit; months for a cohort with spend only."""
        return self.subscription.unit if self.subscription else "month"

    @property
    def horizon(self) -> int:
        """Periods of the headline; one year unless the spec says otherwise."""
        return self.analysis.horizon or PERIODS_PER_YEAR[self.unit]

    @property
    def tenure_horizons(self) -> tuple[int, ...]:
        """Periods of the tenure ladder; 3, 5 and 10 years unless the spec says otherwise."""
        year = PERIODS_PER_YEAR[self.unit]
        return tuple(sorted(set(self.analysis.tenure_horizons or (3 * year, 5 * year, 10 * year))))

    @property
    def lags(self) -> tuple[int, ...]:
        """Periods after the score from which retention is counted again, short of the horizon."""
        return tuple(lag for lag in LAGS[self.unit] if lag < self.horizon)

    @property
    def cuts(self) -> dict[str, tuple[float, ...]]:
        """Cut points of every banded column, tenure at the survey by default where both dates are known."""
        cuts = dict(self.adjust.bands)
        sub = self.subscription
        if sub is not None and sub.clock == "survey" and sub.signup and sub.survey:
            cuts.setdefault(TENURE_AT_SURVEY, TENURE_CUTS[self.unit])
        return {name: cut for name, cut in cuts.items() if cut}

    @property
    def stratum_variables(self) -> tuple[str, ...]:
        """Names of the adjustment variables, in the order of their columns in the counts."""
        return tuple(dict.fromkeys((*self.adjust.columns, *self.cuts)))

    def group(self, name: str) -> tuple[int, ...]:
        """Levels of a group's name: ``worst``, ``best``, ``all``, ``7``, ``1-3`` or ``1,3``.

        Raises
        ------
        InputError
            If the name is none of these, or leaves the scale.
        """
        named = {"worst": self.worst, "best": self.best, "all": tuple(sorted(self.scale.levels))}
        levels = named.get(name.strip()) or parse_levels(name)
        off = [level for level in levels if level not in self.scale.levels]
        if off:
            raise InputError(f"{name!r} leaves the scale {self.score.scale}")
        return levels

    def contrast(self, text: str) -> tuple[str, str]:
        """Split ``"best:worst"`` into a group and its reference.

        Raises
        ------
        InputError
            If it is not GROUP:REFERENCE, leaves the scale, or its two sides overlap.
        """
        parts = [part.strip() for part in text.split(":")]
        if len(parts) != 2:
            raise InputError(f"[analysis] contrasts: {text!r} is not GROUP:REFERENCE, such as best:worst")
        overlap = set(self.group(parts[0])) & set(self.group(parts[1]))
        if overlap:
            raise InputError(f"[analysis] contrasts: the sides of {text!r} overlap at {label(overlap)}")
        return parts[0], parts[1]


def merged(base: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """Lay flags over a spec's tables; a flag wins, key by key within a table."""
    result: dict[str, Any] = {key: dict(value) if isinstance(value, Mapping) else value for key, value in base.items()}
    for section, values in flags.items():
        table = result.setdefault(section, {})
        if isinstance(table, dict):
            table.update(values)
    return result


def make_spec(tables: Mapping[str, Any], source: str = "spec") -> CohortSpec:
    """Check a mapping of tables and make the spec.

    Parameters
    ----------
    tables : mapping of section to its keys
        As read from TOML.
    source : str
        What to call it in a message.

    Raises
    ------
    InputError
        One line that names the first key that is wrong, and how.
    """
    try:
        return CohortSpec.model_validate(_tuples(tables))
    except ValidationError as error:
        raise InputError(f"{source}: {_first(error)}") from None
    except InputError as error:
        raise InputError(f"{source}: {error}") from None


def read_spec(
    path: Path | str | None, flags: Mapping[str, Any] | None = None, name: str | None = None
) -> CohortSpec:
    """Read a spec from a TOML file, with flags laid over it.

    Parameters
    ----------
    path : Path or str, optional
        The file; without it the flags are all there is.
    flags : mapping of section to keys, optional
        They win.
    name : str, optional
        What to call the cohort where neither says.

    Raises
    ------
    InputError
        If the file cannot be read, is not TOML, or does not make a spec.
    """
    tables: dict[str, Any] = {}
    if path is not None:
        try:
            tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"{path}: no such spec. `cxlink init TABLE` writes one.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read as text ({error.__class__.__name__}).") from None
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{path}: not TOML: {error}.") from None
    said = merged(tables, flags or {})
    if name and isinstance(said.setdefault("cohort", {}), dict):
        said["cohort"].setdefault("name", name)
    return make_spec(said, str(path) if path is not None else "spec")


def _tuples(value: Any) -> Any:
    """TOML's lists as tuples, which strict pydantic asks for."""
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_tuples(item) for item in value)
    return value


def _first(error: ValidationError) -> str:
    """Say the first thing wrong with a spec in one line."""
    first = error.errors(include_url=False)[0]
    where = [str(part) for part in first["loc"]]
    key = f"[{where[0]}] {'.'.join(where[1:])}".strip() if where else ""
    cause = first.get("ctx", {}).get("error")
    text = (str(cause) if cause is not None else str(first["msg"])).rstrip(".")
    if first["type"] == "extra_forbidden":
        known = sorted(_keys_beside(where))
        return f"{key} is not a key of the spec. Known here: {', '.join(known)}."
    if first["type"] == "missing":
        return f"{key} is missing." if len(where) > 1 else f"[{where[0]}] is missing."
    if text.startswith("["):
        key = ""
    found = "" if isinstance(first.get("input"), Mapping | BaseModel) else f" (found {first.get('input')!r})"
    return f"{key}{': ' if key else ''}{text[:1].lower() + text[1:] if not text.startswith('[') else text}{found if cause is None else ''}."


def _keys_beside(where: list[str]) -> list[str]:
    """Keys that the spec knows where an unknown one was found."""
    fields = CohortSpec.model_fields
    if len(where) == 1:
        return list(fields)
    annotation = fields[where[0]].annotation
    options = [annotation, *getattr(annotation, "__args__", ())]
    section = next(o for o in options if isinstance(o, type) and issubclass(o, Section))
    return list(section.model_fields)
