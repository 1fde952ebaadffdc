"""The tables of the Bayesian section: the posteriors' estimates beside those of the main results."""

import math
from collections.abc import Sequence

from cxlink.report.content import Material
from cxlink.report.document import Block, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.figures.tenure_ladder import BAYESIAN
from cxlink.report.format import (
    NONE,
    bare,
    capital,
    coverage,
    decimal,
    levels,
    percent,
    periods,
    score,
    units,
    whole,
    words,
)  # fmt: skip
from cxlink.report.sections import score_tables as tables
from cxlink.report.words import say

HAZARD, SBG = BAYESIAN
MEANS = "means"
ALONE, NEW, WANING = "alone", "new_cohort", "waning"
_MOST_UNSEEN = 10
MOST_LINES = 40  # on one page
ALIKE = 0.05  # of a width


def kind_of_rows(m: Material, estimand: str) -> str:
    """Whether a posterior's rows are standardised; else they are of each group's own customers."""
    rows = m.book.where(estimand, model=BAYESIAN, scenario="", adjusted="standardised")
    return "standardised" if rows else "no"


def estimate(m: Material, estimand: str, group: str, model: str, scenario: str = "") -> Estimate | None:
    """Give a row at the horizon (of spend: over the window), of the kind that the posterior's rows have.

    All scores together have the cohort's own mix, and may have no standardised row.
    """
    horizon = m.spec.horizon if estimand == "retention" else None
    key = {"scenario": scenario}
    if group == "all":
        return m.book.best(estimand, group, model, horizon, **key)
    return m.book.get(estimand, group, model, horizon, **key, adjusted=kind_of_rows(m, estimand))


def known(row: Estimate | None) -> bool:
    """Whether there is a number."""
    return row is not None and not row.blank


def unseen(m: Material) -> list[str]:
    """Give the levels without customers for which the posterior of retention has an estimate."""
    nobody = (str(level) for level in m.spec.scale.levels if level not in m.scores)
    return [level for level in nobody if known(estimate(m, "retention", level, HAZARD))]


def source(m: Material) -> str:
    """Give the model of the main results' retention."""
    rows = m.book.where("retention", headline=True, scenario="", stratum="")
    return next((row.model for row in rows if not row.blank), "kaplan_meier")


def retention_table(m: Material) -> list[Block]:
    """Set retention at the horizon out by level: that of the main results, and both posteriors."""
    models = [source(m), *BAYESIAN]
    extra = unseen(m) if len(unseen(m)) <= _MOST_UNSEEN else []
    rows, bands = _by_group(m, "retention", models, extra)
    if not rows:
        return []
    kind = kind_of_rows(m, "retention")
    after = periods(m.spec.horizon, m.spec.unit)
    caption = say(f"posterior_tables.retention_{kind}", after=after, level=coverage(m.spec))
    header = [
        say("score_tables.score"), say("score_tables.customers"), capital(words(models[0])),
        say("posterior_tables.posterior_hazard"), say("posterior_tables.posterior_sbg"),
    ]  # fmt: skip
    notes = _notes(m, "retention", rows)
    if extra:
        names = [levels(one, m.spec) for one in extra]
        notes.append(say("posterior_tables.note_predicted", n=len(extra), levels=names))
    if kind == "standardised" and models[0] == "kaplan_meier" and m.spec.stratum_variables:
        notes.append(say("posterior_tables.note_support"))
    return [_by_score(caption, header, rows, bands, notes)]


def spend_table(m: Material) -> list[Block]:
    """Set mean spend out by level: means, and the posterior's."""
    rows, bands = _by_group(m, "spend", [MEANS, HAZARD], [])
    if not rows or m.spec.spend is None:
        return []
    caption = say(
        f"posterior_tables.spend_{kind_of_rows(m, 'spend')}", currency=m.spec.spend.currency,
        window=periods(m.spec.spend.window_months, "month"), level=coverage(m.spec),
    )  # fmt: skip
    header = [
        say("score_tables.score"), say("score_tables.customers"), say("posterior_tables.means"),
        say("posterior_tables.posterior"),
    ]  # fmt: skip
    notes = _notes(m, "spend", rows)
    if all(row[1] == whole(0) for row in rows):
        notes.append(say("posterior_tables.note_no_window"))
    return [_by_score(caption, header, rows, bands, notes)]


def _by_score(
    caption: str, header: list[str], rows: list[list[str]], bands: int, notes: Sequence[str]
) -> Block:
    return table(caption, header, rows, notes=notes, rules=[len(rows) - bands], dense=len(rows) <= MOST_LINES)


