"""Surveys in a table of their own: joined to their customers, those of nobody counted and said."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tabled import cells, count, refusal, spec

from cxlink.cohort.errors import InputError
from cxlink.report.profile_words import profile_notes

CUSTOMERS = pd.DataFrame({
    "customer": ["a", "b", "c", "d"], "plan": ["x", "y", "x", "y"], "end": ["2025-03-05", None, "2025-02-01", None],
})  # fmt: skip
SURVEYS = pd.DataFrame(
    {"customer": ["b", " a ", "zz", "c"], "score": [9, 5, 1, 7], "asked": ["2025-01-31"] * 4}
)
SPEC: dict[str, dict[str, Any]] = {
    "cohort": {"id": "customer"}, "table": {"surveys": "surveys.csv", "on": "customer"},
    "subscription": {"survey": "asked", "end": "end", "observed_until": "2025-12-31"},
    "adjust": {"columns": ["plan"]},
}  # fmt: skip


def written(folder: Path, customers: pd.DataFrame = CUSTOMERS, surveys: pd.DataFrame = SURVEYS) -> Path:
    surveys.to_csv(folder / "surveys.csv", index=False)
    customers.to_csv(folder / "customers.csv", index=False)
    return folder / "customers.csv"


def test_surveys_count_for_their_customers(tmp_path: Path) -> None:
    found = count(written(tmp_path), SPEC)
    assert cells(found, "score", "stratum.plan", "exit", "cause") == {
        (5, "x", 2, "lost"): 1, (7, "x", 1, "lost"): 1, (9, "y", 11, ""): 1, (None, "y", 0, ""): 1,
    }  # fmt: skip
    assert profile_notes(found) == [
        "1 survey in surveys.csv is of no customer in the table, and is left out."
    ]


def test_it_is_the_same_as_one_table(tmp_path: Path) -> None:
    one = CUSTOMERS.merge(SURVEYS.assign(customer=SURVEYS["customer"].str.strip()), how="left", on="customer")
    alone = count(one, {**SPEC, "table": {}})
    pd.testing.assert_frame_equal(count(written(tmp_path), SPEC).cells, alone.cells, check_exact=True)
    frame = count(CUSTOMERS, {**SPEC, "table": {**SPEC["table"], "surveys": str(tmp_path / "surveys.csv")}})
    assert frame.profile.fingerprint == alone.profile.fingerprint


def test_keys_are_the_same_as_numbers_and_as_text(tmp_path: Path) -> None:
    numbered = CUSTOMERS.assign(customer=[1.0, 2.0, 3.0, None])
    path = written(tmp_path, surveys=SURVEYS.assign(customer=["2", "1", "9", "3"]))
    named = {**SPEC, "cohort": {}, "table": {**SPEC["table"], "surveys": str(tmp_path / "surveys.csv")}}
    found = count(numbered[:3], {**named, "cohort": {"id": "customer"}})
    assert cells(found, "score") == {5: 1, 7: 1, 9: 1}
    assert path.exists()


def test_several_surveys_of_a_customer_need_a_rule(tmp_path: Path) -> None:
    again = pd.concat([SURVEYS, SURVEYS[:1].assign(score=2, asked="2025-06-30")])
    path = written(tmp_path, surveys=again)
    assert "customer must not repeat. One occurs more than once: b (2 rows)" in refusal(path, SPEC)
    first = count(path, SPEC, cohort={"repeat": "first"})
    assert first.profile.fingerprint == count(written(tmp_path), SPEC).profile.fingerprint


def test_what_cannot_be_joined_is_refused(tmp_path: Path) -> None:
    twice = written(tmp_path, customers=pd.concat([CUSTOMERS, CUSTOMERS[:1]]))
    assert "customer must not repeat in the table of customers: 1 of its values do" in refusal(twice, SPEC)
    both = written(tmp_path, surveys=SURVEYS.assign(plan="x"))
    assert refusal(both, SPEC) == "surveys.csv: plan stands in customers.csv too. Rename one of them."
    with pytest.raises(InputError, match="surveys and on go together"):
        spec(SPEC, table={"on": None})
    with pytest.raises(InputError, match=r"\[table\] on must be \[cohort\] id"):
        spec(SPEC, cohort={"id": "key"})
    (tmp_path / "surveys.csv").unlink()
    assert refusal(tmp_path / "customers.csv", SPEC) == "surveys.csv: no such file."


@pytest.mark.parametrize(
    ("ours", "theirs", "n"),
    [
        (["00123", "00045", "9"], ["123", "45", "9"], 2), (["123", "45", "9"], ["00123", "45.0", "9"], 2),
        (["K1", "K2", "K3"], ["k1", "K 2", "K4"], 2), (["A", "B", "C"], ["D", "E", "A"], 0),
        (["0", "1", "2"], ["00", "1", "2"], 1),
    ],
)  # fmt: skip
def test_keys_that_are_nearly_a_customers_are_said_with_the_cure(
    ours: list[str], theirs: list[str], n: int, tmp_path: Path
) -> None:
    customers = CUSTOMERS[:3].assign(customer=ours)
    path = written(tmp_path, customers, SURVEYS[:3].assign(customer=theirs, score=[9, 5, 1]))
    said = [note for note in profile_notes(count(path, SPEC)) if "leading zeros" in note]
    verb, they = ("differs", "it counts") if n == 1 else ("differ", "they count")
    assert said == [
        f"{n} of these {verb} from a customer’s customer in leading zeros, capitals, blanks or a part of zeros alone, "
        f"such as 00123 and 123: a spreadsheet drops zeros. Write customer alike in both tables, as text, and {they}."
    ] * (n > 0)  # fmt: skip
    cured = written(tmp_path, customers, SURVEYS[:3].assign(customer=ours, score=[9, 5, 1]))
    assert cells(count(cured, SPEC), "score") == {9: 1, 5: 1, 1: 1}
