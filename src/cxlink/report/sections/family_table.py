"""The table of families: how each fits, weighs and foresaw; what its ratio is, and what to doubt about it."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cxlink.report.content import Material
from cxlink.report.document import Block, table
from cxlink.report.format import NONE, capital, decimal, listed, percent, whole, words

MARKS = {
    "implicit cure": ("c", "c: implicit cure, the share that by this curve would never leave."),
    "immature cure": (
        "i",
        "i: immature cure, the share of those who do leave by this curve that would still be there at the end of "
        "follow-up, so that the share that never leaves is a guess.",
    ),
    "infinite mean": ("∞", "∞: the share of draws in which the mean without a horizon is infinite."),
    "turning hazard": ("t", "t: the hazard turns in that period, where nothing was seen."),
    "at_bound": ("b", "b: a parameter is at a bound."),
    "monotone": ("m", "m: its cumulative hazard falls somewhere and is held level there."),
    "converged": ("n", "n: the search did not converge; not averaged."),
}
_RATIOS = {
    "time ratio": "T", "hazard ratio": "H", "odds ratio of staying for good": "S",
    "odds ratio of leaving in the first period": "L",
}  # fmt: skip
_LARGE = 1000
_SHARES = (2.7, 1.3, 0.9, 0.9, 0.85, 1.05, 0.95, 0.75, 1.05, 1.7)
_BACKTEST = re.compile(r"backtest (\w+) from \w+ (\d+)")


@dataclass(frozen=True, slots=True)
class FamilyLine:
    """What the diagnostics say of one fitted family.

    Attributes
    ----------
    model : str
        As in the estimates table.
    numbers : dict of str to float
        By quantity.
    flagged : dict of str to float
        Doubts by quantity, as in `MARKS`.
    notes : dict of str to str
        By quantity.
    """

    model: str
    numbers: dict[str, float] = field(default_factory=dict)
    flagged: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def member(self) -> bool:
        """Whether it stands for its class in the average."""
        return "weight in averaged_aic" in self.numbers


def kind_of(model: str) -> str:
    """Give the class of a family in an average: its name, ``spline`` or ``cure``."""
    return next((kind for kind in ("spline", "cure") if model.startswith(f"{kind}_")), model)


def own_findings(diagnostics: pd.DataFrame) -> list[dict[str, Any]]:
    """Keep the findings of the families' adjusted fits, where there are any, else of the others."""
    quantity = diagnostics["quantity"].fillna("")
    tested = quantity.str.startswith("backtest ")
    fits = diagnostics[quantity.isin(["aic", "weights"]) | tested | _unfitted(diagnostics)]
    kind = "standardised" if (fits["group"] == "standardised").any() else ""
    models = {*fits["model"], ""}
    found = diagnostics[diagnostics["model"].isin(models)]
    groups = found["group"].fillna("").str.removesuffix(", standardised")
    adjusted = groups.ne(found["group"].fillna("")) | (groups == "standardised")
    records: list[dict[str, Any]] = found[adjusted == bool(kind)].assign(group=groups).to_dict("records")  # type: ignore[assignment]
    return records


def _unfitted(diagnostics: pd.DataFrame) -> pd.Series:
    return (diagnostics["quantity"] == "fit") & diagnostics["note"].fillna("").str.startswith("Not fitted")


def family_lines(diagnostics: pd.DataFrame) -> list[FamilyLine]:
    """Gather the fitted families: members of the average first, each part by its AIC."""
    found: dict[str, FamilyLine] = {}
    foreseen: dict[tuple[str, str], dict[str, float]] = {}
    for row in own_findings(diagnostics):
        model, quantity, value = row["model"], str(row["quantity"]), _number(row["value"])
        if quantity == "aic":
            found.setdefault(model, FamilyLine(model))
        line = found.setdefault(model, FamilyLine(model))
        if tested := _BACKTEST.fullmatch(quantity):
            foreseen.setdefault((kind_of(model), tested[1]), {})[tested[2]] = value
        elif quantity in _RATIOS:  # levels rise: the last is the best
            line.numbers["ratio"] = value
            line.notes["ratio"] = f"{quantity}; {row['group']} {row['note']}"
        elif quantity in MARKS and (quantity == "at_bound" or _no(row["ok"])):
            line.flagged[quantity] = value
        else:
            line.numbers[quantity] = value
    origins = max((len(values) for values in foreseen.values()), default=0)
    for line in found.values():
        for name in ("log_score", "covered"):
            values = foreseen.get((kind_of(line.model), name), {})
            if line.member and len(values) == origins > 0:
                line.numbers[name] = sum(values.values()) / origins
    fitted = [line for line in found.values() if "aic" in line.numbers]
    return sorted(fitted, key=lambda line: (not line.member, line.numbers["aic"]))


def backtest_weights(diagnostics: pd.DataFrame) -> dict[str, float]:
    """Weights of each class in ``averaged_backtest``; empty where there are none."""
    name = "weight in averaged_backtest"
    rows = [row for row in own_findings(diagnostics) if row["quantity"] == name]
    return {kind_of(row["model"]): _number(row["value"]) for row in rows}


