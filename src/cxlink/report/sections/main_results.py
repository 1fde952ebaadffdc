"""The main results in words: retention, spend and tenure of the best and the worst scores."""

from cxlink.report.content import Material
from cxlink.report.document import Run, strong
from cxlink.report.estimates_lookup import Estimate, preferred
from cxlink.report.figures.tenure_ladder import is_family
from cxlink.report.format import (
    capital,
    full,
    levels,
    listed,
    number,
    percent,
    periods,
    score,
    shared_digits,
    value,
    who,
)  # fmt: skip
from cxlink.report.sections.limitations import adjusted_for, unsupported

OUTCOMES = ("retention", "spend", "tenure")


def headline(m: Material, estimand: str) -> dict[str, Estimate | None]:
    """Give the headline rows of an outcome: ``group``, ``reference``, their ``difference`` and their ``ratio``."""
    group, reference = m.sides
    found = {"group": m.book.headline(estimand, group), "reference": m.book.headline(estimand, reference)}
    for kind in ("difference", "ratio"):
        found[kind] = m.book.headline(f"{estimand}_{kind}", group, reference)
    return {name: row if row is None or not row.blank else None for name, row in found.items()}


def headline_rows(m: Material) -> list[list[str]]:
    """Give the cells of page one's table: a row for each outcome that has a headline."""
    names = {"retention": f"Still there after {periods(m.spec.horizon, m.spec.unit)}"}
    if m.spec.spend is not None:
        names["spend"] = f"Mean spend in {m.spec.spend.window_months} months"
    reach = next(
        (row.horizon for row in headline(m, "tenure").values() if row is not None and row.horizon), None
    )
    if reach is not None:
        names["tenure"] = f"Mean tenure in {periods(reach, m.spec.unit)}"
    rows = []
    for estimand, name in names.items():
        found = headline(m, estimand)
        if any(row is not None for row in found.values()):
            cells = [full(found[column], _digits(found)) for column in ("group", "reference", "difference")]
            rows.append([name, *cells, full(found["ratio"])])
    return rows


def retention(m: Material) -> list[Run]:
    """Say how many of the two bands were still there at the horizon; or why that is not known."""
    if m.spec.subscription is None:
        return []
    found, after = headline(m, "retention"), f"{periods(m.spec.horizon, m.spec.unit)} after the score"
    said = [f"of {who(row.group, m.spec)}, {full(row, _digits(found))}" for row in _bands(found)]
    if not said:
        return [strong("Retention. "), _no_retention(m)]
    first, *rest = said
    text = f"{capital(first)} were still customers {after}{''.join(f'; {more}' for more in rest)}."
    return [strong("Retention. "), text + _contrast(found)]


def spend(m: Material) -> list[Run]:
    """Say what the two bands spent."""
    if m.spec.spend is None:
        return []
    found = headline(m, "spend")
    said = [f"{who(row.group, m.spec)} spent {full(row, _digits(found))}" for row in _bands(found)]
    if not said:
        return [strong("Spend. "), _no_spend(m)]
    text = f"In the {m.spec.spend.window_months} months after the score, {listed(said)} on average"
    if m.spec.subscription is not None:
        text += "; whoever left within them is counted with what was spent until then"
    return [strong("Spend. "), f"{text}.{_contrast(found)}"]


def tenure(m: Material) -> list[Run]:
    """Say how long the two bands stayed within follow-up, and that beyond it the model decides."""
    found = headline(m, "tenure")
    known = _bands(found)
    if not known:
        return [strong("Tenure."), beyond(m)] if beyond(m) else []
    reach = periods(known[0].horizon or m.spec.horizon, m.spec.unit)
    said = [f"{who(row.group, m.spec)} stayed {full(row)}" for row in known]
    text = f"Within the first {reach} after the score, {listed(said)} on average."
    return [strong("Tenure. "), text + _contrast(found) + beyond(m)]


