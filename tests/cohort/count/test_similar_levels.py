"""Categories that differ in capitals alone are named, and count as they stand."""

from pathlib import Path

import pandas as pd
import pytest
from tabled import cells, count, stay

from cxlink.report.profile_words import profile_notes

END = "Each counts as a category of its own: if they mean the same, write them alike in the table."
ONE = "Of {column}, categories differ in capitals or blanks alone: {levels}. " + END
MORE = "Of {column}, {n} sets of categories differ in capitals or blanks alone, such as {levels}. " + END


@pytest.mark.parametrize(
    ("levels", "named"),
    [
        (["Pro", "pro", "PRO ", "basic"], "PRO = Pro = pro"),
        (["Pro", "pro", "Basic", "basic"], "Basic = basic and Pro = pro"),
        (["Pro plus", "Proplus", "Pro  plus", "basic"], "Pro  plus = Pro plus = Proplus"),
        (["STRASSE", "Straße", "a", "b"], "STRASSE = Straße"),
    ],
)
def test_levels_that_are_alike_are_named_and_stay_apart(levels: list[str], named: str) -> None:
    found = count(stay([5] * 4, [3] * 4, [1] * 4, plan=levels), adjust={"columns": ["plan"]})
    assert profile_notes(found) == [
        (MORE if " and " in named else ONE).format(column="plan", levels=named, n=2)
    ]
    assert len(cells(found, "stratum.plan")) == len({level.strip() for level in levels})


def test_causes_of_loss_are_looked_at_too() -> None:
    causes = ["Price", "price", "moved", None]
    found = count(
        stay([5] * 4, [3] * 4, [1, 1, 1, 0], why=causes),
        subscription={"duration": "months", "event": "lost", "cause": "why"},
    )
    assert ONE.format(column="why", levels="Price = price") in profile_notes(found)


def test_segments_and_contacts_are_looked_at_too(tmp_path: Path) -> None:
    metrics = {"metrics": {"segments": ["area"], "touchpoint": "at"}}
    frame = stay(
        [5] * 4, [3] * 4, [1] * 4, area=["North", "north", "South", None], at=["Web", "web", "shop", "shop"]
    )
    notes = profile_notes(count(frame, metrics))
    assert [
        ONE.format(column=c, levels=n) for c, n in (("at", "Web = web"), ("area", "North = north"))
    ] == notes
    customers = pd.DataFrame(
        {"id": [*"abcd"], "score": 5, "asked": "2025-03-01", "left": None, "area": frame["area"]}
    )
    contacts = pd.DataFrame({"id": [*"abcd"], "at": frame["at"], "said": 4, "on": "2025-02-01"})
    contacts.to_csv(tmp_path / "contacts.csv", index=False)
    customers.to_csv(tmp_path / "t.csv", index=False)
    found = count(
        tmp_path / "t.csv", cohort={"id": "id"},
        subscription={"survey": "asked", "end": "left", "observed_until": "2026-06-30"},
        touchpoints={
            "table": "contacts.csv", "on": "id", "touchpoint": "at", "score": "said", "scale": "1-5", "date": "on",
            "segment": "area",
        },
    )  # fmt: skip
    notes = profile_notes(found)
    assert all(
        ONE.format(column=c, levels=n) in notes for c, n in (("at", "Web = web"), ("area", "North = north"))
    )


@pytest.mark.parametrize("levels", [["a", "b", "ab", None], ["pro", "pro ", " pro", "basic"], [1, 2, 3, 4]])
def test_levels_that_differ_otherwise_or_not_at_all_are_not(levels: list[object]) -> None:
    found = count(stay([5] * 4, [3] * 4, [1] * 4, plan=levels), adjust={"columns": ["plan"]})
    assert profile_notes(found) == []


def test_of_many_sets_five_are_named() -> None:
    levels = [name for i in range(8) for name in (f"Plan {i}", f"plan {i}")]
    found = count(stay([5] * 16, [3] * 16, [1] * 16, plan=levels), adjust={"columns": ["plan"]})
    (said,) = profile_notes(found)
    assert "8 sets" in said
    assert said.count(" = ") == 5
