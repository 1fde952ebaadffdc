"""The section about touchpoints as a journey: what each adds, in which order they come, and how they change."""

import numpy as np

from cxlink.checks import matching
from cxlink.estimands.simultaneous import SIMULTANEOUS
from cxlink.metrics.journey.journey_rows import (
    CONTRASTS,
    FIRST,
    LAST,
    MEAN,
    ORDER,
    PATH,
    TREND,
    TREND_TEST,
    VARIABLE,
)
from cxlink.report.check_notes import note
from cxlink.report.content import Material, of_clusters
from cxlink.report.document import Block, Runs, heading, notice, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.figures.journey_figure import journey_sheet, told
from cxlink.report.format import capital, coverage, customers, decimal, periods, shortened, whole
from cxlink.report.metric_sections.metric_definitions import source
from cxlink.report.metric_sections.metric_names import Metric, bare, interval, metric_list
from cxlink.report.words import say, styled

_FLAWS = ("journey_uncounted", "journey_touchpoint", "journey_merged", "journey_unfollowed")


def journey_pages(m: Material, level: int = 1) -> list[Block]:
    """Set out what is known of the touchpoints; nothing without a table of contacts."""
    section = m.spec.touchpoints
    if section is None:
        return []
    parts = [heading(say("journey.heading"), level)]
    counted = matching(m.results.checks, code="journey_customers")
    if counted:
        names = list(_rows(m, MEAN))
        who = customers(int(counted[0].value))
        runs = styled("journey.opening", customers=who, n=len(names), names=names)
        runs += [" ", say("journey.first_surveys")] if m.spec.every_survey else []
        parts.append(paragraph(runs))
    if told(m.results.metrics):
        parts += [paragraph(_verdict(m)), _contrasts(m), *_at_once(m), paragraph(_changes(m)), _picture(m)]
    if counted:
        parts += [*_order(m), *_segments(m), paragraph(say("journey.associations"))]
    flaws = [check for code in _FLAWS for check in matching(m.results.checks, code=code)]
    return [*parts, *(notice(f"{capital(note(check))}.") for check in flaws)]


def _rows(m: Material, metric: str, version: str = "") -> dict[str, Metric]:
    """Rows of a metric of all customers, by touchpoint."""
    found = metric_list(m.results.metrics, metric=metric, version=version, variable=VARIABLE, period="")
    return {row.category: row for row in found}


def _excludes_zero(row: Metric) -> bool:
    return row.conf_low > 0 or row.conf_high < 0


def _verdict(m: Material) -> Runs:
    """Say at which touchpoints the interval given the others excludes 0, includes it, and of which there is none."""
    rows = told(m.results.metrics)
    outcome = next(name for name, metric in CONTRASTS.items() if metric == rows[0].metric)
    telling = [row for row in rows if _excludes_zero(row)]
    unknown = [row.category for row in rows if np.isnan(row.conf_low)]
    silent = [row.category for row in rows if not (_excludes_zero(row) or np.isnan(row.conf_low))]
    said = [say("journey.value", touchpoint=row.category, value=bare(row, 1)) for row in telling]
    facts = {"after": periods(m.spec.horizon, m.spec.unit), "unit": rows[0].unit}
    case = "telling" if telling else "none" if silent else "unknown"
    key = f"journey.{case}_{outcome}"
    runs = styled(key, n=len(telling), values=said, **facts)
    if telling and silent:
        runs = [*runs, " ", say("journey.silent", n=len(silent), names=silent)]
    if unknown and case != "unknown":
        runs = [*runs, " ", say("journey.without_interval", names=unknown)]
    return runs


def _contrasts(m: Material) -> Block:
    """Table of means and contrasts, alone and given the others."""
    means = _rows(m, MEAN)
    columns = {
        (outcome, how): _rows(m, metric, how)
        for outcome, metric in CONTRASTS.items() for how in ("alone", "partial")
    }  # fmt: skip
    columns = {key: rows for key, rows in columns.items() if rows}
    lines = [
        [shortened(name), whole(row.n), bare(row, 2), *(bare(rows.get(name), 1) for rows in columns.values())]
        for name, row in means.items()
    ]
    currency = m.spec.spend.currency if m.spec.spend is not None else ""
    header = [say("journey.column_touchpoint"), say("journey.column_customers"), say("journey.column_mean")]
    header += [say(f"journey.point_{outcome}_{how}", unit=currency) for outcome, how in columns]
    after = periods(m.spec.horizon, m.spec.unit)
    caption = say("journey.caption", after=after, level=coverage(m.spec))
    metric = next(CONTRASTS[outcome] for outcome, _ in columns)
    notes = [say(f"journey.note{of_clusters(m.spec)}"), say("journey.source", source=source(metric, m.spec))]
    return table(caption, header, lines, notes=notes, dense=True)


