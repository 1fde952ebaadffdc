"""The profile of a table: notes that add up, sentences in the singular and plural, and files of earlier versions."""

import json
from dataclasses import replace

import pytest
from tabled import count, stay

from cxlink.cohort.count.profile import Profile, Remark, number_of_rows, profile_from, together
from cxlink.report.profile_words import exclusions, profile_notes

MONTH = {"unit": "month"}


def test_what_was_found_alike_in_two_tables_adds_up() -> None:
    first = [Remark("lost_at_zero", 2, facts=MONTH), Remark("invalid", 3, facts={"rule": "a"})]
    second = [Remark("lost_at_zero", 5, facts=MONTH), Remark("invalid", 1, facts={"rule": "b"})]
    added = together(first, second)
    assert [(one.code, one.n) for one in added] == [("lost_at_zero", 7), ("invalid", 3), ("invalid", 1)]
    assert number_of_rows(added[1:]) == 4


def notes(profile: Profile) -> list[str]:
    return profile_notes(replace(count(stay([5], [3], [1])), profile=profile))


@pytest.mark.parametrize(
    ("remark", "sentence"),
    [
        (
            Remark("lost_at_zero", 2, facts=MONTH),
            "2 customers were lost at duration 0, counted as losses in the first month. This suggests that the column "
            'holds completed months; if it does, set [subscription] counts = "completed" and name the column '
            "follow_up, the whole months that each customer could have been observed.",
        ),
        (
            Remark("followed_briefly", 1, facts=MONTH),
            "1 customer with a score was followed for less than one whole month, which carries no information on "
            "retention.",
        ),
        (
            Remark("lost_after_follow_up", 2, facts=MONTH),
            "2 customers were lost after the last whole month of follow-up, and are counted as retained at its end.",
        ),
    ],
)
def test_a_note_is_a_sentence(remark: Remark, sentence: str) -> None:
    assert notes(Profile("t", 9, 9, notes=(remark,))) == [sentence]


def test_a_profile_is_read_back_with_its_cohorts_and_with_sentences_of_an_earlier_version() -> None:
    pooled = Remark("pooled", 2, facts={"cohorts": (("old", 3), ("new", 1))})
    profile = Profile("t", 5, 4, (Remark("later_survey", 1),), (pooled, Remark("metrics_differ")), "5f")
    again = profile_from(json.loads(json.dumps(profile.as_dict())))
    assert again == profile
    assert notes(again)[0] == (
        "2 cohorts were pooled, each a stratum of its own: old (3 customers) and new (1 customer)."
    )
    sentences = {"dropped": {"a later survey": 1}, "notes": ["Nobody was asked."], "clock": "months since"}
    earlier = profile_from({**profile.as_dict(), **sentences})
    assert exclusions(earlier) == [("a later survey", 1)]
    assert notes(earlier) == ["Nobody was asked."]
