"""The pages about tenure: the ladder of horizons, the families, and what is extrapolated."""

import math

from cxlink.report import continuations, drawing, lifetimes
from cxlink.report.blocks import Block, heading, paragraph, picture, table
from cxlink.report.book import Estimate, preferred
from cxlink.report.content import Material
from cxlink.report.lifetimes import ordered_models
from cxlink.report.results import beyond
from cxlink.report.wording import (
    ENDLESS,
    NONE,
    bare,
    capital,
    coverage,
    listed,
    percent,
    periods,
    score,
    units,
    words,
)  # fmt: skip


def tenure_pages(m: Material, level: int = 1) -> list[Block]:
    """Say how long customers can be expected to stay, and from where on a model says so."""
    if m.spec.subscription is None or not m.book.where("tenure"):
        return []
    parts = [heading("Tenure", level), paragraph(_introduction(m))]
    rows = _rows(m)
    if rows:
        parts += [_ladder_figure(m), _ladder_table(m, rows)]
    parts += _families(m)
    return [*parts, *_means(m)]


def _introduction(m: Material) -> str:
    text = (
        "Mean tenure to a horizon is the area under the retention curve up to it: the time that customers "
        "stay on average if everything after the horizon is left out. To the last horizon inside follow-up "
        "it comes from the observed curves alone. Beyond, families of curves continue what was seen, each "
        "in its own way; they can agree closely where there are data and differ widely where there are "
        "none. So each horizon is shown for every family and their average, with the share of the figure "
        "that lies beyond the last period with ten customers at risk."
    )
    return text + beyond(m)


def _rows(m: Material) -> list[Estimate]:
    rows = preferred(m.book.where("tenure", group=("best", "worst"), stratum="", scenario="", given=0))
    return [row for row in rows if row.horizon is not None and (row.model != "grouped_ph" or row.headline)]


def _ladder_figure(m: Material) -> Block:
    axes = lifetimes.tenure_ladder(m.given.estimates, m.spec, simulated=m.given.simulated)
    caption = (
        f"Mean tenure to each horizon, with {coverage(m.spec)} intervals. Hollow dots and dashed intervals "
        "are partly extrapolated; the shares stand at the right."
    )
    alt = "Dots with intervals: mean tenure to each horizon, by model and band; the numbers are in the table."
    return picture("tenure-ladder", drawing.svg(axes), alt, caption)


def _ladder_table(m: Material, rows: list[Estimate]) -> Block:
    lines: list[list[str]] = []
    rules: list[int] = []
    for horizon in sorted({row.horizon or 0 for row in rows}):
        rules += [len(lines)] if lines else []
        for i, model in enumerate(ordered_models(row.model for row in rows if row.horizon == horizon)):
            found = [m.book.best("tenure", band, model, horizon) for band in m.bands]
            cells = [cell for row in found for cell in (bare(row, 1), _share(row))]
            lines.append([periods(horizon, m.spec.unit) if i == 0 else "", words(model), *cells])
    named = [name for band in m.bands for name in (capital(score(band, m.spec)), "extrapolated")]
    caption = (
        f"Mean tenure to each horizon, in {units(m.spec.unit)} with {coverage(m.spec)} intervals, "
        "and the share extrapolated."
    )
    return table(caption, ["Horizon", "Model", *named], lines, rules=rules, texts=(0, 1))


def _share(row: Estimate | None) -> str:
    if row is None or row.blank or math.isnan(row.extrapolated):
        return NONE
    return f"{100 * row.extrapolated:.0f}\u202f%"


def _families(m: Material) -> list[Block]:
    """Draw how the families continue what was observed, where any was fitted."""
    bands = [continuations.continued(m.given.estimates, m.given.projected, group) for group in m.bands]
    known = [band for band in bands if band is not None]
    if not known:
        return []
    axes = continuations.family_survival(
        m.given.estimates, m.given.projected, m.spec, simulated=m.given.simulated
    )
    ends = listed([f"{periods(band.end, m.spec.unit)} for {score(band.group, m.spec)}" for band in known])
    caption = (
        f"Observed retention (solid, with {coverage(m.spec)} intervals) and how the families continue it: thin, their "
        f"average thicker, their spread shaded. Dashed: beyond the last period with customers at risk ({ends})."
    )
    last = round(max(band.time[-1] for band in known))
    alt = (
        "Curves of the share still there, solid where observed and dashed beyond, one a family. "
        + "; ".join(_told(band, m) for band in known)
        + f" after {periods(last, m.spec.unit)}"
    )
    return [picture("tenure-families", drawing.svg(axes), alt, caption)]


def _told(band: continuations.Continued, m: Material) -> str:
    low, high = (percent(pick(curve[-1] for curve in band.fitted.values()) / 100) for pick in (min, max))
    return f"{score(band.group, m.spec)}: {low} to {high}"


def _means(m: Material) -> list[Block]:
    """Set out means without a horizon, and medians."""
    rows = preferred(m.book.where("tenure_mean", group=("best", "worst"), stratum="", scenario="", given=0))
    lines: list[list[str]] = []
    rules: list[int] = []
    for model in ordered_models(row.model for row in rows):
        rules += [len(lines)] if lines else []
        for i, band in enumerate(m.bands):
            mean, median = (m.book.best(kind, band, model) for kind in ("tenure_mean", "tenure_median"))
            name, scores = words(model) if i == 0 else "", capital(score(band, m.spec))
            lines.append([name, scores, bare(mean, 1), _share(mean), bare(median, 1)])
    if not lines:
        return []
    cells = [cell for line in lines for cell in line]
    endless = (
        f"∞: {ENDLESS}; the family’s curve falls so slowly that the figure, or its upper limit, is infinite."
    )
    notes = [endless] if any("∞" in cell for cell in cells) else []
    caption = (
        f"Expected further tenure without a horizon, in {units(m.spec.unit)} with {coverage(m.spec)} "
        "intervals; the share of the mean that is extrapolated; and the time by which half have left."
    )
    header = ["Model", "Scores", "Mean", "extrapolated", "Median"]
    return [table(caption, header, lines, notes=notes, rules=rules, texts=(0, 1))]
