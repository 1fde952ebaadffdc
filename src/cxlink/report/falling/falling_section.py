"""The pages about scores that fell or rose since the survey before."""

import math
from collections.abc import Iterator

from cxlink.checks import Check, matching
from cxlink.report.content import Material
from cxlink.report.document import Block, Run, heading, paragraph, picture, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.falling import falling_figure as figures
from cxlink.report.falling.by_quarter import by_quarter
from cxlink.report.falling.other_countings import CHANGES, other_countings
from cxlink.report.figures import drawing
from cxlink.report.format import (
    NONE,
    bare,
    coverage,
    customers,
    full,
    levels,
    periods,
    shared_digits,
    value,
    whole,
)
from cxlink.report.words import say, styled

SCENARIOS = ("fall_given_last", "fall_given_present", "rise_given_last", "rise_given_present")


def falling_pages(m: Material, level: int = 1) -> list[Block]:
    """Say what a fall of the score tells of retention; nothing where one survey a customer counts."""
    if not m.spec.every_survey:
        return []
    title = heading(say("falling.heading"), level)
    shares = {check.group: check for check in matching(m.results.checks, code="score_moves")}
    if not shares:
        return [title, paragraph(say("falling.once"))]
    surveys = next(iter(shares.values())).facts.get("surveys", 0)
    moved = {name: shares[name].value if name in shares else 0.0 for name in ("fell", "stayed", "rose")}
    parts = [title]
    if not any(math.isnan(share) for share in moved.values()):
        parts.append(paragraph(say("falling.what", surveys=surveys, **moved)))
    parts += [paragraph(styled("falling.two")), paragraph(_verdict(m))]
    said = [*_further(m), *_level_or_change(m)]
    parts += [paragraph(" ".join(said))] if said else []
    others = other_countings(m, {name: _difference(m, name) for name in CHANGES})
    return [
        *parts,
        *_picture(m),
        *_table(m),
        *others,
        *by_quarter(m),
        paragraph(" ".join([*_again(m), say("falling.assumed")])),
    ]


def answers(m: Material) -> str:
    """Write how many customers gave a score, and in how many surveys where each of them counts."""
    if not m.spec.every_survey:
        return customers(m.n_scored)
    return say("first_page.surveys_of", customers=customers(m.n_customers), surveys=m.n_scored)


def every_survey(m: Material) -> str:
    """Say that surveys are counted, and of how many customers; nothing where one survey a customer counts."""
    return (
        say("first_page.every_survey", customers=m.n_customers, surveys=m.n_scored)
        if m.spec.every_survey
        else ""
    )


def verdict(m: Material) -> list[Block]:
    """Say on page one whether a fall is alarming; nothing where no score fell."""
    row = _difference(m, "fall_given_present")
    return [paragraph(_verdict(m))] if row is not None else []


def _model(m: Material, scenario: str) -> str:
    found = matching(m.results.checks, code="score_change", scenario=scenario)
    return found[0].model if found else ""


def _row(m: Material, estimand: str, scenario: str, group: str, reference: str = "") -> Estimate | None:
    rows = m.book.where(
        estimand, model=_model(m, scenario), scenario=scenario, group=group, reference=reference,
        horizon=m.spec.horizon,
    )  # fmt: skip
    return next((row for row in rows if not row.blank), None)


def _difference(m: Material, scenario: str) -> Estimate | None:
    group = figures.GROUPS[scenario.partition("_")[0]]
    return _row(m, "retention_difference", scenario, group, "stayed")


def _verdict(m: Material) -> list[Run]:
    """Say whether a fall is a warning of its own: the interval says, and below 0 who answered again says so too."""
    row = _difference(m, "fall_given_present")
    if row is None or math.isnan(row.conf_high):
        return styled("falling.not_compared" if row is None else "falling.uncertain")
    key = "alarming" if row.conf_high < 0 else "not_alarming" if row.conf_low >= 0 else "not_shown"
    shares: dict[str, object] = {}
    unlike = matching(m.results.checks, code="answered_again_by_fall", passed=False)
    if key == "alarming" and unlike:
        key = "less_again" if unlike[0].high < 0 else "more_again"
        shares = {name: unlike[0].facts[name] for name in ("fallen_to", "fallen_from")}
    return styled(
        f"falling.verdict_{key}", after=periods(m.spec.horizon, m.spec.unit), value=full(row), **shares
    )


