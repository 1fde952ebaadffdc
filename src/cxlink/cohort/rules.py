"""What a table must hold: rules as data, checked on the grouped cells; only a broken one looks at rows again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cxlink.cohort.columns import BAD
from cxlink.cohort.errors import InputError
from cxlink.cohort.prepare import FAULTS, MOST_SPENT, Prepared
from cxlink.cohort.source import Source
from cxlink.cohort.spec import CohortSpec

DROP = "drop them with --drop-invalid"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that every row must be.

    Attributes
    ----------
    column : str
        The raw column that a message shows.
    must : str
        The rule in words.
    broken : callable
        From a table with the cells' columns (cells or single rows) to whether it is broken there.
    cure : str
        What to do.
    """

    column: str
    must: str
    broken: Callable[[Any], Any]
    cure: str


def rules_of(spec: CohortSpec) -> list[Rule]:
    """All rules that a spec lays down, in the order in which they are reported."""
    return [*_score_rules(spec), *_clock_rules(spec), *_band_rules(spec), *_spend_rules(spec)]


def _score_rules(spec: CohortSpec) -> list[Rule]:
    low, high = spec.scale.low, spec.scale.high
    name = spec.score.column
    return [
        Rule(
            name,
            f"{name} must be a whole number from {low} to {high}",
            lambda t: (t.score < low) | (t.score > high) | (t.score != t.score.floor()),
            f"Set [score] scale, or {DROP}.",
        )
    ]


def _clock_rules(spec: CohortSpec) -> list[Rule]:
    sub = spec.subscription
    if sub is None:
        return []
    if sub.dated:
        return _date_rules(spec)
    rules = [
        Rule(
            str(sub.event),
            f"{sub.event} must be 0 or 1, or true or false",
            lambda t: ~t.event.isin([0, 1]) | (t.event.isnull() & (t.score.notnull() | t.whole.notnull())),
            f"Recode it, or {DROP}.",
        ),
    ]
    periods = {"whole": sub.duration, "follow": sub.follow_up, "entry": sub.entry}
    for key, name in periods.items():
        if name:
            rules.append(_period_rule(key, name, sub.unit))
    if sub.entry:
        rules.append(
            Rule(
                sub.entry,
                f"{sub.entry} must not be beyond {sub.duration}",
                lambda t: t.entry > t.whole + t.part.cast("int64"),
                f"Both count {sub.unit}s since signup. Correct it, or {DROP}.",
            )
        )
    return rules


def _period_rule(key: str, name: str, unit: str) -> Rule:
    return Rule(
        name,
        f"{name} must be a number of {unit}s, 0 or more, in every row with a score",
        lambda t: (t[key] < 0) | (t[key].isnull() & t.score.notnull()),
        f"Correct it, or {DROP}.",
    )


def _date_rules(spec: CohortSpec) -> list[Rule]:
    sub = spec.subscription
    assert sub is not None
    names = {"signup": sub.signup, "survey": sub.survey, "end": sub.end, "observed_until": sub.observed_until}
    rules = []
    for code, what in enumerate(FAULTS, 1):
        later, _, earlier = what.partition("<")
        column = names[later]
        if column is None or (earlier and names[earlier] is None):
            continue
        must = f"{column} must not be before {names[earlier]}" if earlier else f"{column} must be a date, YYYY-MM-DD"
        rules.append(Rule(column, must, lambda t, code=code: t.fault == code, f"Correct it, or {DROP}."))  # type: ignore[misc]
    rules.append(
        Rule(
            str(sub.survey),
            f"{sub.survey} and the other dates of the clock must be there in every row with a score",
            lambda t: t.exit.isnull() & t.score.notnull(),
            f"Fill it in, or {DROP}.",
        )
    )
    if sub.clock == "signup":
        rules.append(
            Rule(
                str(sub.survey),
                f"{sub.survey} must be there in every row with a score",
                lambda t: t.entry.isnull() & t.score.notnull(),
                f"Fill it in, or {DROP}.",
            )
        )
    return rules


def _band_rules(spec: CohortSpec) -> list[Rule]:
    return [
        Rule(
            name,
            f"{name} must be a number, since it is cut into bands",
            lambda t, key=f"stratum.{name}": t[key] == BAD,  # type: ignore[misc]
            f"Take it out of [adjust] bands, or {DROP}.",
        )
        for name in spec.cuts
    ]


