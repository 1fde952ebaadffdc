"""The parts of the metrics' pages that compare: readings of the answers, touchpoints, members with others."""

import numpy as np

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, notice, paragraph, table
from cxlink.report.format import coverage, decimal, listed, percent, shortened, whole
from cxlink.report.metric_sections.metric_names import READINGS, Metric, bare, digits, metric_list

_POWER = {"log_score_retention": "Retention", "log_score_spend": "Spend"}


def power(m: Material, level: int) -> list[Block]:
    """Say which reading of the answers tells most about what came after, on customers held out."""
    found = {name: metric_list(m.results.metrics, metric=name) for name in _POWER}
    found = {name: rows for name, rows in found.items() if any(not np.isnan(r.estimate) for r in rows)}
    if not found:
        return []
    text = (
        "Which way of reading the answers tells most about what customers did next? Each is judged by the log score of "
        "customers that were held out, less that without any score: the higher, the more it tells; at 0 it tells "
        "nothing. "
        "Nobody has to believe in one of them: the table says what each is worth in this cohort."
    )
    versions = [v for v in READINGS if any(r.version == v for rows in found.values() for r in rows)]
    at = {(r.metric, r.version): r for rows in found.values() for r in rows}
    lines = [[READINGS[v], *(bare(at.get((name, v))) for name in found)] for v in versions]
    caption = (
        "What each reading tells beyond no score, in thousandths of a nat per customer, with "
        f"{coverage(m.spec)} intervals."
    )
    verdicts = [_verdict(m, name, rows) for name, rows in found.items()]
    header = ["Reading of the answers", *(_POWER[name] for name in found)]
    sources = "; ".join(
        dict.fromkeys(f"{_POWER[name].lower()}: {rows[0].definition}" for name, rows in found.items())
    )
    cited = listed(list(dict.fromkeys(rows[0].source for rows in found.values())))
    notes = [f"{sources[:1].upper()}{sources[1:]}. Source: {cited}."]
    return [
        heading("Which metric tells most", level), paragraph(text), table(caption, header, lines, notes=notes),
        paragraph(" ".join(verdicts)),
    ]  # fmt: skip


def _verdict(m: Material, name: str, rows: list[Metric]) -> str:
    """Name the reading that tells most, and which of the others are told apart from every answer by itself."""
    outcome = _POWER[name]
    known = sorted((r for r in rows if not np.isnan(r.estimate)), key=lambda r: -r.estimate)
    best = known[0]
    if best.conf_low <= 0:
        return f"{outcome}: in this cohort no reading tells the outcome of customers held out beyond doubt."
    shares = [
        f"{_lower(READINGS[r.version])} {percent(max(r.estimate, 0) / best.estimate)}" for r in known[1:]
    ]
    ahead = metric_list(m.results.metrics, metric=f"{name}_ahead")
    less = [_lower(READINGS[r.version]) for r in ahead if r.conf_high < 0]
    more = [_lower(READINGS[r.version]) for r in ahead if r.conf_low > 0]
    text = f"{outcome}: {_lower(READINGS[best.version])} tells most; of what it tells, {listed(shares)}."
    for words, found in (("less", less), ("more", more)):
        if found:
            text += f" Beyond doubt {words} than every answer by itself: {listed(found)}."
    return text if less or more else f"{text} None of them is told apart from every answer by itself."


def _lower(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"


def touchpoints(m: Material, level: int) -> list[Block]:
    """Set out how retention and spend go with the scores of each touchpoint."""
    columns = {
        (metric, how): metric_list(m.results.metrics, metric=metric, version=how)
        for metric in ("touchpoint_hazard_ratio", "touchpoint_spend_ratio")
        for how in ("alone", "together")
    }
    columns = {key: rows for key, rows in columns.items() if rows}
    if not columns:
        return []
    names = sorted({r.segment for rows in columns.values() for r in rows})
    at = {(r.metric, r.version, r.segment): r for rows in columns.values() for r in rows}
    lines = []
    for name in names:
        found = [at.get((*key, name)) for key in columns]
        n = next((r.n for r in found if r is not None), None)
        lines.append([shortened(name.partition("=")[2]), whole(n), *(bare(r, 3) for r in found)])
    words = {"touchpoint_hazard_ratio": "Hazard of loss", "touchpoint_spend_ratio": "Spend"}
    header = ["Touchpoint", "Customers", *(f"{words[metric]}, {how}" for metric, how in columns)]
    caption = (
        "What one point towards better goes with, by touchpoint: ratios of the hazard of being lost and of mean spend, "
        f"with {coverage(m.spec)} intervals."
    )
    notes = ["Alone: a model of that touchpoint’s customers. Together: one model of all, strata held equal."]
    notes += [f"Source: {listed(list(dict.fromkeys(rows[0].source for rows in columns.values())))}."]
    text = (
        "Customers are not sent to a touchpoint by lot: those who telephone differ from those who use the web, and "
        "ratios may differ for that reason alone."
    )
    said = [_differ(m, name, words) for name in ("touchpoint_hazards_differ", "touchpoint_spends_differ")]
    return [
        heading("Scores by touchpoint", level), paragraph(" ".join([text, *filter(None, said)])),
        table(caption, header, lines, notes=notes, dense=len(columns) > 2),
    ]  # fmt: skip


def _differ(m: Material, name: str, words: dict[str, str]) -> str:
    """Say whether the touchpoints' ratios can be told apart."""
    found = [r for r in metric_list(m.results.metrics, metric=name) if not np.isnan(r.estimate)]
    if not found:
        return ""
    what = words["touchpoint_hazard_ratio" if "hazards" in name else "touchpoint_spend_ratio"].lower()
    p = found[0].estimate
    shown = "p < 0.001" if p < 0.001 else f"p = {decimal(p, 3)}"
    told = "are told apart" if p < 0.05 else "are not told apart"
    return f"The touchpoints’ ratios of {what} {told} in this cohort ({shown})."


def members(m: Material, level: int) -> list[Block]:
    """Set members of the loyalty programme against other customers, with the warning that they chose to be members."""
    lines, used, metrics = [], [], m.results.metrics
    for outcome, name in (("retention", _retained(m)), ("spend", "Mean spend")):
        for how in ("unadjusted", "standardised"):
            one = [
                next(iter(metric_list(metrics, metric=f"member_{metric}", version=how, segment=segment)), None)
                for metric, segment in (
                    (outcome, "member=yes"), (outcome, "member=no"),
                    (f"{outcome}_difference", ""), (f"{outcome}_ratio", ""),
                )
            ]  # fmt: skip
            if any(r is not None for r in one):
                places = digits([r for r in one[:3] if r is not None])
                cells = [bare(r, places) for r in one[:3]]
                lines.append([f"{name}, {how}", *cells, bare(one[3], 2)])
                used += [r for r in one if r is not None]
    if not lines:
        return []
    caption = f"Members of the loyalty programme against other customers, with {coverage(m.spec)} intervals."
    warning = (
        "Members chose to be members, and those who stay longer and spend more join more readily. None of this says "
        "what the programme does. Where self-selection was allowed for, little of the difference was left (Leenheer et "
        "al. 2007)."
    )
    header = ["Outcome", "Members", "Others", "Difference", "Ratio"]
    return [
        heading("Members and others", level), notice(warning),
        table(caption, header, lines, notes=[f"Source: {used[0].source}."], dense=True),
    ]  # fmt: skip


def _retained(m: Material) -> str:
    return f"Still there after {m.spec.horizon} {m.spec.unit}s (%)"
