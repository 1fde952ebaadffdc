"""The table of families: fit, weights, backtest, ratio of the scores, and extrapolation warnings."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cxlink.checks import Check, matching
from cxlink.report.check_notes import note, reason
from cxlink.report.content import Material
from cxlink.report.document import Block, table
from cxlink.report.format import NONE, capital, decimal, percent, whole, words
from cxlink.report.words import say

WARNINGS = (
    "implicit_cure", "immature_cure", "infinite_mean", "turning_hazard", "at_bound", "monotone", "converged",
)  # fmt: skip
"""Codes of the checks that warn of a family, in the order of the notes."""
_COLUMNS = ("family", "log_likelihood", "aic", "bic", "weight_aic", "weight_backtest", "log_score", "coverage",
            "ratio", "warnings")  # fmt: skip
_LARGE = 1000
_SMALL_WEIGHT = 0.005  # would be written as 0.00
_SHARES = (2.65, 1.3, 0.9, 0.9, 0.85, 1.05, 0.95, 1.15, 1.05, 1.5)
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
    warnings : dict of str to float
        Values of the checks that failed, by code, as in `WARNINGS`.
    ratio : Check or None
        Of the highest level against the lowest.
    """

    model: str
    kind: str
    numbers: dict[str, float] = field(default_factory=dict)
    warnings: dict[str, float] = field(default_factory=dict)
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
    lines = {
        check.model: FamilyLine(check.model, str(check.facts["kind"])) for check in matching(own, code="aic")
    }
    for check in own:
        if check.model in lines:
            lines[check.model] = _with(lines[check.model], check)
    for line in lines.values():
        for code, values in _predicted(own, line.kind).items():
            if line.member:
                line.numbers[code] = sum(values) / len(values)
    return sorted(lines.values(), key=lambda line: (not line.member, line.numbers["aic"]))


def _with(line: FamilyLine, check: Check) -> FamilyLine:
    """Add one check to the line of a family."""
    if check.code == "level_ratio":  # levels rise: the last is the best
        return replace(line, ratio=check)
    if check.code == "weight":
        line.numbers[str(check.facts["average"])] = check.value
    elif check.code in WARNINGS and (check.code == "at_bound" or check.passed is False):
        line.warnings[check.code] = check.value
    elif check.code not in BACKTEST:
        line.numbers[check.code] = check.value
    return line


def _predicted(checks: Sequence[Check], kind: str) -> dict[str, list[float]]:
    """What a class of families predicted, by code, where it was fitted up to every origin; else nothing."""
    tested = matching(checks, code=BACKTEST)
    origins = {check.facts["origin"] for check in tested}
    values = {code: [c.value for c in matching(tested, code=code, kind=kind)] for code in BACKTEST}
    return {code: own for code, own in values.items() if len(own) == len(origins) > 0}


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
    header = [say(f"family_table.column_{column}") for column in _COLUMNS]
    notes = [*_columns(lines, best, m), *_warnings(lines), *_not_fitted(m.results.checks)]
    return [
        table(
            say("family_table.caption"), header, rows, notes=notes, rules=[members] if members else [],
            texts=(0, 9), shares=_SHARES, dense=True,
        )
    ]  # fmt: skip


def _cells(line: FamilyLine, best: Mapping[str, float]) -> list[str]:
    get = line.numbers.get
    return [
        words(line.model),
        decimal(get("log_likelihood", math.nan), 1),
        *(decimal(get(name, math.nan) - best[name], 1) for name in ("aic", "bic")),
        *(_weight(get(f"averaged_{name}")) for name in ("aic", "backtest")),
        decimal(get("backtest_log_score", math.nan), 4),
        percent(get("backtest_covered", math.nan)),
        _ratio(line.ratio),
        ", ".join(_warning(name, value) for name, value in line.warnings.items()),
    ]


def _ratio(check: Check | None) -> str:
    if check is None or math.isnan(check.value):
        return NONE
    kind = check.facts["ratio"]
    return f"{_sized(check.value)} {say(f'family_table.mark_{kind}')}"


def _sized(ratio: float) -> str:
    if ratio >= _LARGE:
        return f">{whole(_LARGE)}"
    return f"<{decimal(1 / _LARGE, 3)}" if ratio < 1 / _LARGE else decimal(ratio, 2 if ratio >= 0.1 else 3)


def _weight(share: float | None) -> str:
    if share is None or math.isnan(share):
        return NONE
    return f"<{decimal(0.01, 2)}" if share < _SMALL_WEIGHT else decimal(share, 2)


def _warning(name: str, value: float) -> str:
    mark = say(f"family_table.mark_{name}")
    if name in ("at_bound", "monotone", "converged") or math.isnan(value):
        return mark
    return f"{mark} {whole(value)}" if name == "turning_hazard" else f"{mark} {percent(value)}"


def _columns(lines: Iterable[FamilyLine], best: Mapping[str, float], m: Material) -> list[str]:
    """Explain the columns."""
    notes = [say("family_table.note_criteria", aic=best["aic"], bic=best["bic"])]
    if any("backtest_log_score" in line.numbers for line in lines):
        notes.append(say("family_table.note_backtest", level=0.95))
    notes += _ratios(lines)
    if m.spec.score.acts_on != "location":
        notes.append(say("family_table.note_shape"))
    return notes


def _ratios(lines: Iterable[FamilyLine]) -> list[str]:
    """Say which ratios they are, and what a ratio above or below 1 means."""
    ratios = [line.ratio for line in lines if line.ratio is not None]
    if not ratios:
        return []
    kinds = dict.fromkeys(str(check.facts["ratio"]) for check in ratios)
    marks = [
        say("family_table.note_mark", mark=say(f"family_table.mark_{kind}"), meaning=say(f"ratios.{kind}"))
        for kind in kinds
    ]
    best, worst = ratios[0].group, ratios[0].facts["reference"]
    return [say("family_table.note_ratio", score=best, reference=worst, marks="; ".join(marks))]


def _warnings(lines: Iterable[FamilyLine]) -> list[str]:
    used = {name for line in lines for name in line.warnings}
    meanings = [
        say(
            "family_table.note_mark", mark=say(f"family_table.mark_{name}"),
            meaning=say(f"family_table.warning_{name}"),
        )
        for name in WARNINGS if name in used
    ]  # fmt: skip
    return [say("family_table.note_warnings", meanings="; ".join(meanings))] if meanings else []


def _not_fitted(checks: Sequence[Check]) -> list[str]:
    """Name the families that were not fitted, by reason."""
    reasons: dict[str, list[str]] = {}
    for check in matching(own_checks(checks), code="not_fitted"):
        reasons.setdefault(reason(check), []).append(words(check.model))
    return [say("family_table.not_fitted", families=names, reason=why) for why, names in reasons.items()]


def weights_sentence(m: Material) -> str:
    """Say which weights the average has."""
    check = next(iter(matching(own_checks(m.results.checks), code="weights", model="averaged")), None)
    if check is None:
        return ""
    if check.facts["case"] == "as_backtest":
        return say("family_table.weights_backtest")
    if check.facts["case"] == "as_aic":
        return say("family_table.weights_aic", reason=reason(check))
    return say("family_table.weights", note=note(check))


def spike_sentence(m: Material) -> str:
    """Warn of losses that come back every so many periods; nothing where there is no such spike."""
    return "".join(capital(note(check)) for check in matching(own_checks(m.results.checks), code="spike")[:1])