def _further(m: Material) -> Iterator[str]:
    """What the other contrasts are."""
    after = periods(m.spec.horizon, m.spec.unit)
    last, rise = _difference(m, "fall_given_last"), _difference(m, "rise_given_present")
    if last is not None:
        yield say("falling.last", after=after, value=full(last))
    if rise is not None:
        yield say("falling.rise", value=full(rise))


def _level_or_change(m: Material) -> Iterator[str]:
    found = {check.facts["case"]: check for check in matching(m.results.checks, code="level_or_change")}
    if "level" in found:
        check = found["level"]
        key = "level" if check.low > 0 else "change" if check.high < 0 else "same"
        yield say(f"falling.tells_{key}", **_gain(check, flipped=key == "change"))
    if "both" in found:
        check = found["both"]
        yield say("falling.last_adds" if check.low > 0 else "falling.last_adds_nothing", **_gain(check))


def _gain(check: Check, *, flipped: bool = False) -> dict[str, float]:
    if flipped:
        return {"gain": -check.value, "low": -check.high, "high": -check.low}
    return {"gain": check.value, "low": check.low, "high": check.high}


def _picture(m: Material) -> list[Block]:
    """Draw retention after a fall beside both comparisons, where all are known."""
    curves = figures.change_curves(m.results.estimates, m.results.checks, "fall")
    if len(curves) < len(figures.CURVES):
        return []
    axes = figures.falling_score(m.results.estimates, m.results.checks, m.spec, simulated=m.results.simulated)
    said = "; ".join(
        say("falling.figure_value", group=say(f"falling.curve_{name}"), value=value(curve[-1]),
            after=periods(curve[-1].horizon or 0, m.spec.unit))
        for name, curve in curves.items()
    )  # fmt: skip
    alt, caption = say("falling.figure_alt", values=said), say("falling.figure", level=coverage(m.spec))
    return [picture("falling-score", drawing.svg(axes), alt, caption)]


def _table(m: Material) -> list[Block]:
    """Set out both contrasts of a fall and of a rise."""
    rows = []
    for scenario in SCENARIOS:
        group = figures.GROUPS[scenario.partition("_")[0]]
        sides = [_row(m, "retention", scenario, one) for one in (group, "stayed")]
        difference = _difference(m, scenario)
        if difference is None:
            continue
        digits = shared_digits([*sides, difference])
        cells = [bare(one, digits) for one in (*sides, difference)]
        surveys = whole(sides[0].n) if sides[0] is not None and sides[0].n is not None else NONE
        rows.append([say(f"falling.row_{scenario}"), surveys, *cells])
    if not rows:
        return []
    after = periods(m.spec.horizon, m.spec.unit)
    header = [
        say(f"falling.column_{name}") for name in ("change", "surveys", "changed", "stayed", "difference")
    ]
    additive = any(_model(m, scenario) == "grouped_ph" for scenario in SCENARIOS)
    notes = [say("falling.additive")] if additive else []
    return [table(say("falling.caption", after=after, level=coverage(m.spec)), header, rows, notes=notes)]


def _again(m: Material) -> list[str]:
    """Say how many of the customers with the worst and the best first scores answered again."""
    shares = {}
    for band in ("worst", "best"):
        mine = [
            check for check in matching(m.results.checks, code="answered_again")
            if int(check.group) in m.spec.group(band) and not math.isnan(check.value)
        ]  # fmt: skip
        n = [float(str(check.facts["surveys"])) for check in mine]
        if not sum(n):
            return []
        shares[band] = sum(check.value * size for check, size in zip(mine, n, strict=True)) / sum(n)
    names = {band: levels(band, m.spec) for band in shares}
    return [say("falling.again", **names, **{f"{band}_share": share for band, share in shares.items()})]
