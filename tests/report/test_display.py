"""What a notebook shows of an analysis."""

from html.parser import HTMLParser

import made_up

from cxlink.report.content import gather
from cxlink.report.render_html import blocks_html, headline_html
from cxlink.report.sections.first_page import first_page


class _Read(HTMLParser):
    """Texts and tags; every tag that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002  # the parser's signature
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> _Read:
    found = _Read()
    found.feed(html)
    found.close()
    assert found.open == []
    return found


def test_a_notebook_shows_the_table_and_sentences_of_page_one() -> None:
    given = made_up.results()
    shown = read(headline_html(given))
    page = first_page(gather(given))
    (table,) = (block for block in page if block["kind"] == "table")
    assert shown.tags.count("td") == sum(map(len, table["rows"]))
    for row in table["rows"]:
        for cell in row:
            assert cell in shown.text
    for block in page:
        if block["kind"] == "paragraph":
            assert all(
                (run if isinstance(run, str) else run["strong"]) in shown.text for run in block["runs"]
            )


def test_names_from_a_table_are_text_and_never_markup() -> None:
    given = made_up.results()
    cohort = given.spec.cohort.model_copy(update={"name": "<script>alert(1)</script> & co\u202e"})
    html = headline_html(made_up.altered(given, spec=given.spec.model_copy(update={"cohort": cohort})))
    shown = read(html)
    assert "script" not in shown.tags
    assert "<script>alert(1)</script> & co[U+202E]" in shown.text


def test_lists_and_notices_are_written_too() -> None:
    page = [block for block in first_page(gather(made_up.results())) if block["kind"] == "bullets"]
    shown = read(blocks_html(page))
    assert shown.tags.count("li") == sum(len(block["items"]) for block in page) > 0
