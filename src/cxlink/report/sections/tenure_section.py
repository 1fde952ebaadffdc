"""The section on tenure: the estimates, and how those beyond follow-up were extrapolated."""

from cxlink.checks import matching
from cxlink.estimands.second_opinions import REPORTED
from cxlink.groups.support import FEWEST_AT_RISK
from cxlink.report.check_notes import published_error
from cxlink.report.content import Material
from cxlink.report.document import Block, Run, heading, notice, paragraph, picture
from cxlink.report.figures import calibration_figure as calibration
from cxlink.report.figures import drawing
from cxlink.report.figures import extrapolation_figure as continuations
from cxlink.report.figures import hazard_figure as hazard_curves
from cxlink.report.figures import tenure_ladder as lifetimes
from cxlink.report.format import coverage, full, percent, periods, score, spelled, time_span, units
from cxlink.report.sections.anchor_words import anchors_left_out, anchors_used
from cxlink.report.sections.family_table import (
    backtest_weights,
    family_lines,
    family_table,
    spike_sentence,
    weights_sentence,
)
from cxlink.report.sections.limitations import hardly_lost
from cxlink.report.sections.tenure_table import families_of, ladder, ladder_table, undetermined
from cxlink.report.words import say, styled


def tenure_pages(m: Material, level: int = 1) -> list[Block]:
    """Report mean tenure by horizon, and which part of it is extrapolated by a model."""
    if m.spec.subscription is None or not m.book.where("tenure"):
        return []
    title = heading(say("tenure.heading"), level)
    parts = [title, paragraph(_introduction(m))]
    parts += [notice(text) for text in [_undetermined(m), anchors_left_out(m.results.checks)] if text]
    if ladder(m):
        parts += [_ladder_figure(m), *ladder_table(m)]
    parts += [notice(text) for text in [_few_losses(m)] if text]
    spike = spike_sentence(m)
    parts += [notice(styled("tenure.periodic_losses", text=spike))] if spike else []
    if m.book.where("tenure_mean", model=REPORTED, group=m.bands) and len(m.scores) > 1:
        parts.append(paragraph(_waning(m)))
    return [*parts, *_extrapolation(m, level + 1)]


def _introduction(m: Material) -> str:
    """Define mean tenure, and say which part of it was observed."""
    n, reach = len(families_of(m)), followed(m)
    if not m.book.where("tenure_mean", model=REPORTED):
        return say("tenure.observed_only")
    said = [say("tenure.definition")]
    if reach:
        said.append(_reach(m, periods(reach, m.spec.unit)))
    said.append(say("tenure.introduction", at_risk=spelled(FEWEST_AT_RISK)))
    if matching(m.results.checks, code="tail_in_time", case="estimate"):
        said.append(say("tenure.in_time"))
    if n:
        said.append(say("tenure.second_opinions", n=n, families=spelled(n)))
    far = published_error(m.results.checks, REPORTED, m.spec.unit)
    return " ".join([*said, *far, *anchors_used(m.results.checks, m.spec.unit)])


def _reach(m: Material, reach: str) -> str:
    """Say how far observation goes: of a snapshot, only over customers of different tenures."""
    window = m.spec.subscription.window if m.spec.subscription is not None else None
    if window:
        return say("tenure.followed_chained", window=periods(window, m.spec.unit), followed=reach)
    return say("tenure.followed", followed=reach)


def followed(m: Material) -> int:
    """Give the last period after the score with ten customers at risk (entering late: with any); 0 where none has."""
    if m.spec.subscription is not None and m.spec.subscription.clock == "signup":
        keys = {"model": "kaplan_meier", "group": "all", "stratum": "", "scenario": "", "adjusted": "no"}
        rows = m.book.where("retention", **keys)
        return max((row.horizon or 0 for row in rows if not row.blank), default=0)
    frame = m.results.at_risk
    enough = frame[(frame["group"] == "all") & (frame["at_risk"].fillna(0) >= FEWEST_AT_RISK)]
    return int(enough["period"].max()) if len(enough) else 0


def _undetermined(m: Material) -> list[Run]:
    """Warn of averages whose interval is too wide; nothing where there are none."""
    wide, reach = undetermined(m), followed(m)
    if not wide or not reach:
        return []
    seen, n = time_span(reach, m.spec.unit)
    ahead, _ = time_span(wide[0].horizon, m.spec.unit)
    estimates = [
        say(
            "tenure.estimate", value=full(step.middle), group=score(step.group, m.spec),
            horizon=periods(step.horizon, m.spec.unit),
        )
        for step in wide
    ]  # fmt: skip
    return styled("tenure.undetermined", n=n, followed=seen, horizon=ahead, estimates=estimates)


def _few_losses(m: Material) -> list[Run]:
    """Say which band's extrapolation rests on hardly any losses; nothing where none does."""
    few = hardly_lost(m)
    groups = [
        say("tenure.few_losses_group", n=int(check.value), group=score(check.group, m.spec)) for check in few
    ]
    return styled("tenure.few_losses", groups=groups, least=few[0].bound) if groups else []


