"""The table of printed intervals names everything that a run prints an interval of, and says what is not proven."""

from pathlib import Path

import pandas as pd
import pytest

from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.estimands.survival_estimands import survival_estimands
from validation.printed_intervals import PAGES, PRINTED, printed_page
from validation.proofs import PROOFS

SAMPLE = Path(__file__).parents[2] / "reports" / "sample"
NAMES = {name for one in PRINTED for name in one.names}


@pytest.mark.parametrize(
    "table", sorted(SAMPLE.glob("*/estimates.csv")) + sorted(SAMPLE.glob("*/families.csv")), ids=str
)
def test_every_estimand_of_the_sample_is_named(table: Path) -> None:
    printed = pd.read_csv(table).dropna(subset=["conf_low"])["estimand"]
    assert set(printed) <= NAMES


def test_every_estimand_of_survival_and_every_proof_is_named() -> None:
    spec = make_spec({
        "cohort": {"name": "any"}, "score": {"column": "score", "scale": "1-5"},
        "subscription": {"duration": "months", "event": "lost", "cause": "why"}, "analysis": {"given": [12]},
    })  # fmt: skip
    assert {estimand.name for estimand in survival_estimands(spec)} <= NAMES
    assert set(PAGES) == set(PROOFS)
    assert {name for one in PRINTED for name in one.proofs} == set(PROOFS)


def test_the_page_says_what_is_not_proven_and_how_far_each_proof_is(tmp_path: Path) -> None:
    (tmp_path / "changes.md").write_text("earlier", encoding="utf-8")
    text = "\n".join(printed_page(tmp_path).lines)
    assert text.count("| **not proven** |") == sum(not one.proofs for one in PRINTED) > 0
    assert "[changes](changes.md): page of an earlier version" in text
    assert "study: not run yet; laws: not run yet" in text
    assert len([line for line in text.splitlines() if line.startswith("| ")]) == len(PRINTED) + 1


def test_what_does_not_pass_is_named(tmp_path: Path) -> None:
    assert "Every rule of every page is held." in printed_page(tmp_path).lines
    lines = [
        "| rule | found | verdict |",
        "| a: 92% | 95% | held |",
        "| b: 92% | 80% (fails) | **not held** |",
    ]
    (tmp_path / "metrics.md").write_text("\n".join(lines), encoding="utf-8")
    text = "\n".join(printed_page(tmp_path).lines)
    assert "| [metrics](metrics.md) | b: 92% | 80% (fails) |" in text
    assert "a: 92%" not in text
