"""Imports only point up the list of folders that the data flows down."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "cxlink"
FLOW = (
    "cohort", "models", "estimates", "report", "results", "analysis", "check", "runs", "earlier", "compare",
    "programme", "study", "notebook", "flags", "terminal", "cli",
)  # fmt: skip
FORBIDDEN = {"utils", "base", "helpers", "config", "common", "misc", "registry"}


def _part(module: str) -> str:
    pieces = module.split(".")
    return pieces[1] if len(pieces) > 1 else ""


def _imports_at_import_time(tree: ast.AST) -> list[str]:
    """Modules that a file imports when it is itself imported: not those inside functions."""
    found: list[str] = []
    stack = list(ast.iter_child_nodes(tree))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom) and node.module:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        stack += list(ast.iter_child_nodes(node))
    return found


FILES = sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem != "__init__")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_up_the_flow(path: Path) -> None:
    mine = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert mine in FLOW, f"{mine} has no place in the flow"
    for module in _imports_at_import_time(ast.parse(path.read_text(encoding="utf-8"))):
        part = _part(module)
        if module.startswith("cxlink.") and part in FLOW:
            assert FLOW.index(part) <= FLOW.index(mine), f"{mine} imports {part}, which is below it"


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    assert not FORBIDDEN & {path.stem for path in SOURCE.rglob("*.py")}


def test_every_file_says_what_it_is() -> None:
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), path
