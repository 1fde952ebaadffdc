"""The report as a PDF: the outermost layer, which puts the pages together and writes the files."""

import json
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from cxlink.report.bayes_pages import bayes_pages
from cxlink.report.blocks import Block, heading
from cxlink.report.cohort_pages import cohort_pages
from cxlink.report.content import Material, ReportInput, gather
from cxlink.report.diagnostics import diagnostics_pages
from cxlink.report.doubts_pages import doubts_pages
from cxlink.report.first_page import first_page
from cxlink.report.hazard_pages import hazard_pages
from cxlink.report.methods import methods_pages, running_pages
from cxlink.report.retention_pages import retention_pages
from cxlink.report.spend_pages import spend_pages
from cxlink.report.study_pages import study_pages
from cxlink.report.tenure_pages import tenure_pages
from cxlink.report.wording import font_folder, printable

SUBTITLE = "Experience scores of customers, and what these customers did next."
STUDY = "The published study, on simulated cohorts"
PAGES: tuple[Callable[[Material, int], list[Block]], ...] = (
    cohort_pages, retention_pages, hazard_pages, spend_pages, tenure_pages, bayes_pages, doubts_pages,
    diagnostics_pages,
)  # fmt: skip


def write_report(report: ReportInput | Sequence[ReportInput], folder: Path) -> None:
    """Write ``report.pdf`` and ``figures/*.svg`` into a folder.

    Parameters
    ----------
    report : ReportInput or sequence of them
        One cohort, or several in one report; the study, if there is one, stands on any of them.
    folder : Path
        It exists; what is in it under these names is replaced.
    """
    write_document(make_document([report] if isinstance(report, ReportInput) else list(report)), folder)


def write_document(document: dict[str, Any], folder: Path) -> None:
    """Write a document's PDF and its figures into a folder; every text in it is made printable.

    Parameters
    ----------
    document : dict
        ``title``, ``subtitle``, ``header``, ``footer``, ``simulated``, and ``parts``: the blocks.
    folder : Path
        It exists; what is in it under these names is replaced.
    """
    document = _printable(document)
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    for part in document["parts"]:
        if part["kind"] == "figure":
            (figures / f"{part['name']}.svg").write_text(part["svg"], encoding="utf-8", newline="\n")
    (folder / "report.pdf").write_bytes(compile_pdf(document))


def make_document(sections: Sequence[ReportInput]) -> dict[str, Any]:
    """Give the whole report as JSON values: every text in it printable, nothing in it markup."""
    materials = [gather(given) for given in sections]
    study = next((given.study for given in sections if given.study is not None), None)
    level = 1 if len(sections) == 1 and study is None else 2
    parts = study_pages(study, sections[0].spec, 1) if study is not None else []
    for position, material in enumerate(materials):
        parts += _cohort(material, level, position if len(materials) > 1 else None)
    parts += [*methods_pages(materials, 1), *running_pages(materials, 1)]
    names = [m.spec.cohort.name for m in materials]
    title = f"Customer experience and what followed: {names[0]}" if study is None else STUDY

    document = {
        "title": title,
        "subtitle": SUBTITLE,
        "header": " · ".join(names),
        "footer": f"cxlink {sections[0].version}".strip(),
        "simulated": any(given.simulated for given in sections),
        "parts": parts,
    }  # fmt: skip
    return _printable(document)  # type: ignore[no-any-return]


def _cohort(material: Material, level: int, position: int | None) -> list[Block]:
    parts = [] if level == 1 else [heading(material.spec.cohort.name, 1, new_page=True)]
    parts += first_page(material, level)
    for pages in PAGES:
        parts += pages(material, level)
    if position is not None:
        parts = [
            {**part, "name": f"{position + 1}-{part['name']}"} if part["kind"] == "figure" else part
            for part in parts
        ]
    return parts


def compile_pdf(document: dict[str, Any]) -> bytes:
    """Typeset a document as tagged PDF/UA-1: no date and no font of this machine in it."""
    import typst

    made: bytes = typst.compile(  # type: ignore[misc]
        resources.files("cxlink.report").joinpath("report.typ").read_bytes(),
        sys_inputs={"content": json.dumps(document)},
        font_paths=[str(font_folder())],
        ignore_system_fonts=True,
        pdf_standards=["ua-1"],
    )
    return made


def _printable(value: Any) -> Any:
    """Make every text of a document printable; pictures stay as they are."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: item if key == "svg" else _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list | tuple) else value
