"""What a report is made from: plain data of one cohort, or of several, and of the study."""

from dataclasses import dataclass, field
from typing import TypedDict

import pandas as pd

from cxlink import __version__
from cxlink.cohort.count.profile import Profile
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.estimates_lookup import Book, open_book
from cxlink.results import Results


class Study(TypedDict):
    """What the report of the published study holds beside its cohorts.

    Attributes
    ----------
    comparison : DataFrame
        ``figure, group, horizon, unit, published, published_status, published_wording, truth, naive, naive_low,
        naive_high, adjusted, adjusted_low, adjusted_high``; NaN or empty where nothing was published.
    paradox : DataFrame
        ``reading, parameter, years_of_worst, years_of_best, retention_needed_for_six_years``: what one-year
        retention means under each reading.
    cohorts : list of str
        A sentence about each cohort.
    replications : DataFrame
        ``figure, group, unit, cohorts, customers, truth, naive_bias, naive_coverage, adjusted_bias,
        adjusted_coverage``: the figures over many cohorts; empty where none was asked for.
    third_chart : DataFrame
        ``model, fixed, group, retention, heterogeneity, years``: what one-year retention means in years, by assumption.
    six_years : DataFrame
        ``model, fixed, heterogeneity, second_year_of_best, years_of_best, years_of_worst``: what the published
        years need.
    public_curves : DataFrame
        ``segment, fitted_to, model, year, estimate, conf_low, conf_high, actual, aic``: published
        curves, projected.
    public_verdicts : DataFrame
        How they did, a row each ``segment`` and ``fitted_to``; see `cxlink.study.public_curves.judged`.
    """

    comparison: pd.DataFrame
    paradox: pd.DataFrame
    cohorts: list[str]
    replications: pd.DataFrame
    third_chart: pd.DataFrame
    six_years: pd.DataFrame
    public_curves: pd.DataFrame
    public_verdicts: pd.DataFrame


@dataclass(frozen=True)
class Posteriors:
    """What the Bayesian models add to the tables: pictures, priors, and what was pooled.

    Attributes
    ----------
    curves : DataFrame
        ``model, adjusted, scenario, group, time, estimate, conf_low, conf_high``: retention by time; scenario ``prior``
        is before any count, of one group, ``all``.
    spend : DataFrame
        ``scenario, group, estimate, conf_low, conf_high, unit``: mean spend before any count; empty where there is no
        spend.
    priors : DataFrame
        ``model, of, quantity, distribution, scale, reason``: of is ``retention`` or ``spend``.
    cohorts : DataFrame
        ``cohort, customers, periods``: those pooled, the one that is reported last; one row where none is pooled.
    warnings : tuple of str
        Why a posterior is not to be relied on; empty where all can be.
    """

    curves: pd.DataFrame
    spend: pd.DataFrame
    priors: pd.DataFrame
    cohorts: pd.DataFrame
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportInput:
    """Everything a report needs of one cohort.

    Attributes
    ----------
    estimates : DataFrame
        The estimates table, typed as `cxlink.estimands.tidy.tidy` gives it.
    diagnostics : DataFrame
        ``model, quantity, group, value, ok, note``.
    spec : CohortSpec
        What the table was said to hold.
    profile : Profile
        What became of its rows.
    cells : DataFrame
        The counts, one row a cell.
    at_risk : DataFrame
        ``group, period, at_risk, lost``; groups as in the estimates.
    projected : DataFrame
        ``model, adjusted, scenario, group, time, estimate, conf_low, conf_high``: fitted survival; empty where none
        was fitted.
    foreseen : DataFrame
        ``adjusted, kind, origin, level, predicted, observed, n``: the backtest's forecasts; empty where there is none.
    bayes : Posteriors or None
        Of a cohort that was fitted with ``--bayes``.
    metrics : DataFrame
        The metrics table; empty where there are none.
    simulated : bool
        Whether the customers are simulated; every page and figure then says so.
    study : Study or None
        For the published study; on one of its sections.
    command : str
        How to run it again.
    version : str
        Of cxlink.
    """

    estimates: pd.DataFrame
    diagnostics: pd.DataFrame
    spec: CohortSpec
    profile: Profile
    cells: pd.DataFrame
    at_risk: pd.DataFrame
    projected: pd.DataFrame
    foreseen: pd.DataFrame
    bayes: Posteriors | None = None
    metrics: pd.DataFrame = field(default_factory=pd.DataFrame)
    simulated: bool = False
    study: Study | None = None
    command: str = ""
    version: str = ""


@dataclass(frozen=True)
class Material:
    """One cohort, ready to be written about.

    Attributes
    ----------
    given : ReportInput
        What the analysis handed over.
    book : Book
        Its estimates, by key.
    scores : dict of int to int or None
        Customers at each level that has some, from the worst to the best; None where suppressed.
    n_scored, n_unscored : int
        Customers with and without a score.
    """

    given: ReportInput
    book: Book
    scores: dict[int, int | None]
    n_scored: int
    n_unscored: int

    @property
    def spec(self) -> CohortSpec:
        """What the table was said to hold."""
        return self.given.spec

    @property
    def sides(self) -> tuple[str, str]:
        """The group and the reference of the headline contrast: ``best`` and ``worst`` unless asked otherwise."""
        return self.spec.contrast(self.spec.analysis.contrasts[0])

    @property
    def bands(self) -> tuple[str, ...]:
        """Those of the best and the worst band that have customers."""
        return tuple(band for band in ("best", "worst") if self.has(band))

    @property
    def table(self) -> str:
        """What to call the customers' table: a frame has no name of its own."""
        return self.given.profile.table if self.given.profile.table not in ("", "table") else "the table"

    def has(self, group: str) -> bool:
        """Whether anybody gave a score of this group."""
        return any(level in self.scores for level in self.spec.group(group))

    def too_small(self, group: str) -> bool:
        """Whether a group has customers, but too few for its figures to be published."""
        inside = self.given.cells["score"].isin(self.spec.group(group)).fillna(False)
        return 0 < int(self.given.cells.loc[inside, "n"].sum()) < self.spec.publish.smallest_cell


def gather(given: ReportInput) -> Material:
    """Count the scores and index the estimates of a cohort."""
    cells, least = given.cells, given.spec.publish.smallest_cell
    scored = cells[cells["score"].notna()]
    found = {int(level): int(n) for level, n in scored.groupby("score")["n"].sum().items()}  # type: ignore[call-overload]
    scores = {
        level: found[level] if found[level] >= least else None
        for level in given.spec.scale.levels
        if found.get(level)
    }
    n_scored = int(scored["n"].sum())
    return Material(given, open_book(given.estimates), scores, n_scored, int(cells["n"].sum()) - n_scored)


def _posteriors(analysis: Results) -> Posteriors | None:
    """Hand the posteriors to the report; None without any."""
    found = analysis.bayesian
    if found is None:
        return None
    curves, spend, priors = (
        pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        for frames in (found.curves, found.spend, found.priors)
    )
    return Posteriors(curves, spend, priors, analysis.cohorts, found.warnings)


def report_input(analysis: Results, command: str) -> ReportInput:
    """Hand an analysis to the report."""
    return ReportInput(
        estimates=analysis.estimates,
        diagnostics=analysis.diagnostics,
        spec=analysis.counts.spec,
        profile=analysis.profile,
        cells=analysis.counts.cells,
        at_risk=analysis.at_risk,
        projected=analysis.projected,
        foreseen=analysis.foreseen,
        simulated=analysis.counts.spec.cohort.simulated,
        bayes=_posteriors(analysis),
        metrics=analysis.metrics,
        command=command,
        version=__version__,
    )
