"""Whoever reads a report, a table or the terminal reads the language's file: no sentence of theirs stands in code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "cxlink"
ROOMS = ("report", "cli", "study", "metrics", "value", "comparison")
FILES = sorted(path for room in ROOMS for path in (SOURCE / room).rglob("*.py"))

WORDS = re.compile(r"[^\W\d_]{2,}[,;:.’)”]* +[(“]?[^\W\d_]{2,}")
"""Two words in a row."""
CITED = re.compile(r"\((?:18|19|20)\d\d\)(?: and others)?\. |^STROBE statement")
"""Entries of lists of references: author, year, title, journal."""
MARKUP = re.compile(r"<[!a-z/]|^\.cxlink |^ [a-z-]+=\"")
"""HTML and CSS."""
RAISED = ("InputError", "ValueError", "KeyError", "TypeError", "AssertionError")
"""Errors carry their cure in the code; what raises them is a call of one of these."""
EXCEPTIONS = {
    "cli/__init__.py": "the line of an interruption before anything is loaded",
    "cli/arguments.py": "help texts, which --help alone prints",
    "cli/flags.py": "help texts, and refusals of a flag’s value",
    "cli/commands.py": "help texts",
    "cli/terminal.py": "the line of an internal error",
    "study/processes.py": "what a simulated process is; printed in the pages of the proofs, which are no part of it",
    "study/reproduce.py": "a status of the tables in data/published",
    "comparison/changes.py": "parts of refusals",
    "report/sections/value_section.py": "a command to copy",
    "report/figures/drawing.py": "names of a font and of matplotlib’s places",
    "value/intervention.py": "the text of an object that a session prints",
}
PLACES = (
    "offset points",
    "axes fraction",
    "lower right",
    "lower left",
    "upper right",
    "outside lower center",
)
"""Options of matplotlib."""


def _quiet(tree: ast.Module) -> Iterator[ast.AST]:
    """Docstrings, and what is handed to an error."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISED:
            yield from ast.walk(node)


def english(code: str) -> list[str]:
    """Texts of a module that a reader would take for words of a language."""
    tree = ast.parse(code)
    quiet = {id(node) for node in _quiet(tree)}
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in quiet
    ]
    return [
        text
        for text in texts
        if WORDS.search(text) and not CITED.search(text) and not MARKUP.search(text) and text not in PLACES
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_sentence_stands_in_code(path: Path) -> None:
    texts = english(path.read_text(encoding="utf-8"))
    if path.relative_to(SOURCE).as_posix() in EXCEPTIONS:
        assert texts, "no exception is needed any more"
    else:
        assert not texts


def test_every_exception_is_of_a_file() -> None:
    assert set(EXCEPTIONS) <= {path.relative_to(SOURCE).as_posix() for path in FILES}


def test_sentences_are_told_from_keys_references_and_markup() -> None:
    assert english('x = say("metrics.name_nps", unit="month", n=12)') == []
    assert (
        english('"""A docstring of words."""\nraise InputError(f"{name}: no such column. Name another.")')
        == []
    )
    assert english('SOURCE = "Duan, N. (1983). Smearing estimate: a method. Journal."') == []
    assert english('style = \'<p class="notice" role="note">\'') == []
    assert english('text = f"{n} customers were lost"') == [" customers were lost"]
    assert english('NAME = "constant rate of loss"') == ["constant rate of loss"]
