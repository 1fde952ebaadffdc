"""The house: imports only point up the list of folders that the data flows down, names stand once, all is small."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "cxlink"
FLOW = (
    "checks", "stages", "cohort", "groups", "estimation", "survival", "spend", "bayes", "estimands", "sensitivity",
    "metrics", "value", "comparison", "results", "recall", "report", "progress", "runs", "change_runs", "fits",
    "sklearn", "display", "change_display", "anchor_runs", "analysis", "pooling", "verbs", "study", "study_display",
    "notebook", "cli", "__main__",
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
    assert not set(cxlink.__all__) & (places - {"__init__", "sklearn"})  # the module itself is public


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    assert not FORBIDDEN & {path.stem for path in SOURCE.rglob("*.py")}


def test_every_file_says_what_it_is() -> None:
    for path in SOURCE.rglob("*.py"):
        assert ast.get_docstring(_parsed(path)), path


MOST_LINES, MOST_FILES, MOST_CODE, MOST_POSITIONAL = 250, 15, 45, 5
REASONS = {
    "report/references.py": "one list, in the order in which the works are printed",
    "analysis.py": "the one composition of an analysis, a function a part",
    "report/figures/cohort_figures.py": "one function a figure by time or by score, over the same dots and axes",
    "report/format.py": "how every number, limit and group of a report is written, by one rule of decimals",
    "bayes/draws/posterior_averages.py": "one loop over draws in blocks, its weights and its estimands",
    "bayes/draws/posterior_curves.py": "one posterior's curves, of cohorts seen and of a new one",
    "cli/commands.py": "one function a command; what they share stands in other files",
    "cli/flags.py": "data: a line a flag of the spec, and the few functions that read the table",
    "cohort/count/counts.py": "counts, and the one file in which they are kept",
    "cohort/count/rules.py": "the rules of a table as data, one function a kind of column",
    "cohort/count/row_expressions.py": "one expression a key of a cell, all in the engine",
    "cohort/count/spells.py": "spells and person-periods, which are one count laid out twice",
    "cohort/read/columns.py": "one function a kind of cell: numbers, days, yes or no, categories, bands",
    "cohort/spec/cohort_spec.py": "the spec: one property a default, each documented",
    "cohort/spec/spec_sections.py": "one model a section of the spec",
    "cohort/table.py": "one public class and its summary; the docstrings are what users read",
    "comparison/changes.py": "the one loop over outcomes from which every table of a comparison comes",
    "comparison/retention_change.py": "one decomposition, its point and its draws",
    "display.py": "one public class; a method a figure, whose docstrings are what users read",
    "estimands/bayesian/posterior_estimates.py": "one record and the one function that fills it from every posterior",
    "estimands/model_rows/coefficients.py": "one table: the terms of each kind of model, a function a kind",
    "estimands/model_rows/spliced_rows.py": "one model: its rows, and a function a kind of check",
    "estimands/survival_estimands.py": "the table of estimands of retention, one function an entry",
    "estimation/autodiff.py": "one number type: each rule of differentiation stands once",
    "estimation/optimise.py": "one algorithm: Newton's steps inside a box, with its escapes",
    "fits/formulas/model_cells.py": "one count by the variables of a formula, and what each variable becomes",
    "fits/observed_curves.py": "one public class; the docstrings are what users read",
    "fits/posterior_model.py": "one public class; the docstrings are what users read",
    "fits/retention_model.py": "one public class; the docstrings are what users read",
    "fits/spend_model.py": "one public class; the docstrings are what users read",
    "report/document.py": "the kinds of blocks, and a constructor of each",
    "sklearn.py": "five estimators that share what scikit-learn asks of each",
    "survival/families/backtest.py": "one procedure: origins, refits and weights",
    "survival/families/catalogue.py": "data: an entry a family",
    "survival/families/family_layout.py": "one layout of parameters, with the penalties that follow from it",
    "survival/families/fit.py": "one procedure: starts, optimum, penalties and bounds of any family",
    "survival/kaplan_meier.py": "one estimator, its draws and its sparse groups",
    "survival/tails/spliced_tenure.py": "one projection: its curves, their tails and what is read off them",
    "value/margins.py": "one quantity: the margin of those retained, within and beyond follow-up",
    "value/value_rows.py": "the rows of customer lifetime value, a function a kind",
    "verbs.py": "one function a verb; the docstrings are what users read",
}
"""Files of more than 250 lines, and why each is not two."""
FULL_FOLDERS = {
    "cohort/count": "each file is one step from rows to counts",
    "cohort/read": "each file is one kind of table",
    "cohort/starter": "each file is one thing to find out of a table, or one section of the spec it is written into",
    "report/figures": "one file a figure, or a kind of them",
    "estimands": "one file a step from draws to rows: estimands, contrasts, intervals, the table, the headline",
    "report/sections": "one file a section of the report",
    "study": "one file a part of the published study, or of its simulated customers",
    "survival/families": "one file a step of one pipeline: layout, fit, backtest, average, projection",
    "survival/tails": "one file a step of one pipeline: functions of time, breaks, terms, fit, error, draws, readings",
}
"""Folders of more than fifteen files, and why."""


def _place(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def test_a_file_of_more_than_250_lines_has_a_reason() -> None:
    long = {_place(path) for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > MOST_LINES}
    assert long - set(REASONS) == set(), "split it, or say why in REASONS"


def test_a_folder_of_more_than_fifteen_files_has_a_reason() -> None:
    files = Counter(
        _place(path.parent) for path in FILES if path.stem != "__init__" and path.parent != SOURCE
    )
    full = {folder for folder, n in files.items() if n > MOST_FILES}
    assert full <= set(FULL_FOLDERS), "divide it, or say why in FULL_FOLDERS"


def test_reasons_are_of_what_exists() -> None:
    assert {name for name in (*REASONS, *FULL_FOLDERS) if not (SOURCE / name).exists()} == set()


def _too_large(path: Path) -> Iterator[str]:
    """Functions of more than 45 lines of code, without their docstring, or of more than five positional arguments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.FunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            written = {i for one in body for i in range(one.lineno, (one.end_lineno or one.lineno) + 1)}
            code = [i for i in written if lines[i - 1].strip() and not lines[i - 1].strip().startswith("#")]
            by_position = [
                one for one in node.args.posonlyargs + node.args.args if one.arg not in ("self", "cls")
            ]
            if len(code) > MOST_CODE or len(by_position) > MOST_POSITIONAL:
                yield f"{_place(path)}: {node.name}, {len(code)} lines, {len(by_position)} arguments by position"


def test_functions_are_short_and_take_few_arguments_by_position() -> None:
    assert [one for path in FILES for one in _too_large(path)] == []
