"""A document as a tagged PDF, set in type by Typst."""

import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

from cxlink.report.document import (
    Block,
    Bullets,
    Code,
    Document,
    Heading,
    Notice,
    Paragraph,
    Picture,
    Run,
    Table,
)
from cxlink.report.format import font_folder, printable


def compile_pdf(document: Document) -> bytes:
    """Typeset a document as tagged PDF/UA-1: no date and no font of this machine in it."""
    import typst

    made: bytes = typst.compile(  # type: ignore[misc]
        resources.files("cxlink.report").joinpath("report.typ").read_bytes(),
        sys_inputs={"content": json.dumps(template_values(document))},
        font_paths=[str(font_folder())],
        ignore_system_fonts=True,
        pdf_standards=["ua-1"],
    )
    return made


def template_values(document: Document) -> dict[str, Any]:
    """Give what the template takes: plain JSON values, every text in them printable and none of them markup."""
    values = {
        "title": document.title,
        "subtitle": document.subtitle,
        "author": document.author,
        "byline": list(document.byline),
        "header": document.header,
        "footer": document.footer,
        "mark": document.mark,
        "parts": [{"kind": block.kind, **_values(block)} for block in document.blocks],
    }
    return _printable(values)  # type: ignore[no-any-return]


def _values(block: Block) -> dict[str, Any]:
    match block:
        case Heading():
            return {"text": block.text, "level": block.level, "new_page": block.new_page}
        case Paragraph() | Notice():
            return {"runs": _runs(block.runs)}
        case Bullets():
            return {"items": [_runs(item) for item in block.items], "small": block.small}
        case Code():
            return {"lines": list(block.lines)}
        case Picture():
            return {"name": block.name, "svg": block.svg, "alt": block.alt, "caption": block.caption}
        case Table():
            return {
                "caption": block.caption,
                "header": block.header,
                "align": ["left" if column.is_text else "right" for column in block.columns],
                "rows": block.rows,
                "notes": list(block.notes),
                "rules": list(block.rules),
                "shares": [column.share for column in block.columns if column.share],
                "dense": block.dense,
            }


def _runs(runs: Sequence[Run]) -> list[str | dict[str, str]]:
    return [run if isinstance(run, str) else {"strong": run.text} for run in runs]


def _printable(value: Any) -> Any:
    """Make every text printable; pictures stay as they are."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: item if key == "svg" else _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list) else value
