"""What a refusal tells to do is done by the key that it names, and the table is read."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tabled import SCORE, STAY, cells, count, refusal, stay

SPENT = {"spend": {"column": "spent", "complete": True}}
CODE = re.compile(
    r"\[(\w+)\] ([\w]+ = (?:\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"|true)(?:, \w+ = (?:\"[^\"]*\"|\[[^]]*\]))*)"
)


def followed(message: str, choice: int = 0) -> dict[str, Any]:
    """The spec's section that a message tells to write, the first or another of several."""
    section, keys = CODE.findall(message)[choice]
    return {section: tomllib.loads("\n".join(re.split(r", (?=\w+ = )", keys)))}


SCORES: dict[str, tuple[list[Any], str, dict[Any, int]]] = {
    "an average": ([7.5, 5], "[score] round = true", {8: 1, 5: 1}),
    "an average in text": (["7.5", "5"], "[score] round = true", {8: 1, 5: 1}),
    "a code": ([99, 5], '[table] missing = { score = ["99"] }', {None: 1, 5: 1}),
    "a code of a float": ([-1.0, 5.5], '[table] missing = { score = ["-1"] }', {}),
    "a word": (["don't know", "5"], """[table] missing = { score = ["don't know"] }""", {None: 1, 5: 1}),
    "a comma": (["7,0", "5"], '[table] decimal = ","', {7: 1, 5: 1}),
}


@pytest.mark.parametrize("name", SCORES)
def test_scores(name: str) -> None:
    score, key, expected = SCORES[name]
    message = refusal(stay(score, [3, 4], [1, 0]))
    assert key in message
    assert message.endswith("or drop them with --drop-invalid.")
    table = stay(score if expected else [-1.0, 5.0], [3, 4], [1, 0])
    assert cells(count(table, followed(message)), "score") == (expected or {None: 1, 5: 1})


@pytest.mark.parametrize(
    ("cell", "scales"),
    [("6/10", '"1-10" or "0-10"'), ("0/10", '"0-10"'), ("4 out of 5", '"1-5" or "0-5"')],
)
def test_a_score_out_of_another_number_names_its_scale(cell: str, scales: str) -> None:
    table = stay([cell, "1/7"], [3, 4], [1, 0])
    message = refusal(table, STAY, {"score": {"scale": "1-7"}})
    top = cell.split()[-1].split("/")[-1]
    assert f"{cell} is out of {top}: set [score] scale = {scales}, or drop" in message
    told = refusal(
        table, STAY, {"score": {"scale": scales.split('"')[1]}}
    )  # the other cell is out of 7 still
    assert "1/7 is out of 7" in told


@pytest.mark.parametrize("cell", ["1e400", "-1e999"])
def test_a_number_that_is_too_large_for_one_is_named(cell: str) -> None:
    for table in (stay([cell], [3], [1]), stay([5], [cell], [1]), stay([5], [3], [1], spent=[cell])):
        assert f"1 of 1 row fails, in row 1 (found {cell})" in refusal(
            table, STAY, SPENT if "spent" in table else {}
        )


@pytest.mark.parametrize(
    ("cell", "way"),
    [
        (
            "45292",
            "45292 is an Excel serial number (2024-01-01): save the column as a date, write it as YYYY-MM-DD",
        ),
        ("45292.5", "45292.5 is an Excel serial number (2024-01-01): save the column as a date"),
        ("2024-05", "2024-05 is a month: write the day, write it as YYYY-MM-DD"),
        ("May 2024", "May 2024 is a month: write the day"),
    ],
)
def test_a_date_that_names_no_day_is_told_what_it_is(cell: str, way: str) -> None:
    table = pd.DataFrame({"score": [5, 6], "survey": [cell, "2025-01-01"], "end": [None, None]})
    message = refusal(
        table, {"subscription": {"survey": "survey", "end": "end", "observed_until": "2025-12-31"}}
    )
    assert way in message


