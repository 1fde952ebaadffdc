"""The one composition that notebooks, the command line and the tests share: counts become estimates and figures."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from cxlink.cohort.counts import Counts
from cxlink.cohort.profile import Profile
from cxlink.cohort.spells import Spells, merged_over_strata, person_periods, risk_sets, spells_of
from cxlink.cohort.table import Cohort
from cxlink.estimates import diagnostics
from cxlink.estimates.retention import headline_horizon, reported_periods, retention_rows
from cxlink.estimates.spend import spend_rows
from cxlink.estimates.table import select, tidy
from cxlink.estimates.tenure import curve_frames, fit_diagnostics, tenure_rows
from cxlink.models import standards
from cxlink.models.averaging import project_all
from cxlink.models.fitting import fit_all
from cxlink.models.nonparametric import kaplan_meier, point_curves
from cxlink.models.projection import Target
from cxlink.models.spend import CellMeans, Means, cell_means, has_spend, mean_spend
from cxlink.models.standards import Request
from cxlink.models.tenure import last_with_ten

Row = dict[str, Any]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Analysis:
    """A cohort's estimates, and what they stand on.

    Attributes
    ----------
    counts : Counts
        What was analysed.
    estimates, diagnostics : DataFrame
        The tables of a run folder: ``estimates.csv``, ``diagnostics.csv``.
    at_risk : DataFrame
        ``group, period, at_risk, lost``: customers by period of the clock; for the numbers under a figure.
    projected : DataFrame
        ``model, adjusted, group, time, estimate, conf_low, conf_high``: fitted survival, for figures.
    """

    counts: Counts
    estimates: pd.DataFrame
    diagnostics: pd.DataFrame
    at_risk: pd.DataFrame
    projected: pd.DataFrame

    @property
    def profile(self) -> Profile:
        """What became of the table's rows."""
        return self.counts.profile

    def headline(self) -> pd.DataFrame:
        """Rows that page one stands on."""
        return select(self.estimates, headline=True).reset_index(drop=True)


@dataclass(frozen=True, slots=True)
class _Made:
    """Rows and findings of one part of the analysis."""

    rows: list[Row]
    findings: list[Row]
    projected: list[pd.DataFrame] = field(default_factory=list)


def analyse(cohort: Cohort | Counts, progress: Progress = lambda _: None) -> Analysis:
    """Estimate everything that a cohort allows.

    Parameters
    ----------
    cohort : Cohort or Counts
        Counts know neither the other reading of durations nor the naive clock, so those rows need the cohort.
    progress : callable
        Told the name of each part as it starts.
    """
    counts = cohort.count() if isinstance(cohort, Cohort) else cohort
    spec = counts.spec
    rng = np.random.default_rng(spec.analysis.seed)
    spells = spells_of(counts) if len(counts.scored) else None
    made = [_Made([], list(diagnostics.band_rows(counts)))]
    if spells is not None:
        progress("retention and spend")
        made.append(_headline(spells, counts, rng))
        if spec.subscription is not None:
            progress("the naive clock")
            made.append(_from_signup(cohort, counts, rng))
            progress("tenure")
            made += [_tenure(spells, counts, adjusted, rng) for adjusted in ("no", "standardised")]
    estimates = tidy(row for part in made for row in part.rows)
    if isinstance(cohort, Cohort):
        counts, reading = _readings(cohort, counts, estimates)
        made.append(_Made([], reading))
    found = diagnostics.tidy(row for part in made for row in part.findings)
    analysis = Analysis(counts, estimates, found, _at_risk(spells, counts), _together(made))
    return suppressed(analysis, spec.publish.smallest_cell)


