"""The table of families: how each fits, weighs and foresaw; what its ratio is, and what to doubt about it."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cxlink.checks import Check, matching
from cxlink.report.check_notes import note, reason
from cxlink.report.content import Material
from cxlink.report.document import Block, table
from cxlink.report.format import NONE, capital, decimal, listed, percent, whole, words
from cxlink.report.words import say

MARKS = {
    "implicit_cure": ("c", "c: implicit cure, the share that by this curve would never leave."),
    "immature_cure": (
        "i",
        "i: immature cure, the share of those who do leave by this curve that would still be there at the end of "
        "follow-up, so that the share that never leaves is a guess.",
    ),
    "infinite_mean": ("∞", "∞: the share of draws in which the mean without a horizon is infinite."),
    "turning_hazard": ("t", "t: the hazard turns in that period, where nothing was seen."),
    "at_bound": ("b", "b: a parameter is at a bound."),
    "monotone": ("m", "m: its cumulative hazard falls somewhere and is held level there."),
    "converged": ("n", "n: the search did not converge; not averaged."),
}
_RATIOS = {
    "time_ratio": "T", "hazard_ratio": "H", "staying_odds_ratio": "S", "leaving_odds_ratio": "L",
}  # fmt: skip
_LARGE = 1000
_SHARES = (2.7, 1.3, 0.9, 0.9, 0.85, 1.05, 0.95, 0.75, 1.05, 1.7)
BACKTEST = ("backtest_log_score", "backtest_survival_error", "backtest_tenure_error", "backtest_covered")
"""Codes of what families predicted from earlier periods."""


@dataclass(frozen=True, slots=True)
class FamilyLine:
    """What the diagnostics say of one fitted family.

    Attributes
    ----------
    model : str
        As in the estimates table.
    kind : str
        The class in an average that it is of: its name, ``spline`` or ``cure``.
    numbers : dict of str to float
        By code; of weights by the average.
    flagged : dict of str to float
        Doubts by code, as in `MARKS`.
    ratio : Check or None
        Of the highest level against the lowest.
    """

    model: str
    kind: str
    numbers: dict[str, float] = field(default_factory=dict)
    flagged: dict[str, float] = field(default_factory=dict)
    ratio: Check | None = None

    @property
    def member(self) -> bool:
        """Whether it stands for its class in the average."""
        return "averaged_aic" in self.numbers


def own_checks(checks: Sequence[Check]) -> list[Check]:
    """Keep the checks of the families' adjusted fits, where there are any, else of the others."""
    families = [check for check in checks if is_of_families(check)]
    adjusted = "standardised" if matching(families, adjusted="standardised") else "no"
    models = {*(check.model for check in families), ""}
    return matching(checks, model=models, adjusted=adjusted)


def is_of_families(check: Check) -> bool:
    """Whether a check says that families were fitted, tested or averaged, or why not."""
    refused = check.code == "not_fitted" and check.get("case") == "curves"
    return refused or check.code in ("aic", "weights") or check.code in BACKTEST


def family_lines(checks: Sequence[Check]) -> list[FamilyLine]:
    """Gather the fitted families: members of the average first, each part by its AIC."""
    own = own_checks(checks)
    found = {
        check.model: FamilyLine(check.model, str(check.facts["kind"])) for check in matching(own, code="aic")
    }
    for check in own:
        if check.model in found:
            line = found[check.model]
            found[check.model] = _with(line, check)
    for line in found.values():
        for code, values in _predicted(own, line.kind).items():
            if line.member:
                line.numbers[code] = sum(values) / len(values)
    return sorted(found.values(), key=lambda line: (not line.member, line.numbers["aic"]))


def _with(line: FamilyLine, check: Check) -> FamilyLine:
    """Add one check to what is known of a family."""
    if check.code == "level_ratio":  # levels rise: the last is the best
        return replace(line, ratio=check)
    if check.code == "weight":
        line.numbers[str(check.facts["average"])] = check.value
    elif check.code in MARKS and (check.code == "at_bound" or check.passed is False):
        line.flagged[check.code] = check.value
    elif check.code not in BACKTEST:
        line.numbers[check.code] = check.value
    return line


