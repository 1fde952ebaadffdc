"""The harness of all proofs: blocks that go on where they stopped, verdicts, pages, the command and its names."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.errors import InputError
from validation import __main__ as command
from validation.judge import Rule, Verdict, judged, mean_interval, monte_carlo_error
from validation.page import Page, markdown_table, rules, shown, write_page
from validation.process import Cell, CellTables, Proof, labelled
from validation.proofs import PROOFS
from validation.replicate import block_table, finished, probe, replicate

ROOT = Path(__file__).parents[2]


def uniform(cohorts: int, rng: np.random.Generator, shift: float = 0.0) -> pd.DataFrame:
    """One row a cohort."""
    return pd.DataFrame({"value": shift + rng.random(cohorts), "held": 1})


def summed(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.DataFrame([pd.concat(tables)[["value", "held"]].sum()])


def cell(process: str, size: int, cohorts: int, tally: Callable[..., pd.DataFrame] = uniform) -> Cell:
    return Cell({"process": process, "customers": size}, (7, size), cohorts, 2, tally, summed)


def proof(*cells: Cell) -> Proof:
    return Proof("tried", "a sentence", lambda: cells, page)


def page(tables: CellTables) -> Page:
    table = labelled(tables)
    return Page(
        "tried", ["# Tried", *shown(table, {"process": "{process}", "held": "{held:.0f}"})], {"tried": table}
    )


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    drawn: list[int] = []

    def watched(cohorts: int, rng: np.random.Generator) -> pd.DataFrame:
        drawn.append(cohorts)
        if len(drawn) == 4:  # the probe, two blocks, and then
            raise KeyboardInterrupt
        return uniform(cohorts, rng)

    told: list[tuple[int, int]] = []
    tried = proof(cell("a", 10, 5, watched), cell("a", 20, 2, watched))
    with pytest.raises(KeyboardInterrupt):
        replicate(tried, tmp_path, 1, lambda *at: told.append(at))
    assert told == [(1, 4), (2, 4)]
    assert finished(tried, tmp_path) == (0, 2, 4, 7)
    found = replicate(tried, tmp_path, 1, lambda *at: told.append(at))
    assert told[2:] == [(3, 4), (4, 4)]
    # probe, two blocks of two, the interrupted last one of one; probe, that again, and the other cell's
    assert drawn == [1, 2, 2, 1, 1, 1, 2]
    assert finished(tried, tmp_path) == (2, 2, 7, 7)
    assert not list((tmp_path / "blocks" / "tried").iterdir())
    assert sorted(p.name for p in (tmp_path / "cells" / "tried").iterdir()) == [
        "a-10.csv",
        "a-20.csv",
        "probe.csv",
    ]
    assert [table["held"].tolist() for _, table in found] == [[5], [2]]
    by_hand = sum(np.random.default_rng([7, 10, n]).random(m).sum() for n, m in enumerate((2, 2, 1)))
    assert found[0][1]["value"].item() == pytest.approx(by_hand, rel=1e-15)
    replicate(tried, tmp_path, 1, lambda *at: told.append(at))
    assert len(told) == 4
    assert drawn[7:] == [1]


def test_numbers_are_read_back_to_the_last_bit(tmp_path: Path) -> None:
    one = Cell({"process": "a"}, (7,), 500, 500, uniform)
    ((_, table),) = replicate(proof(one), tmp_path, 1)
    np.testing.assert_array_equal(table["value"], np.random.default_rng([7, 0]).random(500))


def test_a_cell_whose_last_block_was_there_is_finished(tmp_path: Path) -> None:
    one = cell("a", 10, 2)
    (tmp_path / "blocks" / "tried").mkdir(parents=True)
    block_table(one, 0).to_csv(tmp_path / "blocks" / "tried" / "a-10-000.csv", index=False)
    found = replicate(proof(one), tmp_path, 1)
    assert found[0][1]["held"].item() == 2
    assert finished(proof(one), tmp_path) == (1, 1, 2, 2)


def test_a_short_run_makes_the_first_blocks_and_says_how_many(tmp_path: Path) -> None:
    tried = proof(cell("a", 10, 5), cell("b", 10, 2))
    found = replicate(tried, tmp_path, 1, most=2)
    assert [(one.name, one.cohorts, table["held"].item()) for one, table in found] == [
        ("a-10", 4, 4),
        ("b-10", 2, 2),
    ]
    assert finished(tried, tmp_path) == (1, 2, 6, 7)
    later = replicate(tried, tmp_path, 1)
    assert [(one.cohorts, table["held"].item()) for one, table in later] == [(5, 5), (2, 2)]
    by_hand = sum(np.random.default_rng([7, 10, n]).random(m).sum() for n, m in enumerate((2, 2, 1)))
    assert later[0][1]["value"].item() == pytest.approx(by_hand, rel=1e-15)


def test_files_of_other_code_are_refused(tmp_path: Path) -> None:
    replicate(proof(cell("a", 10, 2)), tmp_path, 1)
    replicate(proof(cell("a", 10, 2, partial(uniform, shift=1e-13))), tmp_path, 1)  # another processor
    other = proof(cell("a", 10, 2, partial(uniform, shift=1e-8)))
    with pytest.raises(
        InputError, match=r"tried and .*tried: made by other code than this\. Remove both, and run `make"
    ):
        replicate(other, tmp_path, 1)


def test_two_processors_find_what_one_finds(tmp_path: Path) -> None:
    cells = (cell("a", 10, 6), cell("b", 10, 4))
    alone = replicate(proof(*cells), tmp_path / "one", 1)
    both = replicate(proof(*cells), tmp_path / "two", 2)
    pd.testing.assert_frame_equal(labelled(alone), labelled(both), check_exact=True)


def test_one_cohort_of_each_process_is_probed() -> None:
    cells = [cell("a", 10, 5), cell("a", 20, 5), cell("b", 30, 5)]
    expected = [np.random.default_rng([7, size, 0]).random() for size in (10, 30)]
    assert probe(cells)["value"].tolist() == expected


def test_blocks_differ_and_a_block_is_the_same_again() -> None:
    one = cell("a", 10, 4)
    assert block_table(one, 0).equals(block_table(one, 0))
    assert not block_table(one, 0).equals(block_table(one, 1))


def test_verdicts_by_hand() -> None:
    table = pd.DataFrame({"process": ["a", "a", "b"], "n": [1, 2, 3], "coverage": [0.90, 0.98, 0.95]})
    asked = (
        Rule("each", 0.93, 0.97, "n > 0"),
        Rule("averages", 0.93, 0.97, "n > 0", over=("process",)),
        Rule("at the limits", 0.90, 0.98, "n < 3"),
        Rule("nobody", 0.0, 1.0, "n > 3"),
    )
    found = judged(table, asked).set_index("rule")
    assert found["held"].tolist() == [False, True, True, False]
    assert found["values"].tolist() == [3, 2, 2, 0]
    np.testing.assert_allclose(found.loc["averages", ["lowest", "highest"]].to_numpy(float), [0.94, 0.95])


def test_errors_by_hand() -> None:
    assert monte_carlo_error(0.8, 400) == pytest.approx(0.02, rel=1e-12)
    # 1, 2, 3: mean 2, standard error 1/√3
    low, high = mean_interval(np.array([1.0, 2.0, 3.0]))
    assert [low, high] == pytest.approx([2 - 1.959964 / 3**0.5, 2 + 1.959964 / 3**0.5], rel=1e-12)


def test_a_page_by_hand(tmp_path: Path) -> None:
    assert list(markdown_table(["a", ""], [[1, "x"], [2, ""]])) == [
        "| a | |",
        "|---|---|",
        "| 1 | x |",
        "| 2 | |",
    ]
    lines = list(rules([Verdict("it is so", "90 %", False), Verdict("and so", "95 %", True)]))
    assert lines[-2:] == ["| it is so | 90 % | **not held** |", "| and so | 95 % | held |"]
    table = pd.DataFrame({"coverage": [0.12345678901234], "held": [True]})
    write_page(Page("said", ["# Said"], {"numbers": table}), tmp_path / "out")
    assert (tmp_path / "out" / "said.md").read_text(encoding="utf-8") == "# Said\n"
    assert (tmp_path / "out" / "numbers.csv").read_text(
        encoding="utf-8"
    ) == "coverage,held\n0.123456789,true\n"


def test_the_command_makes_lists_and_refuses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PROOFS", {"tried": proof(cell("a", 10, 2), cell("a", 20, 2))})
    there = ["--out", str(tmp_path)]
    command.main([*there, "--list"])
    command.main([*there, "--workers", "1", "tried"])
    command.main([*there, "--list"])
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "tried        0 of 2 cells, 0 of 4 cohorts: a sentence", "tried: 2 of 2 blocks",
        "tried        2 of 2 cells, 4 of 4 cohorts: a sentence",
    ]  # fmt: skip
    assert "| a | 2 |" in (tmp_path / "tried.md").read_text(encoding="utf-8")
    (tmp_path / "cells" / "tried" / "probe.csv").write_text("other", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"^cxlink: .*made by other code"):
        command.main([*there, "--workers", "1"])
    with pytest.raises(SystemExit):
        command.main(["other"])
    assert "no proof is named other; there are tried" in capsys.readouterr().err


@pytest.mark.parametrize("name", PROOFS)
def test_every_cell_of_a_proof_has_a_file_and_seeds_of_its_own(name: str) -> None:
    cells = PROOFS[name].cells()
    assert PROOFS[name].name == name
    assert len({one.name for one in cells}) == len(cells)
    assert len({one.seed for one in cells}) == len(cells)
    assert all(one.cohorts % one.block == 0 for one in cells)


def test_no_file_and_no_class_has_a_name_of_the_package_s() -> None:
    mine, theirs = (sorted((ROOT / place).rglob("*.py")) for place in ("validation", "src/cxlink"))

    def names(files: list[Path]) -> set[str]:
        texts = (path.read_text(encoding="utf-8") for path in files)
        return {name for text in texts for name in re.findall(r"^class (\w+)", text, re.MULTILINE)} | {
            path.stem for path in files if not path.stem.startswith("__")
        }

    assert len(mine) > 10
    assert names(mine) & names(theirs) == set()


def test_neither_the_package_nor_a_notebook_needs_the_proofs() -> None:
    texts = [
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "notebooks").glob("*.ipynb"),
        *(ROOT / "benchmarks").glob("*.py"),
    ]
    needs = re.compile(r"(from|import) validation\b")
    assert len(texts) > 100
    assert not [path.name for path in texts if needs.search(path.read_text(encoding="utf-8"))]
