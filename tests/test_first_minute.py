"""The first minute at a terminal: help, what is missing, what was mistyped, and the main results as a table."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import made_up
import numpy as np
import pytest

import cxlink
from cxlink.cli.commands import run
from cxlink.cli.flags import FLAGS, PANELS
from cxlink.cli.headline_table import headline_lines
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.report.content import gather

SCORE = {"column": "score", "scale": "1-10"}


def _said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = run(arguments)
    said = capsys.readouterr()
    return status, said.out, said.err


def test_the_bare_command_prints_help_with_a_first_step(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = _said([], capsys)
    assert (status, err) == (0, "")
    for words in ("init", "check", "fit", "--version", "cxlink init customers.csv --out spec.toml"):
        assert words in " ".join(out.split())


def test_help_of_fit_groups_its_options_and_ends_in_an_example(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    status, out, _ = _said(["fit", "--help"], capsys)
    assert status == 0
    for section, title in PANELS.items():
        assert f"{title} [{section}]" in out
    assert "Example: cxlink fit customers.csv --spec spec.toml" in out
    assert "(reports/NAME)" in out


def test_every_flag_has_a_group() -> None:
    assert {section for _, section, *_ in FLAGS} == set(PANELS)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (["fit", "absent.csv"], "absent.csv: no such file."),
        (["check", "absent.csv"], "absent.csv: no such file."),
        (["fit", "absent.csv", "--spec", "absent.toml"], "absent.csv: no such file."),
    ],
)
def test_a_missing_table_is_said_before_a_missing_spec(
    command: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert _said(command, capsys) == (2, "", f"cxlink: {line}\n")


@pytest.mark.parametrize("command", ["fit", "check"])
def test_a_table_without_a_spec_is_told_how_to_get_one(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [f"{1 + i % 10},{1 + i % 7},{i % 2}\n" for i in range(40)]
    Path("churn.csv").write_text("csat_score,tenure_months,churned\n" + "".join(rows))
    status, out, err = _said([command, "churn.csv"], capsys)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "`cxlink init churn.csv --out churn.toml`" in err
    assert "--spec churn.toml" in err
    # the way leads somewhere
    assert run(["init", "churn.csv", "--out", "churn.toml"]) == 0
    assert run(["check", "churn.csv", "--spec", "churn.toml"]) == 0


def test_the_way_to_a_spec_prints_no_address(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = _said(["fit", "postgres://u:SECRET@host/db::sales.customers"], capsys)
    assert (status, out) == (2, "")
    assert "cxlink init TABLE" in err
    assert "SECRET" not in err


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        ({"scoore": SCORE}, "[scoore] is not a section of the spec: did you mean [score]?"),
        ({"score": SCORE, "subscription": {"evnt": "x"}}, "did you mean event?"),
        ({"score": SCORE | {"Column": "x"}}, "did you mean column?"),
        ({"score": SCORE | {"duration": "x"}}, "duration stands under [subscription]"),
        ({"score": SCORE, "scale": "1-10"}, "scale stands above the first [section]: it belongs under [score]"),
        ({"score": SCORE, "zzz": 1}, "zzz stands above the first [section]: it belongs under a [section]"),
        ({"score": SCORE, "metrics": {"nps": {"promoter": "9-10"}}}, "did you mean promoters?"),
        ({"score": SCORE, "weather": {}}, "Known here: [adjust], [analysis], [cohort]"),
        ({"score": SCORE, "spend": {"xyzzy": 1}}, "Known here: column, complete, currency"),
        ({}, "[score] is missing"),
    ],
)  # fmt: skip
def test_an_unknown_name_gets_a_suggestion(tables: dict[str, object], words: str) -> None:
    with pytest.raises(InputError) as refused:
        make_spec(tables)
    assert words in str(refused.value)
    assert str(refused.value).count("missing") == (words == "[score] is missing")


def test_an_unknown_command_gets_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    assert _said(["fti"], capsys)[2] == "cxlink: No such command 'fti'. Did you mean 'fit'?\n"


def test_the_shell_completes_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_CXLINK_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "cxlink c")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit) as left:
        run([])
    assert left.value.code == 0
    assert capsys.readouterr().out.split() == ["check", "compare"]


def test_results_stand_in_aligned_columns_in_per_cent() -> None:
    lines = headline_lines(gather(made_up.results()))
    assert [line for line in lines if line and line[0] != " "] == [
        "Retention after 12 months",
        "Mean spend in 12 months",
        "Restricted mean tenure (RMST) to 24 months",
    ]
    rows = [line for line in lines if line.startswith(("  scores", "  score "))]
    assert len({line.index("]") for line in rows}) == 1
    assert len({len(line) for line in rows}) == 1
    assert all("%" in line for line in lines[2:4])
    assert max(map(len, lines)) <= 80


def test_a_group_without_losses_has_the_one_limit_of_page_one() -> None:
    results = made_up.results()
    rows = results.estimates.copy()
    mine = (rows["estimand"] == "retention") & rows["headline"] & (rows["group"] == "best")
    rows.loc[mine, ["n_events", "estimate", "conf_low", "conf_high"]] = 0, 0.99999, 0.997, 1.0
    ratio = (rows["estimand"] == "spend_ratio") & rows["headline"]
    rows.loc[ratio, ["conf_low", "conf_high"]] = 1.64, np.inf
    lines = headline_lines(gather(replace(results, estimates=rows)))
    best = next(line for line in lines if line.startswith("  scores 9–10"))
    assert best.split("  ", 2)[2].split() == [
        "none",
        "of",
        "9",
        "300",
        "lost",
        "at",
        "least",
        "99.7",
        "%",
        "9",
        "300",
    ]
    assert sum("∞" in line or "100.0" in line for line in lines) == 0
    assert any("at least 1.6" in line for line in lines)


def test_a_suppressed_headline_has_no_row() -> None:
    results = made_up.results()
    blank = results.estimates.copy()
    blank.loc[blank["group"] == "worst", ["estimate", "std_error", "conf_low", "conf_high"]] = np.nan
    lines = headline_lines(gather(replace(results, estimates=blank)))
    assert not any(line.startswith("  score 1 ") for line in lines)
    assert any(line.startswith("  scores 9–10") for line in lines)
    nothing = blank.assign(estimate=np.nan)
    assert headline_lines(gather(replace(results, estimates=nothing))) == []


def test_the_module_is_the_command(tmp_path: Path) -> None:
    def typed(*words: str) -> tuple[int, str, str]:
        ran = subprocess.run(
            [sys.executable, "-m", "cxlink", *words], capture_output=True, text=True, cwd=tmp_path
        )
        return ran.returncode, ran.stdout, ran.stderr

    assert typed("--version") == (0, f"cxlink {cxlink.__version__}\n", "")
    assert typed("check", "absent.csv") == (2, "", "cxlink: absent.csv: no such file.\n")
