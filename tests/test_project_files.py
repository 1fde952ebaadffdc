"""The lock, the conda file and the Makefile say the same as pyproject."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import cxlink

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


ENGINES = (ROOT / "requirements-engines.lock").read_text(encoding="utf-8")


def _pins(lock: str) -> dict[str, list[tuple[Requirement, str]]]:
    pins: dict[str, list[tuple[Requirement, str]]] = {}
    for block in re.split(r"\n(?=\S)", lock.strip()):
        first = block.splitlines()[0].rstrip(" \\")
        requirement = Requirement(first)
        pins.setdefault(canonicalize_name(requirement.name), []).append((requirement, block))
    return pins


PINS = _pins(LOCK)


@pytest.mark.parametrize(
    "text",
    [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]],
    ids=lambda text: re.split(r"[\[<>=]", text)[0],
)
def test_every_dependency_is_pinned_in_the_lock_within_its_range(text: str) -> None:
    wanted = Requirement(text)
    found = PINS[canonicalize_name(wanted.name)]
    for pin, block in found:
        (specifier,) = pin.specifier
        assert specifier.operator == "=="
        assert wanted.specifier.contains(specifier.version)
        assert "--hash=sha256:" in block


def test_every_pin_of_the_lock_has_a_version_and_hashes() -> None:
    assert len(PINS) > 50
    for pins in PINS.values():
        for pin, block in pins:
            assert str(pin.specifier).startswith("==")
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", block)


@pytest.mark.parametrize("lock", [LOCK, ENGINES], ids=["requirements", "engines"])
def test_the_lock_names_no_address(lock: str) -> None:
    assert not re.search(r"https?:|file:|--(extra-)?index|--find-links|@ ", lock)


def test_the_lock_of_engines_is_that_of_the_package_and_drivers() -> None:
    pins = _pins(ENGINES)
    assert {name: pins[name] for name in PINS} == PINS
    of_spark = {"pyspark", "py4j", "googleapis-common-protos", "grpcio", "grpcio-status", "protobuf"}
    assert set(pins) - set(PINS) == {"psycopg", "psycopg-binary"} | of_spark
    for text in (*PROJECT["optional-dependencies"]["postgres"], *PROJECT["optional-dependencies"]["spark"]):
        wanted = Requirement(text)
        for pin, block in pins[canonicalize_name(wanted.name)]:
            assert wanted.specifier.contains(str(pin.specifier).removeprefix("=="))
            assert "--hash=sha256:" in block


def test_the_conda_file_installs_the_lock_on_a_python_in_range() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["dependencies"] == ["python=3.13", "pip", {"pip": ["-r requirements.lock"]}]
    python = environment["dependencies"][0].split("=")[1]
    least = re.fullmatch(r">=(\d+)\.(\d+)", PROJECT["requires-python"])
    assert least is not None
    assert tuple(map(int, python.split("."))) >= (int(least[1]), int(least[2]))
    assert (ROOT / ".python-version").read_text(encoding="utf-8").strip() == python


def test_without_a_python_the_set_up_says_which_it_tried(tmp_path: Path) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "make", "grep", "sed", "awk", "touch"):
        (tools / tool).symlink_to(
            subprocess.run(["which", tool], capture_output=True, text=True, check=True).stdout.strip()
        )
    done = subprocess.run(
        [str(tools / "make"), "test"],
        cwd=tmp_path,
        env={"PATH": str(tools)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "cxlink needs Python 3.12 or later" in done.stderr
    assert "python3.13, python3.12, python3.14, python3" in done.stderr


def test_every_make_target_of_the_readme_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`?make ([a-z]+)`?", (ROOT / "README.md").read_text(encoding="utf-8"))):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


IMPORT_NAMES = {
    "arviz-stats": "arviz_stats", "babel": "babel", "ibis-framework": "ibis", "scikit-learn": "sklearn",
    "typst": "typst",
}  # fmt: skip
NOT_IMPORTED = {
    "duckdb": "the engine that ibis counts with, pinned below 1.5, which warns at every schema",
    "h5netcdf": "xarray writes and reads posterior.nc through it",
    "h5py": "h5netcdf writes with it",
    "ipywidgets": "rich and nutpie show progress in a notebook with it",
    "jupyterlab": "papermill runs the notebook of a new cohort in its kernel, and a researcher opens it there",
    "sqlglot": "pinned below 30.18, which breaks tables made by ibis 12",
}


def _imported() -> set[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "src").rglob("*.py")]
    found: set[str] = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"cxlink"}


@pytest.mark.long
def test_what_is_imported_is_declared_and_what_is_declared_is_imported() -> None:
    names = [canonicalize_name(Requirement(text).name) for text in PROJECT["dependencies"]]
    declared = {name: IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names}
    imported = _imported()
    optional = PROJECT["optional-dependencies"]
    extras = {Requirement(text).name for text in (*optional["spss"], *optional["spark"])}
    assert imported <= {*declared.values(), *extras}
    assert {name for name, module in declared.items() if module not in imported} == set(NOT_IMPORTED)


CONDA_NAMES = {
    "ibis-duckdb": "ibis-framework",
    "python-duckdb": "duckdb",
    "matplotlib-base": "matplotlib",
    "typst-py": "typst",
}


def test_version_and_requirements_of_the_conda_recipe_and_the_citation_are_the_projects() -> None:
    recipe = yaml.safe_load((ROOT / "conda/recipe.yaml").read_text(encoding="utf-8"))
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert recipe["context"]["version"] == citation["version"] == PROJECT["version"] == cxlink.__version__
    python, *run = recipe["requirements"]["run"]
    assert python == f"python {PROJECT['requires-python']}"
    listed = {
        CONDA_NAMES.get(name, name): limits for name, _, limits in (line.partition(" ") for line in run)
    }
    wanted = {
        one.name: ",".join(sorted(map(str, one.specifier)))
        for one in map(Requirement, PROJECT["dependencies"])
    }
    assert {name: ",".join(sorted(limits.split(","))) for name, limits in listed.items()} == wanted
