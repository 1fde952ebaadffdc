"""A whole run of clustered customers: the same estimates, wider intervals, what page one says, and what is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clustered import account_counts, account_rows

from cxlink import analyse, load_counts, value_of
from cxlink.cli.commands import run

pytestmark = pytest.mark.long

FLAGS = [
    "--score", "score", "--scale", "1-5", "--duration", "months", "--event", "left", "--spend", "spend", "--complete",
    "true", "--adjust", "plan", "--horizon", "6", "--tenure-horizons", "6", "--draws", "200", "--quick", "--quiet",
]  # fmt: skip
KEY = [
    "estimand",
    "model",
    "group",
    "reference",
    "horizon",
    "adjusted",
    "stratum",
    "cause",
    "given",
    "scenario",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("runs")
    account_rows().to_csv(where / "rows.csv", index=False)
    for name, more in (
        ("with", ["--cluster", "account"]),
        ("without", []),
        ("small", ["--cluster", "account", "--smallest-cell", "5"]),
    ):
        made = [
            "fit",
            str(where / "rows.csv"),
            *FLAGS,
            *more,
            "--formats",
            "html",
            "--out",
            str(where / name),
        ]
        assert run(made) == 0
    return where


def _estimates(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "estimates.csv", keep_default_na=False, na_values=[""]).fillna(
        dict.fromkeys(KEY, "")
    )


def test_estimates_are_those_without_clusters_and_their_errors_are_larger(folder: Path) -> None:
    one, other = (_estimates(folder / name) for name in ("with", "without"))
    # simultaneous intervals and informative censoring are of independent customers alone
    independent = other["scenario"].fillna("").str.startswith(("simultaneous", "censor"))
    assert independent.any()
    other = other[~independent].reset_index(drop=True)
    assert one[KEY].equals(other[KEY])
    assert one["estimate"].equals(other["estimate"])
    head = one["headline"].astype(bool) & (one["estimand"] != "e_value")
    assert (one["std_error"][head] > 1.1 * other["std_error"][head]).all()
    assert (
        (one["conf_high"] - one["conf_low"])[head] > 1.1 * (other["conf_high"] - other["conf_low"])[head]
    ).all()


def test_the_report_and_the_checks_say_for_how_many_accounts(folder: Path) -> None:
    text = (folder / "with" / "report.html").read_text(encoding="utf-8")
    assert "Intervals account for 200 clusters" in text
    checks = pd.read_csv(folder / "with" / "diagnostics.csv")
    assert set(checks.loc[checks["code"] == "design_effect", "facts"].str.contains('"icc": 0.')) == {True}
    assert "clusters" not in (folder / "without" / "report.html").read_text(encoding="utf-8").lower().replace(
        "cluster of", ""
    )


def test_counts_keep_buckets_unless_they_are_suppressed(folder: Path) -> None:
    columns = {
        name: load_counts(folder / name / "counts.parquet").cells.columns
        for name in ("with", "without", "small")
    }
    assert {name: "bucket" in found for name, found in columns.items()} == {
        "with": True, "without": False, "small": False,
    }  # fmt: skip


def test_suppressed_counts_analysed_again_have_no_interval(folder: Path) -> None:
    again = analyse(load_counts(folder / "small" / "counts.parquet")).estimates
    assert again["conf_low"].isna().all()
    assert again["estimate"].notna().any()


def test_an_account_with_half_of_the_customers_is_refused_in_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["fit", f"{folder}/rows.csv", *FLAGS, "--cluster", "plan", "--out", f"{folder}/p"]) == 2
    said = capsys.readouterr().err.strip()
    assert "one plan has" in said
    assert "\n" not in said


def test_an_intervention_has_the_interval_of_its_buckets() -> None:
    one, other = (
        value_of(account_counts(name), move="1-2:5", margin=0.3).estimates for name in ("account", None)
    )
    wide, narrow = (table[table["estimand"] == "value_difference"].iloc[0] for table in (one, other))
    assert wide["estimate"] == pytest.approx(narrow["estimate"], rel=1e-9)
    assert wide["std_error"] > 1.1 * narrow["std_error"]
    assert not np.isnan(wide["conf_low"])


@pytest.mark.parametrize("base", ["with", "without"])
def test_runs_are_compared_over_buckets_and_mixed_ones_are_said(
    folder: Path, base: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (folder / "with2").exists():
        account_rows(seed=5).to_csv(folder / "other.csv", index=False)
    made = [
        "fit",
        str(folder / "other.csv"),
        *FLAGS,
        "--cluster",
        "account",
        "--name",
        "other",
        "--overwrite",
    ]
    done = (folder / "with2").exists()
    assert done or run([*made, "--formats", "html", "--out", str(folder / "with2")]) == 0
    out = folder / f"compared-{base}"
    assert run(["compare", str(folder / base), str(folder / "with2"), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert ("names none, are taken as independent" in said.out + said.err) == (base == "without")
    changes = pd.read_csv(out / "changes.csv")
    assert changes.loc[changes["group"] == "all", "conf_low"].notna().all()
    text = (out / "report.html").read_text(encoding="utf-8")
    assert "a bucket is drawn whole" in text
