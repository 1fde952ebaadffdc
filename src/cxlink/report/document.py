"""What a document is made of: blocks as typed data, which the renderers set in type or in HTML."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

_LINE = 76  # characters of code that fit beside each other


@dataclass(frozen=True, slots=True)
class Strong:
    """A piece of a sentence that is emphasised."""

    text: str


Run = str | Strong
Runs = str | Sequence[Run]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 3; ``new_page`` where it begins one on paper."""

    kind: ClassVar[str] = "heading"
    text: str
    level: int = 1
    new_page: bool = False


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph, in runs."""

    kind: ClassVar[str] = "paragraph"
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A paragraph that stands out, in runs."""

    kind: ClassVar[str] = "notice"
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list, each of its items in runs; ``small`` in smaller type."""

    kind: ClassVar[str] = "bullets"
    items: tuple[tuple[Run, ...], ...]
    small: bool = False


@dataclass(frozen=True, slots=True)
class Code:
    """A command to be typed, on one or more lines."""

    kind: ClassVar[str] = "code"
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure.

    Attributes
    ----------
    name : str
        Of its file.
    svg : str
        The drawing.
    alt : str
        What is read aloud in its place.
    caption : str
        Below it.
    """

    kind: ClassVar[str] = "figure"
    name: str
    svg: str
    alt: str
    caption: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    header : str
        What it holds.
    cells : tuple of str
        One a row.
    is_text : bool
        Texts are set left, numbers right.
    share : float
        Its relative width, in a table of long texts; 0 where it is as wide as its cells.
    """

    header: str
    cells: tuple[str, ...]
    is_text: bool = False
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Table:
    """A table, as a list of columns of one length.

    Attributes
    ----------
    caption : str
        What it shows, above it.
    columns : tuple of Column
        From the left.
    notes : tuple of str
        Below it.
    rules : tuple of int
        Rows before which a thin rule stands.
    dense : bool
        Whether in smaller type, for a table of many rows that stays on one page.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()
    rules: tuple[int, ...] = ()
    dense: bool = False

    @property
    def header(self) -> list[str]:
        """One a column."""
        return [column.header for column in self.columns]

    @property
    def rows(self) -> list[list[str]]:
        """The cells, row by row."""
        return [list(row) for row in zip(*(column.cells for column in self.columns), strict=True)]


Block = Heading | Paragraph | Notice | Bullets | Code | Picture | Table


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document.

    Attributes
    ----------
    title, subtitle : str
        At its top.
    header, footer, mark : str
        On every page: what it is about; what made it; whose figures these are, where not those of real customers.
    blocks : tuple of Block
        From the first to the last.
    author : str
        Who wrote it, for the file's own record; empty where nobody is named.
    byline : tuple of str
        Lines below the title: who wrote it, for whom, and of which period.
    """

    title: str
    subtitle: str
    header: str
    footer: str
    mark: str
    blocks: tuple[Block, ...]
    author: str = ""
    byline: tuple[str, ...] = ()

    @property
    def pictures(self) -> list[Picture]:
        """The figures, from the first to the last."""
        return [block for block in self.blocks if isinstance(block, Picture)]


def strong(text: str) -> Run:
    """Emphasise a piece of a sentence."""
    return Strong(text)


def plain(runs: Sequence[Run]) -> str:
    """Give a text without its emphasis."""
    return "".join(run if isinstance(run, str) else run.text for run in runs)


def heading(text: str, level: int = 1, new_page: bool = False) -> Block:
    """Make a heading."""
    return Heading(text, level, new_page)


def paragraph(text: Runs) -> Block:
    """Make a paragraph."""
    return Paragraph(_runs(text))


def bullets(items: Sequence[Runs], small: bool = False) -> Block:
    """Make a list."""
    return Bullets(tuple(_runs(item) for item in items), small)


def notice(text: Runs) -> Block:
    """Make a paragraph that stands out."""
    return Notice(_runs(text))


def _runs(text: Runs) -> tuple[Run, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


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
    return Code((*(f"{line} \\" for line in shown[:-1]), shown[-1]))


def picture(name: str, svg: str, alt: str, caption: str) -> Block:
    """Make a figure from SVG, with the name of its file and the text that is read aloud in its place."""
    return Picture(name, svg, alt, caption)


def table(
    caption: str, header: Sequence[str], rows: Sequence[Sequence[str]], *,
    notes: Sequence[str] = (), rules: Sequence[int] = (), texts: Sequence[int] = (0,),
    shares: Sequence[float] = (), dense: bool = False,
) -> Block:  # fmt: skip
    """Make a table from its rows.

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
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    widths = shares or [0.0] * len(header)
    columns = [
        Column(name, tuple(own), i in texts, share)
        for i, (name, own, share) in enumerate(zip(header, cells, widths, strict=True))
    ]
    return Table(caption, tuple(columns), tuple(notes), tuple(rules), dense)