def _predicted(own: Sequence[Check], kind: str) -> dict[str, list[float]]:
    """What a class of families predicted, by code, where it was fitted up to every origin; else nothing."""
    tested = matching(own, code=BACKTEST)
    origins = {check.facts["origin"] for check in tested}
    values = {code: [c.value for c in matching(tested, code=code, kind=kind)] for code in BACKTEST}
    return {code: found for code, found in values.items() if len(found) == len(origins) > 0}


def backtest_weights(checks: Sequence[Check]) -> dict[str, float]:
    """Weights of each class in ``averaged_backtest``; empty where there are none."""
    own = matching(own_checks(checks), code="weight", average="averaged_backtest")
    return {str(check.facts["kind"]): check.value for check in own}


def family_table(m: Material) -> list[Block]:
    """Set the families out; nothing where none was fitted."""
    lines = family_lines(m.results.checks)
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
    notes = [*_columns(lines, best, m), *_marks(lines), *_not_fitted(m.results.checks)]
    rules = [members] if members else []
    return [table(caption, header, rows, notes=notes, rules=rules, texts=(0, 9), shares=_SHARES, dense=True)]


def _cells(line: FamilyLine, best: Mapping[str, float]) -> list[str]:
    get = line.numbers.get
    return [
        words(line.model).removeprefix("mixture "),
        decimal(get("log_likelihood", math.nan), 1),
        *(decimal(get(name, math.nan) - best[name], 1) for name in ("aic", "bic")),
        *(_weight(get(f"averaged_{name}")) for name in ("aic", "backtest")),
        decimal(get("backtest_log_score", math.nan), 4),
        percent(get("backtest_covered", math.nan)),
        _ratio(line.ratio),
        ", ".join(_flag(name, value) for name, value in line.flagged.items()),
    ]


def _ratio(check: Check | None) -> str:
    if check is None or math.isnan(check.value):
        return NONE
    return f"{_sized(check.value)} {_RATIOS[str(check.facts['ratio'])]}"


def _sized(ratio: float) -> str:
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
    return f"{mark} {whole(value)}" if name == "turning_hazard" else f"{mark} {percent(value)}"


def _columns(lines: Iterable[FamilyLine], best: Mapping[str, float], m: Material) -> list[str]:
    """Explain the columns."""
    said = [
        f"AIC and BIC (n the customers): above the lowest, {decimal(best['aic'], 1)} and {decimal(best['bic'], 1)}; "
        "the smallest is best."
    ]
    if any("backtest_log_score" in line.numbers for line in lines):
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
    ratios = [line.ratio for line in lines if line.ratio is not None]
    if not ratios:
        return []
    kinds = dict.fromkeys(str(check.facts["ratio"]) for check in ratios)
    pieces = [f"{_RATIOS[kind]} {say(f'ratios.{kind}')}" for kind in kinds]
    compared = f"{ratios[0].group} against score {ratios[0].facts['reference']}"
    return [f"Ratio: of score {compared}; {listed(pieces)}."]


def _marks(lines: Iterable[FamilyLine]) -> list[str]:
    used = {name for line in lines for name in line.flagged}
    return [f"Doubts. {' '.join(text for name, (_, text) in MARKS.items() if name in used)}"] if used else []


def _not_fitted(checks: Sequence[Check]) -> list[str]:
    """Name the families that were not fitted, by reason."""
    reasons: dict[str, list[str]] = {}
    for check in matching(own_checks(checks), code="not_fitted"):
        reasons.setdefault(reason(check), []).append(words(check.model))
    return [f"Not fitted: {listed(names)} ({why})." for why, names in reasons.items()]


def weights_sentence(m: Material) -> str:
    """Say which weights the average has."""
    check = next(iter(matching(own_checks(m.results.checks), code="weights", model="averaged")), None)
    if check is None:
        return ""
    if check.facts["case"] == "as_backtest":
        return (
            "The average has the weights of the backtest: those of the mixture that best foresaw later losses from "
            "earlier periods."
        )
    if check.facts["case"] == "as_aic":
        return f"The average has the weights of AIC, as there are none of a backtest: {reason(check)}."
    return f"{capital(note(check))}."


def spike_sentence(m: Material) -> str:
    """Warn of losses that come back every so many periods; nothing where there is no such spike."""
    return "".join(capital(note(check)) for check in matching(own_checks(m.results.checks), code="spike")[:1])
