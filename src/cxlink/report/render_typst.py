"""The report as a PDF: the outermost layer, which puts the pages together and writes the files."""

import json
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from cxlink.report.content import Material, ReportInput, gather
from cxlink.report.document import Block, heading
from cxlink.report.format import font_folder, printable
from cxlink.report.metric_sections.metric_section import metric_pages
from cxlink.report.posterior_sections.posterior_section import bayes_pages
from cxlink.report.sections.cohort_section import cohort_pages
from cxlink.report.sections.diagnostics_section import diagnostics_pages
from cxlink.report.sections.first_page import first_page
from cxlink.report.sections.hazard_section import hazard_pages
from cxlink.report.sections.methods_section import methods_pages, running_pages
from cxlink.report.sections.retention_section import retention_pages
from cxlink.report.sections.sensitivity_section import doubts_pages
from cxlink.report.sections.spend_section import spend_pages
from cxlink.report.sections.tenure_section import tenure_pages
from cxlink.report.sections.value_section import value_pages
from cxlink.report.study_sections.study_section import study_pages

SUBTITLE = "Experience scores of customers, and what these customers did next."
STUDY = "The published study, on simulated cohorts"
PAGES: tuple[Callable[[Material, int], list[Block]], ...] = (
    cohort_pages, retention_pages, hazard_pages, spend_pages, tenure_pages, value_pages, bayes_pages, metric_pages,
    doubts_pages, diagnostics_pages,
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
    sections = [report] if isinstance(report, ReportInput) else list(report)
    write_document(make_document(sections), folder)


def write_document(document: dict[str, Any], folder: Path) -> None:
    """Write ``report.pdf`` and its ``figures/*.svg`` into a folder that exists."""
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
        "mark": mark(any(given.simulated for given in sections), study is not None),
        "parts": parts,
    }  # fmt: skip
    return printed(document)


def mark(simulated: bool, study: bool = False) -> str:
    """What the head of every page says of whose figures these are; nothing of real customers."""
    if not simulated:
        return ""
    return "simulated customers, but for the public curves" if study else "simulated customers"


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


def printed(document: dict[str, Any]) -> dict[str, Any]:
    """Make every text of a document printable; pictures stay as they are."""
    return _printable(document)  # type: ignore[no-any-return]


def _printable(value: Any) -> Any:
    """Make every text of a document printable; pictures stay as they are."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: item if key == "svg" else _printable(item) for key, item in value.items()}
    return [_printable(item) for item in value] if isinstance(value, list | tuple) else value
