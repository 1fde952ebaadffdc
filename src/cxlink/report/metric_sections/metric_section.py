"""The pages about the metrics that managers ask for."""

from cxlink.checks import matching
from cxlink.cohort.strata import Category
from cxlink.report.check_notes import note
from cxlink.report.content import Material
from cxlink.report.document import Block, bullets, heading, notice, paragraph, picture, table
from cxlink.report.figures import drawing
from cxlink.report.figures.metric_figures import known_over_time, metrics_over_time
from cxlink.report.format import NONE, capital, category, coverage, whole
from cxlink.report.metric_sections.metric_comparisons import members, power, touchpoints
from cxlink.report.metric_sections.metric_definitions import definition, source
from cxlink.report.metric_sections.metric_names import (
    IN_SEGMENTS,
    METRICS,
    Metric,
    bare,
    digits,
    metric_list,
    unit_words,
    with_unit,
)
from cxlink.report.words import say, styled

_MOST_ROWS = 40


def metric_pages(m: Material, level: int = 1) -> list[Block]:
    """Set the metrics out, each with its definition and source; nothing where there are none."""
    everybody = _everybody(m)
    if not everybody:
        return []
    parts = [
        heading(say("metrics.heading"), level),
        paragraph(say("metrics.text", level=coverage(m.spec))),
        _table(everybody, m),
        *_definitions(everybody, m),
        *_immortal(m),
    ]
    return [
        *parts, *_over_time(m, level + 1), *_segments(m, level + 1), *power(m, level + 1), *touchpoints(m, level + 1),
        *members(m, level + 1),
    ]  # fmt: skip


def _everybody(m: Material) -> list[Metric]:
    return metric_list(m.results.metrics, variable="", period="", metric=METRICS)


def _table(rows: list[Metric], m: Material) -> Block:
    calendar = m.spec.metrics.period if m.spec.metrics is not None else "quarter"
    cells = [[row.named(calendar), with_unit(row), whole(row.n)] for row in rows]
    notes = [say("metrics.blank")] if any(cell[1] == NONE for cell in cells) else []
    notes += [say("metrics.rates")] if any(row.is_rate for row in rows) else []
    header = [say("metrics.metric"), say("metrics.estimate"), say("metrics.customers")]
    return table(say("metrics.caption"), header, cells, notes=notes)


def _definitions(rows: list[Metric], m: Material) -> list[Block]:
    """One line a metric: what it is, and who says so."""
    items = [
        styled(
            "metrics.definition",
            name=row.name,
            definition=definition(row.metric, row.version, m.spec),
            source=source(row.metric, m.spec),
        )
        for row in rows
    ]
    return [bullets(items, small=True)]


def _immortal(m: Material) -> list[Block]:
    checks = matching(m.results.checks, code="churn_from_signup")
    return [notice(f"{capital(note(check))}.") for check in checks]


def _over_time(m: Material, level: int) -> list[Block]:
    lines = known_over_time(m.results.metrics)
    if not lines:
        return []
    axes = metrics_over_time(m.results.metrics, simulated=m.results.simulated)
    said = "; ".join(
        say(
            "metrics.time_value",
            name=line[0].name,
            first=with_unit(line[0]),
            first_period=line[0].period,
            last=with_unit(line[-1]),
            last_period=line[-1].period,
        )
        for line in lines.values()
    )
    alt = say("metrics.time_alt", values=said)
    caption = say("metrics.time_caption", level=coverage(m.spec))
    return [
        heading(say("metrics.time_heading"), level),
        picture("metrics-over-time", drawing.svg(axes), alt, caption),
    ]


def _segments(m: Material, level: int) -> list[Block]:
    """Set the main metrics out by segment."""
    rows = [r for r in metric_list(m.results.metrics, period="", metric=IN_SEGMENTS)
            if r.variable not in ("", "score")]  # fmt: skip
    columns = list(dict.fromkeys((r.metric, r.version) for r in rows if r.version != "from_signup"))
    columns = columns or list(dict.fromkeys((r.metric, r.version) for r in rows))
    segments = list(dict.fromkeys((r.variable, r.category) for r in rows))
    if not segments:
        return []
    at = {(r.metric, r.version, r.variable, r.category): r for r in rows}
    shown = {key: digits([r for r in rows if (r.metric, r.version) == key]) for key in columns}
    lines = []
    for segment in segments:
        row = [at.get((*key, *segment)) for key in columns]
        n = next((r.n for r in row if r is not None), None)
        cells = [bare(r, shown[key]) for key, r in zip(columns, row, strict=True)]
        lines.append([category(Category(*segment)), whole(n), *cells])
    header = [
        say("metrics.segment"),
        say("metrics.customers"),
        *(_header(next(r for r in rows if (r.metric, r.version) == key)) for key in columns),
    ]
    notes = (
        [say("metrics.segment_first", shown=_MOST_ROWS, all=len(lines))] if len(lines) > _MOST_ROWS else []
    )
    if any(NONE in line for line in lines[:_MOST_ROWS]):
        notes.append(say("metrics.blank_or_unknown"))
    caption = say("metrics.segment_caption", level=coverage(m.spec))
    dense = len(columns) > 2
    return [
        heading(say("metrics.segment_heading"), level),
        table(caption, header, lines[:_MOST_ROWS], notes=notes, rules=_breaks(segments[:_MOST_ROWS]), dense=dense),
    ]  # fmt: skip


def _header(row: Metric) -> str:
    short = say(f"metrics.short_{row.metric}")
    if row.unit in ("points", "score"):
        return short
    return say("metrics.segment_column", name=short, unit=unit_words(row))


def _breaks(segments: list[tuple[str, str]]) -> list[int]:
    """Rows before which another variable begins."""
    variables = [variable for variable, _ in segments]
    return [i for i in range(1, len(variables)) if variables[i] != variables[i - 1]]
