"""The pages about tenure: one for who decides, one for who checks how the figures beyond follow-up were made."""

from cxlink.report.content import Material
from cxlink.report.document import Block, Run, heading, notice, paragraph, picture, strong
from cxlink.report.figures import calibration_figure as calibration
from cxlink.report.figures import drawing
from cxlink.report.figures import extrapolation_figure as continuations
from cxlink.report.figures import hazard_figure as hazard_curves
from cxlink.report.figures import tenure_ladder as lifetimes
from cxlink.report.format import (
    capital,
    coverage,
    full,
    listed,
    percent,
    periods,
    score,
    spelled,
    time_span,
    units,
)  # fmt: skip
from cxlink.report.sections.family_table import (
    backtest_weights,
    family_lines,
    family_table,
    spike_sentence,
    weights_sentence,
)
from cxlink.report.sections.tenure_table import families_of, ladder, ladder_table, undetermined

_TEN = 10


def tenure_pages(m: Material, level: int = 1) -> list[Block]:
    """Say how long customers can be expected to stay, and from where on a model says so."""
    if m.spec.subscription is None or not m.book.where("tenure"):
        return []
    parts = [heading("Tenure", level, new_page=bool(families_of(m))), paragraph(_introduction(m))]
    parts += [notice(text) for text in [_undetermined(m)] if text]
    if ladder(m):
        parts += [_ladder_figure(m), *ladder_table(m)]
    spike = spike_sentence(m)
    parts += [notice([strong("Losses that come back. "), spike])] if spike else []
    if families_of(m) and len(m.scores) > 1:
        parts.append(paragraph(_lasting(m)))
    return [*parts, *_for_the_referee(m, level + 1)]


def _introduction(m: Material) -> str:
    """Say what tenure is, and which part of it was seen."""
    text = (
        "How long will customers stay? Mean tenure to a horizon is the time that they stay on average if everything "
        "after the horizon is left out: the area under the retention curve up to it. "
    )
    n, reach = len(families_of(m)), followed(m)
    if not n:
        return f"{text}It comes from the observed curves alone; no family of curves could be fitted to go beyond them."
    seen = (
        f"These customers were observed for up to {periods(reach, m.spec.unit)} after the score. "
        if reach
        else ""
    )
    return (
        f"{text}{seen}Means to a horizon within that time are counted. Those to later ones are partly extrapolated: "
        f"{spelled(n)} famil{'y' if n == 1 else 'ies'} of curves, fitted to what was seen, go on each in its own way. "
        "They can agree closely where there are data and differ widely where there are none, so their average "
        "is given, with an interval that holds their disagreement as well as chance, the share of the figure that "
        "nobody has seen (beyond the last period with ten customers at risk), and the range from the lowest family "
        "to the highest."
    )


def followed(m: Material) -> int:
    """Give the last period after the score with ten customers at risk (entering late: with any); 0 where none has."""
    if m.spec.subscription is not None and m.spec.subscription.clock == "signup":
        keys = {"model": "kaplan_meier", "group": "all", "stratum": "", "scenario": "", "adjusted": "no"}
        return max(
            (row.horizon or 0 for row in m.book.where("retention", **keys) if not row.blank), default=0
        )
    frame = m.results.at_risk
    enough = frame[(frame["group"] == "all") & (frame["at_risk"].fillna(0) >= _TEN)]
    return int(enough["period"].max()) if len(enough) else 0


def _undetermined(m: Material) -> list[Run]:
    """Print the sentence of the too wide interval; nothing where there is none."""
    wide, reach = undetermined(m), followed(m)
    if not wide or not reach:
        return []
    seen, ahead = time_span(reach, m.spec.unit), time_span(wide[0].horizon, m.spec.unit)
    same = seen[1].rstrip("s") == ahead[1].rstrip("s")
    verb = "does" if seen[2] == 1 else "do"
    first = f"{capital(seen[0])} {seen[1]} of data {verb} not determine {ahead[0]}{'' if same else f' {ahead[1]}'}. "
    pieces = [
        f"{full(step.middle)} for {score(step.group, m.spec)} within {periods(step.horizon, m.spec.unit)}"
        for step in wide
    ]
    return [
        strong(first),
        f"The interval of the average is wider than half the figure itself: {listed(pieces)}. Such a figure should not "
        "carry a decision by itself.",
    ]


def _ladder_figure(m: Material) -> Block:
    axes = lifetimes.tenure_ladder(m.results.every_estimate, m.spec, simulated=m.results.simulated)
    caption = (
        f"Mean tenure to each horizon, with {coverage(m.spec)} intervals. Filled dots were observed; hollow dots and "
        "dashed intervals are averages that are partly extrapolated, by the share at the right."
    )
    alt = "Dots with intervals: mean tenure to each horizon, by band; the numbers are in the table."
    return picture("tenure-ladder", drawing.svg(axes), alt, caption)


