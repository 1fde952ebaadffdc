"""Ids that differ in capitals or blanks alone are said, and count as they stand."""

import pytest
from tabled import cells, count, stay

from cxlink.cohort.count import similar_ids
from cxlink.report.profile_words import profile_notes

IDS = {"cohort": {"id": "key"}}


def notes(keys: list[object]) -> list[str]:
    found = count(stay([5] * len(keys), [3] * len(keys), [1] * len(keys), key=keys), IDS)
    assert cells(found) == {(5, 0, 3, "lost"): len(keys)}
    return profile_notes(found)


def test_ids_that_are_alike_are_said() -> None:
    assert notes(["K0001", "k0001 ", "K0002", "K 0002", "K0003"]) == [
        "4 ids in key differ from another one in capitals or blanks alone, such as C0001 and c0001; each counts as a "
        "customer of its own."
    ]


@pytest.mark.parametrize("keys", [["C1", "C2", "C12"], ["a-1", "a1"], [1, 2, 3]])
def test_ids_that_differ_are_not(keys: list[object]) -> None:
    assert notes(keys) == []


def test_large_tables_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(similar_ids, "MOST_ROWS", 1)
    assert notes(["C0001", "c0001"]) == []
