"""``python docs/page_one.py REPORT.pdf PICTURE.png``: the first page of a report as a picture, for the README."""

import sys
from pathlib import Path

import typst

PAGE = '#set page(width: auto, height: auto, margin: 0pt)\n#image("{name}", page: 1, alt: "page one")'


def main(report: Path, picture: Path) -> None:
    """Typeset a page that holds nothing but the report's first page, at 100 dots an inch."""
    source = report.with_name(".page-one.typ")
    source.write_text(PAGE.format(name=report.name), encoding="utf-8")
    try:
        picture.write_bytes(typst.compile(str(source), format="png", ppi=100))
    finally:
        source.unlink()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
