"""What stands in `cxlink` is what is public: the names that it lists, that its reference describes, the course uses."""

import ast
import json
import re
from importlib import import_module
from pathlib import Path

import pytest

import cxlink

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference" / "python.md"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FIELD = {"formulaic", "lifelines", "pymc", "sklearn", "statsmodels"}
"""Libraries that researchers know: each is met in the course."""


def test_a_listing_of_the_package_is_its_public_names_whatever_was_imported() -> None:
    import_module("cxlink.fits.hazard_model")
    import_module("cxlink.report.words")
    assert dir(cxlink) == sorted(cxlink.__all__)
    assert len(set(cxlink.__all__)) == len(cxlink.__all__)


def test_every_public_name_is_there_and_the_reference_has_no_other() -> None:
    described = set(re.findall(r"~cxlink\.(\w+)$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE))
    assert described == set(cxlink.__all__) - {"__version__", "sklearn"}
    for name in cxlink.__all__:
        assert getattr(cxlink, name) is not None
    assert cxlink.sklearn.SpendRegressor().family == "poisson"


def _cells(path: Path) -> list[ast.Module]:
    """The code cells of a notebook, without its magic lines."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    return [ast.parse(re.sub(r"^%.*$", "", one, flags=re.MULTILINE)) for one in code]


def _imported(cells: list[ast.Module]) -> set[str]:
    nodes = [node for cell in cells for node in ast.walk(cell)]
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_uses_public_names_defines_nothing_and_ends_in_what_it_claims(path: Path) -> None:
    cells = _cells(path)
    assert not [name for name in _imported(cells) if name.startswith("cxlink.")]
    nodes = [node for cell in cells for node in ast.walk(cell)]
    assert not [node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)]
    used = {
        node.attr
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "cxlink"
    }
    assert used <= set(cxlink.__all__)
    assert isinstance(cells[-1].body[-1], ast.Assert)
    words = path.read_text(encoding="utf-8")
    assert "## Exercises" in words


def test_the_course_is_in_order_and_meets_the_libraries_of_the_field() -> None:
    assert [path.stem[:2] for path in NOTEBOOKS] == [f"{k:02d}" for k in range(1, len(NOTEBOOKS) + 1)]
    roots = {name.partition(".")[0] for path in NOTEBOOKS for name in _imported(_cells(path))}
    assert roots >= FIELD
    listed = re.findall(
        r"^course/(\w+)$", (ROOT / "docs/course.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert listed == [path.stem for path in NOTEBOOKS]


@pytest.mark.long
def test_what_changed_and_what_it_is_worth_draw_themselves() -> None:
    made = cxlink.simulate("subscription", 3_000, seed=3)
    tables = {**made.spec, "analysis": {"draws": 100}, "value": {"margin": 0.3}}
    half = made.table["customer_id"] % 2 == 0
    base, new = (
        cxlink.read_cohort(rows, cxlink.make_spec({**tables, "cohort": {"name": name}})).count()
        for name, rows in (("one", made.table[half]), ("two", made.table[~half]))
    )
    found = cxlink.compare([base, new])
    for draw in (found.parts_of_change, found.effect_by_score, found.prediction_errors):
        retained, spent = draw(), draw(estimand="spend", cohort="two")
        assert "points" in retained.get_xlabel() + retained.get_ylabel()
        assert "EUR" in spent.get_xlabel() + spent.get_ylabel()
        assert draw(ax=retained) is retained
    with pytest.raises(cxlink.InputError, match="spend of three was not compared"):
        found.parts_of_change(estimand="spend", cohort="three")
    priced = cxlink.value_of(base, move="1-6:7-8", cost=500)
    assert "EUR" in priced.break_even().get_ylabel()
    assert cxlink.profile(cxlink.read_cohort(made.table, cxlink.make_spec(tables))).startswith(
        "table: 3 000 rows read"
    )
