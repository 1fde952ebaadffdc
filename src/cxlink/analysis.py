"""The one composition that notebooks, the command line and the tests share: counts become estimates and figures."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxlink.bayes.draws.sampling import sampler_named
from cxlink.checks import Check, check_table, once
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import Spells, risk_sets, spells_of
from cxlink.cohort.counted import Counted, counted
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.table import Cohort
from cxlink.estimands.e_values import e_value_findings
from cxlink.estimands.fallback import stepped_down, thin
from cxlink.estimands.headline import from_signup, headline
from cxlink.estimands.model_rows.coefficients import coefficient_table
from cxlink.estimands.model_rows.hazard_rows import hazard_results
from cxlink.estimands.model_rows.regression_rows import spend_model_rows
from cxlink.estimands.model_rows.tenure_estimates import STREAMS, tenure_results
from cxlink.estimands.second_opinions import parted
from cxlink.estimands.support_checks import band_checks
from cxlink.estimands.suppression import blank_at_risk, blank_checks, blank_small, small_groups
from cxlink.estimands.tidy import tidy
from cxlink.groups import requests as standards
from cxlink.metrics.all_metrics import immortal_time_checks, metrics_of
from cxlink.metrics.metric_table import blank_small_metrics
from cxlink.report.check_notes import note
from cxlink.results import Results
from cxlink.sensitivity.duration_convention import convention_checks
from cxlink.sensitivity.sensitivity_analyses import sensitivity_of_counts, sensitivity_of_headline
from cxlink.value.customer_value import generator, value_results

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cxlink.estimands.posterior.posterior_estimates import Bayesian
    from cxlink.survival.splice import Families

_PROJECTED = ("model", "adjusted", "scenario", "group", "time", "estimate", "conf_low", "conf_high")
_FORESEEN = ("adjusted", "kind", "origin", "level", "predicted", "observed", "n")
Row = dict[str, Any]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, repr=False)
class Analysis(Results):
    """A cohort's results, with what needs the report: figures, display and the run folder."""

    def __repr__(self) -> str:
        n, name = int(self.counts.scored["n"].sum()), self.counts.spec.cohort.name
        return f"<Analysis of {name}: {n:,} customers with a score, {len(self.estimates):,} estimates>"

    @property
    def diagnostics(self) -> pd.DataFrame:
        """The checks as a table, with their sentences: ``diagnostics.csv``."""
        return check_table(self.checks, note)

    def _repr_html_(self) -> str:
        from cxlink.report.analysis_document import headline
        from cxlink.report.render_html import blocks_html

        return blocks_html(headline(self))

    def retention_curves(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention of the bands by time since the score, with customers at risk."""
        from cxlink.report.figures.cohort_figures import retention_curves

        late = self.counts.spec.subscription is not None and self.counts.spec.subscription.clock == "signup"
        at_risk = None if late or ax is not None else self.at_risk
        return retention_curves(
            self.estimates, self.counts.spec, at_risk=at_risk, simulated=self.simulated, ax=ax
        )

    def retention_by_score(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention at the horizon, score by score, unadjusted and standardised."""
        from cxlink.report.figures.cohort_figures import retention_by_score

        return retention_by_score(self.estimates, self.counts.spec, simulated=self.simulated, ax=ax)

    def spend_by_score(self, ax: "Axes | None" = None) -> "Axes":
        """Draw mean spend over the window, score by score, unadjusted and standardised."""
        from cxlink.report.figures.cohort_figures import spend_by_score

        return spend_by_score(self.estimates, self.counts.spec, simulated=self.simulated, ax=ax)

    def value_by_score(self, ax: "Axes | None" = None) -> "Axes":
        """Draw lifetime value, score by score, unadjusted and standardised; needs ``[value]`` in the spec."""
        from cxlink.report.figures.cohort_figures import value_by_score

        return value_by_score(self.estimates, self.counts.spec, simulated=self.simulated, ax=ax)

    def unanswered_curves(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention of customers without a score beside that of those with one."""
        from cxlink.report.figures.nonresponse_figure import unanswered_curves

        return unanswered_curves(self.estimates, self.counts.spec, simulated=self.simulated, ax=ax)

    def tenure_ladder(self, ax: "Axes | None" = None) -> "Axes":
        """Draw mean tenure to each horizon, by family and averaged, with what is extrapolated."""
        from cxlink.report.figures.tenure_ladder import tenure_ladder

        return tenure_ladder(self.every_estimate, self.counts.spec, simulated=self.simulated, ax=ax)

    def family_survival(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the observed curves of both bands, and how each family continues them beyond follow-up."""
        from cxlink.report.figures.extrapolation_figure import family_survival

        return family_survival(
            self.estimates, self.projected, self.counts.spec, simulated=self.simulated, ax=ax
        )

    def family_hazards(self, ax: "Axes | None" = None) -> "Axes":
        """Draw losses per period: observed, smoothed, and as each family has them."""
        from cxlink.report.figures.hazard_figure import family_hazards

        return family_hazards(
            self.estimates, self.projected, self.at_risk, self.counts.spec, simulated=self.simulated, ax=ax
        )

    def backtest_calibration(self, ax: "Axes | None" = None) -> "Axes":
        """Draw survival predicted from earlier periods against what was observed, by score."""
        from cxlink.report.figures.calibration_figure import backtest_calibration
        from cxlink.report.sections.family_table import backtest_weights

        weights = backtest_weights(self.checks)
        return backtest_calibration(
            self.foreseen, weights, self.counts.spec.unit, simulated=self.simulated, ax=ax
        )

    def posterior_retention(self, ax: "Axes | None" = None) -> "Axes":
        """Draw retention before any count and by the posterior, with what was observed; needs ``bayes=True``."""
        from cxlink.report.figures.posterior_figures import prior_retention

        curves = pd.concat(self.bayesian.curves) if self.bayesian is not None else pd.DataFrame()
        return prior_retention(self.estimates, curves, self.counts.spec, simulated=self.simulated, ax=ax)

    def metrics_over_time(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the first metric by calendar period, with its intervals; needs dates.

        Raises
        ------
        InputError
            If no metric is known in two calendar periods.
        """
        from cxlink.report.figures.metric_figures import metric_over_time

        return metric_over_time(self.metrics, simulated=self.simulated, ax=ax)

    def write(self, folder: "Path | str", overwrite: bool = False) -> None:
        """Write a run folder: tables, counts, figures and the PDF; whole or not at all.

        Raises
        ------
        InputError
            If the folder exists (with ``overwrite``: and is no run folder), or cannot be written.
        """
        from cxlink.runs import new_folder, write_run

        with new_folder(Path(folder), overwrite) as partial:
            write_run(self, partial, command="cxlink.analyse(cohort).write(folder)")


@dataclass(frozen=True, slots=True)
class _Made:
    """Rows and findings of one part of the analysis."""

    rows: list[Row]
    findings: list[Check]
    coefficients: list[Row] = field(default_factory=list)
    projected: list[pd.DataFrame] = field(default_factory=list)
    foreseen: list[pd.DataFrame] = field(default_factory=list)
    families: "Families | None" = None


def analyse(
    cohort: Cohort | Counts,
    progress: Progress = lambda _: None,
    *,
    bayes: bool = False,
    sampler: str | None = None,
    earlier: Mapping[str, Counts] | None = None,
) -> Analysis:
    """Fit every model that a cohort's data allow, and estimate retention, spend, tenure and value by score.

    Parameters
    ----------
    cohort : Cohort or Counts
        From counts alone, rows of the other duration convention and of the naive estimate are omitted.
    progress : callable
        Called with the name of each part as it starts.
    bayes : bool
        Whether to sample the Bayesian models as well.
    sampler : {"nutpie", "pymc"}, optional
        Sampler: nutpie on the densities of counts (the default), or PyMC on its own models, which takes longer.
    earlier : mapping of str to Counts, optional
        Earlier cohorts by name, which the Bayesian models pool with this one; see `cxlink.pooling`.

    Raises
    ------
    InputError
        If there is no such sampler, or one is named without ``bayes``.

    Examples
    --------
    >>> import pandas as pd
    >>> from cxlink import analyse, make_spec, read_cohort
    >>> rows = pd.DataFrame({"score": [1, 1, 2, 9, 9, 10], "spend": [0.0, 50, 70, 100, 120, 140]})
    >>> spend = {"column": "spend", "currency": "EUR", "complete": True}
    >>> spec = make_spec({"score": {"column": "score", "scale": "1-10"}, "spend": spend})
    >>> estimates = analyse(read_cohort(rows, spec)).headline().set_index(["estimand", "group"])["estimate"]
    >>> print(f"{estimates['spend', 'worst']:.0f} and {estimates['spend', 'best']:.0f} euros")
    25 and 120 euros
    """
    sampler = sampler_named(sampler, bayes=bayes)
    every = counted(cohort)
    counts, spec = every.counts, every.counts.spec
    spells = spells_of(counts) if len(counts.scored) else None
    made = [_Made([], list(band_checks(counts)))]
    if spells is not None:
        made += _outcomes(every, spells, progress)
    pooled = {**(earlier or {}), spec.cohort.name: counts} if bayes else {}
    posteriors = _posteriors(pooled, spells, progress, sampler) if bayes else None
    if posteriors is not None:
        made.append(_Made(posteriors.rows, posteriors.findings, posteriors.coefficients))
    progress("non-response and sensitivity analyses")
    made.append(_Made(*sensitivity_of_counts(counts)))
    progress("metrics")
    metrics = metrics_of(counts, _stream(spec, 10))
    made.append(_Made([], list(immortal_time_checks(counts))))
    estimates = tidy(row for part in made for row in part.rows)
    made.append(_Made([], list(convention_checks(spec, every.other, estimates))))
    made.append(_Made([], list(e_value_findings(estimates))))
    reported, second = parted(estimates)
    analysis = Analysis(
        counts=counts,
        estimates=reported,
        families=second,
        checks=once(check for part in made for check in part.findings),
        at_risk=_at_risk(spells, counts),
        projected=_together([frame for part in made for frame in part.projected], _PROJECTED),
        foreseen=_together([frame for part in made for frame in part.foreseen], _FORESEEN),
        bayesian=posteriors,
        cohorts=_sizes(pooled if posteriors is not None else {}),
        metrics=metrics,
        coefficients=coefficient_table(
            (row for part in made for row in part.coefficients), spec.publish.smallest_cell
        ),
    )
    return _published(analysis, spec.publish.smallest_cell)


def _outcomes(every: Counted, spells: Spells, progress: Progress) -> list[_Made]:
    """Retention, spend and tenure of customers with a score, the regressions, and customer lifetime value."""
    counts, spec = every.counts, every.counts.spec
    rng = np.random.default_rng(spec.analysis.seed)
    progress("retention and spend")
    rows, findings = headline(
        spells, counts, rng, lambda curves: sensitivity_of_headline(curves, counts, every.repeats)
    )
    made: list[_Made] = []
    tenure: list[_Made] = []
    additive: list[_Made] = []
    if spec.spend is not None:
        progress("regressions of spend")
        leads = thin(findings, "means", spec) is not None
        additive.append(_Made(*spend_model_rows(counts, spells, rows, _stream(spec, 4), leads=leads)))
    if spec.subscription is not None:
        progress("naive estimates from signup")
        made.append(_Made(from_signup(every.naive, rng) if every.naive is not None else [], []))
        progress("tenure")
        tenure += _tenure(spells, spec)
        progress("hazard ratios")
        leads = thin(findings, "kaplan_meier", spec) is not None
        additive.append(_Made(*hazard_results(spells, spec, _stream(spec, 3), leads=leads)))
    successors = [row for part in additive for row in part.rows]
    made += [*tenure, _Made(*stepped_down(rows, findings, successors, spec)), *additive]
    if spec.value is not None:
        progress("customer lifetime value")
        families = tenure[-1].families if tenure else None
        made.append(_Made(*value_results(spells, counts, families, generator(spec))))
    return made


def _posteriors(
    cohorts: Mapping[str, Counts], spells: Spells | None, progress: Progress, sampler: str
) -> "Bayesian | None":
    """Sample the Bayesian models, where there is anybody with a score."""
    if spells is None:
        return None
    from cxlink.estimands.posterior.posterior_estimates import bayesian_results

    *_, counts = cohorts.values()
    return bayesian_results(cohorts, spells, _stream(counts.spec, 8), progress, sampler)


def _sizes(cohorts: Mapping[str, Counts]) -> pd.DataFrame:
    """Customers with a score, and the longest that any was followed."""
    rows = [
        (name, int(one.scored["n"].sum()), int(one.scored["exit"].max()) if "exit" in one.scored else 0)
        for name, one in cohorts.items()
    ]
    return pd.DataFrame(rows, columns=["cohort", "customers", "periods"])


def _stream(spec: CohortSpec, part: int) -> np.random.Generator:
    """Draws of one part by itself, so that no part changes those of another."""
    return np.random.default_rng([spec.analysis.seed, part])


def _published(analysis: Analysis, smallest: int) -> Analysis:
    """Leave every number about a small group blank."""
    if smallest < 2:
        return analysis
    names = small_groups(analysis.estimates, smallest)
    reported, second = parted(blank_small(analysis.every_estimate, smallest))
    return replace(
        analysis,
        estimates=reported,
        families=second,
        checks=blank_checks(analysis.checks, names),
        at_risk=blank_at_risk(analysis.at_risk, smallest),
        projected=analysis.projected[~analysis.projected["group"].isin(names)].reset_index(drop=True),
        foreseen=analysis.foreseen[analysis.foreseen["n"] >= smallest].reset_index(drop=True),
        bayesian=analysis.bayesian.without(names) if analysis.bayesian is not None else None,
        metrics=blank_small_metrics(analysis.metrics, smallest),
    )


def _together(frames: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    known = [frame for frame in frames if len(frame)]
    return (
        pd.concat(known, ignore_index=True)[list(columns)] if known else pd.DataFrame(columns=list(columns))
    )


def _tenure(spells: Spells, spec: CohortSpec) -> Iterator[_Made]:
    """Families, unadjusted and standardised; with their curves, and what they foresaw in the backtest."""
    for adjusted, part in STREAMS.items():
        found = tenure_results(spells, spec, adjusted, _stream(spec, part))
        if found is not None:
            yield _Made(
                found.rows, found.findings, found.coefficients, found.curves, [found.foreseen], found.families
            )  # fmt: skip


def _at_risk(spells: Spells | None, counts: Counts) -> pd.DataFrame:
    columns = ["group", "period", "at_risk", "lost"]
    request = standards.pooled(spells, counts.spec) if spells is not None else None
    if spells is None or request is None or counts.spec.subscription is None:
        return pd.DataFrame(columns=columns)
    at_risk, lost = risk_sets(spells, request.members)(spells.n)
    frames = [
        pd.DataFrame({"group": s.group, "period": np.arange(1, len(r) + 1), "at_risk": r, "lost": d})
        for s, r, d in zip(request.standards, at_risk, lost, strict=True)
    ]
    return pd.concat(frames, ignore_index=True)[columns]
