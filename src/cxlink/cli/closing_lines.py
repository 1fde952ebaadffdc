"""Lines for a terminal: the profile of a cohort, and the main results of a fit."""

import numpy as np
import pandas as pd

from cxlink.analysis import Analysis
from cxlink.checks import Check, matching
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.spec.scales import label
from cxlink.cohort.table import Cohort
from cxlink.sensitivity.duration_convention import headline_points


def profile_lines(cohort: Cohort) -> list[str]:
    """Profile of a cohort, and its retention under both duration conventions.

    Parameters
    ----------
    cohort : Cohort
        Read and checked.

    Returns
    -------
    list of str
        Lines for a terminal.
    """
    counts = cohort.count()
    lines = [*_rows(counts), *_scores(counts)]
    if counts.spec.subscription is not None:
        lines += [*_follow_up(counts), *_headline(cohort, counts)]
    if counts.spec.spend is not None:
        done = int(counts.scored["spend_n"].sum())
        lines.append(
            f"spend: {done:,} of {int(counts.scored['n'].sum()):,} scored customers have a complete window"
        )
    return [*lines, *(f"note: {text}" for text in (*counts.profile.notes, *empty_bands(counts)))]


def closing_lines(analysis: Analysis) -> list[str]:
    """Main results of a fit and the notes on them, for a terminal."""
    lines = []
    for row in analysis.headline().to_dict("records"):
        against = f" against {row['reference']}" if row["reference"] else ""
        at = "" if pd.isna(row["horizon"]) else f" at {row['horizon']} {analysis.counts.spec.unit}s"
        lines.append(
            f"{row['estimand'].replace('_', ' ')}{at}, {row['group']}{against}: {row['estimate']:.4g} "
            f"[{row['conf_low']:.4g}, {row['conf_high']:.4g}] {row['unit']}"
        )
    whose = "customers" if analysis.counts.spec.analysis.target == "customers" else "customers scored"
    lines += [
        f"note: {check.model.replace('_', ' ')}, {_of(check)}: only {100 * check.value:.0f} % of the {whose} are "
        "in strata that support it"
        for check in matching(analysis.checks, code="support", passed=False)
    ]
    loud = analysis.bayesian.warnings if analysis.bayesian is not None else ()
    notes = (*analysis.profile.notes, *empty_bands(analysis.counts))
    return [*loud, *lines, *(f"note: {text}" for text in notes)]


def _of(check: Check) -> str:
    return f"{check.group}:{check.facts['reference']}" if check.get("reference") else check.group


def empty_bands(counts: Counts) -> list[str]:
    """Sentences about bands without customers, naming the nearest level that has some."""
    present = [level for level in counts.spec.scale.levels if (counts.scored["score"] == level).any()]
    sentences = []
    for name, band in (("worst", counts.spec.worst), ("best", counts.spec.best)):
        if present and not set(present) & set(band):
            nearest = present[0] if name == "worst" else present[-1]
            sentences.append(
                f"nobody scored {label(band)}, so there is no {name} band and no contrast with it; the {name} level "
                f"with customers is {nearest}: --{name} {nearest}"
            )
    return sentences


def _rows(counts: Counts) -> list[str]:
    profile = counts.profile
    lines = [f"{profile.table}: {profile.rows_read:,} rows read, {profile.rows_used:,} used"]
    return [*lines, *(f"  excluded: {n:,} ({why})" for why, n in profile.dropped.items())]


def _scores(counts: Counts) -> list[str]:
    cells = counts.cells
    by_score = counts.scored.groupby("score")["n"].sum()
    total, unscored = int(by_score.sum()), int(cells.loc[cells["score"].isna(), "n"].sum())
    lines = [
        f"scores ({counts.spec.score.column}, {counts.spec.score.scale}): {total:,}; without a score: {unscored:,}"
    ]
    lines += [f"  {level:>4}  {int(n):>12,}  {100 * n / total:5.1f} %" for level, n in by_score.items()]
    for name in counts.spec.stratum_variables:
        shares = counts.scored.groupby(f"stratum.{name}")["n"].sum()
        lines.append(
            f"{name}: " + ", ".join(f"{value} {100 * n / total:.1f} %" for value, n in shares.items())
        )
    return lines


def _follow_up(counts: Counts) -> list[str]:
    cells, unit = counts.scored, counts.spec.unit
    if not len(cells):
        return []
    lost = cells[cells["cause"] != ""]
    lines = [
        f"time origin: {counts.profile.clock}",
        f"losses: {int(lost['n'].sum()):,}; censored: {int(cells.loc[cells['cause'] == '', 'n'].sum()):,}; "
        f"longest follow-up: {int(cells['exit'].max())} {unit}s",
    ]
    causes = lost.groupby("cause")["n"].sum()
    if len(causes) > 1:
        lines.append("causes: " + ", ".join(f"{cause} {int(n):,}" for cause, n in causes.items()))
    return lines


def _headline(cohort: Cohort, counts: Counts) -> list[str]:
    spec = counts.spec
    sub = spec.subscription
    assert sub is not None
    conventions = [sub.counts] if sub.dated else ["periods", "completed"]
    lines = [f"retention at {spec.horizon} {spec.unit}s (Kaplan–Meier, standardised as the main results)"]
    for convention in conventions:
        points = headline_points(cohort.count(convention))
        shown = ", ".join(
            f"{name} {100 * value:.1f} %" for name, value in points.items() if not np.isnan(value)
        )
        what = (
            ""
            if sub.dated
            else f'counts = "{convention}"{" (the spec)" if convention == sub.counts else ""}: '
        )
        lines.append(f"  {what}{shown or f'no group has follow-up to {spec.horizon} {spec.unit}s'}")
    return lines
