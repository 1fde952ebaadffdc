"""The page of diagnostics: what was checked, what failed first."""

from typing import Any

import pandas as pd

from cxlink.report.blocks import Block, heading, paragraph, table
from cxlink.report.content import Material
from cxlink.report.wording import NONE, decimal, whole, words

_MOST_ROWS = 60


def diagnostics_pages(m: Material, level: int = 1) -> list[Block]:
    """Set out the diagnostics; a long table is cut, failures stand first."""
    records = sorted(m.given.diagnostics.to_dict("records"), key=lambda row: _ORDER[_flag(row["ok"])])
    if not records:
        return [heading("Diagnostics", level), paragraph("No diagnostics were recorded.")]
    failed, n = sum(_flag(row["ok"]) == "no" for row in records), len(records)
    text = f"All of {whole(n)} checks are as they should be, or need no verdict."
    if failed:
        text = f"{whole(failed)} of {whole(n)} checks are not as they should be; they stand first."
    rows = [
        [words(_text(row["model"])), words(_text(row["quantity"])), _text(row["group"]), _number(row["value"]),
         _flag(row["ok"]), _text(row["note"])]
        for row in records[:_MOST_ROWS]
    ]  # fmt: skip
    notes = [f"The first {_MOST_ROWS} of {n}; the rest is in diagnostics.csv."] if n > _MOST_ROWS else []
    header = ["Model", "Quantity", "Group", "Value", "OK", "Note"]
    checks = table("What was checked.", header, rows, notes=notes, texts=(0, 1, 2, 4, 5), wide=5)
    return [heading("Diagnostics", level), paragraph(text), checks]


_ORDER = {"no": 0, "": 1, "yes": 2}


def _flag(ok: Any) -> str:
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
