"""Validation rules as data, checked on the grouped cells; rows are read again only where one is violated."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from cxlink.cohort.count.amounts import MOST_SPENT
from cxlink.cohort.count.cell_columns import CellColumns
from cxlink.cohort.count.cures import Cure, amount_cure, date_cure, event_cure, period_cure, score_cure
from cxlink.cohort.count.row_expressions import FAULTS
from cxlink.cohort.read import dates
from cxlink.cohort.read.columns import BAD
from cxlink.cohort.read.dates import LAST_KNOWN, is_day
from cxlink.cohort.read.score_column import levels_of
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.spec_sections import SubscriptionSection
from cxlink.cohort.strata import stratum_column

Drop = Literal["never", "unrelated", "always"]


@dataclass(frozen=True, slots=True)
class TableRule:
    """Rule that every row must satisfy.

    Attributes
    ----------
    columns : tuple of str
        The raw columns that a message shows.
    must : str
        The rule in words.
    broken : callable
        From a table with the cells' columns (cells or single rows) to whether each violates it.
    cure : str or callable
        How to correct it; or from what the first row that violates it holds in the first of the columns to that.
    drop : {"never", "unrelated", "always"}
        Whether to propose that such rows be excluded: of what is known before the outcome always, of other columns
        where what became of these customers is unrelated to it.
    """

    columns: tuple[str, ...]
    must: str
    broken: Callable[[Any], Any]
    cure: str | Cure
    drop: Drop = "never"


def rules_of(spec: CohortSpec) -> list[TableRule]:
    """All rules of a spec, in the order in which they are reported."""
    amounts = (*_spend_rules(spec), *_margin_rules(spec), *_control_rules(spec))
    return [*time_rules(spec), *_band_rules(spec), *amounts, *_member_rules(spec)]


def time_rules(spec: CohortSpec) -> list[TableRule]:
    """Rules of score and times: a row that keeps them can be counted for retention by score."""
    sub = spec.subscription
    rules = [_score_rule(spec)]
    if sub is not None:
        rules += _date_rules(spec, sub) if sub.dated else _duration_rules(spec, sub)
        rules += _survey_rules(spec, sub) if spec.every_survey else []
    return rules


def _score_rule(spec: CohortSpec) -> TableRule:
    low, high, name = spec.scale.low, spec.scale.high, spec.score.column
    return TableRule(
        (name,),
        f"{name} must be {levels_of(spec.score)}",
        lambda t: (t.score < low) | (t.score > high),
        score_cure(name, spec),
        "always",
    )


def _survey_rules(spec: CohortSpec, sub: SubscriptionSection) -> list[TableRule]:
    """Rules of surveys that all count: each has a day of its own, so that one is the score before the other."""
    day, who = str(sub.survey), str(spec.cohort.id)
    rules = [
        TableRule(
            (day,),
            f"{who} must not have two scores on one day ({day})",
            lambda t: t.twice == 1,
            "Which of them came first is not known: keep one",
            "always",
        )
    ]
    if not sub.dated:
        missing = TableRule(
            (day,), f"{day} must be there in every row with a score", lambda t: t.wave.isnull() & t.score.notnull(),
            "Fill it in", "always",
        )  # fmt: skip
        rules.insert(0, missing)
    return rules


def _duration_rules(spec: CohortSpec, sub: SubscriptionSection) -> list[TableRule]:
    rules = [
        TableRule(
            (str(sub.event),),
            f"{sub.event} must be 1 or 0, true or false, yes or no",
            lambda t: ~t.event.isin([0, 1]) | (t.event.isnull() & (t.score.notnull() | t.whole.notnull())),
            event_cure("correct it"),
        )
    ]
    periods = {"whole": sub.duration, "follow": sub.follow_up, "entry": sub.entry}
    rules += [_period_rule(key, name, spec) for key, name in periods.items() if name is not None]
    if sub.entry is not None:
        rules.append(
            TableRule(
                (sub.entry, str(sub.duration)),
                f"{sub.entry} must not be beyond {sub.duration}",
                lambda t: t.beyond,
                f"Both count {sub.unit}s since signup. Correct it",
            )
        )
    if sub.survey is not None:
        rules.append(_fault_rule(FAULTS.index(("survey",)) + 1, {"survey": sub.survey}, spec))
    return rules


def _period_rule(key: str, name: str, spec: CohortSpec) -> TableRule:
    unit, longest = spec.unit, spec.longest
    return TableRule(
        (name,),
        f"{name} must be a number of {unit}s from 0 to {longest:,} in every row with a score",
        lambda t: (t[key] < 0) | (t[key] > longest) | (t[key].isnull() & t.score.notnull()),
        period_cure(spec),
        "never" if key == "whole" else "unrelated",
    )


def _date_rules(spec: CohortSpec, sub: SubscriptionSection) -> list[TableRule]:
    named = {"signup": sub.signup, "survey": sub.survey, "end": sub.end, "observed_until": sub.observed_until}
    names = {role: name for role, name in named.items() if name is not None}
    names |= {} if is_day(str(sub.observed_until)) else {"today": f"today, {dates.today()}"}
    rules = [
        _fault_rule(code, names, spec) for code, roles in enumerate(FAULTS, 1) if set(roles) <= set(names)
    ]
    needed = [names[role] for role in dict.fromkeys((sub.clock, "survey", "observed_until"))]
    needed = [name for name in needed if not is_day(name)]
    late = sub.clock == "signup"
    drop: Drop = "always" if needed == [sub.survey] else "unrelated"
    rules.append(
        TableRule(
            tuple(needed),
            f"{' and '.join(needed)} must be there in every row with a score",
            lambda t: (t.exit.isnull() | (t.entry.isnull() if late else False)) & t.score.notnull(),
            "Fill them in",
            drop,
        )
    )
    longest = spec.longest
    return [
        *rules,
        TableRule(
            tuple(needed),
            f"{names[sub.clock]} must not be more than two hundred years before the end of observation",
            lambda t: t.exit > longest,
            "Correct it",
            drop,
        ),
    ]


def _fault_rule(code: int, names: dict[str, str], spec: CohortSpec) -> TableRule:
    roles = FAULTS[code - 1]
    shown = tuple(names[role] for role in roles)
    drop: Drop = "never" if "end" in roles else "always" if _before_outcome(roles, names) else "unrelated"
    cure: str | Cure
    if spec.spans and roles in (("signup", "survey"), ("survey", "end")):
        must = f"{names['survey']} must fall in a span, from {names['signup']} to {names['end']}"
        shown, cure, drop = (names["survey"], names["signup"], names["end"]), "Correct it", "always"
    elif len(shown) == 1:
        written = dates.written(spec.table)
        must = f"{shown[0]} must be a date, {written}"
        rewrite = "write it as YYYY-MM-DD" if written.endswith("YYYY-MM-DD") else "rewrite it"
        cure = date_cure(shown[0], spec, rewrite)
    else:
        must = f"{shown[0]} must not be after {shown[1]}"
        cure = LAST_KNOWN if "today" in roles else "Correct it"
    return TableRule(shown, must, lambda t: t.fault == code, cure, drop)


def _before_outcome(roles: tuple[str, ...], names: dict[str, str]) -> bool:
    """Whether only the day of the survey is wrong, by itself or against a day that is the same for all."""
    return roles == ("survey",) or (roles == ("survey", "observed_until") and is_day(names["observed_until"]))


def _band_rules(spec: CohortSpec) -> list[TableRule]:
    def rule(name: str) -> TableRule:
        return TableRule(
            (name,),
            f"{name} must be a number, since it is cut into bands",
            lambda t: t[stratum_column(name)] == BAD,
            "Take it out of [adjust] bands",
            "unrelated",
        )

    return [rule(name) for name in spec.cuts]


def _spend_rules(spec: CohortSpec) -> list[TableRule]:
    section = spec.spend
    if section is None:
        return []
    rules = []
    if isinstance(section.complete, str):
        rules.append(
            TableRule(
                (section.complete,),
                f"{section.complete} must be 1 or 0, true or false, yes or no, in every row with a score",
                lambda t: ~t.use_min.isin([0, 1]),
                event_cure(),
                "unrelated",
            )
        )
    least = "" if section.refunds else " of 0 or more"
    refunds = "" if section.refunds else "Set [spend] refunds = true if refunds are meant"
    where = "" if section.complete is True else " and a complete window"
    rules.append(
        TableRule(
            (section.column,),
            f"{section.column} must be an amount{least}, at most {MOST_SPENT:g}, in every row with a score{where}",
            lambda t: t.score.notnull() & (t.spend_known < t.spend_n),
            amount_cure(
                section.column,
                spec,
                "Write 0 for no spend; an empty cell is left out of spend only",
                refunds,
            ),
        )
    )
    return rules


def _margin_rules(spec: CohortSpec) -> list[TableRule]:
    name = spec.margin_column
    if name is None:
        return []
    return [
        TableRule(
            (name,),
            f"{name} must be an amount of at most {MOST_SPENT:g} in size in every row with a score whose spend counts",
            lambda t: t.score.notnull() & (t.margin_n < t.spend_known),
            amount_cure(name, spec, "Write 0 for no margin"),
        )
    ]


def _control_rules(spec: CohortSpec) -> list[TableRule]:
    if spec.control is None:
        return []
    name = spec.control.column
    return [
        TableRule(
            (name,),
            f"{name} must be a number of at most {MOST_SPENT:g} in size, true or false, or empty, in every row with a "
            "score",
            lambda t: t.score.notnull() & (t.control_n < t.control_given),
            "Recode it (0 and 1 for no and yes)",
        )
    ]


def _member_rules(spec: CohortSpec) -> list[TableRule]:
    if spec.metrics is None or spec.metrics.member is None:
        return []
    name = spec.metrics.member
    return [
        TableRule(
            (name,),
            f"{name} must be 1 or 0, true or false, yes or no, or empty",
            lambda t: ~t.member.isin([0, 1]),
            event_cure(),
            "unrelated",
        )
    ]


def broken(cells: pa.Table, rules: list[TableRule]) -> list[TableRule]:
    """Rules that some cell violates.

    Parameters
    ----------
    cells : Arrow table
        The grouped cells.
    rules : list of TableRule
        As `rules_of` gives them.
    """
    columns = CellColumns(cells)
    return [rule for rule in rules if pc.any(rule.broken(columns).values).as_py()]
