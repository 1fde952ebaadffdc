"""The pages about hazard ratios: estimates, proportionality over time, and the form of the score's effect."""

import math
from collections.abc import Iterator, Mapping, Sequence

from cxlink.checks import Check, matching
from cxlink.estimands.scenario import scenario_of
from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    NONE,
    bare,
    coverage,
    decimal,
    full,
    levels,
    periods,
    score,
    whole,
    with_limits,
)
from cxlink.report.sections.coefficient_section import coefficient_pages
from cxlink.report.sections.limitations import adjusted_for
from cxlink.report.sections.score_tables import blank_notes
from cxlink.report.sections.simultaneous_table import simultaneous
from cxlink.report.words import say

MODEL = "grouped_ph"
KINDS = ("no", "conditional")
YEAR = "year"
SHAPES = ("linear", "monotone", "spline")
_TINY = 0.05
_SEVERAL = 2.0  # standard errors


def hazard_pages(m: Material, level: int = 1) -> list[Block]:
    """Set hazard ratios out, and say how far they can be trusted; nothing where there are none."""
    rows = [row for row in m.book.where("hazard_ratio", model=MODEL, scenario="") if not row.blank]
    if not rows:
        return []
    found = matching(m.results.checks, model=MODEL)
    parts = [heading(say("hazard.heading"), level), paragraph(_what(m)), _ratios(m)]
    parts += simultaneous(m, ("hazard_ratio",), MODEL, None, "hazard.simultaneous")
    parts += [paragraph(text) for text in (_penalised(m, found), _shifted(m), _constant(m, found)) if text]
    return [*parts, *_yearly(m), *_shapes(found), *coefficient_pages(m, "hazard", level + 1)]


def _what(m: Material) -> str:
    names, effect = adjusted_for(m), say(f"hazard.effect_{m.spec.score.effect}")
    if names:
        return say("hazard.model_adjusted", names=names, effect=effect)
    return say("hazard.model", effect=effect)


def _ratios(m: Material) -> Block:
    """Set the ratios out, the headline contrast first, then each level against the worst."""
    every = m.book.where("hazard_ratio", model=MODEL, scenario="")
    kinds = [kind for kind in KINDS if any(row.adjusted == kind for row in every)]
    pairs: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[str, str]] = {}
    for group, reference in sorted({(r.group, r.reference) for r in every}, key=lambda p: _order(p, m)):
        pairs.setdefault((m.spec.group(group), m.spec.group(reference)), (group, reference))
    rows = []
    for group, reference in pairs.values():
        found = [
            m.book.get("hazard_ratio", group, MODEL, reference=reference, adjusted=kind) for kind in kinds
        ]
        cells = [bare(row, _digits(row)) for row in found]
        sides = {"group": levels(group, m.spec), "reference": levels(reference, m.spec)}
        rows.append([say("score_tables.pair", **sides), *cells])
    rows = [row for row in rows if set(row[1:]) != {NONE}]
    notes = blank_notes(m) if any(NONE in row for row in rows) else []
    caption = say("hazard.caption", level=coverage(m.spec))
    header = [say("score_tables.scores"), *(say(f"hazard.ratio_{kind}") for kind in kinds)]
    return table(caption, header, rows, notes=notes, rules=[1] if len(rows) > 1 else [])


def _digits(row: Estimate | None) -> int:
    """Two decimals, or four where an interval would be nothing but zeros."""
    return 4 if row is not None and row.conf_high < _TINY else 2


def _order(pair: tuple[str, str], m: Material) -> tuple[int, int, tuple[str, str]]:
    """The headline contrast, others that were asked for, then the levels in their order."""
    place = {str(level): i for i, level in enumerate(m.spec.scale.levels)}
    kind = 0 if pair == m.sides else 2 if pair[0] in place and pair[1] == "worst" else 1
    return kind, place.get(pair[0], 0), pair


def _penalised(m: Material, found: Sequence[Check]) -> str:
    """Name the scores of which all customers were lost, or none."""
    names = {check.group for check in matching(found, code="penalised")}
    known = [level for level in m.scores if str(level) in names and m.scores[level] is not None]
    if not known:
        return ""
    return say("hazard.penalised", n=len(known), levels=[levels(str(level), m.spec) for level in known])


def _shifted(m: Material) -> str:
    """Set the model's difference of retention beside that of Kaplan–Meier."""
    group, reference = m.sides

    def difference(model: str, scenario: str = "") -> Estimate | None:
        row = m.book.best(
            "retention_difference", group, model, m.spec.horizon, reference=reference, scenario=scenario
        )
        return None if row is None or row.blank else row

    own, observed, free = difference(MODEL), difference("kaplan_meier"), difference(MODEL, "interacting")
    if own is None:
        return ""
    said = [
        say(
            "hazard.difference_standardised" if own.adjusted == "standardised" else "hazard.difference",
            after=periods(m.spec.horizon, m.spec.unit), group=score(group, m.spec),
            reference=levels(reference, m.spec), value=full(own),
        )
    ]  # fmt: skip
    if free is not None:
        said.append(say("hazard.interacting", names=adjusted_for(m), value=full(free)))
    if observed is not None:
        said.append(say("hazard.kaplan_meier", value=full(observed)))
    return " ".join(said)


