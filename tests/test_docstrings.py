"""Examples in docstrings say what the program does."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import cxlink

SOURCE = Path(cxlink.__file__).parent
WITH_EXAMPLES = [path for path in sorted(SOURCE.rglob("*.py")) if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: path.stem)
def test_examples_of_a_module(path: Path) -> None:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    found = doctest.testmod(import_module(".".join(parts)))
    assert found.attempted > 0
    assert found.failed == 0
