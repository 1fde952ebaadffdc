"""What the README and the guides tell a reader to type is typed here: as it stands, in order, in an empty folder."""

import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
import typer.main

from cxlink.cli.commands import app, run
from cxlink.cli.flags import sections
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.study.simulate import simulate

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/guides/each-quarter.md", "docs/reference/spec.md")
REPORTS = {
    "README.md": {"customers", "simulated", "from-python"},
    "docs/guides/each-quarter.md": {"simulated", "new", "compare", "pooled", "anchored"},
    "docs/reference/spec.md": set(),
}
"""Run folders that a page makes."""


def blocks(language: str, *pages: str) -> list[str]:
    text = "\n".join((ROOT / page).read_text(encoding="utf-8") for page in pages or PAGES)
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.S | re.M)
    return found


def commands(*pages: str) -> list[list[str]]:
    """Words of each cxlink command, comments left out."""
    lines = [
        line.partition("  #")[0].strip() for block in blocks("sh", *pages) for line in block.splitlines()
    ]
    return [shlex.split(line)[1:] for line in lines if line.startswith("cxlink ")]


def test_every_line_to_type_is_ours_or_a_target_of_make() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.strip()]
    assert len(lines) > 10
    assert all(re.match(r"(cxlink|make [a-z]+|conda|pip) ?", line) for line in lines), lines


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_the_options_that_it_is_given(words: list[str]) -> None:
    name, *rest = words
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    given = command.make_context(name, rest, ignore_unknown_options=False).params
    assert sections(given) is not None


def test_the_spec_that_it_shows_is_one() -> None:
    import tomllib

    (shown,) = blocks("toml")
    spec = make_spec(tomllib.loads(shown))
    assert spec.score.column == "csat_score"
    # what stands behind a comment is a key too
    optional = re.sub(r"^# (\[?[a-z_]+\]?)( |$)", r"\1\2", shown.partition("# [control]")[2], flags=re.M)
    more = tomllib.loads("[control]\n" + optional)
    make_spec({**tomllib.loads(shown), **more})


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_every_command_and_every_block_of_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], page: str
) -> None:
    monkeypatch.chdir(tmp_path)
    simulate("subscription", 5_000, seed=3).table.to_csv("customers.csv", index=False)
    for words in commands(page):
        assert run(words) == 0, (words, capsys.readouterr().err)
    names: dict[str, object] = {}  # a later block goes on where an earlier one stopped
    for code in blocks("python", page):
        exec(compile(code, page, "exec"), names)  # a reader's own words
    made = {path.parent.name for path in tmp_path.glob("reports/*/report.pdf")}
    assert REPORTS[page] <= made
    if "compare" in made:
        assert len(pd.read_csv(tmp_path / "reports/compare/changes.csv")) > 0


def test_every_link_leads_to_a_file() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_is_what_a_newcomer_reads() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150
