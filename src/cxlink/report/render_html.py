"""A document as one HTML5 file that needs nothing beside it, and parts of one for a notebook."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from importlib import resources
from itertools import count

from cxlink.report.document import (
    Block,
    Bullets,
    Code,
    Column,
    Document,
    Heading,
    Notice,
    Paragraph,
    Picture,
    Run,
    Table,
)
from cxlink.report.format import printable
from cxlink.report.language import current
from cxlink.report.words import say

_LISTED = 2  # levels of headings that the table of contents lists


def page_html(document: Document) -> str:
    """Give a whole document as an HTML5 page: styles and figures are in it, no script, no other file.

    Parameters
    ----------
    document : Document
        Every text of it is escaped.
    """
    style = resources.files("cxlink.report").joinpath("report.css").read_text(encoding="utf-8")
    body = "\n".join(_written(document.blocks))
    byline = "".join(f'<p class="byline">{_plain(line)}</p>\n' for line in document.byline)
    author = f'<meta name="author" content="{_plain(document.author)}">\n' if document.author else ""
    marked = f'<p class="mark">{_plain(document.mark)}</p>' if document.mark else ""
    return f"""<!DOCTYPE html>
<html lang="{current()}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{author}<title>{_plain(document.title)}</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#report">{_plain(say("document.skip"))}</a>
<header>
<h1>{_plain(document.title)}</h1>
<p>{_plain(document.subtitle)}</p>
{byline}{marked}
</header>
<nav aria-labelledby="contents">
<h2 id="contents">{_plain(say("document.contents"))}</h2>
{_contents(document.blocks)}
</nav>
<main id="report" tabindex="-1">
{body}
</main>
<footer>
{marked}
<p>{_plain(document.footer)}</p>
</footer>
</body>
</html>
"""


def blocks_html(blocks: Sequence[Block]) -> str:
    """Give parts of a document as HTML for a notebook's cell."""
    style = ".cxlink .number { text-align: right } .cxlink .text { text-align: left }"
    return f'<div class="cxlink"><style>{style}</style>{"".join(_written(blocks))}</div>'


def _written(blocks: Sequence[Block]) -> Iterator[str]:
    tables, figures, anchors = count(1), count(1), iter(_anchors(blocks))
    for block in blocks:
        match block:
            case Heading():
                page = ' class="page"' if block.new_page else ""
                yield f'<h{block.level + 1} id="{next(anchors)}"{page}>{_plain(block.text)}</h{block.level + 1}>'
            case Paragraph():
                yield f"<p>{_runs(block.runs)}</p>"
            case Notice():
                yield f'<p class="notice" role="note">{_runs(block.runs)}</p>'
            case Bullets():
                small = ' class="small"' if block.small else ""
                yield f"<ul{small}>{''.join(f'<li>{_runs(item)}</li>' for item in block.items)}</ul>"
            case Code():
                yield "<pre><code>" + "\n".join(map(_plain, block.lines)) + "</code></pre>"
            case Picture():
                yield _figure(block, next(figures))
            case Table():
                yield _table(block, next(tables))


def _anchors(blocks: Sequence[Block]) -> list[str]:
    """Name each heading by its words, the second of a name with a number."""
    names: list[str] = []
    for block in blocks:
        if isinstance(block, Heading):
            name = "section-" + (re.sub(r"[^a-z0-9]+", "-", block.text.lower()).strip("-") or "untitled")
            free = (name if n == 1 else f"{name}-{n}" for n in count(1))
            names.append(next(each for each in free if each not in names))
    return names


def _contents(blocks: Sequence[Block]) -> str:
    """List the headings of the first levels, those of the second inside those of the first."""
    headings = [block for block in blocks if isinstance(block, Heading)]
    text, depth = "", 0
    for block, anchor in zip(headings, _anchors(blocks), strict=True):
        if block.level > _LISTED:
            continue
        if block.level > depth:
            text += "<ul>" * (block.level - depth)
        else:
            text += "</li></ul>" * (depth - block.level) + "</li>"
        text += f'<li><a href="#{anchor}">{_plain(block.text)}</a>'
        depth = block.level
    return text + "</li></ul>" * depth


def _figure(block: Picture, number: int) -> str:
    named = f"<strong>{_plain(say('document.figure', number=number))}</strong>"
    drawing = _drawing(block.svg, f"figure-{number}-", block.alt)
    return f"<figure>\n{drawing}\n<figcaption>{named} {_shown(block.caption)}</figcaption>\n</figure>"


def _drawing(svg: str, prefix: str, alt: str) -> str:
    """Fit a drawing into a page: read aloud as one image, and with identifiers that no other drawing has."""
    text = svg[svg.index("<svg") :].strip()
    # a drawing's own style would be the whole page's: report.css has it for drawings alone
    text = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|\bhref="#|\burl\(#)', rf"\g<1>{prefix}", text)
    text = re.sub(r"\n\s*", "\n", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{_plain(alt)}"', 1)


def _table(block: Table, number: int) -> str:
    name = _plain(say("document.table", number=number))
    header = "".join(_cell("th", column, column.header, ' scope="col"') for column in block.columns)
    rows = "\n".join(
        f"<tr{' class="rule"' if i in block.rules else ''}>{''.join(_row(block.columns, row))}</tr>"
        for i, row in enumerate(block.rows)
    )
    notes = f'<p class="small">{_plain(" ".join(block.notes))}</p>' if block.notes else ""
    kinds = [
        kind for kind, own in (("dense", block.dense), ("shares", any(c.share for c in block.columns))) if own
    ]
    return (
        f'<div class="table"><div class="scroll" role="group" aria-label="{name}" tabindex="0">\n'
        f"<table{f' class="{" ".join(kinds)}"' if kinds else ''}>\n"
        f"<caption><strong>{name}</strong> {_shown(block.caption)}</caption>\n{_widths(block.columns)}"
        f"<thead><tr>{header}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>{notes}</div>"
    )


def _widths(columns: Sequence[Column]) -> str:
    whole = sum(column.share for column in columns)
    if not whole:
        return ""
    shares = "".join(f'<col style="width: {100 * column.share / whole:.1f}%">' for column in columns)
    return f"<colgroup>{shares}</colgroup>\n"


def _row(columns: Sequence[Column], row: Sequence[str]) -> Iterator[str]:
    """Write a row; its first cell, where it is a text, says what the row is."""
    for i, (column, text) in enumerate(zip(columns, row, strict=True)):
        heads = i == 0 and column.is_text and bool(text)
        yield _cell("th", column, text, ' scope="row"') if heads else _cell("td", column, text)


def _cell(tag: str, column: Column, text: str, scope: str = "") -> str:
    if not text:
        return "<td></td>"
    return f'<{tag}{scope} class="{"text" if column.is_text else "number"}">{_shown(text)}</{tag}>'


def _runs(runs: Sequence[Run]) -> str:
    return "".join(
        _shown(run) if isinstance(run, str) else f"<strong>{_shown(run.text)}</strong>" for run in runs
    )


def _shown(text: str) -> str:
    """Write a text of the page; a range of scores stays on one line."""
    return re.sub("[0-9]+–[0-9]+", r'<span class="range">\g<0></span>', _plain(text))


def _plain(text: str) -> str:
    return escape(printable(text))
