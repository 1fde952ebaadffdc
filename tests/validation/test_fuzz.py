"""The fuzzer: cases are made from their seeds alone, are as they should be, and a fault of the package is seen."""

import datetime
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort import checked_rows
from cxlink.cohort.count import (
    driver_cells,
    journey_cells,
    metric_expressions,
    survey_history,
    whole_periods,
)
from cxlink.cohort.read import columns, dates
from cxlink.spend.bucket_sandwich import scale_of
from validation.fuzz import __main__ as command
from validation.fuzz import own_reading as read
from validation.fuzz.drawn_case import drawn
from validation.fuzz.own_horizon import Customer, horizon_of
from validation.fuzz.own_journey import journey
from validation.fuzz.own_metrics import OneAnswer, amounts, metrics
from validation.fuzz.own_several import by_scores, by_times
from validation.fuzz.trial import tried
from validation.fuzz.writers import READERS


def test_a_case_is_made_from_its_seed_alone() -> None:
    one, again, other = drawn(5), drawn(5), drawn(6)
    assert (repr(one.columns), one.spec, one.reader) == (repr(again.columns), again.spec, again.reader)
    assert repr(one.columns) != repr(other.columns)
    assert {drawn(seed).reader for seed in range(300)} == set(READERS)


@pytest.mark.long
def test_a_few_cases_are_as_they_should_be() -> None:
    found = Counter(tried(seed).verdict for seed in range(1, 9))
    assert found["counted"] + found["refused"] == 8
    assert min(found["counted"], found["refused"]) > 1


@pytest.mark.long
def test_surveys_of_which_all_count_and_nobody_is_lost_are_analysed() -> None:
    assert (tried(386, 1.0).verdict, drawn(386).spec["cohort"]["repeat"]) == ("counted", "all")


def test_a_score_that_is_0_everywhere_has_a_scale() -> None:
    def scale(*buckets: float) -> float:
        return scale_of(SimpleNamespace(by_bucket=np.array([buckets])))  # type: ignore[arg-type]

    assert [scale(0.0, 0.0), scale(1.0, 0.0), scale(1.0, -1.0), scale(1.0, 1.0, 1.0)] == [1.0, 1.0, 2.0, 1.5]


