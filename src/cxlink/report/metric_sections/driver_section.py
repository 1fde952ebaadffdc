"""The section about several scores: which one tells, and what a point of it goes with."""

import numpy as np

from cxlink.checks import Check, matching
from cxlink.estimands.simultaneous import SIMULTANEOUS
from cxlink.metrics.drivers.driver_frame import score_labels
from cxlink.metrics.drivers.driver_metrics import CONTRASTS, GAINS, MEAN, SHARES
from cxlink.report.check_notes import note
from cxlink.report.content import Material, of_clusters
from cxlink.report.document import Block, Runs, heading, notice, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.figures.driver_figure import compared_outcomes, every_importance
from cxlink.report.format import NONE, capital, coverage, customers, periods, shortened
from cxlink.report.metric_sections.metric_definitions import source
from cxlink.report.metric_sections.metric_names import Metric, bare, digits, interval, metric_list
from cxlink.report.words import say, styled

_FLAWS = (
    "driver_after_outcome", "driver_missing", "driver_constant", "driver_twin", "driver_inseparable", "driver_merged",
    "drivers_unfollowed", "drivers_uncompared", "drivers_nobody", "drivers_uncounted", "drivers_withheld",
)  # fmt: skip


def driver_pages(m: Material, level: int = 1) -> list[Block]:
    """Set out what each of several scores tells; nothing where the customers gave one score."""
    if not m.spec.others:
        return []
    drivers = m.results.drivers
    parts = [heading(say("drivers.heading"), level)]
    answered = next(iter(matching(m.results.checks, code="drivers_answered")), None)
    if answered is not None:
        parts.append(paragraph(_opening(m, answered)))
    outcomes = compared_outcomes(drivers)
    for outcome in outcomes:
        parts += [paragraph(_verdict(m, outcome)), _gains(m, outcome, explained=outcome != outcomes[0])]
    if outcomes:
        parts += [_contrasts(m), _picture(m), paragraph(say("drivers.associations"))]
    flaws = [check for code in _FLAWS for check in matching(m.results.checks, code=code)]
    return [*parts, *(notice(f"{capital(note(check))}.") for check in flaws)]


def _named(m: Material, name: str) -> str:
    return shortened(score_labels(m.spec)[name])


def _opening(m: Material, answered: Check) -> Runs:
    names = [_named(m, name) for name in score_labels(m.spec)]
    lacking = int(answered.get("lacking") or 0)  # type: ignore[call-overload]
    runs = styled("drivers.opening", customers=customers(int(answered.value)), names=names)
    if m.spec.every_survey:
        runs = [*runs, " ", say("drivers.first_surveys")]
    if lacking:
        runs = [*runs, " ", say("drivers.lacking", n=lacking)]
    return runs


def _verdict(m: Material, outcome: str) -> Runs:
    """Say which score tells most as far as the intervals do, and which add nothing to the others."""
    checks = m.results.checks
    first = next(iter(matching(checks, code="driver_first", outcome=outcome)))
    rivals = first.facts["rivals"] if isinstance(first.facts["rivals"], tuple) else ()
    runs = styled(
        f"drivers.verdict_{first.facts['case']}",
        outcome=_outcome(m, outcome),
        score=_named(m, str(first.facts["score"])),
        rivals=[_named(m, str(one)) for one in rivals],
    )
    nothing = matching(checks, code="driver_adds_nothing", outcome=outcome)
    if nothing:
        names = [_named(m, str(check.facts["score"])) for check in nothing]
        runs = [*runs, " ", say("drivers.nothing", n=len(names), names=names, bound=nothing[0].bound)]
    return runs


def _outcome(m: Material, outcome: str) -> str:
    if outcome == "spend":
        return say("drivers.outcome_spend")
    return say("drivers.outcome_retention", horizon=periods(m.spec.horizon, m.spec.unit))


def _rows(m: Material, metric: str, version: str) -> dict[str, Metric]:
    return {row.category: row for row in metric_list(m.results.drivers, metric=metric, version=version)}


def _gains(m: Material, outcome: str, *, explained: bool) -> Block:
    """Table of gains: alone, beyond the others, Shapley value and share; the whole below; columns explained once."""
    names = list(_rows(m, GAINS[outcome], "shapley"))
    order = [name for name in score_labels(m.spec) if name in names]
    columns = [_rows(m, GAINS[outcome], version) for version in ("alone", "beyond", "shapley")]
    shares = _rows(m, SHARES[outcome], "shapley")
    whole = _rows(m, GAINS[outcome], "whole")[""]
    places = digits([row for rows in columns for row in rows.values()])
    lines = [
        [_named(m, name), *(bare(rows.get(name), places) for rows in columns), bare(shares.get(name), 0)]
        for name in order
    ]
    lines.append([say("drivers.together"), NONE, NONE, bare(whole, places), NONE])
    header = [say(f"drivers.column_{name}") for name in ("score", "alone", "beyond", "shapley", "share")]
    caption = say(
        f"drivers.caption_{outcome}", outcome=_outcome(m, outcome), unit=whole.unit, level=coverage(m.spec)
    )
    notes = [] if explained else [say("drivers.note_columns")]
    notes.append(say(f"drivers.note_{outcome}{of_clusters(m.spec)}"))
    notes.append(say("drivers.source", source=source(GAINS[outcome], m.spec)))
    if not shares:
        notes.append(say("drivers.no_shares_unknown" if np.isnan(whole.conf_low) else "drivers.no_shares"))
    return table(caption, header, lines, notes=notes, rules=[len(order)], dense=True)


def _contrasts(m: Material) -> Block:
    """Table of means, and of what a point of each score goes with, the others held as they are."""
    means = _rows(m, MEAN, "")
    columns = {outcome: _rows(m, metric, "partial") for outcome, metric in CONTRASTS.items()}
    columns = {outcome: rows for outcome, rows in columns.items() if rows}
    at_once = {outcome: _rows(m, CONTRASTS[outcome], SIMULTANEOUS) for outcome in columns}
    lines = []
    for name in (one for one in score_labels(m.spec) if one in means):
        cells = [_named(m, name), bare(means[name], 2)]
        for outcome, rows in columns.items():
            cells.append(bare(rows.get(name), 2))
            cells += [interval(at_once[outcome].get(name), 2)] if at_once[outcome] else []
        lines.append(cells)
    currency = m.spec.spend.currency if m.spec.spend is not None else ""
    header = [say("drivers.column_score"), say("drivers.column_mean")]
    for outcome in columns:
        header.append(say(f"drivers.point_{outcome}", unit=currency))
        header += [say("drivers.at_once")] if at_once[outcome] else []
    caption = say("drivers.caption_contrasts", level=coverage(m.spec))
    notes = [say(f"drivers.note_contrasts{of_clusters(m.spec)}")]
    if any(at_once.values()):
        notes.append(say("drivers.at_once_note", level=coverage(m.spec)))
    if any(NONE in line for line in lines):
        notes.append(say("drivers.note_inseparable"))
    return table(caption, header, lines, notes=notes)


def _picture(m: Material) -> Block:
    drivers = m.results.drivers
    axes = every_importance(drivers, m.spec, simulated=m.results.simulated)
    means = _rows(m, MEAN, "")
    said = [
        say("drivers.alt_value", score=_named(m, name), mean=bare(means[name], 2), gain=bare(row))
        for outcome in compared_outcomes(drivers)
        for name, row in _rows(m, GAINS[outcome], "shapley").items()
    ]
    alt = say("drivers.alt", values=said)
    caption = say("drivers.caption_figure", level=coverage(m.spec))
    return picture("drivers", drawing.svg(axes), alt, caption)