def family_table(m: Material) -> list[Block]:
    """Set the families out; nothing where none was fitted."""
    lines = family_lines(m.results.diagnostics)
    if not lines:
        return []
    best = {
        name: min(line.numbers[name] for line in lines if name in line.numbers) for name in ("aic", "bic")
    }
    rows = [_cells(line, best) for line in lines]
    members = sum(line.member for line in lines)
    header = [
        "Family", "Log-likelihood", "AIC", "BIC", "Weight: AIC", "Weight: backtest", "Log score", "Held", "Ratio",
        "Doubts",
    ]  # fmt: skip
    caption = "The families: fit, weights, foresight and doubts. Above the rule: the one of each class in the averages."
    notes = [*_columns(lines, best, m), *_marks(lines), *_not_fitted(m.results.diagnostics)]
    rules = [members] if members else []
    return [table(caption, header, rows, notes=notes, rules=rules, texts=(0, 9), shares=_SHARES, dense=True)]


def _cells(line: FamilyLine, best: Mapping[str, float]) -> list[str]:
    get = line.numbers.get
    ratio = get("ratio", math.nan)
    return [
        words(line.model).removeprefix("mixture "),
        decimal(get("log_likelihood", math.nan), 1),
        *(decimal(get(name, math.nan) - best[name], 1) for name in ("aic", "bic")),
        *(_weight(get(f"weight in averaged_{name}")) for name in ("aic", "backtest")),
        decimal(get("log_score", math.nan), 4),
        percent(get("covered", math.nan)),
        NONE if math.isnan(ratio) else f"{_ratio(ratio)} {_RATIOS[line.notes['ratio'].split(';')[0]]}",
        ", ".join(_flag(name, value) for name, value in line.flagged.items()),
    ]


def _ratio(ratio: float) -> str:
    if ratio >= _LARGE:
        return f">{whole(_LARGE)}"
    return f"<{decimal(1 / _LARGE, 3)}" if ratio < 1 / _LARGE else decimal(ratio, 2 if ratio >= 0.1 else 3)


def _weight(share: float | None) -> str:
    if share is None or math.isnan(share):
        return NONE
    return "<.01" if share < 0.005 else f"{share:.2f}".lstrip("0") if share < 0.995 else "1"


def _flag(name: str, value: float) -> str:
    mark = MARKS[name][0]
    if name in ("at_bound", "monotone", "converged") or math.isnan(value):
        return mark
    return f"{mark} {whole(value)}" if name == "turning hazard" else f"{mark} {percent(value)}"


def _columns(lines: Iterable[FamilyLine], best: Mapping[str, float], m: Material) -> list[str]:
    """Explain the columns."""
    said = [
        f"AIC and BIC (n the customers): above the lowest, {decimal(best['aic'], 1)} and {decimal(best['bic'], 1)}; "
        "the smallest is best."
    ]
    if any("log_score" in line.numbers for line in lines):
        said.append(
            "Log score: mean log probability that the family, fitted to an earlier period, gave to what customers then "
            "did, over the origins; higher is better. Held: how often its 95\u202f% interval for the mean time to the "
            "end of follow-up held what came, over scores and origins."
        )
    said += _readings(lines)
    if m.spec.score.acts_on != "location":
        said.append(
            "The score acts on the shape as well, so the ratio is not the whole of what goes with it."
        )
    return said


def _readings(lines: Iterable[FamilyLine]) -> list[str]:
    """Say what the ratios are, and which way each points."""
    notes = [line.notes["ratio"] for line in lines if "ratio" in line.notes]
    kinds = {note.split("; ")[0]: note.split("; ") for note in notes if note.count("; ") == 2}
    if not kinds:
        return []
    _, compared, _ = next(iter(kinds.values()))
    pieces = [f"{_RATIOS[kind]} {parts[2]}" for kind, parts in kinds.items()]
    return [f"Ratio: of score {compared}; {listed(pieces)}."]


def _marks(lines: Iterable[FamilyLine]) -> list[str]:
    used = {name for line in lines for name in line.flagged}
    return [f"Doubts. {' '.join(text for name, (_, text) in MARKS.items() if name in used)}"] if used else []


def _not_fitted(diagnostics: pd.DataFrame) -> list[str]:
    """Name the families that were not fitted, by reason."""
    reasons: dict[str, list[str]] = {}
    for row in own_findings(diagnostics):
        if row["quantity"] == "fit" and str(row["note"]).startswith("Not fitted: "):
            reason = str(row["note"]).removeprefix("Not fitted: ").rstrip(".")
            reasons.setdefault(reason, []).append(words(row["model"]))
    return [f"Not fitted: {listed(names)} ({reason})." for reason, names in reasons.items()]


def weights_sentence(m: Material) -> str:
    """Say which weights the average has."""
    rows = own_findings(m.results.diagnostics)
    note = next((str(r["note"]) for r in rows if (r["model"], r["quantity"]) == ("averaged", "weights")), "")
    if note.startswith("The same rows as averaged_backtest"):
        return (
            "The average has the weights of the backtest: those of the mixture that best foresaw later losses from "
            "earlier periods."
        )
    if "since " in note:
        return f"The average has the weights of AIC, as there are none of a backtest: {note.partition('since ')[2]}"
    return note


def spike_sentence(m: Material) -> str:
    """Warn of losses that come back every so many periods; nothing where there is no such spike."""
    notes = [str(row["note"]) for row in own_findings(m.results.diagnostics) if row["quantity"] == "spike"]
    return capital(notes[0]) if notes else ""


def _no(ok: Any) -> bool:
    return str(ok).lower() == "false"


def _number(cell: Any) -> float:
    return math.nan if pd.isna(cell) or cell == "" else float(cell)
