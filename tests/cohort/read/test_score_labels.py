"""Scores in words: labels of levels in a spec, and sets of answers that a starter spec recognises."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tabled import STAY, cells, refusal, stay

from cxlink.cohort.errors import InputError
from cxlink.cohort.read.contact_table import read_contacts
from cxlink.cohort.spec.cohort_spec import make_spec, read_spec
from cxlink.cohort.starter.answer_words import answers_of
from cxlink.cohort.starter.starter_spec import starter_spec
from cxlink.cohort.table import read_cohort
from cxlink.report.profile_lines import profile
from cxlink.report.profile_words import profile_notes

FIVE = ("Very dissatisfied", "Dissatisfied", "Neutral", "Satisfied", "Very satisfied")
IN_WORDS = {"score": {"column": "score", "labels": list(FIVE)}, **STAY}


def read(score: list[Any], **more: Any) -> Any:
    n = len(score)
    return read_cohort(stay(score, [3] * n, [1] * n, **more), make_spec(IN_WORDS))


def test_a_cell_counts_as_the_level_of_its_label() -> None:
    cohort = read(["Very dissatisfied", " very\u00a0 SATISFIED ", "4", None, "Neutral"])
    assert cells(cohort.count(), "score") == {1: 1, 3: 1, 4: 1, 5: 1, None: 1}
    assert cohort.spec.score.scale == "1-5"
    assert profile_notes(cohort.count()) == [
        "score was read from words, capitals and blanks aside: 1 = Very dissatisfied, 2 = Dissatisfied, 3 = Neutral, "
        "4 = Satisfied and 5 = Very satisfied."
    ]
    assert "25.0 %  Very dissatisfied\n" in profile(cohort)


def test_labels_are_of_the_levels_of_the_scale_whichever_way_up() -> None:
    sections = {
        "score": {
            "column": "score",
            "scale": "0-2",
            "labels": ["a lot", "some", "none"],
            "higher_is_better": False,
        }
    }
    spec = make_spec({**sections, **STAY})
    assert (spec.worst, spec.best) == ((2,), (0,))
    found = read_cohort(stay(["None", "A lot"], [3, 3], [1, 0]), spec).count()
    assert cells(found, "score", "cause") == {(0, ""): 1, (2, "lost"): 1}


@pytest.mark.parametrize("word", ["Fairly satisfied", "Satisfied 5", "6", "5 - Very satisfied"])
def test_a_word_that_is_no_label_is_named_and_counted(word: str) -> None:
    with pytest.raises(InputError) as refused:
        read(["Neutral", word, word])
    message = str(refused.value)
    assert message.startswith(
        "table: score must be one of its labels, or a whole number from 1 to 5. 2 of 3 rows fail, the first in row 2 "
    )
    told = (
        "Set [score] scale" if word == "6" else "Add it to [score] labels, set [table] missing = { score = ["
    )
    assert told in message


@pytest.mark.parametrize(
    ("score", "why"),
    [
        ({"labels": ["a", "b"], "scale": "1-3"}, "labels names 2 levels, scale 1-3 has 3: write one for each"),
        ({"labels": ["a", "A "]}, "labels: 'a' cannot be the word of one level"),
        ({"labels": ["a", "2"]}, "labels: '2' cannot be the word of one level"),
        ({"labels": ["a", " "]}, "labels: '' cannot be the word of one level"),
        ({"labels": ["a"]}, "scale '1-1' must rise"), ({"labels": "a"}, "should be a valid tuple"),
        ({"labels": []}, "scale '1-0' must rise"), ({}, "[score] scale is missing"),
    ],
)  # fmt: skip
def test_labels_that_cannot_be_read_by(score: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError) as refused:
        make_spec({"score": {"column": "score", **score}, **STAY})
    assert why in str(refused.value)


def test_further_scores_and_contacts_have_labels(tmp_path: Path) -> None:
    others = {"effort": {"column": "effort", "labels": ["hard", "fair", "easy"]}}
    table = stay([5, 6], [3, 3], [1, 0], effort=["Easy", "hard"])
    found = read_cohort(
        table, make_spec({"score": {"column": "score", "scale": "1-10", "others": others}, **STAY})
    )
    assert found.drivers is not None
    assert sorted(found.drivers.cells["effort"]) == [1, 3]
    message = refusal(table.assign(effort=["Easy", "so so"]), score={"others": others})
    assert (
        "effort must be one of its labels, or a whole number from 1 to 3, or empty. 1 of 2 rows fails"
        in message
    )
    assert message.endswith("Set labels in [score] others.effort.")
    contacts = pd.DataFrame(
        {"id": [1, 2], "at": ["web", "phone"], "said": ["easy", "hard"], "on": ["2025-01-01"] * 2}
    )
    contacts.to_csv(tmp_path / "contacts.csv", index=False)
    keys = {
        "table": str(tmp_path / "contacts.csv"),
        "on": "id",
        "touchpoint": "at",
        "score": "said",
        "date": "on",
    }
    dates = {"survey": "survey", "end": "end", "observed_until": "2026-06-30"}
    tables = {"cohort": {"id": "id"}, "score": {"column": "score", "scale": "1-10"}, "subscription": dates}
    made = make_spec({**tables, "touchpoints": {**keys, "labels": ["hard", "easy"]}})
    read_ = read_contacts(made, tmp_path / "t.csv")
    assert read_ is not None
    assert read_.rows["contact_score"].to_pylist() == [2, 1]
    worse = make_spec({**tables, "touchpoints": {**keys, "labels": ["hard", "not hard"]}})
    with pytest.raises(
        InputError,
        match=r"said must be one of its labels, .* 1 of 2 contacts fail. Set \[touchpoints\] labels",
    ):
        read_contacts(worse, tmp_path / "t.csv")


SETS = {
    "English": (FIVE, 5), "unused ends": (FIVE[1:4], 5), "agreement": (("Agree", "Strongly Agree", "Disagree"), 5),
    "seven": (("Extremely dissatisfied", "Moderately satisfied", "Slightly satisfied", "Neutral"), 7),
    "Dutch": (("Zeer tevreden", "tevreden", "Ontevreden", "zeer ontevreden"), 5),
    "Dutch seven": (("Helemaal mee eens", "Enigszins mee eens", "Mee oneens", "Neutraal"), 7),
    "effort": (("Very easy", "Easy", "Difficult"), 5),
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_the_usual_answers_are_recognised_in_their_order(name: str) -> None:
    words, n = SETS[name]
    found = answers_of(words)
    assert found is not None
    assert len(found.labels) == n
    assert set(words) <= set(found.labels)


@pytest.mark.parametrize(
    "words",
    [("Big", "Small"), ("Basic", "Pro", "Plus"), ("Easy", "Hard", "Soft"), ("Agree", "Neutral", "Satisfied")],
)
def test_other_words_are_no_answers(words: tuple[str, ...]) -> None:
    assert answers_of(words) is None


@pytest.mark.parametrize("header", ["csat", "Q3"])
def test_a_starter_spec_writes_the_labels_and_leaves_their_order_open(header: str, tmp_path: Path) -> None:
    n = 60
    said = [(*FIVE, "Don't know")[i % 6] for i in range(n)]
    frame = pd.DataFrame(
        {header: said, "months_since_survey": [2 + i % 9 for i in range(n)], "churned": [0, 1] * (n // 2)}
    )
    path = tmp_path / "spec.toml"
    path.write_text(starter_spec(frame), encoding="utf-8")
    spec = read_spec(path)
    assert (spec.score.column, spec.score.labels) == (header, FIVE)
    assert "score.labels" in spec.cohort.unconfirmed
    found = read_cohort(frame, spec).count()
    assert cells(found, "score")[None] == 10
    assert (
        "Not confirmed: the levels of the score are taken to be, lowest first, Very dissatisfied, Dissatisfied, "
        "Neutral, Satisfied, Very satisfied ([score] labels)."
    ) in profile_notes(found)