def _lasting(m: Material) -> str:
    """Say that effects lasting for ever are an assumption, and what waning does."""
    kind = "an adjusted association" if _stratified(m) else "an association"
    text = (
        "All figures beyond follow-up let the difference between the scores last for ever. That is an assumption, "
        f"which no data here can test; what is shown is {kind}, whichever way the scores came about."
    )
    waning = [periods(w, m.spec.unit) for w in m.spec.analysis.waning]
    if not waning:
        return (
            f"{text} For the alternative, set [analysis] waning to a number of {units(m.spec.unit)} by which the "
            "difference is gone."
        )
    return (
        f"{text} The last lines of the table let it wane instead: in full to the last observed period, falling in a "
        f"straight line, and gone {' or '.join(waning)} after the score."
    )


def _for_the_referee(m: Material, level: int) -> list[Block]:
    """Show how the families fit, weigh and foresaw, and how they go on."""
    rows = family_table(m)
    if not rows and not len(m.results.projected):
        return []
    parts = [heading("How the figures beyond follow-up were made", level, new_page=True), paragraph(_made(m))]
    return [*parts, *rows, *_survival_figure(m), *_checks_figure(m)]


def _made(m: Material) -> str:
    """Say how families were fitted and averaged."""
    lines = family_lines(m.results.checks)
    members = sum(line.member for line in lines)
    acting = "the score and the strata" if _stratified(m) else "the score"
    text = f"The families were fitted by maximum likelihood to the losses of each period, {acting} acting on them. "
    if members:
        text += (
            f"The averages hold {spelled(members)}, one of each class (of splines and mixture cures the one with the "
            "lowest AIC); none is dropped for what it says. "
        )
    said = weights_sentence(m)
    foreseen = calibration.one_adjustment(m.results.foreseen)
    origins = sorted(int(origin) for origin in foreseen["origin"].unique())
    if origins:
        said += (
            f" For it the families were fitted to what was known by {m.spec.unit} {listed([str(t) for t in origins])}, "
            "and judged by what came after."
        )
    return text + said


def _stratified(m: Material) -> bool:
    return any(row.adjusted == "standardised" for row in m.book.where("tenure_mean", group=m.bands))


def _survival_figure(m: Material) -> list[Block]:
    """Draw how the families continue what was observed, where any was fitted."""
    bands = [continuations.continued(m.results.estimates, m.results.projected, group) for group in m.bands]
    known = [band for band in bands if band is not None]
    if not known:
        return []
    axes = continuations.family_survival(
        m.results.estimates, m.results.projected, m.spec, simulated=m.results.simulated
    )
    ends = listed([f"{periods(band.end, m.spec.unit)} for {score(band.group, m.spec)}" for band in known])
    caption = (
        f"Observed retention (thick, with {coverage(m.spec)} intervals) and how the families continue it: thin, their "
        f"average thicker, their spread shaded. Dashed: beyond the last period with customers at risk ({ends})."
    )
    last = round(max(band.time[-1] for band in known))
    alt = (
        "Curves of the share still there, solid where observed and dashed beyond, one a family. "
        + "; ".join(_told(band, m) for band in known)
        + f" after {periods(last, m.spec.unit)}"
    )
    return [picture("tenure-families", drawing.svg(axes), alt, caption)]


def _told(band: continuations.ExtrapolatedLine, m: Material) -> str:
    low, high = (percent(pick(curve[-1] for curve in band.fitted.values()) / 100) for pick in (min, max))
    return f"{score(band.group, m.spec)}: {low} to {high}"


def _checks_figure(m: Material) -> list[Block]:
    """Draw hazards, and beside them the backtest where there is one."""
    curves = continuations.fitted_curves(m.results.projected, "all", "no")
    if not len(curves):
        return []
    weights, tested = backtest_weights(m.results.checks), len(m.results.foreseen) > 0
    with drawing.sheet((6.3, 1.85), 1, 2 if tested else 1, widths=(1.7, 1) if tested else None) as axes:
        hazard_curves.family_hazards(
            m.results.estimates,
            m.results.projected,
            m.results.at_risk,
            m.spec,
            simulated=m.results.simulated,
            ax=axes[0],
        )
        if tested:
            calibration.backtest_calibration(m.results.foreseen, weights, m.spec.unit, ax=axes[1])
    caption = (
        f"{'Left: c' if tested else 'C'}ustomers lost in each {m.spec.unit}, of those still there: observed, smoothed, "
        "and by the families, dashed beyond follow-up; all scores, unadjusted."
    )
    if tested:
        caption += (
            " Right: the backtest, by score. On the diagonal what was foreseen came; below it fewer stayed. Small: the "
            "families; large: their mixture, whose weights were chosen by these very forecasts."
        )
    beside = "; and shares still there, foreseen against observed" if tested else ""
    alt = f"Losses by {m.spec.unit}, observed and fitted{beside}."
    return [picture("tenure-checks", drawing.svg(axes[0]), alt, caption)]