EVENTS: dict[str, tuple[list[Any], list[str]]] = {
    "a mark": (["x", None, "x"], ['true = ["x"] or false = ["x"]', 'false = [""]']),
    "yes alone": (["yes", "", "yes"], ['false = [""]']),
    "codes": ([1, 2, 1], ['true = ["2"] or false = ["2"]']),
}


@pytest.mark.parametrize("name", EVENTS)
def test_events(name: str) -> None:
    lost, keys = EVENTS[name]
    table, options = stay([5, 6, 7], [3, 3, 3], lost), dict[str, Any]()
    for key in keys:
        message = refusal(table, STAY, {"table": options})
        assert f"[table] {key}" in message
        options |= followed(message)["table"] if "or" not in key or name == "a mark" else {"false": ["2"]}
    assert cells(count(table, STAY, {"table": options}), "score", "cause") == {
        (5, "lost"): 1,
        (6, ""): 1,
        (7, "lost"): 1,
    }


def test_a_long_text_is_no_word_of_yes_or_no() -> None:
    message = refusal(stay([5], [3], ["left after a long talk with somebody in support"]), STAY)
    assert message.endswith("). Write yes or no, or correct it.")


AMOUNTS: dict[str, tuple[str, str, float]] = {
    "a decimal comma": ("12,5", '[table] decimal = ","', 12.5),
    "both marks": ("1.234,5", '[table] decimal = ",", thousands = "."', 1234.5),
    "thousands": ("1,234.5", '[table] thousands = ","', 1234.5),
    "apostrophes": ("1'234.5", '[table] thousands = "\'"', 1234.5),
    "narrow blanks": ("1\u202f234,5 €", '[table] decimal = ",", thousands = "\\U0000202F"', 1234.5),
    "a currency": ("12.5 USD", '[spend] currency is EUR: set currency = "USD"', 12.5),
    "a word": ("n/a", '[table] missing = { spent = ["n/a"] }', 0),
}


@pytest.mark.parametrize("name", AMOUNTS)
def test_amounts(name: str) -> None:
    text, key, spent = AMOUNTS[name]
    table = stay([5, 5], [3, 3], [1, 0], spent=[text, "7"])
    message = refusal(table, STAY, SPENT)
    assert key in message
    told = {"spend": {"currency": "USD"}} if "currency" in key else followed(message)
    assert count(table, STAY, SPENT, told).cells["spend_sum"].sum() == spent + 7


def test_a_number_of_two_readings_is_told_both() -> None:
    message = refusal(stay([5], [3], [1], spent=["1,234"]), STAY, SPENT)
    assert 'Set [table] decimal = ",", or thousands = ",".' in message


@pytest.mark.parametrize(
    "text", ["€ 12.50", "12.50€", "EUR 12.50", "12.50 eur", "-€ 12.50", "€\u00a012.50", "€ -12.50"]
)
def test_amounts_bear_the_mark_of_their_currency(text: str) -> None:
    refunds = {"spend": {"refunds": True}}
    found = count(stay([5, 5], [3, 3], [1, 0], spent=[text, "7"]), STAY, SPENT, refunds)
    assert found.cells["spend_sum"].sum() == 7 + (-12.5 if "-" in text else 12.5)


WRITTEN = {
    "(12.50)": -12.5, "(€ 12.50)": -12.5, "€ (12.50)": -12.5, "12.50-": -12.5, "12.50 €-": -12.5, "12.50- EUR": -12.5,
    "5-": -5, "−12.50": -12.5, "− € 5": -5, "€ 12.-": 12, "12.--": 12, "-12.-": -12, "\u00a0€\u200912.50\u00a0": 12.5,
}  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
def test_amounts_as_bookkeeping_writes_them(text: str) -> None:
    refunds = {"spend": {"refunds": True}}
    found = count(stay([5, 5], [3, 3], [1, 0], spent=[text, "7"]), STAY, SPENT, refunds)
    assert found.cells["spend_sum"].sum() == 7 + WRITTEN[text]
    below = WRITTEN[text] < 0
    assert ("refunds = true" in refusal(stay([5], [3], [1], spent=[text]), STAY, SPENT)) if below else True


