"""Every key of the spec as a flag of the command line: a table, and the signature that Typer reads."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

Flag = tuple[str, str, str, type, str]
PANELS = {
    "cohort": "Cohort", "table": "Reading a text table", "score": "Score", "subscription": "Retention",
    "spend": "Spend", "adjust": "Adjustment", "analysis": "Analysis", "control": "Negative control",
    "metrics": "Metrics", "touchpoints": "Touchpoints", "value": "Customer lifetime value", "report": "Report",
    "publish": "Small groups",
}  # fmt: skip
"""What the help calls each section of the spec."""
FLAGS: tuple[Flag, ...] = (
    ("name", "cohort", "name", str, "name of the run and its report"),
    ("id", "cohort", "id", str, "column in which no value may occur twice"),
    ("repeat", "cohort", "repeat", str, "several surveys a customer: error, first (the earliest is used), or all"),
    ("cluster", "cohort", "cluster", str, "column of accounts or households whose rows are not independent"),
    ("count", "cohort", "count", str, "grouped table: column of the number of customers that a row stands for"),
    ("simulated", "cohort", "simulated", bool, "mark every page as made from simulated customers"),
    ("unconfirmed", "cohort", "unconfirmed", list, "key that is a guess, such as subscription.unit (repeatable)"),
    ("decimal", "table", "decimal", str, "decimal mark of a text table"),
    ("thousands", "table", "thousands", str, "thousands mark of a text table"),
    ("delimiter", "table", "delimiter", str, "delimiter of a text table"),
    ("encoding", "table", "encoding", str, "encoding of a text table"),
    ("missing", "table", "missing", list, "text for a missing value, COLUMN=TEXT in one column (repeatable)"),
    ("date-format", "table", "date_format", str, "how dates are written in text, such as %d-%m-%Y"),
    ("sheet", "table", "sheet", str, "sheet of a workbook (default: the first that holds anything)"),
    ("skip-rows", "table", "skip_rows", str, "lines above the one that names the columns, or a list of lines: 2,3"),
    ("surveys", "table", "surveys", str, "table of the scores, if they do not stand beside the customers"),
    ("on", "table", "on", str, "column that names the customer in both tables"),
    ("true", "table", "true", list, "value that stands for yes in columns of yes and no (repeatable)"),
    ("false", "table", "false", list, "value that stands for no (repeatable)"),
    ("score", "score", "column", str, "column of the score"),
    ("scale", "score", "scale", str, "scale of the score, such as 1-10"),
    ("label", "score", "labels", list, "word for a level in the table, lowest first (repeatable, one for each level)"),
    ("higher-is-better", "score", "higher_is_better", bool, "whether a higher score is a better experience"),
    ("worst", "score", "worst", str, "levels of the poorest experience, such as 1 or 1-3"),
    ("best", "score", "best", str, "levels of the best experience, such as 9-10"),
    ("round", "score", "round", bool, "averages count as the nearest level"),
    ("effect", "score", "effect", str, "the score in models: levels (categorical), linear, monotone or spline"),
    ("acts-on", "score", "acts_on", str, "in tenure families: location, or shape (location and shape)"),
    ("other", "score", "others", list, "further score, NAME=COLUMN:SCALE such as csat=csat:1-5 (repeatable)"),
    ("clock", "subscription", "clock", str, "time origin: survey or signup"),
    ("unit", "subscription", "unit", str, "unit of a period: day, week, month, quarter or year"),
    ("signup", "subscription", "signup", str, "date column of signup"),
    ("survey", "subscription", "survey", str, "date column of the score"),
    ("end", "subscription", "end", str, "date column of loss, empty for current customers"),
    ("observed-until", "subscription", "observed_until", str, "end of follow-up: a date, or a date column"),
    ("duration", "subscription", "duration", str, "column of periods from the time origin to loss or censoring"),
    ("event", "subscription", "event", str, "event indicator column: lost (1) or censored (0)"),
    ("counts", "subscription", "counts", str, "convention: periods (3 = lost in period 3), or completed"),
    ("follow-up", "subscription", "follow_up", str, "column of periods a customer could have been observed"),
    ("entry", "subscription", "entry", str, "column of periods elapsed when observation began (delayed entry)"),
    ("window", "subscription", "window", int, "snapshot data: number of most recent periods observed"),
    ("gap-days", "subscription", "gap_days", int, "rows are spans: those at most so many days apart are one"),
    ("cause", "subscription", "cause", str, "column of competing causes of loss"),
    ("spend", "spend", "column", str, "column of spend in the window after the score"),
    ("currency", "spend", "currency", str, "currency of spend and value, such as EUR"),
    ("window-months", "spend", "window_months", int, "length of the spend window, in months"),
    ("complete", "spend", "complete", str, "true, or the column that marks customers whose window is complete"),
    ("refunds", "spend", "refunds", bool, "allow negative spend"),
    ("adjust", "adjust", "columns", list, "categorical covariate to adjust for (repeatable)"),
    ("band", "adjust", "bands", list, "numeric covariate, adjusted for in bands: tenure=3,12,24 (repeatable)"),
    ("horizon", "analysis", "horizon", int, "horizon of the main results, in periods"),
    ("tenure-horizons", "analysis", "tenure_horizons", str, "horizons of restricted mean tenure, such as 36,60"),
    ("given", "analysis", "given", str, "periods already completed, for expected remaining tenure, such as 12,24"),
    ("discount", "analysis", "discount", float, "annual discount rate of discounted tenure, such as 0.1"),
    ("waning", "analysis", "waning", str, "scenarios: periods by which the effect has waned, such as 36,60"),
    ("anchor", "analysis", "anchors", list, "older cohort, 2019:60=0.31 or a run folder (repeatable)"),
    ("contrasts", "analysis", "contrasts", list, "GROUP:REFERENCE, such as best:worst (repeatable)"),
    ("level", "analysis", "level", float, "level of confidence and credible intervals, such as 0.95"),
    ("draws", "analysis", "draws", int, "number of draws (bootstrap or simulation) per estimate"),
    ("seed", "analysis", "seed", int, "seed of the random number generator"),
    ("target", "analysis", "target", str, "population to standardise to: scored, or customers (everybody)"),
    ("models", "analysis", "models", str, "models to fit: quick, standard, or all (every family of tenure as well)"),
    ("control", "control", "column", str, "negative control outcome: one that the score cannot have changed"),
    ("orders", "metrics", "orders", str, "column of the number of orders in the spend window"),
    ("contract-value", "metrics", "contract_value", str, "column of the contract value that a new customer signed"),
    ("contract-months", "metrics", "contract_months", str, "contract term: a number of months, or a column"),
    ("new-customer", "metrics", "new_customer", str, "indicator column: new customer (1) or not (0)"),
    ("support-cost", "metrics", "support_cost", str, "column of support cost"),
    ("cost-window-months", "metrics", "window_months", int, "length of the support cost window, in months"),
    ("touchpoint", "metrics", "touchpoint", str, "column of the touchpoint that was rated: phone, web ..."),
    ("member", "metrics", "member", str, "indicator column: member of the loyalty programme (1) or not (0)"),
    ("date", "metrics", "date", str, "date column for metrics over time"),
    ("period", "metrics", "period", str, "calendar period of metrics over time: month, quarter or year"),
    ("segments", "metrics", "segments", list, "column of segments to report metrics by (repeatable)"),
    ("nps", "metrics", "nps", str, "promoters:detractors, such as 9-10:0-6"),
    ("ces", "metrics", "ces", bool, "whether the score is a customer effort score (CES)"),
    ("contacts", "touchpoints", "table", str, "table of contacts at touchpoints, one row a contact"),
    ("contacts-on", "touchpoints", "on", str, "column that names the customer in both tables"),
    ("contact-touchpoint", "touchpoints", "touchpoint", str, "its column of the touchpoint"),
    ("contact-score", "touchpoints", "score", str, "its column of the score that was given there"),
    ("contact-scale", "touchpoints", "scale", str, "scale of that score, such as 1-5"),
    ("contact-label", "touchpoints", "labels", list, "word for a level of that score, lowest first (repeatable)"),
    ("contact-higher-is-better", "touchpoints", "higher_is_better", bool, "whether a higher one is better"),
    ("contact-date", "touchpoints", "date", str, "its date column"),
    ("contact-segment", "touchpoints", "segment", str, "column of customers to report touchpoints by"),
    ("margin", "value", "margin", str, "a share of spend such as 0.3, or a column of margin"),
    ("value-discount", "value", "discount", float, "annual discount rate of value; that of --discount if not given"),
    ("value-horizon", "value", "horizon", int, "horizon of customer lifetime value, in periods"),
    ("title", "report", "title", str, "title of the report"),
    ("author", "report", "author", str, "author of the report"),
    ("organisation", "report", "organisation", str, "organisation that the report is for or from"),
    ("report-period", "report", "period", str, "period that the data cover, as the report shall name it"),
    ("formats", "report", "formats", list, "pdf or html (repeatable); both by default"),
    ("smallest-cell", "publish", "smallest_cell", int, "suppress groups with fewer customers than this"),
)  # fmt: skip


def with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command all flags of the spec; it receives them as the mapping ``flags`` of section to keys."""
    plain = [p for p in inspect.signature(command).parameters.values() if p.name != "flags"]
    parameters = [*plain, *(_parameter(flag) for flag in FLAGS)]

    def wrapped(**values: Any) -> None:
        command(**{p.name: values[p.name] for p in plain}, flags=sections(values))

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapped


