"""A report as an HTML page, and what a notebook shows of an analysis."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import made_up
import pytest
from as_read import both_reports

from cxlink.report.analysis_document import headline, make_document
from cxlink.report.content import gather
from cxlink.report.document import (
    Block,
    Document,
    Paragraph,
    Table,
    bullets,
    code,
    heading,
    notice,
    paragraph,
    picture,
    plain,
    strong,
    table,
)
from cxlink.report.render_html import blocks_html, page_html
from cxlink.report.sections.first_page import first_page

HOSTILE = "<script>alert(1)</script> & \"co\" 'x'\u202e"
SHOWN = "<script>alert(1)</script> & \"co\" 'x'[U+202E]"
VOID = {"meta", "col", "br"}
SVG = (
    '<?xml version="1.0"?>\n<!DOCTYPE svg>\n<svg xmlns="http://www.w3.org/2000/svg" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">\n <metadata>made by</metadata>\n'
    ' <defs><style type="text/css">*{stroke-linejoin: round}</style>'
    '<path id="a" d="M 0 0"/><clipPath id="b"><path d="M 1 1"/></clipPath></defs>\n <!-- 12 -->\n'
    ' <g clip-path="url(#b)"><use xlink:href="#a"/></g>\n</svg>\n'
)


class Read(HTMLParser):
    """Texts, tags with their attributes, and identifiers; every tag that is opened is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"{tag} has an attribute twice"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += "" if self.open and self.open[-1] == "style" else data

    def named(self, *names: str) -> list[dict[str, str | None]]:
        """Attributes of the tags of these names."""
        return [attributes for tag, attributes in self.tags if tag in names]

    @property
    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.tags if "id" in attributes]


def page_of(*blocks: Block, **changes: str) -> str:
    given = {"title": "A title", "subtitle": "", "header": "", "footer": "cxlink 1", "mark": "", **changes}
    return page_html(Document(**given, blocks=blocks))


@pytest.fixture(scope="module")
def reports() -> dict[str, str]:
    """The reports of a cohort and of the study, figures included."""
    return {name: page_html(document) for name, document in both_reports().items()}


def test_a_notebook_shows_the_table_and_sentences_of_page_one() -> None:
    given = made_up.results()
    shown = Read(blocks_html(headline(given)))
    page = first_page(gather(given))
    (rows,) = (block.rows for block in page if isinstance(block, Table))
    assert len(shown.named("td", "th")) == sum(map(len, rows)) + len(rows[0])
    assert all(cell in shown.text for row in rows for cell in row)
    assert all(plain(block.runs) in shown.text for block in page if isinstance(block, Paragraph))


def test_the_name_of_a_cohort_is_text_in_a_notebook() -> None:
    given = made_up.results()
    cohort = given.spec.cohort.model_copy(update={"name": HOSTILE})
    html = blocks_html(
        headline(made_up.altered(given, spec=given.spec.model_copy(update={"cohort": cohort})))
    )
    assert "<script" not in html
    assert SHOWN in Read(html).text


@pytest.mark.parametrize(
    "block",
    [
        heading(HOSTILE), paragraph(["x ", strong(HOSTILE)]), notice(HOSTILE), bullets([HOSTILE]), code(HOSTILE),
        picture("x", SVG, HOSTILE, HOSTILE), table(HOSTILE, [HOSTILE], [[HOSTILE]], notes=[HOSTILE]),
    ],
    ids=lambda block: block.kind,
)  # fmt: skip
def test_every_text_of_a_block_is_escaped(block: Block) -> None:
    html = page_of(block)
    assert "<script" not in html
    assert SHOWN in Read(html).text


def test_every_text_about_a_document_is_escaped() -> None:
    html = page_of(title=HOSTILE, subtitle=HOSTILE, footer=HOSTILE, mark=HOSTILE)
    assert "<script" not in html
    assert Read(html).text.count(SHOWN) == 6  # the title stands in the head as well, the mark in the foot


def test_a_table_has_a_caption_headers_with_their_scope_and_numbers_to_the_right() -> None:
    shown = table("Of whom.", ["Score", "Share"], [["9–10", "62"], ["", "–"]], notes=["A.", "B."], rules=[1])
    html = page_of(shown, shown)
    read = Read(html)
    assert [one["scope"] for one in read.named("th")] == ["col", "col", "row"] * 2
    assert (
        '<th scope="row" class="text"><span class="range">9–10</span></th><td class="number">62</td>' in html
    )
    assert '<tr class="rule"><td></td><td class="number">–</td></tr>' in html
    assert "<caption><strong>Table 2.</strong> Of whom.</caption>" in html
    assert '<p class="small">A. B.</p>' in html
    assert [one["aria-label"] for one in read.named("div") if "aria-label" in one] == ["Table 1.", "Table 2."]


def test_columns_of_long_texts_share_the_width() -> None:
    html = page_of(table("x", ["a", "b"], [["c", "d"]], shares=(1, 3)))
    assert '<col style="width: 25.0%"><col style="width: 75.0%">' in html


