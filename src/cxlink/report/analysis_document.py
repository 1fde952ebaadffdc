"""The report of an analysis, and that of the study: which sections there are, and in which order."""

from collections.abc import Callable
from dataclasses import replace

from cxlink import __version__
from cxlink.report.content import Material, byline, counted_by, gather, mark
from cxlink.report.document import Block, Document, Picture, heading, paragraph, strong
from cxlink.report.falling.falling_section import falling_pages
from cxlink.report.language import CUSTOMERS, counting
from cxlink.report.metric_sections.driver_section import driver_pages
from cxlink.report.metric_sections.journey_section import journey_pages
from cxlink.report.metric_sections.metric_section import metric_pages
from cxlink.report.posterior_sections.posterior_section import bayes_pages
from cxlink.report.sections.cohort_section import cohort_pages
from cxlink.report.sections.diagnostics_section import diagnostics_pages
from cxlink.report.sections.first_page import first_page, headline_blocks
from cxlink.report.sections.hazard_section import hazard_pages
from cxlink.report.sections.methods_section import methods_pages, running_pages
from cxlink.report.sections.quick_pages import quick_pages
from cxlink.report.sections.retention_section import retention_pages
from cxlink.report.sections.sensitivity_section import sensitivity_pages
from cxlink.report.sections.spend_section import spend_pages
from cxlink.report.sections.tenure_section import tenure_pages
from cxlink.report.sections.value_section import value_pages
from cxlink.report.study_sections.known_change_section import known_change_pages
from cxlink.report.study_sections.known_driver_section import known_driver_pages
from cxlink.report.study_sections.study_section import study_pages
from cxlink.report.words import say
from cxlink.results import Reproduced, Results

PAGES: tuple[Callable[[Material, int], list[Block]], ...] = (
    cohort_pages, retention_pages, falling_pages, hazard_pages, spend_pages, tenure_pages, value_pages, bayes_pages,
    driver_pages, journey_pages,
    metric_pages, sensitivity_pages, diagnostics_pages,
)  # fmt: skip
OF_FIRST_SURVEYS = (value_pages, driver_pages, journey_pages, metric_pages)
"""Sections whose numbers are of customers where every survey counts: of the first survey of each."""


def make_document(results: Results | Reproduced, command: str = "") -> Document:
    """Give the whole report.

    Parameters
    ----------
    results : Results or Reproduced
        Of a cohort, or of both cohorts of the study.
    command : str
        How to run it again.
    """
    if isinstance(results, Reproduced):
        return _study(results, command)
    with counting(counted_by(results.spec)):
        return _of_cohort(gather(results, command))


def _of_cohort(material: Material) -> Document:
    results = material.results
    if results.spec.analysis.models == "quick":
        parts = [*first_page(material, 1), *quick_pages(material, 1)]
    else:
        parts = [*_cohort(material, 1), *methods_pages([material], 1), *running_pages([material], 1)]
    given = material.spec.report
    title = given.title or say("document.title", cohort=material.spec.cohort.name)
    made = _document(title, mark(results.simulated), parts, [material])
    return replace(made, author=given.author, byline=byline(material.spec))


def headline(results: Results) -> list[Block]:
    """Give the cohort's name with page one's table and sentences, for a notebook."""
    with counting(counted_by(results.spec)):
        return [paragraph([strong(results.spec.cohort.name)]), *headline_blocks(gather(results))]


def _study(study: Reproduced, command: str) -> Document:
    materials = [gather(results, command) for results in (study.subscription, study.transaction)]
    parts = study_pages(study, 1)
    for number, material in enumerate(materials, 1):
        parts.append(heading(material.spec.cohort.name, 1, new_page=True))
        parts += _numbered(_cohort(material, 2), number)
    parts += known_driver_pages(study.drivers, study.seed, study.subscription.spec)
    parts += known_change_pages(study.changes, study.seed, study.subscription.spec)
    parts += [*methods_pages(materials, 1, study=True), *running_pages(materials, 1)]
    title = say("document.study_title")
    return _document(title, mark(study.subscription.simulated, study=True), parts, materials)


def _document(title: str, marked: str, parts: list[Block], materials: list[Material]) -> Document:
    names = " · ".join(m.spec.cohort.name for m in materials)
    return Document(title, say("document.subtitle"), names, f"cxlink {__version__}", marked, tuple(parts))


def _cohort(material: Material, level: int) -> list[Block]:
    parts = first_page(material, level)
    for pages in PAGES:
        with counting(CUSTOMERS if pages in OF_FIRST_SURVEYS else counted_by(material.spec)):
            parts += pages(material, level)
    return parts


def _numbered(parts: list[Block], number: int) -> list[Block]:
    """Tell the figures of one cohort from those of the other."""
    return [
        replace(part, name=f"{number}-{part.name}") if isinstance(part, Picture) else part for part in parts
    ]
