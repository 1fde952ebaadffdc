"""The spec: the user's description of a table, read from TOML and flags, validated before any data is read."""

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.anchor_texts import Anchor, stated_anchors
from cxlink.cohort.spec.complaints import first_complaint
from cxlink.cohort.spec.metrics_section import MetricsSection
from cxlink.cohort.spec.open_keys import refuse_open
from cxlink.cohort.spec.other_scores import OtherScore, refuse_others
from cxlink.cohort.spec.outcomes import outcomes_of, refuse_outcomes
from cxlink.cohort.spec.scales import Scale, label, parse_levels, parse_scale
from cxlink.cohort.spec.spec_sections import (
    AdjustSection,
    AnalysisSection,
    CohortSection,
    ControlSection,
    PublishSection,
    ReportSection,
    ScoreSection,
    Section,
    SpendSection,
    SubscriptionSection,
    ValueSection,
)
from cxlink.cohort.spec.spec_sections import TableSection as TableSection
from cxlink.cohort.spec.touchpoints_section import TouchpointsSection

PERIODS_PER_YEAR: dict[str, int] = {"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}
LAGS: dict[str, tuple[int, ...]] = {
    "day": (30, 90), "week": (4, 13), "month": (1, 3), "quarter": (1,), "year": (),
}  # fmt: skip
TENURE_AT_SURVEY = "tenure_at_survey"
TENURE_CUTS: dict[str, tuple[float, ...]] = {
    "day": (90, 365, 730), "week": (13, 52, 104), "month": (3, 12, 24), "quarter": (1, 4, 8), "year": (1, 2),
}  # fmt: skip
PREVIOUS_SCORE, SURVEY_NUMBER, SINCE_LAST = "previous_score", "survey_number", "since_last_survey"
SURVEY_HISTORY = (PREVIOUS_SCORE, SURVEY_NUMBER, SINCE_LAST)
"""Adjustment variables that every survey of a customer has by itself."""
SINCE_LAST_CUTS: dict[str, tuple[float, ...]] = {
    "day": (182, 365), "week": (26, 52), "month": (6, 12), "quarter": (2, 4), "year": (1,),
}  # fmt: skip
_LONGEST_YEARS = 200  # twice an age; what is longer is a code for something else, such as 9999 or 0001-01-01


class CohortSpec(Section):
    """Description of a table and of its analysis; frozen, and valid once it exists."""

    cohort: CohortSection = CohortSection()
    table: TableSection = TableSection()
    score: ScoreSection
    subscription: SubscriptionSection | None = None
    spend: SpendSection | None = None
    adjust: AdjustSection = AdjustSection()
    analysis: AnalysisSection = AnalysisSection()
    control: ControlSection | None = None
    metrics: MetricsSection | None = None
    touchpoints: TouchpointsSection | None = None
    value: ValueSection | None = None
    report: ReportSection = ReportSection()
    publish: PublishSection = PublishSection()

    @model_validator(mode="after")
    def _whole(self) -> "CohortSpec":
        self._refuse_bands()
        for contrast in self.analysis.contrasts:
            self.contrast(contrast)
        sub = self.subscription
        if sub is None and self.spend is None:
            raise ValueError("no outcome to link the score to: give [subscription], [spend] or both")
        if self.spend is not None and self.spend.complete is None and not (sub and sub.dated):
            raise ValueError(
                "[spend] complete must be given without dates: true, or the column that marks complete windows"
            )
        self._refuse_anchors()
        if self.value is not None and self.spend is None:
            raise ValueError("[value] needs [spend]: a margin is earned in the window of spend")
        if self.cohort.repeat != "error" and not (sub and sub.survey):
            raise ValueError(
                f'[cohort] repeat = "{self.cohort.repeat}" needs [subscription] survey, the date of each score'
            )
        if self.every_survey:
            self._refuse_one_origin()
        if self.spans and self.cohort.id is None:
            raise ValueError("[subscription] gap_days needs [cohort] id: spans of one customer are merged")
        if self.table.on is not None and self.table.on != self.cohort.id:
            raise ValueError("[table] on must be [cohort] id: a customer may have several surveys")
        for name in self.cohort.unconfirmed:
            section, _, key = name.partition(".")
            if getattr(getattr(self, section, None), key or "-", None) is None:
                raise ValueError(f"[cohort] unconfirmed {name!r} is no key that this spec sets")
        self._refuse_cluster()
        self._refuse_covariates()
        uses = self._uses() | dict.fromkeys(
            (self.cohort.id, self.cohort.count, self.cohort.cluster), "no score"
        )
        refuse_others(self.others, uses, self.stratum_variables)
        if self.control is not None and (used := self._uses().get(self.control.column)):
            raise ValueError(
                f"[control] {self.control.column} is {used}: name an outcome that the score cannot have changed"
            )
        self._refuse_misfits()
        return self

    def _refuse_bands(self) -> None:
        """Check that the worst and the best band are of the scale, apart, and the right way up."""
        for key, band in (("worst", self.worst), ("best", self.best)):
            if not band or set(band) - set(self.scale.levels):
                raise ValueError(f"[score] {key} {label(band) or '[]'} leaves the scale {self.score.scale}")
        both = set(self.worst) & set(self.best)
        if both:
            raise ValueError(f"[score] worst and best overlap at {label(both)}")
        if self.scale.upside_down(self.worst, self.best):
            raise ValueError(
                f"[score] worst {label(self.worst)} lies above best {label(self.best)}: swap them, or set "
                f"higher_is_better = {str(not self.score.higher_is_better).lower()}"
            )

    def _refuse_covariates(self) -> None:
        """Check that neither the score nor an outcome is adjusted for."""
        if self.score.column in self.stratum_variables:
            raise ValueError(f"[adjust] {self.score.column} is the score: it cannot be adjusted for")
        try:
            refuse_outcomes(self.stratum_variables, self.outcomes, "adjusted for")
        except InputError as error:
            raise ValueError(f"[adjust] {error}") from None

    def _refuse_misfits(self) -> None:
        """Check that metrics and contacts have what they need of the other sections."""
        sub = self.subscription
        if self.metrics is not None:
            signup = sub is not None and sub.signup is not None
            self.metrics.refuse_misfit(self.score, self.scale, spend=self.spend is not None, signup=signup)
        if self.touchpoints is not None:
            dated, grouped = bool(sub and sub.survey), self.cohort.count is not None
            self.touchpoints.refuse_misfit(
                id_=self.cohort.id, dated=dated, grouped=grouped, taken=self.score.column
            )

    def _refuse_cluster(self) -> None:
        """Check that the cluster is no score."""
        if self.cohort.cluster is None:
            return
        if self.cohort.cluster == self.score.column:
            raise ValueError(
                f"[cohort] cluster {self.score.column} is the score: name the account or household"
            )

    def _refuse_one_origin(self) -> None:
        """Check that nothing asks for one time origin, or one row, of a customer whose surveys all count."""
        sub = self.subscription
        if sub is not None and sub.clock != "survey":
            raise ValueError(
                '[cohort] repeat = "all" starts time anew at each survey: leave clock = "signup", entry and window out'
            )
        if self.analysis.target == "customers":
            raise ValueError(
                '[analysis] target = "customers" needs one survey a customer: set [cohort] repeat = "first", or leave '
                "it out"
            )
        if self.spans:
            raise ValueError(
                '[cohort] repeat = "all" goes without [subscription] gap_days: merge the spans first, or set repeat = '
                '"first"'
            )
        own = [name for name in SURVEY_HISTORY if name in self.adjust.columns]
        own += [name for name in SURVEY_HISTORY if name != SINCE_LAST and name in self.adjust.bands]
        if own:
            raise ValueError(f'[adjust] {own[0]} is worked out with [cohort] repeat = "all": leave it out')

    def _refuse_anchors(self) -> None:
        """Check that anchors are of a cohort that is followed, and of levels of its scale."""
        if self.analysis.anchors and self.subscription is None:
            raise ValueError("[analysis] anchors needs [subscription]: they say how long customers stay")
        for anchor in self.anchors:
            try:
                self.group(anchor.group)
            except InputError as error:
                raise ValueError(f"[analysis] anchors: {anchor.label}[{anchor.group}]: {error}") from None

    def _uses(self) -> dict[str | None, str]:
        """Columns that cannot be a negative control, and why: the score, its outcomes, and covariates adjusted for."""
        uses: dict[str | None, str] = dict.fromkeys(self.stratum_variables, "adjusted for")
        uses |= dict.fromkeys(self.outcomes, "an outcome of the score")
        return uses | {self.score.column: "the score"}

    @property
    def outcomes(self) -> frozenset[str]:
        """Columns that are known only after the score."""
        return outcomes_of(self.subscription, self.spend, self.value)

    @property
    def scale(self) -> Scale:
        """The score's scale."""
        return parse_scale(self.score.scale, self.score.higher_is_better)

    @property
    def others(self) -> dict[str, OtherScore]:
        """Further scores of the same customers, by name."""
        return dict(self.score.others or {})

    @property
    def worst(self) -> tuple[int, ...]:
        """The levels of the poorest experience."""
        return self.scale.worst() if self.score.worst is None else self.score.worst

    @property
    def best(self) -> tuple[int, ...]:
        """The levels of the best experience."""
        return self.scale.best() if self.score.best is None else self.score.best

    @property
    def every_survey(self) -> bool:
        """Whether each survey of a customer starts a clock of its own."""
        return self.cohort.repeat == "all"

    @property
    def cluster_column(self) -> str | None:
        """The column whose values are clusters: the account, or the customer where every survey counts."""
        return self.cohort.cluster or (self.cohort.id if self.every_survey else None)

    @property
    def of_first_surveys(self) -> "CohortSpec":
        """Of each customer's first survey, without what of earlier ones is adjusted for; itself if each has one."""
        if not self.every_survey:
            return self
        bands = {name: cut for name, cut in self.adjust.bands.items() if name != SINCE_LAST}
        adjust = self.adjust.model_copy(update={"bands": bands})
        rows = self.cohort.model_copy(update={"repeat": "first"})
        return self.model_copy(update={"cohort": rows, "adjust": adjust})

    @property
    def unit(self) -> str:
        """Unit of time; months for a cohort with spend only."""
        return self.subscription.unit if self.subscription else "month"

    @property
    def spans(self) -> bool:
        """Whether a row of the table is a span of a subscription, of which a customer may have several."""
        return self.subscription is not None and self.subscription.gap_days is not None

    @property
    def horizon(self) -> int:
        """Horizon of the main results, in periods; one year by default."""
        return self.analysis.horizon or PERIODS_PER_YEAR[self.unit]

    @property
    def longest(self) -> int:
        """Longest valid duration: two hundred years. A longer one is a code for something else."""
        return _LONGEST_YEARS * PERIODS_PER_YEAR[self.unit]

    @property
    def tenure_horizons(self) -> tuple[int, ...]:
        """Horizons of restricted mean tenure, in periods; 3, 5 and 10 years by default."""
        year = PERIODS_PER_YEAR[self.unit]
        return tuple(sorted(set(self.analysis.tenure_horizons or (3 * year, 5 * year, 10 * year))))

    @property
    def given(self) -> tuple[int, ...]:
        """Periods already completed, for expected remaining tenure; one year by default."""
        periods = self.analysis.given
        return tuple(sorted(set((PERIODS_PER_YEAR[self.unit],) if periods is None else periods)))

    @property
    def discount(self) -> float:
        """Discount rate per period, continuously compounded: log(1 + annual rate) / periods per year."""
        return math.log1p(self.analysis.discount) / PERIODS_PER_YEAR[self.unit]

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """Shares of older cohorts that are known; run folders are read by `cxlink.anchor_runs`."""
        return stated_anchors(self.analysis.anchors or ())

    @property
    def margin_column(self) -> str | None:
        """The column of margin; None where margin is a share of spend, or not given."""
        margin = self.value.margin if self.value is not None else None
        return margin if isinstance(margin, str) else None

    @property
    def value_horizon(self) -> int:
        """Horizon of customer lifetime value, in periods; three years by default."""
        horizon = self.value.horizon if self.value is not None else None
        return horizon or 3 * PERIODS_PER_YEAR[self.unit]

    @property
    def value_discount(self) -> float:
        """Annual discount rate of customer lifetime value; that of [analysis] by default."""
        rate = self.value.discount if self.value is not None else None
        return self.analysis.discount if rate is None else rate

    @property
    def lags(self) -> tuple[int, ...]:
        """Lags: periods after the score from which retention is estimated again, short of the horizon."""
        return tuple(lag for lag in LAGS[self.unit] if lag < self.horizon)

    @property
    def cuts(self) -> dict[str, tuple[float, ...]]:
        """Cut points of every banded column.

        By default of tenure at the survey where both dates are given, and of the time since the last survey where every
        survey counts.
        """
        cuts = dict(self.adjust.bands)
        sub = self.subscription
        if (
            sub is not None
            and sub.clock == "survey"
            and sub.signup
            and TENURE_AT_SURVEY not in self.adjust.columns
        ):
            cuts.setdefault(TENURE_AT_SURVEY, TENURE_CUTS[self.unit])
        if self.every_survey:
            cuts.setdefault(SINCE_LAST, SINCE_LAST_CUTS[self.unit])
        return {name: cut for name, cut in cuts.items() if cut}

    @property
    def stratum_variables(self) -> tuple[str, ...]:
        """Names of the adjustment variables, in the order of their columns in the counts."""
        own = (PREVIOUS_SCORE, SURVEY_NUMBER) if self.every_survey else ()
        return tuple(dict.fromkeys((*self.adjust.columns, *own, *self.cuts)))

    @property
    def date_columns(self) -> frozenset[str]:
        """Every name in the spec that may be a column of dates."""
        sub, metrics = self.subscription, self.metrics
        names = {sub.signup, sub.survey, sub.end, sub.observed_until} if sub is not None else set()
        names |= {metrics.date} if metrics is not None else set()
        return frozenset(name for name in names if name is not None)

    @property
    def table_columns(self) -> frozenset[str]:
        """Every name in the spec that may be a column of the table."""
        sub, spend = self.subscription, self.spend
        names = {self.score.column, self.cohort.id, self.cohort.cluster, self.cohort.count, self.table.on}
        names |= {*self.stratum_variables}
        if sub is not None:
            names |= {sub.signup, sub.survey, sub.end, sub.observed_until, sub.cause}
            names |= {sub.duration, sub.event, sub.follow_up, sub.entry}
        if spend is not None:
            names |= {spend.column, spend.complete if isinstance(spend.complete, str) else None}
        names |= {self.control.column if self.control is not None else None, self.margin_column}
        names |= {other.column for other in self.others.values()}
        names |= self.metrics.column_names if self.metrics is not None else frozenset()
        names |= {self.touchpoints.segment if self.touchpoints is not None else None}
        return frozenset(name for name in names if name is not None)

    def group(self, name: str) -> tuple[int, ...]:
        """Levels of a group's name: ``worst``, ``best``, ``all``, ``7``, ``1-3`` or ``1,3``.

        Parameters
        ----------
        name : str
            Of a group.

        Returns
        -------
        tuple of int
            Its score levels, ascending.

        Raises
        ------
        InputError
            If the name is none of these, or leaves the scale.
        """
        named = {"worst": self.worst, "best": self.best, "all": tuple(sorted(self.scale.levels))}
        levels = named.get(name.strip()) or parse_levels(name)
        if set(levels) - set(self.scale.levels):
            raise InputError(f"{name!r} leaves the scale {self.score.scale}")
        return levels

    def contrast(self, text: str) -> tuple[str, str]:
        """Split ``"best:worst"`` into a group and its reference.

        Parameters
        ----------
        text : str
            ``GROUP:REFERENCE``.

        Returns
        -------
        (str, str)
            Names of both.

        Raises
        ------
        InputError
            If it is not GROUP:REFERENCE, leaves the scale, or its two sides overlap.
        """
        parts = [part.strip() for part in text.split(":")]
        if len(parts) != 2:
            raise InputError(f"[analysis] contrasts: {text!r} is not GROUP:REFERENCE, such as best:worst")
        try:
            overlap = set(self.group(parts[0])) & set(self.group(parts[1]))
        except InputError as error:
            raise InputError(f"[analysis] contrasts: {error}") from None
        if overlap:
            raise InputError(f"[analysis] contrasts: the sides of {text!r} overlap at {label(overlap)}")
        return parts[0], parts[1]


def merged(base: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """Override a spec's tables by flags, key by key within a table."""
    result: dict[str, Any] = {
        key: dict(value) if isinstance(value, Mapping) else value for key, value in base.items()
    }
    for section, values in flags.items():
        table = result.setdefault(section, {})
        if isinstance(table, dict):
            table.update(values)
    return result


def make_spec(tables: Mapping[str, Any], source: str = "spec") -> CohortSpec:
    """Validate a mapping of tables and make the spec.

    Parameters
    ----------
    tables : mapping of section to its keys
        As read from TOML.
    source : str
        Name of the spec in an error message.

    Returns
    -------
    CohortSpec
        Frozen and valid.

    Raises
    ------
    InputError
        One line that names the first key that is wrong, and how.

    Examples
    --------
    >>> from cxlink import make_spec
    >>> spec = make_spec({"score": {"column": "nps", "scale": "0-10"}, "spend": {"column": "spend", "complete": True}})
    >>> spec.worst, spec.best
    ((0, 1, 2, 3, 4, 5, 6), (9, 10))
    """
    try:
        return CohortSpec.model_validate(_tuples(tables))
    except ValidationError as error:
        raise InputError(f"{source}: {first_complaint(error, CohortSpec)}") from None


def read_spec(
    path: Path | str | None, flags: Mapping[str, Any] | None = None, name: str | None = None
) -> CohortSpec:
    """Read a spec from a TOML file; flags override its keys.

    Parameters
    ----------
    path : Path or str, optional
        TOML file; without it the spec is made from the flags alone.
    flags : mapping of section to keys, optional
        They override the file.
    name : str, optional
        Name of the cohort where neither gives one.

    Returns
    -------
    CohortSpec
        Frozen and valid.

    Raises
    ------
    InputError
        If the file cannot be read, is not TOML, or is not a valid spec.
    """
    tables: dict[str, Any] = {}
    if path is not None:
        try:
            tables = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
        except FileNotFoundError:
            raise InputError(f"{path}: no such spec. `cxlink init TABLE` writes one.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: cannot be read as text ({error.__class__.__name__}).") from None
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{path}: not TOML: {error}.") from None
    refuse_open(merged(tables, flags or {}), str(path) if path is not None else "spec")
    said = _confirmed(merged(tables, flags or {}), flags or {})
    if name and isinstance(said.setdefault("cohort", {}), dict):
        said["cohort"].setdefault("name", name)
    return make_spec(said, str(path) if path is not None else "spec")


def _confirmed(tables: dict[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """Take the keys that flags set out of those that nobody has confirmed."""
    cohort = tables.get("cohort")
    if not isinstance(cohort, dict) or not isinstance(cohort.get("unconfirmed"), list):
        return tables
    set_by_flag = {f"{section}.{key}" for section, values in flags.items() for key in values}
    left = [key for key in cohort["unconfirmed"] if key not in set_by_flag]
    return {**tables, "cohort": {**cohort, "unconfirmed": left}}


def _tuples(value: Any) -> Any:
    """TOML's lists as tuples, which strict pydantic requires."""
    if isinstance(value, Mapping):
        return {key: _tuples(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_tuples(item) for item in value)
    return value
