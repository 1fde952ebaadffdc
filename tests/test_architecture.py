"""The house: imports only point up the list of folders that the data flows down, and each name stands once."""

import ast
from collections import Counter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "cxlink"
FLOW = (
    "checks", "stages", "cohort", "groups", "estimation", "survival", "spend", "bayes", "estimands", "sensitivity",
    "metrics", "value", "comparison", "results", "report", "runs", "change_runs", "fits", "sklearn", "display",
    "analysis", "pooling", "verbs", "study", "notebook", "cli",
)  # fmt: skip
FORBIDDEN = {"utils", "base", "helpers", "config", "common", "misc", "registry"}
FILES = sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem != "__init__")


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(tree: ast.AST) -> list[str]:
    """Every module that a file imports, those inside functions and for the types alone included."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            assert node.module is not None, "relative imports hide where a name comes from"
            assert not node.level, "relative imports hide where a name comes from"
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_up_the_flow(path: Path) -> None:
    mine = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert mine in FLOW, f"{mine} has no place in the flow"
    for module in _imports(_parsed(path)):
        assert not module.startswith(("validation", "benchmarks", "tests")), f"{mine} imports {module}"
        root, _, rest = module.partition(".")
        part = rest.partition(".")[0]
        if root == "cxlink" and part and part != "__version__":
            assert part in FLOW, f"{mine} imports {module}, which has no place in the flow"
            assert FLOW.index(part) <= FLOW.index(mine), f"{mine} imports {part}, which is below it"


def _twice(names: list[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def test_no_file_and_no_folder_has_the_name_of_another() -> None:
    # the noun of a folder may stand in a file of its name
    files = [p.stem for p in SOURCE.rglob("*.py") if p.stem not in ("__init__", p.parent.name)]
    folders = [path.parent.name for path in SOURCE.rglob("__init__.py") if path.parent != SOURCE]
    assert not _twice(files + folders)


def test_no_class_has_the_name_of_another() -> None:
    trees = [_parsed(path) for path in FILES]
    classes = [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert not _twice([name for name in classes if not name.startswith("_")])


def test_no_public_function_has_the_name_of_a_folder_or_a_module() -> None:
    import cxlink

    places = {path.parent.name for path in SOURCE.rglob("__init__.py")} | {
        p.stem for p in SOURCE.glob("*.py")
    }
    assert not set(cxlink.__all__) & (places - {"__init__"})


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    assert not FORBIDDEN & {path.stem for path in SOURCE.rglob("*.py")}


def test_every_file_says_what_it_is() -> None:
    for path in SOURCE.rglob("*.py"):
        assert ast.get_docstring(_parsed(path)), path