def _together(made: list[_Made]) -> pd.DataFrame:
    frames = [frame for part in made for frame in part.projected]
    columns = ["model", "adjusted", "group", "time", "estimate", "conf_low", "conf_high"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def suppressed(analysis: Analysis, smallest: int) -> Analysis:
    """Blank every number about a group, or a side of a contrast, with fewer customers than ``smallest``."""
    if smallest < 2:
        return analysis
    table = analysis.estimates.copy()
    own = table[table["reference"] == ""]
    sizes = own.groupby(["group", "stratum"])["n"].min()
    of_reference = pd.Series(
        [sizes.get((r, s)) for r, s in zip(table["reference"], table["stratum"], strict=True)]
    )
    small = (table["n"] < smallest) | (of_reference.astype("Int64") < smallest).fillna(False)
    small = small.fillna(False).astype(bool)
    table.loc[small, ["estimate", "std_error", "conf_low", "conf_high", "extrapolated"]] = np.nan
    table.loc[small, ["n", "n_events"]] = pd.NA
    whole = own[own["stratum"] == ""].groupby("group")["n"].min()
    names = set(whole.index[whole < smallest])
    at_risk = analysis.at_risk.astype({"at_risk": "Int64", "lost": "Int64"})
    at_risk.loc[at_risk["at_risk"] < smallest, ["at_risk", "lost"]] = pd.NA
    found = analysis.diagnostics.copy()
    found.loc[found["group"].str.split("[:,]").map(lambda parts: bool(names & set(parts))), "value"] = np.nan
    projected = analysis.projected[~analysis.projected["group"].isin(names)].reset_index(drop=True)
    return replace(analysis, estimates=table, diagnostics=found, at_risk=at_risk, projected=projected)


def _headline(spells: Spells, counts: Counts, rng: np.random.Generator) -> _Made:
    """Kaplan–Meier and means of spend, drawn together from one bootstrap of customers."""
    spec = counts.spec
    curves = _curve_requests(spells, counts) if spec.subscription is not None else []
    spend = _spend_requests(spells, counts) if spec.spend is not None else []
    cells = [cell_means(spells, request.members) for request in spend]
    scores = sparse.vstack([c.scores for c in cells]) if cells else sparse.csr_array((0, len(spells.n)))
    made = kaplan_meier(spells, curves, spec.analysis.draws, rng, horizon=spec.horizon, scores=scores.tocsr())
    rows, findings = [], []
    top = max((c.labels["adjusted"] == "standardised" for c in made.curves), default=False)
    for request, curve in zip(curves, made.curves, strict=True):
        leads = (
            request.labels["adjusted"] == ("standardised" if top else "no") and not request.labels["stratum"]
        )
        leads &= not request.labels["scenario"]
        rows += retention_rows(curve, spec, headline_horizon(curve, spec) if leads else None)
        findings += [
            *diagnostics.support_rows("kaplan_meier", request, spec),
            *diagnostics.curve_rows(curve, spec),
        ]
    for request, cell, mean in _means(spend, cells, made.influence, spells, counts, rng):
        leads = request is _leading(spend)
        rows += spend_rows(mean, spec, leads)
        findings += [*diagnostics.support_rows("means", request, spec), *diagnostics.spend_rows(cell, mean)]
    return _Made(rows, findings)


def _leading(requests: list[Request]) -> Request | None:
    """The request that the headline stands on: standardised where there is something to standardise over."""
    whole = [r for r in requests if not r.labels["stratum"] and not r.labels["scenario"]]
    return next((r for r in whole if r.labels["adjusted"] == "standardised"), whole[0] if whole else None)


def _curve_requests(spells: Spells, counts: Counts) -> list[Request]:
    spec = counts.spec
    ladder = (spec.horizon, *(h for h in spec.tenure_horizons if h != spec.horizon))
    times = {0, *reported_periods(spells.n_periods, spec.horizon), *spec.lags, *ladder}
    grid = np.array(sorted(times))
    whole = standards.pooled(spells, spec)
    average = standards.standardised(spells, spec, standards.reaches(spells, spec.horizon))
    requests = [replace(r, times=grid, horizons=ladder) for r in (whole, average) if r is not None]
    if spec.subscription is not None and spec.subscription.clock == "signup" and whole is not None:
        requests.append(standards.from_first_at_risk(replace(whole, times=grid)))
    at_horizon = np.array([0, spec.horizon])
    requests += [replace(r, times=at_horizon) for r in standards.by_category(spells, spec)]
    return requests


def _spend_requests(spells: Spells, counts: Counts) -> list[Request]:
    found = [
        standards.pooled(spells, counts.spec),
        standards.standardised(_ignoring_entry(spells), counts.spec, has_spend(spells)),
        *standards.by_category(spells, counts.spec),
    ]
    return [request for request in found if request is not None]


def _ignoring_entry(spells: Spells) -> Spells:
    return replace(spells, entry=np.zeros_like(spells.entry))


def _means(
    requests: list[Request],
    cells: list[CellMeans],
    influence: np.ndarray,
    spells: Spells,
    counts: Counts,
    rng: np.random.Generator,
) -> list[tuple[Request, CellMeans, Means]]:
    if not requests:
        return []
    spenders = counts.scored["spend_n"].sum() - counts.scored["spend_zero"].sum()
    positive = float(spells.spend[:, 1].sum() / spenders) if spenders else 0.0
    edges = np.cumsum([0, *(len(c.n) for c in cells)])
    return [
        (request, cell, mean_spend(request, cell, influence[:, a:b], rng, positive))
        for request, cell, a, b in zip(requests, cells, edges[:-1], edges[1:], strict=True)
    ]


def _from_signup(cohort: Cohort | Counts, counts: Counts, rng: np.random.Generator) -> _Made:
    """The naive figure: customers counted from signup, as if they had carried the score all along."""
    naive = cohort.count_from_signup() if isinstance(cohort, Cohort) else None
    spec = counts.spec
    if naive is None and spec.subscription is not None and spec.subscription.clock == "signup":
        naive = replace(counts, cells=counts.cells.assign(entry=0))
    if naive is None or not len(naive.scored):
        return _Made([], [])
    spells = _ignoring_strata(spells_of(naive))
    request = standards.pooled(spells, spec)
    if request is None:
        return _Made([], [])
    request = replace(
        request, times=np.array([0, spec.horizon]), labels={**request.labels, "scenario": "from_signup"}
    )
    none = sparse.csr_array((0, len(spells.n)))
    made = kaplan_meier(spells, [request], spec.analysis.draws, rng, horizon=spec.horizon, scores=none)
    at = np.array([spec.horizon])
    rows = [row for row in retention_rows(made.curves[0], spec) if row["horizon"] in at]
    return _Made([row for row in rows if row["estimand"] != "cumulative_incidence"], [])


def _ignoring_strata(spells: Spells) -> Spells:
    """The same spells with the strata put together; pairs stay as they are, since pooled curves take them all."""
    return replace(spells, stratum=np.zeros_like(spells.stratum), strata=pd.DataFrame(index=range(1)))


def _tenure(spells: Spells, counts: Counts, adjusted: str, rng: np.random.Generator) -> _Made:
    """Families fitted to the counts, projected, and averaged by AIC."""
    spec = counts.spec
    periods = person_periods(spells)
    if adjusted == "no":
        periods, request = merged_over_strata(periods), standards.by_level(spells, spec)
        level, stratum = np.arange(len(spells.levels)), np.zeros(len(spells.levels), int)
    else:
        found = standards.standardised(spells, spec, None)
        if found is None:
            return _Made([], [])
        request = found
        level, stratum = (x.ravel() for x in np.indices((len(spells.levels), len(spells.strata))))
    ladder = tuple(sorted({spec.horizon, *spec.tenure_horizons}))
    last = last_with_ten(periods, level, request.standards)
    target = Target(level, stratum, request.standards, ladder, last, request.labels)
    fits = fit_all(periods)
    contrasts = standards.contrasts_of(standards.groups_of(spells, spec), spec)
    projected = project_all(fits, target, spec.analysis.draws, rng)
    rows = [row for one in projected for row in tenure_rows(one, spec.unit, spec.analysis.level, contrasts)]
    curves = [frame for one in projected for frame in curve_frames(one, spec.analysis.level)]
    return _Made(rows, fit_diagnostics(fits, "" if adjusted == "no" else adjusted), curves)


def _readings(cohort: Cohort, counts: Counts, estimates: pd.DataFrame) -> tuple[Counts, list[Row]]:
    """Compare the headline under both readings of recorded durations; note it where they differ beyond the error."""
    spec = counts.spec
    if spec.subscription is None or spec.subscription.dated or not len(counts.scored):
        return counts, []
    other = "completed" if spec.subscription.counts == "periods" else "periods"
    theirs = headline_points(cohort.count(other))
    findings, notes = [], []
    for row in select(estimates, estimand="retention", headline=True).to_dict("records"):
        value = theirs.get(row["group"])
        if value is None:
            continue
        apart = value - row["estimate"]
        ok = not abs(apart) > row["std_error"]
        note = f'retention at {spec.horizon} {spec.unit}s under counts = "{other}", less that under the spec\'s reading'
        findings.append(diagnostics.finding("kaplan_meier", "counts_reading", row["group"], apart, ok, note))
        if not ok:
            notes.append(f"{100 * value:.1f} % for {100 * row['estimate']:.1f} % ({row['group']})")
    if notes:
        sentence = (
            f'If a recorded duration meant the other thing (counts = "{other}"), retention at {spec.horizon} '
            f"{spec.unit}s would be {' and '.join(notes)}."
        )
        profile = replace(counts.profile, notes=(*counts.profile.notes, sentence))
        counts = replace(counts, profile=profile)
    return counts, findings


def headline_points(counts: Counts) -> dict[str, float]:
    """Retention of worst and best at the horizon, without intervals.

    Returns
    -------
    dict of str to float
        By group; a group without customers, or without anybody at risk to the horizon, is not in it.
    """
    if not len(counts.scored) or counts.spec.subscription is None:
        return {}
    spells = spells_of(counts)
    requests = _curve_requests(spells, counts)
    request = _leading(requests)
    if request is None:
        return {}
    survival = point_curves(spells, replace(request, times=np.array([0, counts.spec.horizon]), horizons=()))
    sides = counts.spec.contrast(counts.spec.analysis.contrasts[0])
    points = {request.standards[g].group: float(survival[g, 1]) for g in request.own}
    return {name: points[name] for name in sides if name in points and not np.isnan(points[name])}


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
