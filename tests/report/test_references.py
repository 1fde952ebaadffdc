"""Whoever is cited in a report is in a list of references, or is named there with where it was printed."""

import re

from cxlink.report.change_sections.comparison_methods import REFERENCES as COMPARISON
from cxlink.report.change_sections.intervention_document import SOURCES
from cxlink.report.references import KRISS, REFERENCES
from cxlink.report.words import sentences

LISTED = [*(reference.text for reference in REFERENCES), *COMPARISON, *SOURCES, KRISS]
CITATION = re.compile(
    r"(?P<name>[A-Z][\w-]+)(?:(?:, [\w ]+?)? and [\w ]+?| et al\.)? \(?(?P<year>(?:19|20)\d\d)\b(?!–)"
    r"(?P<printed>\)?, (?:doi|arXiv|[A-Z]))?"
)
"""Authors and a year, as “Yao et al. 2018” or “Hernán (2010)”, and the beginning of where it was printed."""


def unlisted(text: str) -> list[str]:
    """Give the citations of a text that no list has, and that do not say where they were printed."""
    return [
        match[0]
        for match in CITATION.finditer(text)
        if not match["printed"] and not any(_is(match["name"], match["year"], entry) for entry in LISTED)
    ]


def _is(name: str, year: str, entry: str) -> bool:
    return name in entry and re.search(rf"\({year}\)|, {year},", entry) is not None


def test_a_citation_is_found_however_it_is_written() -> None:
    for text in (
        "as in Nobody 1999",
        "(Nobody and Else 1999)",
        "Nobody et al. (1999)",
        "A, Nobody and Else 1999",
    ):
        assert len(unlisted(text)) == 1
    assert unlisted("Nobody et al. 1999, doi 10.1/1; Nobody (1999), Biometrika 1:2–3; Yao et al. 2018") == []


def test_whoever_is_cited_is_listed() -> None:
    cited_nowhere = {key: found for key, text in sentences("en").items() if (found := unlisted(str(text)))}
    assert cited_nowhere == {}


def test_a_reference_says_where_it_was_printed() -> None:
    printed = re.compile(r"\d+(?:\(\d+\))?(?:[:,] ?)\d+|arXiv \d|Document \d+|online")
    assert [entry for entry in LISTED if not printed.search(entry)] == []
