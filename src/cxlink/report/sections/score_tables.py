"""Tables that retention and spend share: score by score, and one group against another."""

import math
import re
from collections.abc import Iterable, Sequence

from cxlink.cohort.count.mix import MISSING
from cxlink.cohort.read.columns import band_labels
from cxlink.cohort.strata import Category
from cxlink.report.content import Material
from cxlink.report.document import Block, table
from cxlink.report.estimates_lookup import Estimate
from cxlink.report.format import (
    NONE,
    bare,
    capital,
    category,
    levels,
    score,
    shared_digits,
    signed,
    value,
    whole,
)
from cxlink.report.words import say

_MOST_ROWS = 40
_NUMBER = re.compile(r"\d{1,15}")
ADJUSTED = ("no", "standardised")


def groups(m: Material) -> tuple[list[str], list[str]]:
    """Give the score levels that have customers, and below them the bands of several levels and everybody."""
    single = [str(level) for level in m.scores]
    bands = [band for band in ("worst", "best") if len(m.spec.group(band)) > 1 and m.has(band)]
    return single, [*bands, "all"]


def by_score(
    m: Material, estimand: str, model: str, horizon: int | None, caption: str, *, dense: bool = False
) -> Block:
    """Set a quantity out score by score: customers, losses, and the estimate with its interval both ways."""
    single, bands = groups(m)
    main = m.book.where(estimand, model=model, horizon=horizon, stratum="", cause="", scenario="")
    kinds = [kind for kind in ADJUSTED if any(row.adjusted == kind for row in main)]
    digits = common_digits(main)
    losses = any(row.n_events is not None for row in main)
    rows = []
    for group in single + bands:
        found = [m.book.get(estimand, group, model, horizon, adjusted=kind) for kind in kinds]
        known = next((row for row in found if row is not None), None)
        lost = [whole(known.n_events if known else None)] if losses else []
        cells = ["" if row is None and group == "all" else bare(row, digits) for row in found]
        rows.append([group_name(group, m), whole(_customers(group, known, m)), *lost, *cells])
    header = [
        say("score_tables.score"),
        say("score_tables.customers"),
        *([say("score_tables.lost")] if losses else []),
    ]
    header += [capital(say(f"format.adjusted_{kind}")) for kind in kinds]
    notes = [*_nobody(m), *(blank_notes(m) if any(NONE in row for row in rows) else [])]
    if any("" in row for row in rows):
        notes.append(everybody_note(m))
    return table(caption, header, rows, notes=notes, rules=[len(single)], dense=dense)


def contrasts(m: Material, estimand: str, model: str, horizon: int | None, caption: str) -> list[Block]:
    """Set the differences and ratios of two groups out; nothing where there are none."""
    kinds = [f"{estimand}_difference", f"{estimand}_ratio"]
    main = {
        k: m.book.where(k, model=model, horizon=horizon, stratum="", cause="", scenario="") for k in kinds
    }
    every = [row for rows in main.values() for row in rows]
    if not every:
        return []
    pairs = _distinct(
        sorted({(row.group, row.reference) for row in every}, key=lambda pair: _pair_order(pair, m)), m
    )
    columns = [
        (kind, adjusted)
        for kind in kinds
        for adjusted in ADJUSTED
        if any(r.adjusted == adjusted for r in main[kind])
    ]
    digits = {kind: common_digits(rows) for kind, rows in main.items()}
    rows = [
        [
            say("score_tables.pair", group=levels(group, m.spec), reference=levels(reference, m.spec)),
            *(
                bare(m.book.get(k, group, model, horizon, reference=reference, adjusted=a), digits[k])
                for k, a in columns
            ),
        ]
        for group, reference in pairs
    ]
    rows = [row for row in rows if set(row[1:]) != {NONE}]
    if not rows:
        return []
    names = {kinds[0]: say("score_tables.difference"), kinds[1]: say("score_tables.ratio")}
    several = len({adjusted for _, adjusted in columns}) > 1
    header = [say("score_tables.scores")]
    for kind, adjusted in columns:
        how = say(f"format.adjusted_{adjusted}")
        header.append(say("score_tables.column", name=names[kind], adjusted=how) if several else names[kind])
    notes = blank_notes(m) if any(cell == NONE for row in rows for cell in row) else []
    if any(row.estimate == math.inf for row in main[kinds[1]]):
        notes.append(say("score_tables.no_end"))
    return [table(caption, header, rows, notes=notes, rules=[1] if len(rows) > 1 else [])]


