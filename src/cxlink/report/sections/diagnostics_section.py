"""The page of diagnostics: what was checked, what failed first."""

import re
from collections.abc import Hashable
from typing import Any

import pandas as pd

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.report.content import Material
from cxlink.report.document import Block, heading, paragraph, table
from cxlink.report.figures.tenure_ladder import BAYESIAN
from cxlink.report.format import NONE, decimal, listed, whole, words
from cxlink.report.sections.family_table import family_lines

_MOST_ROWS = 60
_SHARES = (1.6, 1.3, 1.5, 1.1, 0.4, 3.6)
_SEARCH = ("converged", "monotone")
_FEW = 4
_ORDER = {"no": 0, "": 1, "yes": 2}


def diagnostics_pages(m: Material, level: int = 1) -> list[Block]:
    """Set out the diagnostics; a long table is cut, failures stand first."""
    found = m.results.diagnostics
    found = found[~found["model"].isin(BAYESIAN)] if m.results.bayesian is not None else found
    if not len(found):
        return [heading("Diagnostics", level), paragraph("No diagnostics were recorded.")]
    shown = _not_shown_elsewhere(found)
    failed = sum(verdict(ok) == "no" for ok in shown["ok"])
    text = "Nothing that was checked is other than it should be."
    if failed:
        verb = "is other than it" if failed == 1 else "are other than they"
        text = f"{whole(failed)} of {whole(len(shown))} findings {verb} should be; these stand first."
    if len(shown) < len(found):
        text += (
            " How the families of curves fit, what they weigh and what to doubt about them stands in the section on "
            "tenure; of the unadjusted fits it is in diagnostics.csv."
        )
    if m.results.bayesian is not None:
        text += " What was found of the posteriors stands in the Bayesian section."
    return [heading("Diagnostics", level), paragraph(text), *_checks(_once(shown, m.spec), _hidden(m))]


def _not_shown_elsewhere(found: pd.DataFrame) -> pd.DataFrame:
    """Leave out of the families' findings what the section on tenure shows; join those of one note."""
    if not family_lines(found):
        return found
    families = set(found.loc[found["quantity"].isin(["aic"]), "model"])
    unfitted = found["note"].fillna("").str.startswith("Not fitted: ") & (found["quantity"] == "fit")
    mine = found["model"].isin(families) | unfitted | found["quantity"].eq("weights")
    failed = found["quantity"].isin(_SEARCH) & found["ok"].map(verdict).eq("no")
    noted = mine & (found["quantity"] == "fit") & ~unfitted
    kept = found[~mine | (mine & failed)].to_dict("records")
    return pd.DataFrame([*_joined_notes(found[noted]), *kept], columns=list(found.columns))


def _joined_notes(notes: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Make one row of the families that say the same."""
    rows = []
    for _, same in notes.groupby(["group", "note"], sort=False, dropna=False):
        models = [words(model) for model in dict.fromkeys(same["model"])]
        named = listed(models) if len(models) <= _FEW else f"{whole(len(models))} families"
        rows.append({**same.iloc[0].to_dict(), "model": named})
    return rows


def _checks(found: pd.DataFrame, hidden: set[str]) -> list[Block]:
    """Set findings out, those that say the same of several groups on one line."""
    lines: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for row in found.to_dict("records"):
        group, comma, kind = _text(row["group"]).partition(", ")
        key = (
            verdict(row["ok"]),
            words(_text(row["model"])),
            f"{words(_text(row['quantity']))}{comma}{kind}",
            _text(row["note"]),
        )
        small = bool(hidden & set(re.split(r"[,:]", group)))
        lines.setdefault(key, []).append((group, NONE if small else _number(row["value"])))
    if not lines:
        return []
    rows = []
    for (flag, model, quantity, note), groups in sorted(lines.items(), key=lambda line: _ORDER[line[0][0]]):
        names, values = zip(*groups, strict=True)
        rows.append([model, quantity, _joined(names), _joined(values), flag, note])
    notes = (
        [f"The first {_MOST_ROWS} of {len(rows)}; the rest is in diagnostics.csv."]
        if len(rows) > _MOST_ROWS
        else []
    )
    header = ["Model", "Quantity", "Group", "Value", "OK", "Note"]
    return [
        table(
            "What was checked.", header, rows[:_MOST_ROWS], notes=notes, texts=(0, 1, 2, 4, 5), shares=_SHARES
        )
    ]


def _once(found: pd.DataFrame, spec: CohortSpec) -> pd.DataFrame:
    """Keep one of the findings that say the same of the same levels under two names, such as 1 and worst."""
    levels = found["group"].map(lambda group: _levels(_text(group), spec))
    columns = ["model", "quantity", "value", "ok", "note"]
    return found[~found[columns].astype(str).assign(levels=levels).duplicated()]


def _levels(group: str, spec: CohortSpec) -> str:
    """Write a group or a contrast as the levels it names; any other text as it is."""
    names, comma, rest = group.partition(", ")
    try:
        return f"{[spec.group(name) for name in names.split(':')]}{comma}{rest}"
    except InputError:
        return group


def _hidden(m: Material) -> set[str]:
    """Levels, and bands of one, with too few customers for their numbers to be published."""
    small = {level for level, n in m.scores.items() if n is None}
    bands = {band for band in m.bands if m.too_small(band)}
    return {str(level) for level in small} | bands


def _joined(cells: tuple[str, ...]) -> str:
    """Cells of one line: each once, a few in a row, of many the first and the last."""
    distinct = [cell or "unadjusted" for cell in dict.fromkeys(cells)] if any(cells) else [""]
    return "; ".join(distinct) if len(distinct) <= 12 else f"{distinct[0]}; … {distinct[-1]}"


def verdict(ok: Any) -> str:
    """Read a flag that may come as a boolean, as text, or empty."""
    if isinstance(ok, str):
        return {"true": "yes", "false": "no"}.get(ok.lower(), "")
    return "" if pd.isna(ok) else ("yes" if ok else "no")


def _text(cell: Any) -> str:
    return "" if pd.isna(cell) else str(cell)


def _number(cell: Any) -> str:
    if pd.isna(cell) or cell == "":
        return NONE
    number = float(cell)
    return whole(number) if number.is_integer() and abs(number) < 1e9 else decimal(number, 3)
