"""What a notebook shows of an analysis: the headline of page one as HTML, not a dump of tables."""

from collections.abc import Callable, Iterator, Sequence
from html import escape

from cxlink.report.content import gather
from cxlink.report.document import Block, Run, paragraph
from cxlink.report.format import printable
from cxlink.report.sections.first_page import headline_blocks
from cxlink.results import Results


def headline_html(results: Results) -> str:
    """Give page one's table and sentences as HTML; everything that came with the table is escaped.

    Parameters
    ----------
    results : Results
        What the analysis found.
    """
    name = paragraph([{"strong": results.spec.cohort.name}])
    return blocks_html([name, *headline_blocks(gather(results))])


def blocks_html(blocks: Sequence[Block]) -> str:
    """Give parts of a report as HTML: paragraphs, notices, lists and tables."""
    return "".join(_WRITTEN[block["kind"]](block) for block in blocks)


def _plain(text: str) -> str:
    return escape(printable(text))


def _runs(runs: Sequence[Run]) -> str:
    return "".join(
        _plain(run) if isinstance(run, str) else f"<strong>{_plain(run['strong'])}</strong>" for run in runs
    )


def _paragraph(block: Block) -> str:
    return f"<p>{_runs(block['runs'])}</p>"


def _notice(block: Block) -> str:
    return f"<p><em>{_runs(block['runs'])}</em></p>"


def _bullets(block: Block) -> str:
    return f"<ul>{''.join(f'<li>{_runs(item)}</li>' for item in block['items'])}</ul>"


def _table(block: Block) -> str:
    rows = "".join(f"<tr>{''.join(_cells('td', row, block['align']))}</tr>" for row in block["rows"])
    notes = "".join(f"<p><small>{_plain(note)}</small></p>" for note in block["notes"])
    return (
        f"<table><caption>{_plain(block['caption'])}</caption>"
        f"<thead><tr>{''.join(_cells('th', block['header'], block['align']))}</tr></thead>"
        f"<tbody>{rows}</tbody></table>{notes}"
    )


def _cells(tag: str, texts: Sequence[str], align: Sequence[str]) -> Iterator[str]:
    for text, side in zip(texts, align, strict=True):
        yield f'<{tag} style="text-align:{side}">{_plain(text)}</{tag}>'


_WRITTEN: dict[str, Callable[[Block], str]] = {
    "paragraph": _paragraph,
    "notice": _notice,
    "bullets": _bullets,
    "table": _table,
}
