"""The parts a report is put together from: plain JSON values, which the Typst template sets in type."""

import re
from collections.abc import Sequence
from typing import Any

Block = dict[str, Any]
Run = str | dict[str, str]
Runs = str | Sequence[Run]
_LINE = 76  # characters of code that fit beside each other


def strong(text: str) -> Run:
    """Emphasise a piece of a sentence."""
    return {"strong": text}


def runs(text: Runs) -> list[Run]:
    """Give a text as a list of its pieces."""
    return [text] if isinstance(text, str) else list(text)


def heading(text: str, level: int = 1, new_page: bool = False) -> Block:
    """Make a heading."""
    return {"kind": "heading", "text": text, "level": level, "new_page": new_page}


def paragraph(text: Runs) -> Block:
    """Make a paragraph."""
    return {"kind": "paragraph", "runs": runs(text)}


def bullets(items: Sequence[Runs], small: bool = False) -> Block:
    """Make a list."""
    return {"kind": "bullets", "items": [runs(item) for item in items], "small": small}


def notice(text: Runs) -> Block:
    """Make a paragraph that stands out."""
    return {"kind": "notice", "runs": runs(text)}


def code(text: str) -> Block:
    """Make a command to be typed; a long one goes on over several lines, each from an option on."""
    pieces = [""]
    for piece in re.split(r" (?=--[a-z])", text):
        quoted = pieces[-1].count('"') % 2 or pieces[-1].count("'") % 2
        pieces[-1:] = [f"{pieces[-1]} {piece}"] if quoted else [pieces[-1], piece]
    lines = [pieces[1]]
    for piece in pieces[2:]:
        if len(lines[-1]) + len(piece) < _LINE:
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    shown = [lines[0], *(f"    {line}" for line in lines[1:])]
    return {"kind": "code", "lines": [*(f"{line} \\" for line in shown[:-1]), shown[-1]]}


def picture(name: str, svg: str, alt: str, caption: str) -> Block:
    """Make a figure from SVG, with the name of its file and the text that is read aloud in its place."""
    return {"kind": "figure", "name": name, "svg": svg, "alt": alt, "caption": caption}


def table(
    caption: str, header: Sequence[str], rows: Sequence[Sequence[str]], *,
    notes: Sequence[str] = (), rules: Sequence[int] = (), texts: Sequence[int] = (0,),
    shares: Sequence[float] = (), dense: bool = False,
) -> Block:  # fmt: skip
    """Make a table.

    Parameters
    ----------
    caption : str
        What it shows, above it.
    header : sequence of str
        One a column.
    rows : sequence of sequence of str
        The cells.
    notes : sequence of str
        Below it.
    rules : sequence of int
        Rows before which a thin rule stands.
    texts : sequence of int
        Columns of text, set left; numbers are set right.
    shares : sequence of float
        Relative widths of the columns, for long texts, and such a table may break over pages; as wide as
        their cells where left out.
    dense : bool
        Whether in smaller type, for a table of many rows that stays on one page.
    """
    align = ["left" if i in texts else "right" for i in range(len(header))]
    cells = [list(row) for row in rows]
    return {
        "kind": "table", "caption": caption, "header": list(header), "align": align, "rows": cells,
        "notes": list(notes), "rules": list(rules), "shares": list(shares), "dense": dense,
    }  # fmt: skip
