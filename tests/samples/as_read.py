"""A report as its readers meet it: the text of its pages, and the parts they are put together from."""

import io
from collections.abc import Sequence
from functools import cache
from typing import Any

import made_up
import made_up_study
from empty_pictures import unpictured
from pypdf import PdfReader

from cxlink.report.analysis_document import make_document
from cxlink.report.document import Block, Document
from cxlink.report.render_typst import compile_pdf
from cxlink.results import Reproduced, Results


class Pages(Sequence[str]):
    """Text of each page of a PDF, its white space made single blanks; read when it is asked for, which takes time."""

    def __init__(self, pdf: bytes) -> None:
        self._pages = PdfReader(io.BytesIO(pdf)).pages
        self._text = cache(lambda place: " ".join(self._pages[place].extract_text().split()))

    def __len__(self) -> int:
        return len(self._pages)

    def __getitem__(self, place: Any) -> Any:
        places = range(len(self))[place]
        return self._text(places) if isinstance(places, int) else [self._text(one) for one in places]


def pages(given: Results | Reproduced, command: str = "cxlink fit saas.csv --spec saas.toml") -> Pages:
    """Pages of a report, with empty pictures, which take no time."""
    with unpictured():
        return Pages(compile_pdf(make_document(given, command)))


@cache
def both_reports() -> dict[str, Document]:
    """The report of a cohort and that of the study, with their pictures."""
    return {"cohort": make_document(made_up.results()), "study": make_document(made_up_study.study())}


@cache
def ordinary() -> Pages:
    return pages(made_up.results())


@cache
def study() -> Pages:
    return pages(made_up_study.study())


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