def _spend_rules(spec: CohortSpec) -> list[Rule]:
    if spec.spend is None:
        return []
    name = spec.spend.column
    rules = [
        Rule(
            name,
            f"{name} must be an amount (a finite number, at most {MOST_SPENT:g}) in every row with a score and a "
            "complete window",
            lambda t: t.score.notnull() & (t.spend_known < t.spend_n),
            f"Write 0 for no spend, or {DROP}.",
        ),
    ]
    if isinstance(spec.spend.complete, str):
        complete = spec.spend.complete
        rules.insert(
            0,
            Rule(
                complete,
                f"{complete} must be 0 or 1, or true or false",
                lambda t: ~t.use_min.isin([0, 1]),
                f"Recode it, or {DROP}.",
            ),
        )
    if not spec.spend.refunds:
        rules.append(
            Rule(
                name,
                f"{name} must not be negative",
                lambda t: t.spend_min < 0,
                f"Set [spend] refunds = true if refunds are meant, or {DROP}.",
            )
        )
    return rules


def broken(cells: Any, rules: list[Rule]) -> list[Rule]:
    """Rules that some cell breaks.

    Parameters
    ----------
    cells : Arrow table
        The grouped cells.
    rules : list of Rule
        As `rules_of` gives them.
    """
    import ibis

    if not rules or cells.num_rows == 0:
        return []
    table = ibis.memtable(cells)
    found = table.aggregate(**{f"r{i}": rule.broken(table).any() for i, rule in enumerate(rules)}).to_pyarrow()
    flags = found.to_pylist()[0]
    return [rule for i, rule in enumerate(rules) if flags[f"r{i}"]]


def as_rows(source_table: Any, prepared: Prepared) -> Any:
    """Give rows the cells' columns: each row as a cell of its own."""
    columns: dict[str, Any] = dict(prepared.keys)
    if prepared.spend:
        use, y = prepared.spend["use"], prepared.spend["y"]
        columns |= {"spend_n": use, "use_min": use, "spend_known": y.notnull().cast("int64"), "spend_min": y}
    raw = {f"raw.{name}": source_table[name] for name in source_table.columns}
    return source_table.select(**columns, **raw)


def refusal(source: Source, spec: CohortSpec, rule: Rule, prepare: Callable[[Source, CohortSpec], Prepared]) -> InputError:
    """Look for the first row that breaks a rule, and say so in one line."""
    import ibis

    n_rows = n_broken = 0
    first = ""
    for name, part in source.parts():
        piece = Source(source.name, part, (), source.ordered, source.options)
        rows = as_rows(part, prepare(piece, spec))
        rows = rows.mutate(**{"at": ibis.row_number()}) if source.ordered else rows
        bad = rows.filter(rule.broken(rows).fill_null(False))
        n_rows += int(part.count().execute())
        n_here = int(bad.count().execute())
        n_broken += n_here
        if n_here and not first:
            first = _first(bad, source, spec, rule, name)
    fail = "rows fails" if n_broken == 1 else "rows fail"
    return InputError(f"{source.name}: {rule.must}. {n_broken:,} of {n_rows:,} {fail}, {first}. {rule.cure}")


def _first(bad: Any, source: Source, spec: CohortSpec, rule: Rule, file: str) -> str:
    """Where the first broken row is, and what it holds."""
    shown = [f"raw.{rule.column}"] if f"raw.{rule.column}" in bad.columns else []
    key = [f"raw.{spec.cohort.id}"] if spec.cohort.id else []
    if source.ordered:
        record = bad.order_by("at").select("at", *shown).limit(1).to_pyarrow().to_pylist()[0]
        where = f"the first in row {record['at'] + 1:,}" + (f" of {file}" if len(source.files) > 1 else "")
    else:
        record = bad.select(*dict.fromkeys([*key, *shown])).limit(1).to_pyarrow().to_pylist()[0]
        where = f"one of them with {spec.cohort.id} {record[key[0]]}" if key else "one of them"
    return f"{where} (found {_shown(record[shown[0]])})" if shown else where


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return repr(text[:40]) if isinstance(value, str) else text[:40]
