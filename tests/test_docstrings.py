"""Docstrings: examples say what the program does, public functions say what they take and give."""

import doctest
import inspect
import re
from collections.abc import Callable, Iterator
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


PAGE = Path(__file__).parents[1] / "docs" / "reference" / "python.md"


def _public() -> Iterator[tuple[str, Callable[..., object]]]:
    """Functions, and methods of classes, that the page on Python names."""
    for name in re.findall(r"~(cxlink[\w.]+)", PAGE.read_text(encoding="utf-8")):
        module, _, own = name.rpartition(".")
        found = getattr(import_module(module), own)
        if not inspect.isclass(found):
            yield own, found
            continue
        yield from (
            (f"{own}.{key}", method)
            for key, method in vars(found).items()
            if inspect.isfunction(method) and not key.startswith("_")
        )


@pytest.mark.parametrize(
    ("name", "function"), list(_public()), ids=lambda each: each if isinstance(each, str) else ""
)
def test_a_public_function_says_what_it_takes_and_gives(name: str, function: Callable[..., object]) -> None:
    text, signature = inspect.getdoc(function) or "", inspect.signature(function)
    named = {
        word.strip("* ") for line in re.findall(r"^([\w*, ]+) : ", text, re.M) for word in line.split(",")
    }
    named |= set(re.findall(r"^\*\*(\w+)$", text, re.M))
    assert set(signature.parameters) - {"self", "ax"} <= named, name
    draws = "Axes" in str(signature.return_annotation)
    assert draws or signature.return_annotation in (None, "None") or "Returns\n-------" in text, name
