"""What partial pooling with other cohorts changes."""

import math

from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    NONE,
    bare,
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
    width,
)
from cxlink.report.sections import score_tables as tables
from cxlink.report.words import say


def pooled(m: Material) -> bool:
    """Whether several cohorts were pooled."""
    return len(m.results.cohorts) > 1


def pooling(m: Material, level: int) -> list[Block]:
    """Show how far pooling changes the reported cohort's estimates; nothing where none is pooled."""
    if not pooled(m):
        return []
    return [
        heading(say("pooling.heading"), level), paragraph(_pooled_text(m)),
        *cohorts_table(m), *pooled_tables(m),
    ]  # fmt: skip


def _pooled_text(m: Material) -> str:
    frame = m.results.cohorts
    last = frame.iloc[-1]
    name, n = shortened(str(last["cohort"])), len(frame)
    text = say("pooling.text", n=spelled(n), cohort=name)
    if m.spec.subscription is None:
        return text
    reach, others = int(last["periods"]), int(frame["periods"].iloc[:-1].max())
    if reach < min(m.spec.horizon, others):
        text += f" {say('pooling.short', cohort=name, reach=periods(reach, m.spec.unit))}"
    said = [sentence for group in (*m.bands, *([] if m.bands else ["all"])) if (sentence := _gain(m, group))]
    return " ".join([text, *said])


def _gain(m: Material, group: str) -> str:
    """Say in numbers what pooling does to the interval of a group."""
    alone, together = (estimate(m, "retention", group, HAZARD, scenario) for scenario in (ALONE, ""))
    if alone is None or together is None or not width(alone) > 0 or math.isnan(width(together)):
        return ""
    direction, change = compared(width(alone), width(together))
    facts = {
        "group": score(group, m.spec),
        "after": periods(m.spec.horizon, m.spec.unit),
        "together": decimal(100 * width(together), 1),
        "alone": decimal(100 * width(alone), 1),
        "pooled": full(together, 1),
        "own": full(alone, 1),
    }
    return say(f"pooling.gain_{direction}", change=change, **facts)


def pooled_tables(m: Material) -> list[Block]:
    """Set retention and spend out by the reported cohort alone, by all pooled, and of a cohort not yet seen."""
    share, after = coverage(m.spec), periods(m.spec.horizon, m.spec.unit)
    found = _pooled_table(m, "retention", say("pooling.caption_retention", after=after, level=share), 1)
    if m.spec.spend is None:
        return found
    window, currency = periods(m.spec.spend.window_months, "month"), m.spec.spend.currency
    caption = say("pooling.caption_spend", window=window, currency=currency, level=share)
    return [*found, *_pooled_table(m, "spend", caption, 0)]


def _pooled_table(m: Material, estimand: str, caption: str, digits: int) -> list[Block]:
    names, bands = tables.groups(m)
    lines, levels_shown = [], 0
    for group in [*names, *bands]:
        rows = [estimate(m, estimand, group, HAZARD, scenario) for scenario in (ALONE, "", NEW)]
        if not any(known(row) for row in rows):
            continue
        levels_shown += group in names
        n = next(row.n for row in rows if row is not None and not row.blank)
        cells = [cell for row in rows for cell in (bare(row, digits), _width(row, digits))]
        lines.append([tables.group_name(group, m), whole(n), *cells])
    if not lines:
        return []
    header = [say("pooling.score"), say("pooling.customers")]
    for column in ("pooling.alone", "pooling.together", "pooling.new"):
        header += [say(column), say("pooling.width")]
    notes, dense = _mix_note(m, estimand), len(lines) <= MOST_LINES
    return [table(caption, header, lines, notes=notes, rules=[levels_shown], dense=dense)]


def _mix_note(m: Material, estimand: str) -> list[str]:
    if kind_of_rows(m, estimand) != "standardised":
        return []
    return [say("pooling.mix")]


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
    names[-1] = say("pooling.reported", cohort=names[-1])
    columns = {say("pooling.cohort"): names, say("pooling.customers"): [whole(n) for n in frame["customers"]]}
    if m.spec.subscription is not None:
        columns[say("pooling.followed", units=units(m.spec.unit))] = [whole(n) for n in frame["periods"]]
    lines = [list(cells) for cells in zip(*columns.values(), strict=True)]
    return [table(say("pooling.cohorts"), list(columns), lines)]
