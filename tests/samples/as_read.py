"""A report as its readers meet it: the text of its pages, and the parts they are put together from."""

import io
from functools import cache
from typing import Any

import made_up
import made_up_study
import pytest
from pypdf import PdfReader

from cxlink.report.analysis_document import make_document
from cxlink.report.document import Block, Document
from cxlink.report.figures import drawing
from cxlink.report.render_typst import compile_pdf
from cxlink.results import Reproduced, Results

EMPTY = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 630 240"/>'


def pages(given: Results | Reproduced, command: str = "cxlink fit saas.csv --spec saas.toml") -> list[str]:
    """Text of each page, its white space made single blanks; with empty pictures, which take no time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawing, "svg", lambda _: EMPTY)
        made = compile_pdf(make_document(given, command))
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(made)).pages]


@cache
def both_reports() -> dict[str, Document]:
    """The report of a cohort and that of the study, with their pictures."""
    return {"cohort": make_document(made_up.results()), "study": make_document(made_up_study.study())}


@cache
def ordinary() -> tuple[str, ...]:
    return tuple(pages(made_up.results()))


@cache
def study() -> tuple[str, ...]:
    return tuple(pages(made_up_study.study()))


def squeezed(text: str) -> str:
    """Without white space, which a line's end may put anywhere."""
    return "".join(text.split())


def table(parts: list[Block], caption: str) -> dict[str, Any]:
    return next(part for part in parts if part.kind == "table" and part.caption.startswith(caption))


def cells(parts: list[Block], caption: str) -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in table(parts, caption).rows}


def sentences(parts: list[Block], kind: str = "paragraph") -> str:
    runs = [run for part in parts if part.kind == kind for run in part.runs]
    return " ".join(run if isinstance(run, str) else run.text for run in runs)
