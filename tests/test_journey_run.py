"""Contacts from the command line to the run folder, and what is read back."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from empty_pictures import unpictured

import cxlink
from cxlink.cli.commands import run

pytestmark = pytest.mark.long

FLAGS = [
    "--id", "who", "--score", "nps", "--scale", "0-10", "--survey", "asked", "--end", "left", "--observed-until",
    "2025-12-31", "--contacts", "contacts.csv", "--contacts-on", "who", "--contact-touchpoint", "where",
    "--contact-score", "rating", "--contact-scale", "1-5", "--contact-date", "on_day", "--contact-segment", "plan",
    "--draws", "100", "--tenure-horizons", "12",
]  # fmt: skip


def _write(folder: Path, n: int = 600) -> None:
    rng = np.random.default_rng(8)
    pleased = rng.integers(1, 6, n)
    asked = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    gone = pd.to_timedelta(rng.integers(20, 360, n), unit="D")
    left = rng.random(n) < 0.8 - 0.12 * pleased
    ids = np.arange(n)
    pd.DataFrame({
        "who": ids, "nps": rng.integers(0, 11, n), "asked": asked, "left": (asked + gone).where(left),
        "plan": np.where(rng.random(n) < 0.5, "basic", "a=b"), "account": [f"A{k // 3}" for k in ids],
    }).to_csv(folder / "customers.csv", index=False)  # fmt: skip
    parts = []
    for where, share, score in (("web", 0.8, pleased), ("phone", 0.5, rng.integers(1, 6, n))):
        there = rng.random(n) < share
        before = pd.to_timedelta(rng.integers(1, 300, n), unit="D")
        rows = pd.DataFrame({"who": ids, "where": where, "rating": score, "on_day": (asked - before).date})
        parts.append(rows[there])
    pd.concat(parts).to_csv(folder / "contacts.csv", index=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("journey_run")
    _write(made)
    with unpictured():
        assert run(["fit", str(made / "customers.csv"), *FLAGS, "--out", str(made / "run")]) == 0
    return made


def test_rows_of_contacts_are_written_and_read_back(folder: Path) -> None:
    written = pd.read_csv(folder / "run" / "metrics.csv", keep_default_na=False)
    written = written[written["metric"].str.startswith("journey_")]
    assert {"touchpoint=web", "path=phone → web", "plan=a=b"} <= set(written["segment"])
    assert (written["definition"] != "").all()
    read = cxlink.load_run(folder / "run").journey()
    assert len(read) == len(written) > 30
    row = read.query("metric == 'journey_retention_contrast' and version == 'partial' and category == 'web'")
    assert row["conf_low"].item() > 0
    assert set(read.loc[read["variable"] == "plan", "category"]) == {"a=b", "basic"}


def test_the_report_has_the_section(folder: Path) -> None:
    text = (folder / "run" / "report.html").read_text(encoding="utf-8")
    assert "Touchpoints: the contacts before the score" in text


def test_of_customers_in_accounts_the_rows_have_errors_over_buckets(folder: Path) -> None:
    flags = [*FLAGS, "--cluster", "account"]
    with unpictured():
        assert run(["fit", str(folder / "customers.csv"), *flags, "--out", str(folder / "accounts")]) == 0
    key = ["metric", "version", "variable", "category", "period"]
    over, alone = (cxlink.load_run(folder / name).journey().set_index(key) for name in ("accounts", "run"))
    assert list(over.index) == list(alone.index)
    shown = over["estimate"].notna() & (over["unit"] != "p-value")
    assert shown.sum() > 30
    np.testing.assert_allclose(over["estimate"][shown], alone["estimate"][shown], rtol=1e-7, atol=1e-9)
    contrasts = over.index.get_level_values("metric") == "journey_retention_contrast"
    ratio = (over["std_error"] / alone["std_error"])[contrasts]
    assert ((ratio - 1).abs() > 1e-3).all()
    assert ratio.between(0.7, 1.5).all()
    text = (folder / "accounts" / "report.html").read_text(encoding="utf-8")
    assert "Standard errors by leaving out one bucket of clusters at a time" in text


def test_what_is_wrong_with_contacts_is_one_line_and_status_2(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = [*FLAGS[: FLAGS.index("1-5")], "1-4", *FLAGS[FLAGS.index("1-5") + 1 :]]
    assert run(["fit", str(folder / "customers.csv"), *flags, "--out", str(tmp_path / "no")]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("cxlink: contacts.csv: rating must be a whole number from 1 to 4")
    assert said.count("\n") == 0
