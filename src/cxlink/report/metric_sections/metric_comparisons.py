"""The parts of the metrics' pages that compare: codings of the answers, touchpoints, members with others."""

import numpy as np

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, notice, paragraph, table
from cxlink.report.format import capital, coverage, periods, shortened, whole
from cxlink.report.metric_sections.metric_definitions import definition, source
from cxlink.report.metric_sections.metric_names import CODINGS, Metric, bare, digits, metric_list
from cxlink.report.words import say

_POWER = {"log_score_retention": "retention", "log_score_spend": "spend"}
_SLOPES = {"touchpoint_hazard_ratio": "hazard", "touchpoint_spend_ratio": "spend"}
_MEMBER_COLUMNS = ("outcome", "members", "others", "difference", "ratio")


def power(m: Material, level: int) -> list[Block]:
    """Say which coding of the answers best predicts what came after, on customers held out."""
    outcomes = {name: metric_list(m.results.metrics, metric=name) for name in _POWER}
    outcomes = {name: rows for name, rows in outcomes.items() if any(not np.isnan(r.estimate) for r in rows)}
    if not outcomes:
        return []
    versions = [v for v in CODINGS if any(r.version == v for rows in outcomes.values() for r in rows)]
    at = {(r.metric, r.version): r for rows in outcomes.values() for r in rows}
    lines = [[capital(_coding(v)), *(bare(at.get((name, v))) for name in outcomes)] for v in versions]
    header = [say("metrics.power_column"), *(capital(_outcome(name)) for name in outcomes)]
    definitions = "; ".join(
        dict.fromkeys(
            say("metrics.power_definition", outcome=_outcome(name), definition=definition(name, "", m.spec))
            for name in outcomes
        )
    )
    sources = list(dict.fromkeys(source(name, m.spec) for name in outcomes))
    notes = [say("metrics.power_note", definitions=definitions, sources=sources)]
    caption = say("metrics.power_caption", level=coverage(m.spec))
    return [
        heading(say("metrics.power_heading"), level),
        paragraph(say("metrics.power_text")),
        table(caption, header, lines, notes=notes),
        paragraph(" ".join(_verdict(m, name, rows) for name, rows in outcomes.items())),
    ]


def _outcome(name: str) -> str:
    return say(f"metrics.outcome_{_POWER[name]}")


def _coding(version: str) -> str:
    return say(f"metrics.coding_{version}")


def _verdict(m: Material, name: str, rows: list[Metric]) -> str:
    """Name the coding that predicts best, and which of the others differ from each answer separately."""
    ranked = sorted((r for r in rows if not np.isnan(r.estimate)), key=lambda r: -r.estimate)
    best = ranked[0]
    if best.conf_low <= 0:
        return say("metrics.verdict_none", outcome=_outcome(name))
    shares = [
        say(
            "metrics.verdict_share",
            coding=_coding(r.version),
            share=max(r.estimate, 0) / best.estimate,
        )
        for r in ranked[1:]
    ]
    ahead = metric_list(m.results.metrics, metric=f"{name}_ahead")
    less = [_coding(r.version) for r in ahead if r.conf_high < 0]
    more = [_coding(r.version) for r in ahead if r.conf_low > 0]
    sentences = [
        say("metrics.verdict_best", outcome=_outcome(name), coding=_coding(best.version), shares=shares)
    ]
    sentences += [say("metrics.verdict_less", codings=less)] if less else []
    sentences += [say("metrics.verdict_more", codings=more)] if more else []
    return " ".join(sentences if less or more else [*sentences, say("metrics.verdict_neither")])


def touchpoints(m: Material, level: int) -> list[Block]:
    """Set out how retention and spend go with the scores of each touchpoint."""
    columns = {
        (metric, how): metric_list(m.results.metrics, metric=metric, version=how)
        for metric in _SLOPES
        for how in ("alone", "together")
    }
    columns = {key: rows for key, rows in columns.items() if rows}
    if not columns:
        return []
    names = sorted({r.category for rows in columns.values() for r in rows})
    at = {(r.metric, r.version, r.category): r for rows in columns.values() for r in rows}
    lines = []
    for name in names:
        row = [at.get((*key, name)) for key in columns]
        n = next((r.n for r in row if r is not None), None)
        lines.append([shortened(name), whole(n), *(bare(r, 3) for r in row)])
    header = [say("metrics.touchpoint"), say("metrics.customers")]
    for metric, how in columns:
        header.append(
            say(
                "metrics.touchpoint_column",
                outcome=say(f"metrics.slope_{_SLOPES[metric]}"),
                how=say(f"metrics.how_{how}"),
            )
        )
    sources = list(dict.fromkeys(source(metric, m.spec) for metric, _ in columns))
    notes = [say("metrics.touchpoint_note"), say("metrics.touchpoint_source", sources=sources)]
    caption = say("metrics.touchpoint_caption", level=coverage(m.spec))
    sentences = [say("metrics.touchpoint_text"), *(_differ(m, outcome) for outcome in ("hazards", "spends"))]
    return [
        heading(say("metrics.touchpoint_heading"), level),
        paragraph(" ".join(filter(None, sentences))),
        table(caption, header, lines, notes=notes, dense=len(columns) > 2),
    ]


def _differ(m: Material, outcome: str) -> str:
    """Say whether the touchpoints' ratios differ."""
    rows = metric_list(m.results.metrics, metric=f"touchpoint_{outcome}_differ")
    p_values = [r.estimate for r in rows if not np.isnan(r.estimate)]
    if not p_values:
        return ""
    p = p_values[0]
    shown = say("metrics.p", p=p)
    return say(f"metrics.differ_{outcome}" if p < 0.05 else f"metrics.alike_{outcome}", p=shown)


def members(m: Material, level: int) -> list[Block]:
    """Set members of the loyalty programme against other customers, with the warning that they chose to be members."""
    lines, metrics = [], m.results.metrics
    for outcome, name in (("retention", _retained(m)), ("spend", say("metrics.member_spend"))):
        for how in ("unadjusted", "standardised"):
            one = [
                next(iter(metric_list(metrics, metric=f"member_{metric}", version=how, category=side)), None)
                for metric, side in (
                    (outcome, "yes"), (outcome, "no"),
                    (f"{outcome}_difference", ""), (f"{outcome}_ratio", ""),
                )
            ]  # fmt: skip
            if any(r is not None for r in one):
                places = digits([r for r in one[:3] if r is not None])
                cells = [bare(r, places) for r in one[:3]]
                adjusted = say(f"format.adjusted_{'no' if how == 'unadjusted' else how}")
                row = say("metrics.member_row", outcome=name, adjusted=adjusted)
                lines.append([row, *cells, bare(one[3], 2)])
    if not lines:
        return []
    header = [say(f"metrics.column_{name}") for name in _MEMBER_COLUMNS]
    caption = say("metrics.member_caption", level=coverage(m.spec))
    notes = [say("metrics.member_source", source=source("member_retention", m.spec))]
    return [
        heading(say("metrics.member_heading"), level),
        notice(say("metrics.member_warning")),
        table(caption, header, lines, notes=notes, dense=True),
    ]


def _retained(m: Material) -> str:
    return say("metrics.member_retention", horizon=periods(m.spec.horizon, m.spec.unit))
