"""The lock, the conda file and the Makefile say the same as pyproject."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def _pins() -> dict[str, list[tuple[Requirement, str]]]:
    pins: dict[str, list[tuple[Requirement, str]]] = {}
    for block in re.split(r"\n(?=\S)", LOCK.strip()):
        first = block.splitlines()[0].rstrip(" \\")
        requirement = Requirement(first)
        pins.setdefault(canonicalize_name(requirement.name), []).append((requirement, block))
    return pins


PINS = _pins()


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


def test_the_lock_names_no_address() -> None:
    assert not re.search(r"https?:|file:|--(extra-)?index|--find-links|@ ", LOCK)


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