def _constant(m: Material, found: Sequence[Check]) -> str:
    """Say whether one ratio for all times is fair, by what it does to retention."""
    group, reference = m.sides
    against = {"group": group, "reference": reference}
    changing = next(iter(matching(found, code="proportionality", **against)), None)
    if changing is None or math.isnan(changing.value + changing.low + changing.high):
        return ""
    clock = m.spec.subscription.clock if m.spec.subscription is not None else "survey"
    said = say(
        f"hazard.changing_{clock}", group=score(group, m.spec), reference=levels(reference, m.spec),
        factor=with_limits(changing),
    )  # fmt: skip
    verdict = say("hazard.may_be_constant" if changing.low <= 1 <= changing.high else "hazard.changes")
    return " ".join([said, verdict, *_moved(found, against), *_ahead(found, against, m.spec.unit)])


def _moved(found: Sequence[Check], against: Mapping[str, str]) -> Iterator[str]:
    """Say at which horizons a ratio that changes over time moves the difference in retention, and by how much."""
    known = [
        one
        for one in matching(found, code="proportionality_contrast", **against)
        if not math.isnan(one.value)
    ]
    for passed, key in ((True, "hazard.constant"), (False, "hazard.not_constant")):
        changes = [
            say("hazard.points_after", points=100 * one.value, after=_until(one))
            for one in known
            if one.passed is passed
        ]
        if changes:
            yield say(key, changes=changes)


def _ahead(found: Sequence[Check], against: Mapping[str, str], unit: str) -> Iterator[str]:
    """Say how far beyond follow-up a constant ratio can be extrapolated."""
    known = [
        one
        for one in matching(found, code="proportionality_ahead", **against)
        if not math.isnan(one.value + one.low + one.high)
    ]
    verdicts = []
    for passed, verdict in ((True, "steady"), (False, "unsteady"), (None, "unclear")):
        judged = [one for one in known if one.passed is passed]
        if judged:
            factors = [say("hazard.factor_by", factor=with_limits(one), after=_until(one)) for one in judged]
            verdicts.append(say(f"hazard.ahead_{verdict}", factors=factors))
    if verdicts:
        followed = periods(int(str(known[0].facts["followed"])), unit)
        yield say("hazard.ahead", followed=followed, verdicts="; ".join(verdicts))


def _until(check: Check) -> str:
    return periods(int(str(check.facts["horizon"])), str(check.facts["unit"]))


def _yearly(m: Material) -> list[Block]:
    """Set the ratio of the headline contrast out by year."""
    group, reference = m.sides
    every = m.book.where("hazard_ratio", model=MODEL, group=group, reference=reference)
    years = [(scenario_of(row.scenario), row) for row in every if not row.blank]
    lines = [
        (whole(scenario.number), row) for scenario, row in years if scenario.kind == YEAR and scenario.number
    ]
    if not lines:
        return []
    clock = m.spec.subscription.clock if m.spec.subscription is not None else "survey"
    sides = {"group": score(group, m.spec), "reference": levels(reference, m.spec)}
    caption = say("hazard.yearly_caption", level=coverage(m.spec), **sides)
    header = [say(f"hazard.year_{clock}"), say(f"hazard.ratio_{lines[0][1].adjusted}")]
    return [table(caption, header, [[year, bare(row, _digits(row))] for year, row in lines])]


def _shapes(found: Sequence[Check]) -> list[Block]:
    """Say whether losses trend over the scores, and which shape of the effect predicts best."""
    parts = []
    for trend in matching(found, code="trend"):
        z = trend.facts["z"]
        if isinstance(z, float) and not math.isnan(trend.value + z):
            text = say("hazard.trend", factor=with_limits(trend), z=z)
            parts.append(paragraph(text))
    rows = []
    for effect in SHAPES:
        for check in matching(found, code="log_score_gain", effect=effect):
            gain, error = check.value, check.facts["std_error"]
            if isinstance(error, float) and not math.isnan(gain + error):
                name = say(f"hazard.shape_{effect}")
                rows.append([name, decimal(gain, 3), decimal(error, 3), _verdict(gain, error)])
    if rows:
        header = [say(f"hazard.column_{column}") for column in ("shape", "gain", "error", "predicts")]
        parts.append(table(say("hazard.shapes", per=1000), header, rows, texts=(0, 3)))
    return parts


def _verdict(gain: float, error: float) -> str:
    if abs(gain) <= _SEVERAL * error:
        return say("hazard.predicts_as_well")
    return say("hazard.predicts_better" if gain > 0 else "hazard.predicts_worse")