def strata(m: Material, estimand: str, model: str, horizon: int | None, caption: str) -> list[Block]:
    """Set the sides of the headline contrast out within strata; nothing where there are none."""
    group, reference = m.sides
    sides = [side for side in m.sides if m.has(side)]
    main = m.book.where(estimand, group=m.sides, model=model, horizon=horizon, adjusted="no", scenario="")
    digits, rows = common_digits(main), []
    estimated = {row.stratum for row in main}
    for one in in_order(m.categories.values(), m):
        if one.label not in estimated:
            continue
        found = [m.book.get(estimand, side, model, horizon, stratum=one.label) for side in sides]
        n = " / ".join(whole(row.n if row is not None else None) for row in found)
        if len(sides) > 1:
            key = {"reference": reference, "stratum": one.label}
            found.append(m.book.get(f"{estimand}_difference", group, model, horizon, **key))
        rows.append([category(one), n, *(bare(row, digits) for row in found)])
    if not rows:
        return []
    notes = blank_notes(m) if any(NONE in row for row in rows) else []
    if len(rows) > _MOST_ROWS:
        notes.append(say("score_tables.first_strata", shown=_MOST_ROWS, all=len(rows)))
    each = " / ".join(levels(side, m.spec) for side in sides)
    header = [say("score_tables.stratum"), say("score_tables.customers_of", groups=each)]
    header += [capital(score(side, m.spec)) for side in sides]
    header += [say("score_tables.difference")] if len(sides) > 1 else []
    return [table(caption, header, rows[:_MOST_ROWS], notes=notes)]


def blank_notes(m: Material) -> list[str]:
    """Say what a dash in a table means."""
    least = m.spec.publish.smallest_cell
    return [say("score_tables.blank_small", least=least) if least else say("score_tables.blank")]


def everybody_note(m: Material) -> str:
    """Say why all scores together have no standardised figure."""
    return say("score_tables.own_mix" if m.spec.analysis.target == "scored" else "score_tables.as_they_are")


def common_digits(rows: Sequence[Estimate]) -> int | None:
    """Give the decimals for estimates that stand in one column."""
    return shared_digits(list(rows))


def group_name(group: str, m: Material) -> str:
    """Name a group in a table: ``9–10 (best)``."""
    name = levels(group, m.spec)
    return say(f"score_tables.band_{group}", levels=name) if group in ("worst", "best") else name


def _customers(group: str, known: Estimate | None, m: Material) -> int | None:
    if known is not None:
        return known.n
    inside = [m.scores.get(level) for level in m.spec.group(group) if level in m.scores]
    return None if None in inside else sum(n for n in inside if n is not None)


def _distinct(pairs: list[tuple[str, str]], m: Material) -> list[tuple[str, str]]:
    """Keep one of the pairs that name the same levels, such as 10 against worst and 10 against 1."""
    named = {(m.spec.group(a), m.spec.group(b)): (a, b) for a, b in reversed(pairs)}
    return [pair for pair in pairs if pair in named.values()]


def spoken(rows: Sequence[Estimate | None]) -> str:
    """Write estimates for who cannot see the picture: all of a few, the two ends of many."""
    known = [row for row in rows if row is not None and not row.blank]
    told = known if len(known) <= 12 else [known[0], known[-1]]
    return "; ".join(say("score_tables.spoken", group=row.group, value=value(row)) for row in told)


def _pair_order(pair: tuple[str, str], m: Material) -> tuple[int, int, tuple[str, str]]:
    """Put the headline contrast first, then those asked for, then each level against worst."""
    place = {str(level): i for i, level in enumerate(m.spec.scale.levels)}
    if pair == m.sides:
        return 0, 0, pair
    if pair[0] in place and pair[1] == "worst":
        return 2, place[pair[0]], pair
    return 1, min(place[str(level)] for level in m.spec.group(pair[0])), pair


def in_order(categories: Iterable[Category], m: Material) -> list[Category]:
    """Put categories in order: the variables in the spec's order, bands in that of their cuts, missing values last.

    Categories that begin with a number go by it: ``10-50`` before ``100-250``.
    """

    def place(one: Category) -> tuple[int, int, float, str]:
        bands = band_labels(m.spec.cuts[one.variable]) if one.variable in m.spec.cuts else []
        band = bands.index(one.value) if one.value in bands else len(bands)
        number = _NUMBER.match(one.value)
        return (
            m.spec.stratum_variables.index(one.variable),
            band + (one.value == MISSING),
            float(number[0]) if number else math.inf,
            one.value,
        )

    return sorted(categories, key=place)


def _nobody(m: Material) -> list[str]:
    empty = [level for level in m.spec.scale.levels if level not in m.scores]
    if not empty or len(empty) > 10:
        return []
    return [say("score_tables.nobody", levels=", ".join(map(signed, empty)))]
