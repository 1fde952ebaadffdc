"""The pages about hazard ratios: how much faster one group is lost than another, and how far one number can say so."""

import math
from collections.abc import Sequence

from cxlink.checks import Check, matching
from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    FIRM,
    NONE,
    bare,
    coverage,
    decimal,
    full,
    levels,
    listed,
    periods,
    score,
    whole,
)
from cxlink.report.sections.limitations import adjusted_for
from cxlink.report.sections.score_tables import blank_notes

MODEL = "grouped_ph"
_HEADERS = {"no": "Hazard ratio, by score alone", "conditional": "Hazard ratio, strata in the model"}
_SHAPES = {"linear": "Straight line", "monotone": "Never turning back", "spline": "Smooth curve"}
_EFFECTS = {
    "levels": "Every score has a ratio of its own.",
    "linear": "Every step of the score is taken to have the same ratio.",
    "monotone": "The ratios are held to one direction over the scores, whichever way that is.",
    "spline": "The ratios are taken to lie on a smooth curve over the scores.",
}
_TINY = 0.05
_SEVERAL = 2.0  # standard errors


def hazard_pages(m: Material, level: int = 1) -> list[Block]:
    """Set hazard ratios out, and say how far they can be trusted; nothing where there are none."""
    rows = [row for row in m.book.where("hazard_ratio", model=MODEL) if not row.blank]
    if not rows:
        return []
    found = matching(m.results.checks, model=MODEL)
    parts = [heading("Hazard ratios", level), paragraph(_what(m)), _ratios(m)]
    parts += [paragraph(text) for text in (_penalised(m, found), _shifted(m), _constant(m, found)) if text]
    return [*parts, *_shapes(found)]


def _what(m: Material) -> str:
    adjusted = adjusted_for(m)
    held = f", with the effects of {adjusted} beside that of the score" if adjusted else ""
    return (
        "A hazard ratio compares how fast two groups are lost, at any time, among the customers still there: a ratio "
        "under 1 is lost more slowly. The model (grouped proportional hazards) leaves the course of losses over time "
        f"free and takes the ratio to be the same throughout{held}. {_EFFECTS[m.spec.score.effect]} The ratio of "
        "several scores is that of their mean log hazard, weighted by their customers."
    )


def _ratios(m: Material) -> Block:
    """Set the ratios out, the headline contrast first, then each level against the worst."""
    every = m.book.where("hazard_ratio", model=MODEL)
    kinds = [kind for kind in _HEADERS if any(row.adjusted == kind for row in every)]
    pairs: dict[tuple[tuple[int, ...], tuple[int, ...]], tuple[str, str]] = {}
    for group, reference in sorted({(r.group, r.reference) for r in every}, key=lambda p: _order(p, m)):
        pairs.setdefault((m.spec.group(group), m.spec.group(reference)), (group, reference))
    rows = []
    for group, reference in pairs.values():
        found = [
            m.book.get("hazard_ratio", group, MODEL, reference=reference, adjusted=kind) for kind in kinds
        ]
        cells = [bare(row, _digits(row)) for row in found]
        rows.append([f"{levels(group, m.spec)} against {levels(reference, m.spec)}", *cells])
    rows = [row for row in rows if set(row[1:]) != {NONE}]
    notes = blank_notes(m) if any(NONE in row for row in rows) else []
    caption = f"Hazard ratios of being lost, with {coverage(m.spec)} intervals."
    header = ["Scores", *(_HEADERS[kind] for kind in kinds)]
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
    said = f"score{'s' if len(known) > 1 else ''} {listed([levels(str(level), m.spec) for level in known])}"
    return (
        f"Of {said} every customer or none was lost in the periods compared, or the table does not tell that score "
        "from other things. Such a ratio has no finite estimate by itself: it is held by the weight of half a loss, "
        "and its interval is wide on one side."
    )  # fmt: skip


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
    after = periods(m.spec.horizon, m.spec.unit)
    kind = "standardised " if own.adjusted == "standardised" else ""
    text = (
        f"By this model the {kind}difference in retention after {after}, {score(group, m.spec)} against "
        f"{levels(reference, m.spec)}, is {full(own)}"
    )
    if free is not None:
        text += f"; with a ratio of its own in every category of {adjusted_for(m)}, {full(free)}"
    if observed is not None:
        text += f". Kaplan–Meier, which assumes neither, gives {full(observed)}"
    return f"{text}."


def _constant(m: Material, found: Sequence[Check]) -> str:
    """Say whether one ratio for all times is fair, by what it does to retention."""
    group, reference = m.sides
    checks = {check.code: check for check in matching(found, group=group, reference=reference)}
    changing = checks.get("proportionality")
    if changing is None or math.isnan(changing.value + changing.low + changing.high):
        return ""
    late = m.spec.subscription is not None and m.spec.subscription.clock == "signup"
    text = (
        "Is the ratio the same at all times? When the time since "
        f"{'signup' if late else 'the score'} doubles, that of {score(m.sides[0], m.spec)} against "
        f"{levels(m.sides[1], m.spec)} is multiplied by {_with_limits(changing)}"
    )
    moved = checks.get("proportionality_contrast")
    if moved is None or math.isnan(moved.value):
        return f"{text}."
    fair = "one ratio is a fair summary" if moved.passed else "one ratio is an average over time"
    return (
        f"{text}; letting it change moves the difference in retention after {periods(m.spec.horizon, m.spec.unit)} "
        f"by {decimal(100 * moved.value, 1)} points: {fair}."
    )


def _shapes(found: Sequence[Check]) -> list[Block]:
    """Say whether losses trend over the scores, and which shape of the effect predicts best."""
    parts = []
    for trend in matching(found, code="trend"):
        z = trend.facts["z"]
        if isinstance(z, float) and not math.isnan(trend.value + z):
            text = (
                "Over the ordered scores, each step towards better goes with a hazard multiplied by "
                f"{_with_limits(trend)} (trend test: z = {decimal(z, 1)})."
            )
            parts.append(paragraph(text))
    rows = []
    for effect, name in _SHAPES.items():
        for check in matching(found, code="log_score_gain", effect=effect):
            gain, error = check.value, check.facts["std_error"]
            if isinstance(error, float) and not math.isnan(gain + error):
                rows.append([name, decimal(gain, 3), decimal(error, 3), _verdict(gain, error)])
    if rows:
        caption = (
            "Shapes of the score’s effect compared with a ratio of its own for every score, on customers held out of "
            "the fit: gain in log score per 1,000 customers."
        )
        header = ["Shape", "Gain", "Standard error", "Predicts"]
        parts.append(table(caption.replace("1,000", whole(1000)), header, rows, texts=(0, 3)))
    return parts


def _with_limits(check: Check) -> str:
    return f"{decimal(check.value, 2)} [{decimal(check.low, 2)},{FIRM}{decimal(check.high, 2)}]"


def _verdict(gain: float, error: float) -> str:
    if abs(gain) <= _SEVERAL * error:
        return "about as well"
    return "better" if gain > 0 else "worse"