def _parameter(flag: Flag) -> inspect.Parameter:
    name, section, key, kind, text = flag
    option = f"--{name}/--no-{name}" if kind is bool else f"--{name}"
    shape: Any = list[str] if kind is list else kind
    panel = rf"{PANELS[section]} \[{section}]"  # unescaped, the help would take the bracket for a style
    annotation = Annotated[shape | None, typer.Option(option, help=text, rich_help_panel=panel)]
    return inspect.Parameter(
        _name(section, key), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _name(section: str, key: str) -> str:
    return f"{section}_{key}"


def sections(values: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Sort flags of the command line into the spec's sections.

    Raises
    ------
    typer.BadParameter
        If a band or a list of horizons cannot be read.
    """
    result: dict[str, dict[str, Any]] = {}
    for _, section, key, _, _ in FLAGS:
        value = values.get(_name(section, key))
        if value is not None and value != []:
            result.setdefault(section, {})[key] = _READ.get((section, key), _as_is)(value)
    return result


def quickened(flags: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Give the flags with ``--quick`` written as the key that it stands for.

    Raises
    ------
    typer.BadParameter
        If ``--models`` says otherwise.
    """
    section = flags.get("analysis", {})
    if section.get("models", "quick") != "quick":
        raise typer.BadParameter(
            f"--quick is --models quick, and --models says {section['models']}. Give one."
        )
    return {**flags, "analysis": {**section, "models": "quick"}}


def _as_is(value: Any) -> Any:
    return value


def _complete(value: str) -> bool | str:
    return {"true": True, "false": False}.get(value.lower(), value)


def _margin(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def _bands(values: list[str]) -> dict[str, tuple[float, ...]]:
    bands = {}
    for value in values:
        name, _, cuts = value.rpartition("=")
        try:
            bands[name] = tuple(float(cut) for cut in cuts.split(",") if cut.strip())
        except ValueError:
            name = ""
        if not name:
            raise typer.BadParameter(f"--band {value!r} is not NAME=CUT,CUT,… such as tenure=3,12,24")
    return bands


def _missing(values: list[str]) -> list[str] | dict[str, list[str]]:
    """Texts of every column, and of those that name one texts of that."""
    named = [value.rpartition("=")[::2] for value in values if "=" in value]
    if not named:
        return values
    named += [("*", value) for value in values if "=" not in value]
    columns = dict.fromkeys(name for name, _ in named)
    return {column: [text for name, text in named if name == column] for column in columns}


def _others(values: list[str]) -> dict[str, dict[str, Any]]:
    others: dict[str, dict[str, Any]] = {}
    for value in values:
        text, lower, _ = value.partition(":lower") if value.endswith(":lower") else (value, "", "")
        name, _, rest = text.partition("=")
        column, _, scale = rest.rpartition(":")
        if not name or not column or not scale:
            raise typer.BadParameter(
                f"--other {value!r} is not NAME=COLUMN:SCALE, such as csat=csat:1-5 or effort=effort:1-7:lower"
            )
        others[name.strip()] = {"column": column, "scale": scale, "higher_is_better": not lower}
    return others


def _skip_rows(value: str) -> int | tuple[int, ...]:
    """A number of lines above the header; lines themselves where there is a comma, also behind one of them."""
    try:
        rows = tuple(int(part) for part in value.split(",") if part.strip())
    except ValueError:
        raise typer.BadParameter(
            f"--skip-rows {value!r} is neither a number of lines nor a list: 3, or 2,3"
        ) from None
    return rows if "," in value or not rows else rows[0]


def _periods(name: str) -> Callable[[str], tuple[int, ...]]:
    def read(value: str) -> tuple[int, ...]:
        try:
            return tuple(int(part) for part in value.split(","))
        except ValueError:
            raise typer.BadParameter(
                f"--{name} {value!r} is not a list of periods, such as 36,60,120"
            ) from None

    return read


def _number_or_column(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value


def _cuts(value: str) -> dict[str, str]:
    promoters, mark, detractors = value.partition(":")
    if not mark:
        raise typer.BadParameter(f"--nps {value!r} is not PROMOTERS:DETRACTORS, such as 9-10:0-6")
    return {"promoters": promoters, "detractors": detractors}


_READ: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("spend", "complete"): _complete,
    ("table", "missing"): _missing,
    ("table", "skip_rows"): _skip_rows,
    ("value", "margin"): _margin,
    ("adjust", "bands"): _bands,
    ("score", "others"): _others,
    ("analysis", "tenure_horizons"): _periods("tenure-horizons"),
    ("analysis", "given"): _periods("given"),
    ("analysis", "waning"): _periods("waning"),
    ("metrics", "contract_months"): _number_or_column,
    ("metrics", "nps"): _cuts,
}
