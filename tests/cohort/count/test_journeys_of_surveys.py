"""Contacts of customers with several surveys: those before the first one, from the table to the rows."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from waves import waves

import cxlink
from cxlink import Cohort, make_spec, read_cohort
from cxlink.cohort.count.clusters import bucket_of
from cxlink.report.content import gather
from cxlink.report.document import Paragraph, plain
from cxlink.report.metric_sections.journey_section import journey_pages

CONTACTS = {
    "table": "contacts.csv", "on": "customer", "touchpoint": "where", "score": "rating", "scale": "1-5",
    "date": "on_day", "segment": "plan",
}  # fmt: skip


def surveys(repeat: str, folder: Path, n: int = 500, **more: Any) -> Cohort:
    """Read surveys, and contacts over the year of all of them."""
    table, rng = waves(n, 8), np.random.default_rng(2)
    table = table.assign(plan=np.where(table["customer"] % 3 == 0, "pro", "basic"))
    table = table.assign(firm=[f"F{one // 4}" for one in table["customer"]])
    who = rng.choice(table["customer"].unique(), 3 * n)
    pleased = rng.integers(1, 6, len(who))
    contacts = pd.DataFrame({
        "customer": who, "where": rng.choice(["web", "phone"], len(who)), "rating": pleased,
        "on_day": pd.Timestamp("2023-11-01") + pd.to_timedelta(rng.integers(0, 400, len(who)), unit="D"),
    }).drop_duplicates(["customer", "where", "on_day"])  # fmt: skip
    contacts.to_csv(folder / "contacts.csv", index=False)
    table.to_csv(folder / "customers.csv", index=False)
    tables: dict[str, Any] = {
        "cohort": {"id": "customer", "repeat": repeat, "name": "waves", "simulated": True, **more},
        "score": {"column": "score", "scale": "1-5"},
        "subscription": {"duration": "months", "event": "left", "follow_up": "followed", "survey": "day"},
        "touchpoints": CONTACTS, "adjust": {"columns": ["plan"]}, "analysis": {"horizon": 8, "draws": 100},
    }  # fmt: skip
    return read_cohort(folder / "customers.csv", make_spec(tables))


def test_they_are_those_of_a_cohort_of_first_surveys(tmp_path: Path) -> None:
    every, first = (surveys(repeat, tmp_path) for repeat in ("all", "first"))
    assert every.journey is not None
    assert first.journey is not None
    for name in ("cells", "contacts", "paths"):
        pd.testing.assert_frame_equal(getattr(every.journey, name), getattr(first.journey, name))
    assert every.journey.horizon == first.journey.horizon == 8
    said = [
        {note.code: note.n for note in cohort.notes if note.code.startswith("contacts_")}
        for cohort in (every, first)
    ]
    assert said[0] == said[1]
    assert said[0]["contacts_after"] > 100


def test_the_buckets_of_accounts_are_those_of_a_cohort_of_first_surveys(tmp_path: Path) -> None:
    every, first = (surveys(repeat, tmp_path, cluster="firm").journey for repeat in ("all", "first"))
    alone = surveys("first", tmp_path).journey
    assert every is not None
    assert first is not None
    assert alone is not None
    of_customer = np.bincount([bucket_of(f"F{one // 4}") for one in range(500)], minlength=200)
    for name in ("cells", "contacts", "paths"):
        own = getattr(every, name)
        pd.testing.assert_frame_equal(own, getattr(first, name))
        assert own["n"].sum() == getattr(alone, name)["n"].sum()
    assert (np.bincount(every.paths["bucket"], every.paths["n"], 200) <= of_customer).all()


@pytest.mark.long
@pytest.mark.usefixtures("empty_pictures")
def test_the_rows_and_the_page_are_of_customers(tmp_path: Path) -> None:
    every, first = (cxlink.analyse(surveys(repeat, tmp_path)) for repeat in ("all", "first"))
    pd.testing.assert_frame_equal(every.journey(), first.journey())
    assert every.journey()["conf_low"].notna().any()
    said = [plain(one.runs) for one in journey_pages(gather(every.results)) if isinstance(one, Paragraph)]
    assert "the contacts before the first one count" in said[0]