def test_a_notice_a_list_and_a_command_are_what_they_are() -> None:
    html = page_of(notice(["Mind ", strong("this")]), bullets(["a", "b"], small=True), code("cxlink fit x"))
    assert '<p class="notice" role="note">Mind <strong>this</strong></p>' in html
    assert '<ul class="small"><li>a</li><li>b</li></ul>' in html
    assert "<pre><code>cxlink fit x</code></pre>" in html


def test_a_figure_is_an_image_with_its_alternative_text_and_identifiers_of_its_own() -> None:
    html = page_of(picture("x", SVG, "Dots: 1.", "What."), picture("y", SVG, "Lines: 2.", "Which."))
    read = Read(html)
    drawings = read.named("svg")
    assert [(one["role"], one["aria-label"]) for one in drawings] == [
        ("img", "Dots: 1."),
        ("img", "Lines: 2."),
    ]
    assert [name for name in read.ids if name.startswith("figure")] == [
        "figure-1-a", "figure-1-b", "figure-2-a", "figure-2-b",
    ]  # fmt: skip
    assert 'url(#figure-2-b)"><use xlink:href="#figure-2-a"' in html
    assert "<?xml" not in html
    assert "made by" not in html
    assert "<!-- 12" not in html
    assert html.count("<style") == 1, "a drawing's style would be the whole page's"
    assert "<figcaption><strong>Figure 2.</strong> Which.</figcaption>" in html


def test_the_contents_list_two_levels_and_each_link_leads_to_its_heading() -> None:
    html = page_of(
        heading("A"), heading("B", 2), heading("C", 3), heading("B", 2), heading("A: é"), heading("é")
    )
    assert (
        '<ul><li><a href="#section-a">A</a><ul><li><a href="#section-b">B</a></li>'
        '<li><a href="#section-b-2">B</a></li></ul></li><li><a href="#section-a-2">A: é</a></li>'
        '<li><a href="#section-untitled">é</a></li></ul>'
    ) in html
    assert '<h4 id="section-c">C</h4>' in html
    assert '<h2 id="section-a-2">A: é</h2>' in html


@pytest.mark.parametrize("name", ["cohort", "study"])
def test_a_whole_report_is_one_page_that_needs_nothing_beside_it(reports: dict[str, str], name: str) -> None:
    html = reports[name]
    read = Read(html)
    assert html.startswith('<!DOCTYPE html>\n<html lang="en">')
    for tag in ("title", "header", "nav", "main", "footer", "h1"):
        assert len(read.named(tag)) == 1, tag
    assert not read.named("script", "link", "img", "iframe", "object")
    for attributes in (attributes for _, attributes in read.tags):
        targets = [attributes[key] for key in ("href", "src", "xlink:href") if key in attributes]
        assert all(str(target).startswith("#") for target in targets)
    assert not re.search(r"url\((?!#)|@import", html)


@pytest.mark.parametrize("name", ["cohort", "study"])
def test_no_identifier_of_a_report_stands_twice_and_every_link_has_its_target(
    reports: dict[str, str], name: str
) -> None:
    read = Read(reports[name])
    assert len(set(read.ids)) == len(read.ids) > 50
    linked = {str(a[key])[1:] for _, a in read.tags for key in ("href", "xlink:href") if key in a}
    drawn = set(re.findall(r"url\(#([^)]+)\)", reports[name]))
    assert linked | drawn <= set(read.ids)
    assert {a["aria-labelledby"] for _, a in read.tags if "aria-labelledby" in a} <= set(read.ids)


@pytest.mark.parametrize("name", ["cohort", "study"])
def test_headings_of_a_report_go_down_one_level_at_a_time(reports: dict[str, str], name: str) -> None:
    levels = [int(tag[1]) for tag, _ in Read(reports[name]).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_figure_of_a_report_is_drawn_and_told() -> None:
    documents = both_reports()
    for document in documents.values():
        read = Read(page_html(document))
        told = [(one["role"], one["aria-label"]) for one in read.named("svg")]
        assert told == [("img", one.alt) for one in document.pictures]


def test_simulated_stands_at_both_ends_of_the_page_where_it_is_true() -> None:
    assert page_of(mark="simulated customers").count('<p class="mark">simulated customers</p>') == 2
    assert '<p class="mark">' not in page_of()


@pytest.mark.long
def test_the_same_document_gives_the_same_page(reports: dict[str, str]) -> None:
    assert page_html(make_document(made_up.results())) == reports["cohort"]


def test_a_range_of_scores_stays_on_one_line_and_shares_need_their_width() -> None:
    html = page_of(
        paragraph("of 1–5 & more"),
        table("Scores 9–10.", ["Scores", "Note"], [["1–5", "some"]], texts=(0, 1), shares=(1, 3)),
        table("Others.", ["Score", "n"], [["1", "2"]]),
    )
    assert html.count('<span class="range">1–5</span>') == 2
    assert '<span class="range">9–10</span>' in html
    read = Read(html)
    assert "of 1–5 & more" in read.text
    assert [attributes.get("class") for attributes in read.named("table")] == ["shares", None]
