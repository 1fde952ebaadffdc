"""What a cohort borrows from the others that it is pooled with."""

import math

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    NONE,
    bare,
    capital,
    coverage,
    decimal,
    full,
    is_share,
    periods,
    score,
    shortened,
    spelled,
    units,
    whole,
)  # fmt: skip
from cxlink.report.posterior_sections.posterior_tables import (
    ALONE,
    HAZARD,
    MOST_LINES,
    NEW,
    compared,
    estimate,
    kind_of_rows,
    known,
    name_of,
    width,
)
from cxlink.report.sections import score_tables as tables


def pooled(m: Material) -> bool:
    """Whether several cohorts were pooled."""
    return len(m.results.cohorts) > 1


def pooling(m: Material, level: int) -> list[Block]:
    """Show how much the reported cohort borrows from the others; nothing where none is pooled."""
    if not pooled(m):
        return []
    return [
        heading("What was borrowed from other cohorts", level), paragraph(_pooled_text(m)),
        *cohorts_table(m), *borrowed_tables(m),
    ]  # fmt: skip


def _pooled_text(m: Material) -> str:
    frame = m.results.cohorts
    last = frame.iloc[-1]
    name, n = shortened(str(last["cohort"])), len(frame)
    text = (
        f"{capital(spelled(n))} cohorts were read together, and {name} is the one reported. Each keeps figures of its "
        "own, drawn towards those of the others in the measure in which they agree."
    )
    if m.spec.subscription is None:
        return text
    reach, others = int(last["periods"]), int(frame["periods"].iloc[:-1].max())
    if reach < min(m.spec.horizon, others):
        text += (
            f" {name} has been followed for {periods(reach, m.spec.unit)}: what is said of it after that "
            "rests on the others and on the model."
        )
    said = [sentence for group in (*m.bands, *([] if m.bands else ["all"])) if (sentence := _gain(m, group))]
    return " ".join([text, *said])


def _gain(m: Material, group: str) -> str:
    """Say in numbers what pooling does to the interval of a group."""
    alone, together = (estimate(m, "retention", group, HAZARD, scenario) for scenario in (ALONE, ""))
    if alone is None or together is None or not width(alone) > 0 or math.isnan(width(together)):
        return ""
    change = compared(width(alone), width(together))
    than = "as" if change.startswith("about") else "than"
    wide, narrow = (decimal(100 * width(row), 1) for row in (alone, together))
    return (
        f"For {score(group, m.spec)}, the interval of retention after {periods(m.spec.horizon, m.spec.unit)} is "
        f"{change} {than} from the cohort alone ({narrow} points against {wide}): {full(together, 1)} with the others, "
        f"{full(alone, 1)} alone."
    )


def borrowed_tables(m: Material) -> list[Block]:
    """Set retention and spend out by the reported cohort alone, by all pooled, and of a cohort not yet seen."""
    retention = f"Still customers after {periods(m.spec.horizon, m.spec.unit)}, in per cent"
    found = _borrowed(m, "retention", retention, 1)
    if m.spec.spend is None:
        return found
    window, currency = m.spec.spend.window_months, m.spec.spend.currency
    return [*found, *_borrowed(m, "spend", f"Mean spend in {window} months, in {currency}", 0)]


def _borrowed(m: Material, estimand: str, what: str, digits: int) -> list[Block]:
    names, bands = tables.groups(m)
    lines, levels_shown = [], 0
    for group in [*names, *bands]:
        rows = [estimate(m, estimand, group, HAZARD, scenario) for scenario in (ALONE, "", NEW)]
        if not any(known(row) for row in rows):
            continue
        levels_shown += group in names
        n = next(row.n for row in rows if row is not None and not row.blank)
        cells = [cell for row in rows for cell in (bare(row, digits), _width(row, digits))]
        lines.append([name_of(group, m), whole(n), *cells])
    if not lines:
        return []
    points = " in percentage points" if estimand == "retention" else ""
    caption = (
        f"{what} with {coverage(m.spec)} intervals and their widths{points}: from the reported cohort’s own counts, "
        "with the other cohorts, and of a new cohort before it has any data."
    )
    header = ["Score", "Customers", "Alone", "width", "Pooled", "width", "New cohort", "width"]
    notes, dense = _mix_note(m, estimand), len(lines) <= MOST_LINES
    return [table(caption, header, lines, notes=notes, rules=[levels_shown], dense=dense)]


def _mix_note(m: Material, estimand: str) -> list[str]:
    if kind_of_rows(m, estimand) != "standardised":
        return []
    return ["All three are standardised to the mix of the reported cohort."]


def _width(row: Estimate | None, digits: int) -> str:
    if row is None or row.blank:
        return NONE
    return decimal(width(row) * (100 if is_share(row) else 1), digits)


def cohorts_table(m: Material) -> list[Block]:
    """Name the cohorts that were pooled, with their sizes."""
    frame = m.results.cohorts
    if not len(frame):
        return []
    names = [shortened(str(name)) for name in frame["cohort"]]
    names[-1] += " (reported)"
    columns = {"Cohort": names, "Customers": [whole(n) for n in frame["customers"]]}
    if m.spec.subscription is not None:
        columns[f"Followed for up to ({units(m.spec.unit)})"] = [whole(n) for n in frame["periods"]]
    lines = [list(cells) for cells in zip(*columns.values(), strict=True)]
    return [table("The cohorts that were pooled.", list(columns), lines)]