def _ladder_figure(m: Material) -> Block:
    axes = lifetimes.tenure_ladder(m.results.every_estimate, m.spec, simulated=m.results.simulated)
    caption = _with_families(m, say("tenure.figure", level=coverage(m.spec)), say("tenure.figure_families"))
    return picture("tenure-ladder", drawing.svg(axes), say("tenure.figure_alt"), caption)


def _waning(m: Material) -> str:
    """State the assumption that differences persist, and the scenarios in which they wane."""
    kind = "adjusted" if _stratified(m) else "unadjusted"
    waning = [periods(w, m.spec.unit) for w in m.spec.analysis.waning]
    if waning:
        alternative = say("tenure.waning", n=len(waning), times=waning)
    else:
        alternative = say("tenure.no_waning", units=units(m.spec.unit))
    return " ".join([say(f"tenure.persistent_{kind}"), alternative])


def _extrapolation(m: Material, level: int) -> list[Block]:
    """Show the fit of the families, their weights, their backtest and their extrapolations."""
    rows = family_table(m)
    if not rows and not len(m.results.projected):
        return []
    title = heading(say("tenure.extrapolation_heading"), level)
    return [title, *_fitting(m), *rows, *_survival_figure(m), *_checks_figure(m)]


def _with_families(m: Material, caption: str, theirs: str) -> str:
    """Give a caption, and where families were fitted what of the figure is theirs."""
    return f"{caption} {theirs}" if families_of(m) else caption


def _fitting(m: Material) -> list[Block]:
    """Say how families were fitted and averaged, where any was."""
    if not families_of(m):
        return []
    members = sum(line.member for line in family_lines(m.results.checks))
    said = [say("tenure.fitted_stratified" if _stratified(m) else "tenure.fitted")]
    if members:
        said.append(say("tenure.averaged", n=members, families=spelled(members)))
    said.append(weights_sentence(m))
    predictions = calibration.one_adjustment(m.results.backtested)
    origins = [str(origin) for origin in sorted(predictions["origin"].unique())]
    if origins:
        said.append(say("tenure.backtest", units=units(m.spec.unit, len(origins)), origins=origins))
    return [paragraph(" ".join(text for text in said if text))]


def _stratified(m: Material) -> bool:
    return any(row.adjusted == "standardised" for row in m.book.where("tenure_mean", group=m.bands))


def _survival_figure(m: Material) -> list[Block]:
    """Draw how the observed curves are continued, where any model was fitted to do so."""
    estimates, projected = m.results.estimates, m.results.projected
    every = [continuations.continued(estimates, projected, group) for group in m.bands]
    bands = [band for band in every if band is not None]
    if not bands:
        return []
    axes = continuations.family_survival(estimates, projected, m.spec, simulated=m.results.simulated)
    ends = [
        say("tenure.survival_end", end=periods(band.end, m.spec.unit), group=score(band.group, m.spec))
        for band in bands
    ]
    caption = _with_families(
        m, say("tenure.survival", level=coverage(m.spec), ends=ends), say("tenure.survival_families")
    )
    last = periods(round(max(band.time[-1] for band in bands)), m.spec.unit)
    alt = say("tenure.survival_alt", values="; ".join(_spoken(band, m) for band in bands), after=last)
    return [picture("tenure-families", drawing.svg(axes), alt, caption)]


def _spoken(band: continuations.ExtrapolatedLine, m: Material) -> str:
    name = score(band.group, m.spec)
    if not len(band.families):
        return say("tenure.survival_value", group=name, share=percent(band.fitted[REPORTED][-1] / 100))
    low, high = (percent(pick(band.families[:, -1]) / 100) for pick in (min, max))
    return say("tenure.survival_range", group=name, low=low, high=high)


def _checks_figure(m: Material) -> list[Block]:
    """Draw hazards, and beside them the backtest where there is one."""
    curves = continuations.fitted_curves(m.results.projected, "all", "no")
    if not len(curves):
        return []
    weights, tested = backtest_weights(m.results.checks), len(m.results.backtested) > 0
    with drawing.sheet((6.3, 1.85), 1, 2 if tested else 1, widths=(1.7, 1) if tested else None) as axes:
        hazard_curves.family_hazards(
            m.results.estimates, m.results.projected, m.results.at_risk, m.spec,
            simulated=m.results.simulated, ax=axes[0],
        )  # fmt: skip
        if tested:
            calibration.backtest_calibration(m.results.backtested, weights, m.spec.unit, ax=axes[1])
    unit = units(m.spec.unit, 1)
    alone = _with_families(m, say("tenure.hazards", unit=unit), say("tenure.hazards_families"))
    caption = say("tenure.hazards_backtest", unit=unit) if tested else alone
    alt = say("tenure.hazards_backtest_alt" if tested else "tenure.hazards_alt", unit=unit)
    return [picture("tenure-checks", drawing.svg(axes[0]), alt, caption)]