@pytest.mark.parametrize(
    "text", ["12,-", "(-5)", "--5", "(12)-", "12-31", "()", "12.50 CR", "(12 USD)", "70%"]
)
def test_an_amount_that_can_mean_something_else_is_refused(text: str) -> None:
    message = refusal(stay([5], [3], [1], spent=[text]), STAY, SPENT, {"spend": {"refunds": True}})
    assert "spent must be an amount, at most 1e+12, in every row with a score. 1 of 1 row fails" in message
    told = {"12,-": 'decimal = ","', "(12 USD)": 'currency = "USD"', "()": "If it means not known"}
    assert told.get(text, "Write the number alone, with a minus in front if it is negative.") in message


@pytest.mark.parametrize("mark", [" ", "\u00a0", "\u2009", "\u202f"])
@pytest.mark.parametrize("written", ["1 234,5", "1\u00a0234,5", "1\u2009234,5", "€ 1\u202f234,5"])
def test_blanks_between_thousands_are_alike(mark: str, written: str) -> None:
    table = {"decimal": ",", "thousands": mark}
    found = count(stay([5], [3], [1], spent=[written]), STAY, SPENT, {"table": table})
    assert found.cells["spend_sum"].sum() == 1234.5


def test_per_cent_are_read_in_bands_in_a_control_and_of_a_scale_to_a_hundred() -> None:
    table = stay(
        ["70%", "7 %", "70.5%"], [3, 3, 3], [1, 0, 1], used=["70%", "20 %", "30"], late=["5%", "(2.5)", "1"]
    )
    sections: dict[str, Any] = {
        "score": {"scale": "0-100", "round": True}, "adjust": {"bands": {"used": [30, 50]}},
        "control": {"column": "late"},
    }  # fmt: skip
    found = count(table, STAY, sections)
    assert cells(found, "score", "stratum.used", "control_sum") == {
        (70, ">=50", 5): 1, (7, "<30", -2.5): 1, (71, "30-<50", 1): 1,
    }  # fmt: skip
    message = refusal(stay(["7%"], [3], [1]), STAY)
    assert "Set [score] scale" in message


@pytest.mark.parametrize(
    ("text", "currency"), [("$ 12", "CAD"), ("CHF 12", "CHF"), ("R$ 12", "BRL"), ("12 kr", "DKK")]
)
def test_a_mark_of_several_currencies_is_that_of_the_spec(text: str, currency: str) -> None:
    found = count(stay([5], [3], [1], spent=[text]), STAY, SPENT, {"spend": {"currency": currency}})
    assert found.cells["spend_sum"].sum() == 12


@pytest.mark.parametrize(
    ("text", "code"), [("$12", "USD"), ("12 £", "GBP"), ("CHF 12", "CHF"), ("R$ 12", "BRL")]
)
def test_the_mark_of_another_currency_is_refused(text: str, code: str) -> None:
    message = refusal(stay([5], [3], [1], spent=[text]), STAY, SPENT)
    assert f'It is marked {code}, and [spend] currency is EUR: set currency = "{code}" if all' in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("12 months", "Write the number alone, in months, or correct it."),
        ("3,5", 'Set [table] decimal = ",", or correct it.'),
        (None, "Fill it in."),
        ("-1", "Correct it."),
        ("unknown", "Correct it."),
        ("9999", "Set [subscription] unit, or correct it."),
    ],
)
def test_durations(text: str | None, told: str) -> None:
    assert refusal(stay([5, 5], ["3", text], [1, 1])).endswith(f"). {told}")


