"""Contacts counted by hand, and what is refused of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxlink import InputError, make_spec, read_cohort
from cxlink.cohort.count.journey_counts import JourneyCounts

CUSTOMERS = pd.DataFrame({
    "who": ["a", "b", "c", "d", "e"],
    "nps": [9, 3, 7, None, 10],
    "asked": ["2024-02-10", "2024-02-10", "2024-05-01", "2024-05-01", "2024-05-01"],
    "left": [None, "2024-03-01", None, None, None],
    "plan": ["basic", "basic", "pro", "pro", "pro"],
})  # fmt: skip
CONTACTS = pd.DataFrame(
    [
        ("a", "web", 4, "2024-01-02"), ("a", "phone", 2, "2024-01-05"), ("a", "web", 5, "2024-02-10"),
        ("b", "phone", 1, "2023-11-30"), ("b", "web", 3, "2024-02-11"),
        ("c", "web", 2, "2024-04-30"), ("c", "phone", 3, "2024-04-30"),
        ("d", "web", 5, "2024-01-01"), ("nobody", "web", 5, "2024-01-01"), ("e", "shop", None, "2024-01-01"),
    ],
    columns=["who", "where", "rating", "on_day"],
)  # fmt: skip


def _tables(**changes: Any) -> dict[str, Any]:
    contacts = {
        "table": "contacts.csv", "on": "who", "touchpoint": "where", "score": "rating", "scale": "1-5",
        "date": "on_day", "segment": "plan",
    }  # fmt: skip
    return {
        "cohort": {"id": "who"},
        "score": {"column": "nps", "scale": "0-10"},
        "subscription": {"survey": "asked", "end": "left", "observed_until": "2025-12-31"},
        "touchpoints": {**contacts, **changes},
    }


def _read(folder: Path, contacts: pd.DataFrame, customers: pd.DataFrame = CUSTOMERS) -> Any:
    contacts.to_csv(folder / "contacts.csv", index=False)
    customers.to_csv(folder / "customers.csv", index=False)
    return read_cohort(folder / "customers.csv", make_spec(_tables()))


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> JourneyCounts:
    held = _read(tmp_path_factory.mktemp("journey"), CONTACTS).count().journey
    assert held is not None
    return held


def test_cells_hold_the_last_score_at_each_touchpoint_before_the_survey(journey: JourneyCounts) -> None:
    assert journey.touchpoints == ("phone", "web")
    cells = journey.cells.fillna(-1)
    found = {
        (phone, web): (n, segment)
        for phone, web, n, segment in zip(
            cells["touchpoint.phone"], cells["touchpoint.web"], cells["n"], cells["segment"], strict=True
        )
    }
    # b's contact at the web came a day after the score; a's last one there on its day
    assert found == {(2, 5): (1, "basic"), (1, -1): (1, "basic"), (3, 2): (1, "pro")}


def test_contacts_are_by_quarter_of_the_last_one(journey: JourneyCounts) -> None:
    rows = journey.contacts.itertuples(index=False, name=None)
    assert sorted(rows) == [
        ("phone", "basic", "2023Q4", 1, 1), ("phone", "basic", "2024Q1", 2, 1), ("phone", "pro", "2024Q2", 3, 1),
        ("web", "basic", "2024Q1", 5, 1), ("web", "pro", "2024Q2", 2, 1),
    ]  # fmt: skip


def test_paths_are_in_the_order_of_first_contacts_and_names_within_a_day(journey: JourneyCounts) -> None:
    rows = journey.paths.itertuples(index=False, name=None)
    assert sorted(rows) == [("phone", "phone", 1), ("phone → web", "web", 1), ("web → phone", "web", 1)]


def test_contacts_that_are_left_out_are_counted(tmp_path: Path) -> None:
    notes = {one.code: one.n for one in _read(tmp_path, CONTACTS).count().profile.notes}
    assert {code: n for code, n in notes.items() if code.startswith("contacts_")} == {
        "contacts_incomplete": 1, "contacts_unknown": 1, "contacts_unscored": 1, "contacts_after": 1,
    }  # fmt: skip


def test_retention_is_that_of_the_customers_of_a_cell(journey: JourneyCounts) -> None:
    # five customers are followed for a year by the spec's dates, and b was lost in the first month
    assert journey.horizon == 12
    cells = journey.cells.sort_values("touchpoint.phone")
    assert cells["retained"].tolist() == [0, 1, 1]
    assert cells["lost"].tolist() == [1, 0, 0]


def test_who_left_before_the_score_is_in_no_cell_where_nobody_is_followed_to_the_horizon(
    tmp_path: Path,
) -> None:
    CONTACTS.to_csv(tmp_path / "contacts.csv", index=False)
    customers = CUSTOMERS.assign(joined="2024-01-31", asked="2024-02-10", left="2024-02-20")
    customers.loc[1, "left"] = None
    customers.to_csv(tmp_path / "customers.csv", index=False)
    tables = _tables() | {"analysis": {"horizon": 30}}
    tables["subscription"] = {**tables["subscription"], "signup": "joined", "clock": "signup"} | {
        "observed_until": "2024-04-30"
    }
    made = read_cohort(tmp_path / "customers.csv", make_spec(tables)).count()
    assert made.journey is not None
    assert made.journey.horizon == 0
    # b alone was observed beyond the month of the score, in which a left
    assert made.journey.cells[["touchpoint.phone", "n"]].to_numpy().tolist() == [[1, 1]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rating": [7, *CONTACTS["rating"][1:]]}, "rating must be a whole number from 1 to 5, or empty. 1 of 10"),
        ({"on_day": ["soon", *CONTACTS["on_day"][1:]]}, "on_day must be a date. 1 of 10 contacts fail. Set [table]"),
        ({"on_day": ["2024-02-10", *CONTACTS["on_day"][1:]]}, "a at web on 2024-02-10. Keep one row a day."),
        ({"where": [f"at {i}" for i in range(10)]}, "more than 8 values; there may be 8 touchpoints. Group them."),
        ({"who": ["x"] * 10, "on_day": [f"2024-01-{i:02}" for i in range(1, 11)]}, "Check [touchpoints] on and date."),
        ({"where": [None] * 10}, "Check the columns that [touchpoints] names."),
    ],
)  # fmt: skip
def test_contacts_that_break_a_rule_are_refused(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        _read(tmp_path, CONTACTS.assign(**change))
    assert str(refused.value).startswith("contacts.csv: ")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    CUSTOMERS.to_csv(tmp_path / "customers.csv", index=False)
    with pytest.raises(InputError, match=r"contacts\.csv"):
        read_cohort(tmp_path / "customers.csv", make_spec(_tables()))


@pytest.mark.parametrize(
    ("section", "keys", "said"),
    [
        ("touchpoints", {"on": "other"}, "must be [cohort] id"),
        ("touchpoints", {"score": "where"}, "names one column twice"),
        ("touchpoints", {"segment": "nps"}, "segment nps is the score"),
        ("touchpoints", {"segment": "path"}, "a name of the tables’ own"),
        ("touchpoints", {"scale": "many"}, "many"),
        (
            "cohort",
            {"count": "n", "id": None},
            "goes without [cohort] count: a row that stands for several customers",
        ),
    ],
)
def test_specs_that_do_not_fit_contacts_are_refused(section: str, keys: dict[str, Any], said: str) -> None:
    tables = _tables()
    tables[section] = {**tables[section], **keys}
    with pytest.raises(InputError) as refused:
        make_spec(tables)
    assert said in str(refused.value)


def test_without_the_day_of_the_score_nothing_is_before_it() -> None:
    tables = _tables() | {"subscription": {"duration": "months", "event": "lost"}}
    with pytest.raises(InputError, match="needs \\[subscription\\] survey"):
        make_spec(tables)


def test_the_order_of_rows_changes_nothing(tmp_path: Path, journey: JourneyCounts) -> None:
    order = np.random.default_rng(4).permutation(len(CONTACTS))
    held = _read(tmp_path, CONTACTS.iloc[order], CUSTOMERS.iloc[::-1]).count().journey
    for name in ("cells", "contacts", "paths"):
        pd.testing.assert_frame_equal(getattr(held, name), getattr(journey, name))