def beyond(m: Material) -> str:
    """Say what the families make of the longest horizon, and how much of that nobody has seen."""
    horizon, pieces = max(m.spec.tenure_horizons), []
    for group in m.sides:
        rows = preferred(
            m.book.where("tenure", group=group, horizon=horizon, stratum="", scenario="", given=0)
        )
        rows = [r for r in rows if r.extrapolated > 0 and is_family(r.model)]
        if rows:
            low, high = (pick(rows, key=lambda row: row.estimate) for pick in (min, max))
            share = percent(max(row.extrapolated for row in rows))
            span = value(high) if number(low) == number(high) else f"{number(low)} to {value(high)}"
            pieces.append(f"{span} for {score(group, m.spec)} (up to {share} of it extrapolated)")
    if not pieces:
        return ""
    within = periods(horizon, m.spec.unit)
    text = " Beyond follow-up the answer depends on the model"
    return f"{text}: within {within} the families give {listed(pieces)}."


def _bands(found: dict[str, Estimate | None]) -> list[Estimate]:
    return [row for row in (found["group"], found["reference"]) if row is not None]


def _digits(found: dict[str, Estimate | None]) -> int | None:
    """Decimals that both bands and their difference share."""
    return shared_digits([found["group"], found["reference"], found["difference"]])


def _contrast(found: dict[str, Estimate | None]) -> str:
    difference, ratio = found["difference"], found["ratio"]
    if difference is None:
        return ""
    text = f" The difference is {full(difference, _digits(found))}"
    if ratio is not None:
        text += f", the ratio {full(ratio)}"
    if difference.conf_low <= 0 <= difference.conf_high:
        return f"{text}: the interval includes no difference, so this cohort does not tell the two apart."
    return f"{text}."


def _no_retention(m: Material) -> str:
    """Say why no headline stands at the horizon, and what is known instead."""
    horizon = periods(m.spec.horizon, m.spec.unit)
    curves = m.book.where("retention", model="kaplan_meier", adjusted="no", stratum="", scenario="")
    if curves and all(row.blank for row in curves):
        return f"Retention after {horizon} is left blank: the groups are too small to be published."
    last = min(max((row.horizon or 0 for row in curves if not row.blank), default=0), m.spec.horizon)
    if last == 0:
        return f"Retention after {horizon} could not be estimated; the diagnostics say why."
    text = f"Nobody was followed for {horizon}, so retention at that time is not estimated."
    if unsupported(m, "kaplan_meier"):
        text = f"{_nowhere(f'Retention after {horizon}', m)} has customers at risk up to {horizon}."
    elif last == m.spec.horizon:
        text = f"Retention after {horizon} has no standardised figure for {listed([who(g, m.spec) for g in m.sides])}."
    rows = [m.book.get("retention", group, "kaplan_meier", last) for group in (*m.sides, "all")]
    shown = [f"{full(row)} of {who(row.group, m.spec)}" for row in rows if row is not None and not row.blank]
    known = (
        f" After {periods(last, m.spec.unit)}, {listed(shown)} were still customers; these are not adjusted."
    )
    return text + known if shown else text


def _no_spend(m: Material) -> str:
    """Say why spend has no headline, and what is known instead."""
    if not unsupported(m, "means"):
        return "Mean spend of the two bands could not be estimated; the diagnostics say why."
    rows = [m.book.get("spend", group, "means") for group in (*m.sides, "all")]
    shown = [
        f"{who(row.group, m.spec)} spent {full(row)}" for row in rows if row is not None and not row.blank
    ]
    text = f"{_nowhere('Mean spend', m)} has customers with a complete window."
    return f"{text} {capital(listed(shown))} on average; these are not adjusted." if shown else text


def _nowhere(what: str, m: Material) -> str:
    """Begin to say that no stratum supports the headline contrast."""
    return (
        f"{what} has no standardised figure: in no stratum of {adjusted_for(m)} is it so that every level of "
        f"{' and '.join(levels(side, m.spec) for side in m.sides)}"
    )
