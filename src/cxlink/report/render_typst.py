"""The report as a PDF: the outermost layer, which puts the pages together and writes the files."""

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from cxlink import __version__
from cxlink.report.content import Material, gather
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
from cxlink.results import Reproduced, Results

SUBTITLE = "Experience scores of customers, and what these customers did next."
STUDY = "The published study, on simulated cohorts"
PAGES: tuple[Callable[[Material, int], list[Block]], ...] = (
    cohort_pages, retention_pages, hazard_pages, spend_pages, tenure_pages, value_pages, bayes_pages, metric_pages,
    doubts_pages, diagnostics_pages,
)  # fmt: skip


def write_report(results: Results | Reproduced, folder: Path, command: str = "") -> None:
    """Write ``report.pdf`` and ``figures/*.svg`` into a folder.

    Parameters
    ----------
    results : Results or Reproduced
        Of a cohort, or of both cohorts of the study.
    folder : Path
        It exists; what is in it under these names is replaced.
    command : str
        How to run it again.
    """
    write_document(make_document(results, command), folder)


def write_document(document: dict[str, Any], folder: Path) -> None:
    """Write ``report.pdf`` and its ``figures/*.svg`` into a folder that exists."""
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    for part in document["parts"]:
        if part["kind"] == "figure":
            (figures / f"{part['name']}.svg").write_text(part["svg"], encoding="utf-8", newline="\n")
    (folder / "report.pdf").write_bytes(compile_pdf(document))


def make_document(results: Results | Reproduced, command: str = "") -> dict[str, Any]:
    """Give the whole report as JSON values: every text in it printable, nothing in it markup."""
    if isinstance(results, Reproduced):
        return _study(results, command)
    material = gather(results, command)
    name = material.spec.cohort.name
    parts = [*_cohort(material, 1), *methods_pages([material], 1)]
    marked = mark(results.simulated)
    return _document(f"Customer experience and what followed: {name}", marked, parts, [material])


def _study(study: Reproduced, command: str) -> dict[str, Any]:
    materials = [gather(results, command) for results in (study.subscription, study.transaction)]
    parts = study_pages(study, 1)
    for number, material in enumerate(materials, 1):
        parts += [
            heading(material.spec.cohort.name, 1, new_page=True),
            *_numbered(_cohort(material, 2), number),
        ]
    parts += methods_pages(materials, 1, study=True)
    return _document(STUDY, mark(study.subscription.simulated, study=True), parts, materials)


def _document(title: str, marked: str, parts: list[Block], materials: list[Material]) -> dict[str, Any]:
    return printed({
        "title": title,
        "subtitle": SUBTITLE,
        "header": " · ".join(m.spec.cohort.name for m in materials),
        "footer": f"cxlink {__version__}",
        "mark": marked,
        "parts": [*parts, *running_pages(materials, 1)],
    })  # fmt: skip


def mark(simulated: bool, study: bool = False) -> str:
    """What the head of every page says of whose figures these are; nothing of real customers."""
    if not simulated:
        return ""
    return "simulated customers, but for the public curves" if study else "simulated customers"


def _cohort(material: Material, level: int) -> list[Block]:
    parts = first_page(material, level)
    for pages in PAGES:
        parts += pages(material, level)
    return parts


def _numbered(parts: list[Block], number: int) -> list[Block]:
    """Tell the figures of one cohort from those of the other."""
    return [
        {**part, "name": f"{number}-{part['name']}"} if part["kind"] == "figure" else part for part in parts
    ]


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
