"""The pages about the metrics that managers ask for."""

from cxlink.checks import matching
from cxlink.report.check_notes import note
from cxlink.report.content import Material
from cxlink.report.document import Block, bullets, heading, notice, paragraph, picture, strong, table
from cxlink.report.figures import drawing
from cxlink.report.figures.metric_figures import known_over_time, metrics_over_time
from cxlink.report.format import NONE, coverage, shortened, variable, whole
from cxlink.report.metric_sections.metric_comparisons import members, power, touchpoints
from cxlink.report.metric_sections.metric_names import (
    IN_SEGMENTS,
    NAMES,
    Metric,
    bare,
    digits,
    metric_list,
    unit_words,
    with_unit,
)

_MOST_ROWS = 40


def metric_pages(m: Material, level: int = 1) -> list[Block]:
    """Set the metrics out, each with its definition and source; nothing where there are none."""
    everybody = _everybody(m)
    if not everybody:
        return []
    text = (
        "These are read off the same table, customer by customer counted once, and are not adjusted. Each has a "
        f"{coverage(m.spec)} interval; its definition and source stand below."
    )
    parts = [
        heading("Metrics", level),
        paragraph(text),
        _table(everybody, m),
        *_definitions(everybody),
        *_immortal(m),
    ]
    return [
        *parts, *_over_time(m, level + 1), *_segments(m, level + 1), *power(m, level + 1), *touchpoints(m, level + 1),
        *members(m, level + 1),
    ]  # fmt: skip


def _everybody(m: Material) -> list[Metric]:
    return metric_list(m.results.metrics, segment="", period="", metric=tuple(NAMES))


def _table(rows: list[Metric], m: Material) -> Block:
    cells = [[_named(row, m), with_unit(row), whole(row.n)] for row in rows]
    notes = [f"{NONE}: left blank, because too few customers stand behind it."] if any(
        cell[1] == NONE for cell in cells) else []  # fmt: skip
    if any(_flows(row) for row in rows):
        notes.append(
            "Of rates by calendar period the average period is given, and its customers count once a period."
        )
    return table("The metrics of all customers.", ["Metric", "Estimate", "Customers"], cells, notes=notes)


def _flows(row: Metric) -> bool:
    return row.metric in ("churn_rate", "retention_rate")


def _named(row: Metric, m: Material) -> str:
    calendar = m.spec.metrics.period if m.spec.metrics is not None else "quarter"
    return row.name.replace("rate,", f"rate a {calendar},") if _flows(row) else row.name


def _definitions(rows: list[Metric]) -> list[Block]:
    """One line a metric: what it is, and who says so."""
    items = [[strong(f"{row.name}. "), f"{_sentence(row.definition)} Source: {row.source}."] for row in rows]
    return [bullets(items, small=True)]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _immortal(m: Material) -> list[Block]:
    return [notice(_sentence(note(check))) for check in matching(m.results.checks, code="churn_from_signup")]


def _over_time(m: Material, level: int) -> list[Block]:
    lines = known_over_time(m.results.metrics)
    if not lines:
        return []
    axes = metrics_over_time(m.results.metrics, simulated=m.results.simulated)
    said = "; ".join(
        f"{line[0].name}: {with_unit(line[0])} in {line[0].period}, {with_unit(line[-1])} in {line[-1].period}"
        for line in lines.values()
    )
    alt = f"Dots with intervals by calendar period, one picture a metric. {said}"
    caption = f"Metrics by calendar period, with {coverage(m.spec)} intervals."
    return [heading("Over time", level), picture("metrics-over-time", drawing.svg(axes), alt, caption)]


def _segments(m: Material, level: int) -> list[Block]:
    """Set the main metrics out by segment."""
    rows = [r for r in metric_list(m.results.metrics, period="", metric=tuple(IN_SEGMENTS))
            if r.segment and not r.segment.startswith("score=")]  # fmt: skip
    columns = list(dict.fromkeys((r.metric, r.version) for r in rows if r.version != "from_signup"))
    columns = columns or list(dict.fromkeys((r.metric, r.version) for r in rows))
    names = list(dict.fromkeys(r.segment for r in rows))
    if not names:
        return []
    at = {(r.metric, r.version, r.segment): r for r in rows}
    shown = {key: digits([r for r in rows if (r.metric, r.version) == key]) for key in columns}
    lines = []
    for name in names:
        found = [at.get((*key, name)) for key in columns]
        n = next((r.n for r in found if r is not None), None)
        cells = [bare(r, shown[key]) for key, r in zip(columns, found, strict=True)]
        lines.append([_segment(name), whole(n), *cells])
    header = [
        "Segment",
        "Customers",
        *(_header(next(r for r in rows if (r.metric, r.version) == key)) for key in columns),
    ]
    notes = (
        [f"The first {_MOST_ROWS} of {len(lines)}; the rest is in metrics.csv."]
        if len(lines) > _MOST_ROWS
        else []
    )
    if any(NONE in line for line in lines[:_MOST_ROWS]):
        notes.append(f"{NONE}: left blank, because too few customers stand behind it, or not known.")
    caption = f"Metrics by segment, with {coverage(m.spec)} intervals."
    dense = len(columns) > 2
    return [
        heading("By segment", level),
        table(caption, header, lines[:_MOST_ROWS], notes=notes, rules=_breaks(names[:_MOST_ROWS]), dense=dense),
    ]  # fmt: skip


def _header(row: Metric) -> str:
    unit, short = unit_words(row), IN_SEGMENTS[row.metric]
    return short if unit in ("points", "answer") else f"{short} ({unit})"


def _segment(name: str) -> str:
    of, _, category = name.partition("=")
    return shortened(f"{variable(of)}: {category}")


def _breaks(names: list[str]) -> list[int]:
    """Rows before which another variable begins."""
    of = [name.partition("=")[0] for name in names]
    return [i for i in range(1, len(of)) if of[i] != of[i - 1]]