@pytest.mark.long
@pytest.mark.parametrize(
    ("place", "name", "broken", "seeds"),
    [
        (whole_periods, "period_of", whole_periods.whole_periods, (4, 5, 6)),
        (checked_rows, "rules_of", lambda _: [], (10, 11)),
        (survey_history, "MOST_NUMBERED", 2, (399, 508)),
        (columns, "YES", frozenset({"true"}), range(20, 30)),
        (metric_expressions, "MOST_ORDERS", 3, (6, 28, 40)),
        (dates, "less_gap", lambda until, _: until, (5, 29)),
        (driver_cells, "observed_states", lambda *_: None, (2167,)),
        (journey_cells, "_day_number", lambda days: np.zeros(len(days), np.int64), (2300, 2309, 2334, 2341)),
    ],
    ids=[
        "floor for ceil",
        "no rules",
        "fewer surveys",
        "fewer words",
        "fewer orders",
        "spans followed to the end",
        "who was never observed",
        "contacts in another order",
    ],
)
def test_a_fault_of_the_package_is_seen(
    place: Any, name: str, broken: Any, seeds: Iterable[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, broken)
    assert not all(tried(seed).good for seed in seeds)


def test_second_tables_and_further_scores_are_drawn() -> None:
    cases = [drawn(seed) for seed in range(400)]
    kinds = {name: sum(has(case) for case in cases) for name, has in command.KINDS.items()}
    assert min(kinds.values()) >= 8, kinds


def _customer(level: int, stay: int, lost: bool, **cells: Any) -> Customer:
    return Customer({"csat": None, **cells}, level, (), 0, stay, lost, "", (0.0, 0.0, 0.0))


def test_several_scores_by_hand() -> None:
    spec = {
        "score": {"column": "s", "scale": "1-5", "others": {"csat": {"column": "csat", "scale": "1-5"}}},
        "subscription": {"duration": "d", "event": "e"},
    }
    # three were followed beyond the first period, of four who could have been: weights of 1 and 4/3
    customers = [
        _customer(1, 1, True, csat=2), _customer(1, 2, False, csat=2), _customer(5, 3, True, csat=2),
        _customer(5, 1, False, csat=3), _customer(5, 2, False),
    ]  # fmt: skip
    made = by_scores(customers, spec, 2)
    assert (made.horizon, made.left_out) == (2, ())
    cell = made.cells[1, 2, ""]
    assert [round(cell[name], 12) for name in ("n", "lost", "lost_weight", "retained", "retained_weight")] == [
        2, 1, 1, 1, round(4 / 3, 12),
    ]  # fmt: skip
    assert made.cells[5, 3, ""]["retained"] == made.cells[5, 3, ""]["lost"] == 0
    assert made.answered["csat", False]["n"] == 1
    assert by_times(customers, spec, 2).cells[5, 2, 0, 2, 0] == {"n": 1.0}
    assert horizon_of(customers, spec, (1, 5)) == 2


def test_contacts_by_hand() -> None:
    day = datetime.date(2024, 5, 1)
    spec = {
        "cohort": {"id": "who"}, "score": {"column": "s", "scale": "1-5"},
        "subscription": {"survey": "asked", "end": "left", "observed_until": "2025-12-31"},
        "touchpoints": {"on": "who", "touchpoint": "at", "score": "rating", "scale": "1-5", "date": "on"},
    }  # fmt: skip
    rows = [
        {"who": who, "at": at, "rating": rating, "on": day + datetime.timedelta(after)}
        for who, at, rating, after in (
            ("a", "web", 1, -9), ("a", "shop", 2, -1), ("a", "web", 5, 0), ("a", "web", 4, 1), ("b", "web", 3, 0),
            ("c", "web", 3, 0), ("a", None, 3, 0),
        )
    ]  # fmt: skip
    customers = [_customer(5, 12, False, who="a", asked=day)]
    others = [Customer({"who": "b", "asked": day}, None, (), 0, 0, False, "", (0.0, 0.0, 0.0))]
    made = journey(rows, [*customers, *others], customers, spec, 12)
    assert made.notes == {f"contacts_{why}": 1 for why in ("incomplete", "unknown", "unscored", "after")}
    assert list(made.cells) == [(2, 5, "(missing)", "")]
    assert list(made.paths) == [("web → shop", "web", "")]
    assert set(made.contacts) == {
        ("web", "(missing)", "2024Q2", 5, ""),
        ("shop", "(missing)", "2024Q2", 2, ""),
    }


def test_metrics_by_hand() -> None:
    day = datetime.date
    spec = {
        "subscription": {
            "signup": "joined",
            "survey": "asked",
            "end": "left",
            "observed_until": "2025-12-31",
        },
        "metrics": {
            "orders": "orders",
            "support_cost": "cost",
            "contract_value": "value",
            "contract_months": 6,
        },
    }
    asked, left = day(2025, 2, 1), day(2025, 5, 1)
    rows = [
        {"joined": day(2025, 1, 5), "asked": asked, "left": left, "orders": 4, "cost": 3, "value": 9},
        {"joined": day(2024, 1, 5), "asked": asked, "left": None, "orders": None, "cost": 2, "value": None},
    ]  # fmt: skip
    answers = [
        OneAnswer(row, 5, "", "", 10.0, complete, day(2025, 12, 31), "")
        for row, complete in zip(rows, (True, False), strict=True)
    ]
    made, refused = metrics(answers, spec)
    assert refused == ""
    sums = {(of, period): (cell["n"], cell["x"], cell["w"]) for (of, _, _, period, *_), cell in made.items()}
    flows = {
        ("signup", "start", 2): 2, ("signup", "lost", 2): 1, ("signup", "end", 2): 1, ("signup", "start", 3): 1,
        ("signup", "end", 3): 1, ("signup", "start", 4): 1, ("signup", "end", 4): 1,
    }  # fmt: skip
    flows |= {("survey", of, quarter): n for (_, of, quarter), n in flows.items()}
    assert sums == {
        ("answers", "2025Q1"): (2, 0, 0), ("transaction_size", "2025Q1"): (1, 10, 4),
        ("cost_to_serve", "2025Q1"): (1, 3, 0), ("contract_value", "2025Q1"): (1, 9, 0),
        ("contract_value_annualised", "2025Q1"): (1, 18, 0),
        **{(f"{role}.{of}", f"2025Q{quarter}"): (n, 0, 0) for (role, of, quarter), n in flows.items()},
    }  # fmt: skip
    assert amounts({"orders": 1.5, "cost": 0, "value": 0, "joined": None}, spec)["orders"] is read.BAD


def test_dates_and_numbers_by_hand() -> None:
    day = datetime.date
    assert read.period(day(2024, 1, 31), day(2024, 2, 29), "month") == 1
    assert read.period(day(2024, 1, 31), day(2024, 3, 1), "month") == 2
    assert read.whole(day(2024, 1, 31), day(2024, 2, 28), "month") == 0
    assert read.whole(day(2024, 2, 29), day(2025, 2, 28), "year") == 1
    assert read.after(day(2024, 12, 31), 2, "month") == day(2025, 2, 28)
    assert read.number(" 1.234,5 ", {"decimal": ",", "thousands": "."}) == 1234.5
    assert read.number("1_0", {}) is read.BAD
    assert read.yes_no("1 = yes", {}) == 1
    assert read.score("7 - good", {}, (1, 10), False) == 7
    assert read.score("7/5", {}, (1, 10), False) is read.BAD
    assert read.day("2023-02-29", {}) is read.BAD


@pytest.mark.long
def test_a_run_goes_on_and_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        with pytest.raises(SystemExit) as ended:
            command.main(["--cases", "2", "--first", "3", "--out", str(tmp_path)])
        assert ended.value.code == 0
    assert "0 wrong, 0 unexplained, 0 crashed" in capsys.readouterr().out
    (block,) = (tmp_path / "blocks/fuzz").iterdir()
    text = block.read_text(encoding="utf-8")
    block.write_text(text.replace(",counted,", ",wrong,").replace(",refused,", ",wrong,"), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        command.main(["--cases", "2", "--first", "3", "--out", str(tmp_path)])
    assert ended.value.code == 1
    assert "**2 are unexplained or wrong.**" in (tmp_path / "fuzz.md").read_text(encoding="utf-8")


def test_the_page_says_by_which_states_of_the_code_seeds_were_tried() -> None:
    table = pd.DataFrame({"seed": [0, 1, 2], "reader": "csv", "verdict": "counted", "detail": ""})
    one = "\n".join(command.page(table.assign(code="aa")).lines)
    two = "\n".join(command.page(table.assign(code=["aa", "aa", "bb"])).lines)
    assert "changed meanwhile" not in one
    assert "by the SHA-256 of both: 2 (seeds 0 to 1) by aa; 1 (seeds 2 to 2) by bb." in two
    assert len(command.code_of()) == 12