@pytest.mark.parametrize("text", ["12.50", "1,234.5", "€ 12.50"])
def test_a_number_that_is_not_written_as_the_spec_says_is_no_code(text: str) -> None:
    marks = {"table": {"decimal": ",", "thousands": "."}}
    message = refusal(stay([5, 5], [3, 3], [1, 0], spent=[text, "7,5"]), STAY, SPENT, marks)
    assert message.endswith('Write it as [table] decimal = "," and thousands = "." have it.')


def test_refunds_are_proposed_where_an_amount_is_negative_alone() -> None:
    for text, told in {"-3": True, "-€ 3": True, "2e12": False, "TBD": False}.items():
        message = refusal(stay([5], [3], [1], spent=[text]), STAY, SPENT)
        assert ("[spend] refunds" in message) == told
        assert message.endswith("Write 0 for no spend; an empty cell is left out of spend only.")


ZEROS = '[table] missing = { end = ["0000-00-00"] }'


@pytest.mark.parametrize(
    ("day", "told"),
    [
        ("31-01-2025", 'Set [table] date_format = "%d-%m-%Y", or write it as YYYY-MM-DD.'),
        ("03/04/2025", 'Set [table] date_format = "%d/%m/%Y" or "%m/%d/%Y", or write it as YYYY-MM-DD.'),
        ("0000-00-00", f"Set {ZEROS} if it means no date, or write it as YYYY-MM-DD."),
        ("2025-31-01", 'Set [table] date_format = "%Y-%d-%m", or write it as YYYY-MM-DD.'),
        ("2025-02-30", "There is no such day: correct it."),
        ("2025-02-30 10:00", "There is no such day: correct it."),
        ("31/04/2025", "There is no such day: correct it."),
        ("6 maart 2025", "Set [table] date_format, or write it as YYYY-MM-DD."),
    ],
)  # fmt: skip
def test_dates(day: str, told: str) -> None:
    assert refusal(_ending(day), DATED).endswith(f"). {told}")


@pytest.mark.parametrize(
    ("form", "day", "told"),
    [
        ("%m/%d/%Y", "31/01/2025", 'Set [table] date_format = "%d/%m/%Y", or write it as YYYY-MM-DD.'),
        ("%m/%d/%Y", "31/04/2025", "There is no such day: correct it."),
        ("%d %B %Y", "6 maart 2025", "Write it as YYYY-MM-DD."),
        ("%Y-%d-%m", "6 maart 2025", "Rewrite it."),
    ],
)
def test_dates_beside_a_format(form: str, day: str, told: str) -> None:
    assert refusal(_ending(day), DATED, {"table": {"date_format": form}}).endswith(f"). {told}")


DATED = {"subscription": {"survey": "survey", "end": "end", "observed_until": "2025-06-30"}}


def _ending(day: str) -> Any:
    return stay([5], [0], [0], survey=["2025-01-01"], end=[day])


def test_a_column_whose_name_is_no_bare_key_is_quoted() -> None:
    table = stay([99, 5], [3, 4], [1, 0]).rename(columns={"score": "Net score"})
    named = {"score": {**SCORE["score"], "column": "Net score"}}
    message = refusal(table, STAY, named)
    assert 'missing = { "Net score" = ["99"] }' in message
    assert cells(count(table, STAY, named, followed(message)), "score") == {None: 1, 5: 1}


def test_an_empty_cell_is_no_alone_where_the_spec_says_so(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("score,months,lost\n5,3,1\n6,3,\n7,3,  \n")
    assert cells(count(path, {"table": {"false": [""]}}), "score", "cause") == {
        (5, "lost"): 1,
        (6, ""): 1,
        (7, ""): 1,
    }
    assert cells(count(path, {"table": {"true": [""], "false": ["1"]}}), "score", "cause") == {
        (5, ""): 1,
        (6, "lost"): 1,
        (7, "lost"): 1,
    }
