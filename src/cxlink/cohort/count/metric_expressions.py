"""Row-level expressions of metrics: amounts, their denominators, and violated rules."""

from dataclasses import dataclass
from typing import Any

from cxlink.cohort.count.amounts import MOST_SPENT
from cxlink.cohort.count.cures import amount_cure
from cxlink.cohort.count.row_expressions import Prepared, prepare
from cxlink.cohort.count.rules import TableRule
from cxlink.cohort.read import columns, dates
from cxlink.cohort.read.money import amount
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.metrics_section import RESERVED, Calendar, MetricsSection

MOST_ORDERS = 1e6
FLOWS = ("joined", "asked", "left", "until")


@dataclass(frozen=True, slots=True)
class MetricRows:
    """Rows ready to be grouped for metrics.

    Attributes
    ----------
    keys : dict of str to ibis column
        ``score``, ``period`` (a number that grows with time), ``signed`` (the period of signup, where contracts count
        in it), ``touchpoint``, ``member``, ``segment.*``, ``bucket``.
    amounts : dict of str to (ibis column, ibis column or None)
        By metric: what is added up, and what the sum is divided by (None: the customers who have one). Empty where a
        row does not count.
    bad : dict of str to ibis column
        By rule of `metric_rules`: 1 where a row breaks it.
    flows : dict of str to ibis column
        `FLOWS`, as numbers of calendar periods: that of signup, of the survey and of leaving, and the last one that was
        observed whole; empty without signup dates.
    """

    keys: dict[str, Any]
    amounts: dict[str, tuple[Any, Any | None]]
    bad: dict[str, Any]
    flows: dict[str, Any]


def segment_columns(spec: CohortSpec) -> tuple[str, ...]:
    """Segment columns: those of ``[metrics]``, else the covariates adjusted for."""
    section = spec.metrics
    if section is None:
        return ()
    # touchpoint and membership are segments of their own
    taken = {section.touchpoint, section.member, *RESERVED}
    wanted = spec.adjust.columns if section.segments is None else section.segments
    return tuple(name for name in wanted if name not in taken)


def segment_column(name: str) -> str:
    """Column of a segment in the cells of metrics."""
    return f"segment.{name}"


def metric_rows(source: Source, spec: CohortSpec) -> MetricRows:
    """Turn the table's columns into keys, amounts and faults.

    Raises
    ------
    InputError
        If a column that the spec names is not there.
    """
    section, prepared = spec.metrics, prepare(source, spec)
    assert section is not None
    of_cells: tuple[str, ...] = ("score", "touchpoint", "member", "bucket")
    keys = {name: prepared.keys[name] for name in of_cells if name in prepared.keys}
    for name in segment_columns(spec):
        keys[segment_column(name)] = columns.category(columns.raw(source, name, "segments"))
    bad: dict[str, Any] = {}
    date = _date(spec)
    if date is not None:
        day = dates.day(source, date, "date")
        keys["period"] = calendar_period(day, section.period)
        bad["date"] = columns.is_given(columns.raw(source, date, "date")) & day.isnull()
    amounts = {}
    if section.orders is not None:
        amounts["transaction_size"], bad["orders"] = _orders(source, spec, prepared)
    if section.support_cost is not None:
        cost, bad["support_cost"] = _amount(source, spec, section.support_cost, "support_cost")
        cost = cost if prepared.use is None else (prepared.use == 1).ifelse(cost, None)
        amounts["cost_to_serve"] = (cost, None)
    if section.contract_value is not None:
        contracts, wrong = _contracts(source, spec, section)
        amounts, bad = amounts | contracts, bad | wrong
    flags = {name: columns.as_one(column) for name, column in bad.items()}
    flows = _flows(source, spec)
    if flows and section.contract_value is not None:
        keys["signed"] = flows["joined"]
    return MetricRows(keys, amounts, flags, flows)


def _date(spec: CohortSpec) -> str | None:
    """Date column that assigns a row to its period: that of ``[metrics]``, else the survey date."""
    section, sub = spec.metrics, spec.subscription
    return (section.date if section is not None else None) or (sub.survey if sub is not None else None)


def calendar_period(day: Any, calendar: Calendar) -> Any:
    """Number of the calendar period that a day is in: months, quarters or years since the year 0."""
    if calendar == "year":
        return day.year().cast("int64")
    if calendar == "quarter":
        return (day.year() * 4 + day.quarter() - 1).cast("int64")
    return (day.year() * 12 + day.month() - 1).cast("int64")


def _amount(source: Source, spec: CohortSpec, name: str, role: str) -> tuple[Any, Any]:
    """An amount of 0 or more, and whether it is anything else."""
    column = columns.raw(source, name, role)
    currency = spec.spend.currency if spec.spend is not None else ""
    value = amount(column, spec.table, currency).cast("float64")
    fits = value.between(0, MOST_SPENT).fill_null(False)
    return fits.ifelse(value, None), columns.is_given(column) & ~fits