def _at_once(m: Material) -> list[Block]:
    """Table of the simultaneous intervals of the contrasts given the others; nothing where there is no family."""
    columns = {outcome: _rows(m, metric, SIMULTANEOUS) for outcome, metric in CONTRASTS.items()}
    columns = {outcome: rows for outcome, rows in columns.items() if rows}
    if not columns:
        return []
    currency = m.spec.spend.currency if m.spec.spend is not None else ""
    header = [say("journey.column_touchpoint")]
    header += [say(f"journey.at_once_{outcome}", unit=currency) for outcome in columns]
    lines = [
        [shortened(name), *(interval(rows.get(name), 1) for rows in columns.values())]
        for name in _rows(m, MEAN)
        if any(name in rows for rows in columns.values())
    ]
    return [table(say("journey.caption_at_once", level=coverage(m.spec)), header, lines)]


def _changes(m: Material) -> Runs:
    """Say at which touchpoints the score changed over time, as far as the test does."""
    slopes, tests = _rows(m, TREND), _rows(m, TREND_TEST)
    bound = 1 - m.spec.analysis.level
    tested = [name for name in slopes if not np.isnan(tests[name].estimate)]
    changed = [row for name, row in slopes.items() if tests[name].estimate < bound]
    if not slopes:
        return say("journey.no_quarters")
    if not tested:
        return styled("journey.untested")
    if not changed:
        return styled("journey.no_change", n=len(tested))
    said = []
    for row in changed:
        key = "journey.rose" if row.estimate > 0 else "journey.fell"
        p = _p_value(tests[row.category].estimate)
        said.append(say(key, touchpoint=row.category, value=bare(row, 3), p=p))
    return styled("journey.changed", changes=said)


def _p_value(p: float) -> str:
    return say("journey.p_under") if p < 0.001 else decimal(p, 3)


def _picture(m: Material) -> Block:
    axes = journey_sheet(m.results.metrics, simulated=m.results.simulated)
    said = [
        say("journey.value", touchpoint=row.category, value=bare(row, 1)) for row in told(m.results.metrics)
    ]
    caption = say("journey.figure", level=coverage(m.spec))
    return picture("journey", drawing.svg(axes), say("journey.alt", values=said), caption)


def _order(m: Material) -> list[Block]:
    """Tables of who comes first and last, and of the most frequent paths."""
    first, last = _rows(m, FIRST), _rows(m, LAST)
    lines = [[shortened(name), bare(first[name], 1), bare(last.get(name), 1)] for name in first]
    header = [say(f"journey.column_{name}") for name in ("touchpoint", "first", "last")]
    ends = table(say("journey.order", level=coverage(m.spec)), header, lines)
    found = metric_list(m.results.metrics, metric=PATH, variable=ORDER)
    paths = sorted((row for row in found if row.estimate == row.estimate), key=lambda row: -row.estimate)
    if not paths:
        return [ends]
    header = [say("journey.column_path"), say("journey.column_share")]
    lines = [[row.category, bare(row, 1)] for row in paths]
    caption = say("journey.paths", n=len(lines), level=coverage(m.spec))
    return [ends, table(caption, header, lines, notes=[say("journey.order_note")])]


def _segments(m: Material) -> list[Block]:
    """Table of means and contrasts by segment."""
    segment = m.spec.touchpoints.segment if m.spec.touchpoints is not None else None
    shown = told(m.results.metrics)
    if segment is None or not shown:
        return []
    metric, lines = shown[0].metric, []
    for name in _rows(m, MEAN):
        means = {
            row.category: row
            for row in metric_list(m.results.metrics, metric=MEAN, version=name, variable=segment)
        }
        found = metric_list(m.results.metrics, metric=metric, version=f"partial:{name}", variable=segment)
        contrasts = {row.category: row for row in found}
        for place, (category, row) in enumerate(means.items()):
            title = shortened(name) if place == 0 else ""
            lines.append(
                [title, shortened(category), whole(row.n), bare(row, 2), bare(contrasts.get(category), 1)]
            )
    outcome = next(key for key, value in CONTRASTS.items() if value == metric)
    unit = m.spec.spend.currency if m.spec.spend is not None else ""
    header = [say("journey.column_touchpoint"), segment, say("journey.column_customers"), say("journey.column_mean"),
              say(f"journey.point_{outcome}_partial", unit=unit)]  # fmt: skip
    return [
        table(say("journey.by_segment", segment=segment, level=coverage(m.spec)), header, lines, texts=(0, 1))
    ]
