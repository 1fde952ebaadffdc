"""A document as the files of a run folder: the report in each format that is asked for, and its figures."""

from collections.abc import Sequence
from pathlib import Path

from cxlink.report.document import Document


def write_document(document: Document, folder: Path, formats: Sequence[str]) -> None:
    """Write ``report.pdf``, ``report.html`` and ``figures/*.svg`` into a folder that exists.

    Parameters
    ----------
    document : Document
        The report.
    folder : Path
        What is in it under these names is replaced.
    formats : sequence of str
        ``pdf``, ``html`` or both; figures are written either way.
    """
    figures = folder / "figures"
    figures.mkdir(exist_ok=True)
    for picture in document.pictures:
        (figures / f"{picture.name}.svg").write_text(picture.svg, encoding="utf-8", newline="\n")
    if "pdf" in formats:
        from cxlink.report.render_typst import compile_pdf

        (folder / "report.pdf").write_bytes(compile_pdf(document))
    if "html" in formats:
        from cxlink.report.render_html import page_html

        (folder / "report.html").write_text(page_html(document), encoding="utf-8", newline="\n")