def _orders(source: Source, spec: CohortSpec, prepared: Prepared) -> tuple[tuple[Any, Any], Any]:
    """Spend and its number of orders, of the same customers."""
    assert spec.metrics is not None
    column = columns.raw(source, str(spec.metrics.orders), "orders")
    value = columns.number(column, spec.table).cast("float64")
    inside = value.between(0, MOST_ORDERS).ifelse(value, None)
    fits = (inside == inside.floor()).fill_null(False)
    spend: Any = prepared.y
    both = fits & spend.notnull()
    pair = both.ifelse(spend, None), both.ifelse(inside, None)
    return pair, columns.is_given(column) & ~fits


def _contracts(
    source: Source, spec: CohortSpec, section: MetricsSection
) -> tuple[dict[str, tuple[Any, Any | None]], dict[str, Any]]:
    """Contract value of new customers, in total and annualised."""
    value, wrong = _amount(source, spec, str(section.contract_value), "contract_value")
    bad = {"contract_value": wrong}
    if section.new_customer is not None:
        new = columns.yes_no(columns.raw(source, section.new_customer, "new_customer"), spec.table)
        bad["new_customer"] = ~new.isin([0, 1])
        bad["not_new"] = (value > 0) & (new != 1).fill_null(True)
        signed = (new == 1).fill_null(False).ifelse(value, None)
    else:
        assert spec.subscription is not None
        signup = dates.day(source, str(spec.subscription.signup), "signup")
        signed = signup.notnull().ifelse(value, None)
    amounts: dict[str, tuple[Any, Any | None]] = {"contract_value": (signed, None)}
    if isinstance(section.contract_months, str):
        column = columns.raw(source, section.contract_months, "contract_months")
        months = columns.number(column, spec.table).cast("float64")
        term = months.between(1, 1200).ifelse(months, None)
        bad["contract_months"] = signed.notnull() & term.isnull()
        amounts["contract_value_annualised"] = (signed * 12.0 / term, None)
    elif section.contract_months is not None:
        amounts["contract_value_annualised"] = (signed * (12.0 / section.contract_months), None)
    return amounts, bad


def _flows(source: Source, spec: CohortSpec) -> dict[str, Any]:
    """Calendar periods of signup, survey and loss; empty without signup dates."""
    import ibis

    section, sub = spec.metrics, spec.subscription
    if section is None or sub is None or not sub.dated or sub.signup is None:
        return {}
    days = {
        role: dates.day(source, str(name), role)
        for role, name in (("signup", sub.signup), ("survey", sub.survey), ("end", sub.end))
    }
    last = dates.day_or_column(source, str(sub.observed_until), "observed_until")
    last = dates.less_gap(last, sub.gap_days)
    periods = {role: calendar_period(day, section.period) for role, day in days.items()}
    until = calendar_period(last + ibis.interval(days=1), section.period) - 1
    return {"joined": periods["signup"], "asked": periods["survey"], "left": periods["end"], "until": until}


def metric_rules(spec: CohortSpec) -> list[TableRule]:
    """Rules of the columns that metrics are made of, in the order in which they are reported."""
    section = spec.metrics
    if section is None:
        return []
    dated = section.date or (spec.subscription.survey if spec.subscription is not None else None)
    amount = f"must be an amount of 0 or more, at most {MOST_SPENT:g}, or empty"
    whole = f"must be a whole number from 0 to {MOST_ORDERS:,.0f}, or empty"
    said = {
        "date": ((dated,), f"{dated} must be a date, {dates.written(spec.table)}", "Rewrite it"),
        "orders": ((section.orders,), f"{section.orders} {whole}", "Correct it"),
        "support_cost": ((section.support_cost,), f"{section.support_cost} {amount}", "Correct it"),
        "contract_value": ((section.contract_value,), f"{section.contract_value} {amount}", "Correct it"),
        "new_customer": (
            (section.new_customer,), f"{section.new_customer} must be 1 or 0, true or false, yes or no, or empty",
            "Recode it",
        ),
        "not_new": (
            (section.contract_value, section.new_customer),
            f"{section.contract_value} must be empty or 0 where {section.new_customer} does not mark a new customer",
            "It is the value that new customers signed: correct it",
        ),
        "contract_months": (
            (section.contract_months,), f"{section.contract_months} must be a number of months from 1 to 1,200 where "
            f"{section.contract_value} is given", "Correct it",
        ),
    }  # fmt: skip
    wanted = {
        "date": dated, "orders": section.orders, "support_cost": section.support_cost,
        "contract_value": section.contract_value, "new_customer": section.new_customer, "not_new": section.new_customer,
        "contract_months": section.contract_months if isinstance(section.contract_months, str) else None,
    }  # fmt: skip
    return [
        _rule(name, tuple(map(str, shown)), must, cure, spec)
        for name, (shown, must, cure) in said.items()
        if wanted[name] is not None
    ]


def _rule(name: str, shown: tuple[str, ...], must: str, cure: str, spec: CohortSpec) -> TableRule:
    read = amount_cure(shown[0], spec, cure) if name in ("support_cost", "contract_value") else cure
    return TableRule(shown, must, lambda t: t[f"bad.{name}"] > 0, read, "unrelated")
