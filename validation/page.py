"""The page of a proof: Markdown with its verdicts and tables, the tables as CSV, and a figure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from cxlink import __version__
from cxlink.estimands.csv_tables import csv_text
from cxlink.report.figures.drawing import svg
from validation.judge import Verdict, monte_carlo_error


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """What a proof says.

    Attributes
    ----------
    name : str
        Of the Markdown file, without its ending.
    lines : sequence of str
        Of Markdown.
    tables : mapping of str to DataFrame
        Each becomes a CSV file of its name.
    figures : mapping of str to Axes
        Each becomes an SVG file of its name.
    """

    name: str
    lines: Sequence[str]
    tables: Mapping[str, pd.DataFrame]
    figures: Mapping[str, Axes] = field(default_factory=dict)


def write_page(page: Page, folder: Path) -> None:
    """Write the files of a page."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in page.tables.items():
        (folder / f"{name}.csv").write_text(csv_text(table), encoding="utf-8", newline="")
    for name, axes in page.figures.items():
        (folder / f"{name}.svg").write_text(svg(axes), encoding="utf-8")
    (folder / f"{page.name}.md").write_text("\n".join(page.lines) + "\n", encoding="utf-8")


def made_by() -> str:
    """Which command and version made a page, and when."""
    return f"Made by `make coverage` with cxlink {__version__}, {datetime.now(UTC):%Y-%m-%d}"


def short_run(made: int, planned: int) -> str:
    """Say how little a run of fewer cohorts or laws than planned tells; nothing of a whole one."""
    if made >= planned:
        return ""
    error = monte_carlo_error(0.95, made)
    return (
        f" **A short run: {made} of the {planned} that are planned. The Monte Carlo error of a share of 95 % is "
        f"{error:.1%} with so few, so that a verdict near its limit may well be another after the whole run.**"
    )


def markdown_table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Lines of a Markdown table."""
    head = list(columns)
    yield _line(head)
    yield "|" + "---|" * len(head)
    for row in rows:
        yield _line(row)


def shown(table: pd.DataFrame, columns: Mapping[str, str]) -> Iterator[str]:
    """Lines of a Markdown table of a table's rows; columns are formats by heading, such as ``{coverage:.1%}``."""
    records = table.to_dict("records")
    yield from markdown_table(
        columns, ([text.format_map(row) for text in columns.values()] for row in records)
    )


def _line(cells: Iterable[object]) -> str:
    return "|" + "".join(f" {cell} |" if str(cell) else " |" for cell in cells)


def rules(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """Lines of the rules and what was found."""
    yield "\n## The rules\n"
    yield from markdown_table(
        ("rule", "found", "verdict"), ((v.rule, v.found, held(v.held)) for v in verdicts)
    )


def held(yes: bool) -> str:
    """Say whether a rule is held; what is not stands out."""
    return "held" if yes else "**not held**"