def _by_group(
    m: Material, estimand: str, models: Sequence[str], extra: Sequence[str]
) -> tuple[list[list[str]], int]:
    """Lines of levels, then of bands; those for which no posterior has a number are left out."""
    names, bands = tables.groups(m)
    order = [str(level) for level in m.spec.scale.levels]
    names = sorted([*names, *extra], key=order.index)
    every = {g: [estimate(m, estimand, g, model) for model in models] for g in [*names, *bands]}
    shown = {g: rows for g, rows in every.items() if any(known(row) for row in rows[1:])}
    digits = tables.common_digits([row for rows in shown.values() for row in rows if row is not None])
    lines = []
    for group, rows in shown.items():
        posterior = next(row for row in rows[1:] if row is not None and not row.blank)
        name = tables.group_name(group, m)
        if group in extra:
            name = say("posterior_tables.predicted", score=name)
        lines.append([name, whole(posterior.n), *(bare(row, digits) for row in rows)])
    return lines, sum(group in shown for group in bands)


def _notes(m: Material, estimand: str, rows: Sequence[Sequence[str]]) -> list[str]:
    notes = []
    everybody = estimate(m, estimand, "all", HAZARD)
    if everybody is not None and everybody.adjusted != kind_of_rows(m, estimand):
        notes.append(tables.everybody_note(m))
    if any(NONE in row for row in rows):
        least = m.spec.publish.smallest_cell
        key = "posterior_tables.blank_small" if least else "posterior_tables.blank"
        notes.append(say(key, least=least))
    return notes


def tenure_table(m: Material) -> list[Block]:
    """Set restricted means out: a line for each step of the ladder, and by band a column for each model."""
    groups, kind = list(m.bands) or ["all"], kind_of_rows(m, "tenure")
    models = [(HAZARD, ""), (SBG, ""), (HAZARD, WANING)]
    every = {
        h: [_restricted(m, group, h, model, kind) for group in groups for model in models]
        for h in sorted({m.spec.horizon, *m.spec.tenure_horizons})
    }
    used = [i for i in range(len(groups) * len(models)) if any(known(rows[i]) for rows in every.values())]
    if not used:
        return []
    lines = [
        [periods(h, m.spec.unit), _extrapolated([rows[i] for i in used]), *(bare(rows[i], 1) for i in used)]
        for h, rows in every.items()
        if any(known(rows[i]) for i in used)
    ]
    caption = say(
        f"posterior_tables.tenure_{kind}", groups=[score(group, m.spec) for group in groups],
        units=units(m.spec.unit), level=coverage(m.spec),
    )  # fmt: skip
    notes = [say("posterior_tables.note_extrapolated")]
    if any(models[i % len(models)][1] for i in used):
        notes.append(say("posterior_tables.note_waning", unit=units(m.spec.unit, 1)))
    names = [
        say(f"posterior_tables.column_{scenario or model}", group=levels(group, m.spec))
        for group in groups for model, scenario in models
    ]  # fmt: skip
    header = [
        say("posterior_tables.horizon"),
        say("posterior_tables.extrapolated"),
        *(names[i] for i in used),
    ]
    return [table(caption, header, lines, notes=notes, dense=True)]


def _restricted(m: Material, group: str, horizon: int, model: tuple[str, str], kind: str) -> Estimate | None:
    adjusted = "no" if group == "all" else kind
    return m.book.get("tenure", group, model[0], horizon, scenario=model[1], adjusted=adjusted)


def _extrapolated(rows: Sequence[Estimate | None]) -> str:
    """Write the least and the greatest share extrapolated: ``20–27 %``."""
    shares = [
        r.extrapolated for r in rows if r is not None and not r.blank and not math.isnan(r.extrapolated)
    ]
    if not shares:
        return NONE
    low, high = (decimal(100 * pick(shares), 0) for pick in (min, max))
    return percent(max(shares)) if low == high else f"{low}–{percent(max(shares))}"


def width(row: Estimate | None) -> float:
    """Length of an interval; NaN where there is none."""
    return math.nan if row is None else row.conf_high - row.conf_low


def compared(before: float, after: float) -> tuple[str, float]:
    """Compare the lengths of two intervals: ``narrower``, ``wider`` or ``same``, and the change as a share."""
    change = abs(after / before - 1) if before > 0 else 0.0
    if change < ALIKE:
        return "same", change
    return "narrower" if after < before else "wider", change
