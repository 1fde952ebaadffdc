"""Keys that the name of their column contradicts are read as the spec says, and said on page one."""

from typing import Any

import pytest
from tabled import cells, count, stay

from cxlink.report.profile_words import guesses

N = 20
LEFT = [int(i % 5 == 0) for i in range(N)]


def said(table: Any, *sections: dict[str, Any]) -> list[str]:
    return guesses(count(table, *sections).profile)


def event(name: str, values: list[Any], **table: Any) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    rows = (
        stay([1 + i % 10 for i in range(N)], [3] * N, [0] * N).drop(columns="lost").assign(**{name: values})
    )
    return rows, {"subscription": {"duration": "months", "event": name}}, {"table": table}


STAYED: dict[str, tuple[str, list[Any], str, str, str]] = {
    "numbers": ("is_active", [1 - x for x in LEFT], "1", '"0"', '"1"'),
    "truths": ("retained", [x == 0 for x in LEFT], "true", '"false"', '"true"'),
    "words": ("still_customer", ["no" if x else "yes" for x in LEFT], "yes", '"no"', '"yes"'),
    "numbers with a part": ("actief", [1.0 - x for x in LEFT], "1", '"0"', '"1"'),
    "German": ("Kunde aktiv", ["nein" if x else "ja" for x in LEFT], "ja", '"nein"', '"ja"'),
}


@pytest.mark.parametrize("case", STAYED)
def test_an_event_that_says_who_stayed_is_not_confirmed_and_its_cure_works(case: str) -> None:
    name, values, lost, no, yes = STAYED[case]
    (note,) = said(*event(name, values))
    assert note == (
        f"Not confirmed: {lost} of {name} is read as lost, but its name says who stayed. If so, every comparison is "
        f"reversed: set [table] true = [{no}], false = [{yes}]. If it marks who was lost, rename the column."
    )
    table, sections, _ = event(name, values)
    cured = count(table, sections, {"table": {"true": [no.strip('"')], "false": [yes.strip('"')]}})
    assert guesses(cured.profile) == []
    assert sum(n for (*_, cause), n in cells(cured).items() if cause == "lost") == sum(LEFT)


@pytest.mark.parametrize(
    "name", ["churned", "lost", "is_inactive", "deactivated", "event", "status", "exited"]
)
def test_an_event_that_says_who_was_lost_is_taken_as_it_is(name: str) -> None:
    assert said(*event(name, LEFT)) == []


def test_words_that_say_it_themselves_are_taken_as_they_are() -> None:
    words = ["Gone" if x else "Here" for x in LEFT]
    assert said(*event("active", words, true=["Gone"], false=["Here"])) == []


def test_a_mark_beside_those_who_stayed_is_not_confirmed() -> None:
    marks = ["-" if x else "x" for x in LEFT]
    assert "x of active is read as lost" in said(*event("active", marks, true=["x"], false=["-"]))[0]


@pytest.mark.parametrize(
    ("name", "unit", "said_of_it"),
    [
        ("tenure_months", "year", ("years", "months", "month")),
        ("days_active", "month", ("months", "days", "day")),
        ("jaren_klant", "month", ("months", "years", "year")),
        ("tenure_months", "month", ()), ("tenure", "year", ()),
    ],
)  # fmt: skip
def test_a_unit_that_the_name_of_the_durations_contradicts_is_not_confirmed(
    name: str, unit: str, said_of_it: tuple[str, ...]
) -> None:
    table = stay([5] * N, [3] * N, LEFT).rename(columns={"months": name})
    notes = said(table, {"subscription": {"duration": name, "event": "lost", "unit": unit}})
    expected = (
        "Not confirmed: {} is counted in {}, but its name says {}. If so, every duration is wrong: set [subscription] "
        'unit = "{}", or else rename the column.'
    )
    assert notes == ([expected.format(name, *said_of_it)] if said_of_it else [])


def test_follow_up_and_entry_have_names_too() -> None:
    table = stay([5] * N, [30] * N, LEFT, weeks_observable=[40] * N, day_at_survey=[4] * N)
    keys = {"duration": "months", "event": "lost", "follow_up": "weeks_observable", "entry": "day_at_survey"}
    assert [note.split(" is counted")[0] for note in said(table, {"subscription": keys})] == [
        "Not confirmed: weeks_observable", "Not confirmed: day_at_survey",
    ]  # fmt: skip


def test_window_and_currency_of_spend_are_held_against_the_name_of_its_column() -> None:
    def notes(name: str, **keys: Any) -> list[str]:
        table = stay([5] * N, [3] * N, LEFT, **{name: [10] * N})
        return said(table, {"spend": {"column": name, "complete": True, **keys}})

    assert notes("spend_next_3m_usd") == [
        "Not confirmed: spend_next_3m_usd is taken as spend over 12 months, but its name says 3. If so, set [spend] "
        "window_months = 3, or else rename the column.",
        "Not confirmed: spend_next_3m_usd is taken as amounts in EUR, but its name says USD. If so, set [spend] "
        'currency = "USD", or else rename the column.',
    ]
    assert notes("spend_next_3m_usd", window_months=3, currency="USD") == []
    assert notes("spend") == []
