"""Workbooks and files of statistics packages."""

import datetime
import math
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any
from xml.sax.saxutils import escape

import pandas as pd

from validation.fuzz.stored import MISSING, Stored, missing_of, of_one_type
from validation.fuzz.text_writers import rows_around

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"


_DOC = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"


_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts><font/></fonts><fills><fill/></fills><borders><border/></borders>'
    '<cellStyleXfs><xf/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
    "</styleSheet>"
)


def _sheet_cell(cell: Any) -> str:
    if cell is None:
        return "<c/>"
    if isinstance(cell, bool):
        return f'<c t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, datetime.date):
        return f'<c s="1"><v>{(cell - datetime.date(1899, 12, 30)).days}</v></c>'
    if isinstance(cell, int | float):
        return f"<c><v>{cell!r}</v></c>"
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(cell)}</t></is></c>'


def _excel_cells(cells: list[Any]) -> list[Any]:
    """Cells as a workbook can hold them: no control characters, no endless numbers, days since 1900."""

    def fits(cell: Any) -> Any:
        if isinstance(cell, datetime.datetime) or (isinstance(cell, datetime.date) and cell.year < 1901):
            return cell.isoformat()
        if isinstance(cell, float) and not math.isfinite(cell):
            return None if math.isnan(cell) else str(cell)
        if isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) > 1e15:
            return str(cell)
        if isinstance(cell, str):
            return "".join(c for c in cell if c >= " " or c == "\n") or None
        return cell

    return of_one_type([fits(cell) for cell in cells])


def xlsx(case: Any, folder: Path) -> Stored:
    """A workbook, of one sheet or with another one before."""
    columns = {_shown(name): _excel_cells(cells) for name, cells in case.columns.items()}
    sheets = Random(f"sheets of {case.seed}").choice([("Data",), ("Data",), ("Notes", "Data")])
    names = [*columns, *([_shown(case.twin)] if case.twin else [])]
    above, below, skipped = rows_around(case.seed, len(names))
    rows = [*above, names, *below, *([columns[name][i] for name in names] for i in range(case.n))]
    lines = "".join(f"<row>{''.join(map(_sheet_cell, row))}</row>" for row in rows)
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    other = f"<row>{_sheet_cell('score')}{_sheet_cell('of another year')}</row><row>{_sheet_cell(3)}</row>"
    parts, tabs, links = (
        "".join(form.format(at=at, name=name) for at, name in enumerate(sheets, 1))
        for form in (
            f'<Override PartName="/xl/worksheets/sheet{{at}}.xml" ContentType="{kind}.worksheet+xml"/>',
            '<sheet name="{name}" sheetId="{at}" r:id="r{at}"/>',
            f'<Relationship Id="r{{at}}" Type="{_DOC}/worksheet" Target="worksheets/sheet{{at}}.xml"/>',
        )
    )
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_TYPES}"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" '
        f'ContentType="{kind}.sheet.main+xml"/>{parts}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{_RELS}"><Relationship Id="a" Type="{_DOC}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_DOC}"><sheets>{tabs}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELS}">{links}<Relationship Id="s" '
        f'Type="{_DOC}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
        **{
            f"xl/worksheets/sheet{at}.xml": f'<worksheet xmlns="{_MAIN}"><sheetData>'
            f"{lines if name == 'Data' else other}</sheetData></worksheet>"
            for at, name in enumerate(sheets, 1)
        },
    }
    path = folder / "t.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    listed = case.spec.get("table")
    missing = missing_of(listed) if isinstance(listed, dict) else MISSING
    empty = {"", *missing}
    stands = {
        name or f"unnamed_{at}": [None if cell in empty else cell for cell in columns[name]]
        for at, name in enumerate(names)
    }
    keys = {**skipped, **({"sheet": "Data"} if len(sheets) > 1 else {})}
    return Stored(path, list(stands) if not case.twin else names, stands, keys)


def _shown(name: str) -> str:
    return "".join(c for c in name if c >= " ")


def statistics(ending: str) -> Callable[[Any, Path], Stored]:
    """Files of a statistics package."""

    def write(case: Any, folder: Path) -> Stored:
        import pyreadstat

        columns = {name: [_packaged(cell) for cell in cells] for name, cells in case.columns.items()}
        columns = {name: _numbers_or_text(cells) for name, cells in columns.items()}
        frame = pd.DataFrame({
            name: pd.Series(cells, dtype="float64" if _is_numeric(cells) else object) for name, cells in columns.items()
        })  # fmt: skip
        for name, cells in columns.items():
            if not _is_numeric(cells):
                frame[name] = ["" if cell is None else cell for cell in cells]
        labels: dict[str, Any] = {}
        score = case.spec.get("score", {})
        column = score.get("column") if isinstance(score, dict) else None
        if (
            ending == "sav"
            and isinstance(column, str)
            and column in columns
            and _is_numeric(columns[column])
            and case.random.random() < 0.5
        ):
            labels = {column: {1: "bad", 5: "so so", 10: "good"}}
        path = folder / f"t.{ending}"
        more: dict[str, Any] = {"variable_value_labels": labels} if labels else {}
        how = {"sav": pyreadstat.write_sav, "dta": pyreadstat.write_dta, "xpt": pyreadstat.write_xport}[
            ending
        ]
        how(frame, str(path), **more)
        stands = {
            name: [None if cell in (None, "") else cell for cell in cells] for name, cells in columns.items()
        }
        for name, said in labels.items():
            shown = [
                int(cell) if cell is not None and float(cell).is_integer() else cell for cell in stands[name]
            ]
            stands[name] = [None if c is None else f"{c} = {said[c]}" if c in said else str(c) for c in shown]
        return Stored(path, list(columns), stands)

    return write


def _packaged(cell: Any) -> Any:
    """A cell as statistics packages hold it: a number or a text without blanks at its end."""
    if isinstance(cell, bool):
        return int(cell)
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    if isinstance(cell, float) and not math.isfinite(cell):
        return None if math.isnan(cell) else str(cell)
    if isinstance(cell, int | float) and abs(cell) > 1e15:
        return str(cell)
    if isinstance(cell, str):
        return "".join(c for c in cell if c >= " ")[:100].rstrip(" ") or None
    return cell


def _is_numeric(cells: list[Any]) -> bool:
    return any(cell is not None for cell in cells) and all(
        cell is None or isinstance(cell, int | float) for cell in cells
    )


def _numbers_or_text(cells: list[Any]) -> list[Any]:
    if _is_numeric(cells):
        return cells
    return [None if cell is None else str(cell) for cell in cells]
