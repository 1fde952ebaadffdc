"""The tables of the Bayesian section: the posteriors' estimates beside those of page one, and what was borrowed."""

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
    listed,
    percent,
    periods,
    units,
    whole,
    words,
)  # fmt: skip
from cxlink.report.sections import score_tables as tables

HAZARD, RENEWALS = BAYESIAN
NAMES = {HAZARD: "Hazard", RENEWALS: "Renewals"}
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
    """Levels that nobody gave and that the posterior of retention answers for."""
    nobody = (str(level) for level in m.spec.scale.levels if level not in m.scores)
    return [level for level in nobody if known(estimate(m, "retention", level, HAZARD))]


def source(m: Material) -> str:
    """The model that page one's retention comes from."""
    rows = m.book.where("retention", headline=True, scenario="", stratum="")
    return next((row.model for row in rows if not row.blank), "kaplan_meier")


def retention_table(m: Material) -> list[Block]:
    """Set retention at the horizon out by level: as page one has it, and both posteriors."""
    models = [source(m), *BAYESIAN]
    extra = unseen(m) if len(unseen(m)) <= _MOST_UNSEEN else []
    rows, bands = _by_group(m, "retention", models, extra)
    if not rows:
        return []
    after, kind = periods(m.spec.horizon, m.spec.unit), kind_of_rows(m, "retention")
    caption = (
        f"Still customers after {after} by score, in per cent with {coverage(m.spec)} intervals"
        f"{'; standardised' if kind == 'standardised' else ''}: page one’s source, and two posteriors."
    )
    header = ["Score", "Customers", *(_header(model) for model in models)]
    notes = _notes(m, "retention", rows)
    if extra:
        few = f"{listed([levels(one, m.spec) for one in extra])} {'is' if len(extra) == 1 else 'are'}"
        notes.append(f"Nobody gave what is marked as predicted: {few} predicted from the other scores.")
    if kind == "standardised" and models[0] == "kaplan_meier" and m.spec.stratum_variables:
        notes.append(
            "Kaplan–Meier can be standardised only over strata in which every score compared has customers at risk; a "
            "posterior over all of them."
        )
    return [
        table(caption, header, rows, notes=notes, rules=[len(rows) - bands], dense=len(rows) <= MOST_LINES)
    ]


def spend_table(m: Material) -> list[Block]:
    """Set mean spend out by level: means, and the posterior's."""
    rows, bands = _by_group(m, "spend", [MEANS, HAZARD], [])
    if not rows or m.spec.spend is None:
        return []
    standardised = "; standardised" if kind_of_rows(m, "spend") == "standardised" else ""
    caption = (
        f"Mean spend in {m.spec.spend.window_months} months by score, in {m.spec.spend.currency} with "
        f"{coverage(m.spec)} intervals{standardised}: page one’s source, and the posterior."
    )
    header = ["Score", "Customers", "Means by level", "Posterior"]
    notes = _notes(m, "spend", rows)
    if all(row[1] == whole(0) for row in rows):
        notes.append(
            "No customer of this cohort has a complete window: its spend is predicted from the other cohorts."
        )
    return [
        table(caption, header, rows, notes=notes, rules=[len(rows) - bands], dense=len(rows) <= MOST_LINES)
    ]


def _header(model: str) -> str:
    return f"Posterior: {NAMES[model].lower()}" if model in NAMES else capital(words(model))


def _by_group(
    m: Material, estimand: str, models: Sequence[str], extra: Sequence[str]
) -> tuple[list[list[str]], int]:
    """Lines of levels, then of bands; those for which no posterior has a number are left out."""
    names, bands = tables.groups(m)
    order = [str(level) for level in m.spec.scale.levels]
    names = sorted([*names, *extra], key=order.index)
    found = {g: [estimate(m, estimand, g, model) for model in models] for g in [*names, *bands]}
    shown = {g: rows for g, rows in found.items() if any(known(row) for row in rows[1:])}
    digits = tables.common_digits([row for rows in shown.values() for row in rows if row is not None])
    lines = []
    for group, rows in shown.items():
        posterior = next(row for row in rows[1:] if row is not None and not row.blank)
        cells = [bare(row, digits) for row in rows]
        lines.append([name_of(group, m, group in extra), whole(posterior.n), *cells])
    return lines, sum(group in shown for group in bands)


def name_of(group: str, m: Material, predicted: bool = False) -> str:
    """Name a group in a table: ``9–10 (best)``."""
    mark = {"worst": " (worst)", "best": " (best)"}.get(group, "")
    name = "all scores" if group == "all" else levels(group, m.spec)
    return f"{name}{mark}{' (predicted)' if predicted else ''}"


def _notes(m: Material, estimand: str, rows: Sequence[Sequence[str]]) -> list[str]:
    notes = []
    everybody = estimate(m, estimand, "all", HAZARD)
    if everybody is not None and everybody.adjusted != kind_of_rows(m, estimand):
        notes.append(tables.everybody_note(m))
    if any(NONE in row for row in rows):
        least = m.spec.publish.smallest_cell
        blank = f", or fewer than {whole(least)} customers" if least else ""
        notes.append(f"{NONE}: no estimate{blank}.")
    return notes


def tenure_table(m: Material) -> list[Block]:
    """Set restricted means out: a line for each step of the ladder, and by band a column for each model."""
    groups, kind = list(m.bands) or ["all"], kind_of_rows(m, "tenure")
    models = [(HAZARD, ""), (RENEWALS, ""), (HAZARD, WANING)]
    every = {
        h: [_restricted(m, group, h, model, kind) for group in groups for model in models]
        for h in sorted({m.spec.horizon, *m.spec.tenure_horizons})
    }
    used = [i for i in range(len(groups) * len(models)) if any(known(rows[i]) for rows in every.values())]
    if not used:
        return []
    names = [
        f"{levels(group, m.spec) if group != 'all' else 'all'}: {WANING if scenario else NAMES[model].lower()}"
        for group in groups
        for model, scenario in models
    ]
    lines = [
        [periods(h, m.spec.unit), _extrapolated([rows[i] for i in used]), *(bare(rows[i], 1) for i in used)]
        for h, rows in every.items()
        if any(known(rows[i]) for i in used)
    ]
    caption = (
        f"Mean tenure by the posteriors of scores {listed([levels(g, m.spec) for g in groups])}, in "
        f"{units(m.spec.unit)} with {coverage(m.spec)} intervals{'; standardised' if kind == 'standardised' else ''}."
    ).replace("scores all scores", "all scores")
    notes = [
        "Extrapolated: the share of a figure beyond the last period with ten customers at risk, least to most."
    ]
    if any(models[i % len(models)][1] for i in used):
        notes.append(
            "Waning: the hazard model with a difference between scores that fades, a constant share of it in each "
            f"{m.spec.unit}; how fast, the counts and the prior say together."
        )
    header = ["Mean to", "Extrapolated", *(capital(names[i]) for i in used)]
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


def compared(before: float, after: float) -> str:
    """Compare the lengths of two intervals in words: ``40 % narrower``."""
    if not before > 0 or abs(after / before - 1) < ALIKE:
        return "about as wide"
    return f"{percent(abs(1 - after / before))} {'narrower' if after < before else 'wider'}"
