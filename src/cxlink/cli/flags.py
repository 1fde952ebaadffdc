"""Every key of the spec as a flag of the command line: a table, and the signature that Typer reads."""

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

Flag = tuple[str, str, str, type, str]
FLAGS: tuple[Flag, ...] = (
    ("name", "cohort", "name", str, "name of the run and its report"),
    ("id", "cohort", "id", str, "column in which no value may occur twice"),
    ("repeat", "cohort", "repeat", str, "error, or first: the first survey a customer answered counts"),
    ("simulated", "cohort", "simulated", bool, "say on every page that the customers are simulated"),
    ("decimal", "table", "decimal", str, "decimal mark of a text table"),
    ("thousands", "table", "thousands", str, "thousands mark of a text table"),
    ("delimiter", "table", "delimiter", str, "delimiter of a text table"),
    ("encoding", "table", "encoding", str, "encoding of a text table"),
    ("missing", "table", "missing", list, "text that means an empty cell (repeatable)"),
    ("score", "score", "column", str, "column of the score"),
    ("scale", "score", "scale", str, "its scale, such as 1-10"),
    ("higher-is-better", "score", "higher_is_better", bool, "direction of the scale"),
    ("worst", "score", "worst", str, "levels of the poorest experience, such as 1 or 1-3"),
    ("best", "score", "best", str, "levels of the best experience, such as 9-10"),
    ("effect", "score", "effect", str, "in models: levels (each free), linear, monotone or spline"),
    ("acts-on", "score", "acts_on", str, "in tenure families: location, or shape (location and shape)"),
    ("clock", "subscription", "clock", str, "survey or signup"),
    ("unit", "subscription", "unit", str, "day, week, month, quarter or year"),
    ("signup", "subscription", "signup", str, "date column"),
    ("survey", "subscription", "survey", str, "date column of the score"),
    ("end", "subscription", "end", str, "date column, empty while a customer"),
    ("observed-until", "subscription", "observed_until", str, "a date, or a date column"),
    ("duration", "subscription", "duration", str, "column of periods on the clock"),
    ("event", "subscription", "event", str, "column: lost then (1) or still there (0)"),
    ("counts", "subscription", "counts", str, "periods or completed: how a duration is read"),
    ("follow-up", "subscription", "follow_up", str, "column of periods that could be observed"),
    ("entry", "subscription", "entry", str, "column of periods passed when observation began"),
    ("window", "subscription", "window", int, "snapshot: observed for the last so many periods only"),
    ("cause", "subscription", "cause", str, "column of competing causes of loss"),
    ("spend", "spend", "column", str, "column of spend after the score"),
    ("currency", "spend", "currency", str, "its currency"),
    ("window-months", "spend", "window_months", int, "its window after the score"),
    ("complete", "spend", "complete", str, "true, or the column that says whose window is over"),
    ("refunds", "spend", "refunds", bool, "whether negative spend is meant"),
    ("adjust", "adjust", "columns", list, "column to adjust for (repeatable)"),
    ("band", "adjust", "bands", list, "number to cut and adjust for: tenure=3,12,24 (repeatable)"),
    ("horizon", "analysis", "horizon", int, "periods of the headline"),
    ("tenure-horizons", "analysis", "tenure_horizons", str, "periods of the tenure ladder, such as 36,60"),
    ("given", "analysis", "given", str, "periods already stayed, for remaining tenure, such as 12,24"),
    ("discount", "analysis", "discount", float, "yearly rate for discounted tenure, such as 0.1"),
    ("waning", "analysis", "waning", str, "periods by which the score's effect is gone, such as 36,60"),
    ("contrasts", "analysis", "contrasts", list, "GROUP:REFERENCE, such as best:worst (repeatable)"),
    ("level", "analysis", "level", float, "coverage of the intervals"),
    ("draws", "analysis", "draws", int, "draws of each estimate"),
    ("seed", "analysis", "seed", int, "seed of the draws"),
    ("target", "analysis", "target", str, "whose mix to standardise to: scored, or customers (everybody)"),
    ("control", "control", "column", str, "an outcome that the score cannot have changed"),
    ("orders", "metrics", "orders", str, "column of the number of sales in the window of spend"),
    ("contract-value", "metrics", "contract_value", str, "column of the value that a new customer signed"),
    ("contract-months", "metrics", "contract_months", str, "its term: a number of months, or their column"),
    ("new-customer", "metrics", "new_customer", str, "column: a new customer (1) or not (0)"),
    ("support-cost", "metrics", "support_cost", str, "column of support cost"),
    ("cost-window-months", "metrics", "window_months", int, "months that support cost is counted over"),
    ("touchpoint", "metrics", "touchpoint", str, "column of where the score was given: phone, web ..."),
    ("member", "metrics", "member", str, "column: member of the loyalty programme (1) or not (0)"),
    ("date", "metrics", "date", str, "date column that metrics over time go by"),
    ("period", "metrics", "period", str, "month, quarter or year of the calendar"),
    ("segments", "metrics", "segments", list, "column whose categories metrics are given for (repeatable)"),
    ("nps", "metrics", "nps", str, "promoters:detractors, such as 9-10:0-6"),
    ("ces", "metrics", "ces", bool, "whether the score is one of effort (CES)"),
    ("margin", "value", "margin", str, "a share of spend such as 0.3, or a column of margin"),
    ("value-discount", "value", "discount", float, "yearly rate for value, if not --discount"),
    ("value-horizon", "value", "horizon", int, "periods over which value is counted"),
    ("formats", "report", "formats", list, "pdf or html (repeatable); both by default"),
    ("smallest-cell", "publish", "smallest_cell", int, "groups with fewer customers are left blank"),
)


def with_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command all flags of the spec; it receives them as the mapping ``flags`` of section to keys."""
    plain = [p for p in inspect.signature(command).parameters.values() if p.name != "flags"]
    parameters = [*plain, *(_parameter(flag) for flag in FLAGS)]

    def wrapped(**given: Any) -> None:
        command(**{p.name: given[p.name] for p in plain}, flags=sections(given))

    wrapped.__name__, wrapped.__doc__ = command.__name__, command.__doc__
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapped


def _parameter(flag: Flag) -> inspect.Parameter:
    name, section, key, kind, text = flag
    option = f"--{name}/--no-{name}" if kind is bool else f"--{name}"
    shape: Any = list[str] if kind is list else kind
    annotation = Annotated[shape | None, typer.Option(option, help=text, rich_help_panel=f"[{section}]")]
    return inspect.Parameter(
        _name(section, key), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation
    )


def _name(section: str, key: str) -> str:
    return f"{section}_{key}"


def sections(given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Sort flags that were given into the spec's sections.

    Raises
    ------
    typer.BadParameter
        If a band or a list of horizons cannot be read.
    """
    result: dict[str, dict[str, Any]] = {}
    for _, section, key, _, _ in FLAGS:
        value = given.get(_name(section, key))
        if value is not None and value != []:
            result.setdefault(section, {})[key] = _READ.get((section, key), _as_is)(value)
    return result


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
    ("value", "margin"): _margin,
    ("adjust", "bands"): _bands,
    ("analysis", "tenure_horizons"): _periods("tenure-horizons"),
    ("analysis", "given"): _periods("given"),
    ("analysis", "waning"): _periods("waning"),
    ("metrics", "contract_months"): _number_or_column,
    ("metrics", "nps"): _cuts,
}
