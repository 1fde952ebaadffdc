"""Rows that are spans of a subscription: merged by a stated rule, as loops over each customer's spans do."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabled import cells, count, refusal, spec

from cxlink.cohort.errors import InputError
from cxlink.cohort.table import read_cohort
from cxlink.report.profile_words import profile_notes

SPEC: dict[str, dict[str, Any]] = {
    "cohort": {"id": "who"},
    "subscription": {
        "signup": "start", "survey": "asked", "end": "stop", "observed_until": "2024-12-31", "gap_days": 30,
        "cause": "why",
    },
    "adjust": {"columns": ["plan"], "bands": {"tenure_at_survey": []}},
}  # fmt: skip
SPANS = pd.DataFrame(
    [
        # upgraded on 1 March, asked on the new plan, back after 97 days: lost on 15 June, three months after
        ("ann", "basic", "2024-01-01", "2024-03-01", 7, "2024-03-15", "upgrade"),
        ("ann", "plus", "2024-03-01", "2024-06-15", 7, "2024-03-15", "price"),
        ("ann", "plus", "2024-09-20", None, 7, "2024-03-15", None),
        # lapsed for 30 days, which is one subscription: retained to 1 December, the score in one row alone
        ("bob", "basic", "2024-01-10", "2024-04-30", 3, "2024-02-01", "forgot"),
        ("bob", "plus", "2024-05-30", None, None, None, None),
        # lapsed for 31 days, which is two
        ("cas", "basic", "2024-01-10", "2024-04-30", 9, "2024-04-30", "moved"),
        ("cas", "basic", "2024-05-31", None, 9, "2024-04-30", None),
        # the longer span goes on beneath the shorter one
        ("dee", "basic", "2024-01-01", "2024-12-01", 5, "2024-07-01", "price"),
        ("dee", "plus", "2024-02-01", "2024-03-01", 5, "2024-07-01", "downgrade"),
        ("dee", "plus", "2024-08-01", "2024-09-01", 5, "2024-07-01", "downgrade"),
        # renewed on the next day, which is no break
        ("eve", "plus", "2024-02-01", "2024-03-31", None, None, None),
        ("eve", "plus", "2024-04-01", None, None, None, None),
    ],
    columns=["who", "plan", "start", "stop", "score", "asked", "why"],
)


def test_the_subscription_that_runs_at_the_survey_counts() -> None:
    found = cells(count(SPANS, SPEC), "score", "stratum.plan", "exit", "cause")
    assert found == {
        (7, "plus", 3, "price"): 1, (3, "basic", 10, ""): 1, (9, "basic", 1, "moved"): 1, (5, "basic", 5, "price"): 1,
        (None, "plus", 0, ""): 1,
    }  # fmt: skip


def test_from_signup_customers_enter_at_the_survey() -> None:
    late = {**SPEC, "subscription": {**SPEC["subscription"], "clock": "signup"}}
    found = cells(count(SPANS, late))
    # ann: 1 January to 15 March is in her third month, to 15 June in her sixth; dee's survey is on an anniversary;
    # cas was lost on the day of it
    assert found == {
        (7, 3, 6, "price"): 1, (3, 1, 10, ""): 1, (5, 6, 11, "price"): 1, (None, 0, 0, ""): 1,
    }  # fmt: skip


def test_what_was_merged_is_said() -> None:
    assert profile_notes(count(SPANS, SPEC)) == [
        "Rows are spans of subscriptions: 12 spans of 5 customers are 7 subscriptions. Spans at most 30 days apart are "
        "one; breaks so bridged: 1.",
        "2 customers returned after a longer break. The subscription that ran at the survey counts, and its end is a "
        "loss.",
        "Follow-up ends 30 days before the end of observation, since who left later may still return.",
    ]


@pytest.mark.parametrize(("asked", "plan", "exit_"), [
    ("2024-04-30", "basic", 7), ("2024-05-30", "plus", 6), ("2024-12-01", "plus", 0), ("2024-12-31", "plus", 0),
])  # fmt: skip
def test_the_first_and_the_last_day_of_a_span_are_in_it(asked: str, plan: str, exit_: int) -> None:
    bob = SPANS[SPANS["who"] == "bob"].assign(asked=asked, score=3)
    assert cells(count(bob, SPEC), "stratum.plan", "exit", "cause") == {(plan, exit_, ""): 1}


@pytest.mark.parametrize(("gap", "last", "exit_", "lost"), [
    (0, "2024-12-31", 11, True),
    (30, "2024-12-31", 10, False), (30, "2025-01-30", 11, True), (30, "2025-01-29", 10, False),
])  # fmt: skip
def test_an_end_is_a_loss_once_the_gap_has_passed(gap: int, last: str, exit_: int, lost: bool) -> None:
    one = pd.DataFrame(
        {"who": [1], "start": ["2024-01-31"], "stop": ["2024-12-30"], "score": [5], "asked": ["2024-01-31"]}
    )
    keys = {**SPEC["subscription"], "gap_days": gap, "observed_until": last}
    del keys["cause"]
    found = count(one, {"cohort": {"id": "who"}, "subscription": keys})
    assert cells(found) == {(5, 0, exit_, "lost" if lost else ""): 1}


def test_customers_asked_in_the_last_days_are_not_followed() -> None:
    new = SPANS.assign(start="2024-12-01", stop=None, asked="2024-12-20", score=4).drop_duplicates("who")
    found = count(new, SPEC)
    assert set(found.cells["exit"]) == {0}  # 20 December is within 30 days of the end of the year
    assert any("followed for less than one whole month" in note for note in profile_notes(found))


def test_calendar_metrics_end_as_early() -> None:
    metrics = count(SPANS, SPEC, metrics={"period": "month"}).metrics
    flows = metrics[metrics["of"].isin(["signup.start", "signup.lost"]) & (metrics["variable"] == "")]
    assert flows["period"].max() == "2024-11"  # who left in December may still return
    lost = flows[flows["of"] == "signup.lost"]
    # cas on 30 April and ann on 15 June; dee left on 1 December
    assert dict(zip(lost["period"], lost["n"], strict=True)) == {"2024-04": 1, "2024-06": 1}


@pytest.mark.long
def test_surveys_of_another_table(tmp_path: Path) -> None:
    surveys = SPANS[["who", "score", "asked"]].dropna().drop_duplicates()
    surveys.to_csv(tmp_path / "surveys.csv", index=False)
    SPANS.drop(columns=["score", "asked"]).to_csv(tmp_path / "spans.csv", index=False)
    joined = {**SPEC, "table": {"surveys": "surveys.csv", "on": "who"}}
    expected = count(SPANS, SPEC)
    assert count(tmp_path / "spans.csv", joined).profile.fingerprint == expected.profile.fingerprint
    # ann was asked again after her return
    more = pd.concat([surveys, pd.DataFrame({"who": ["ann"], "score": [10], "asked": ["2024-10-20"]})])
    more.to_csv(tmp_path / "surveys.csv", index=False)
    assert "One customer has several: ann (2 surveys)" in refusal(tmp_path / "spans.csv", joined)
    first = count(tmp_path / "spans.csv", joined, cohort={"id": "who", "repeat": "first"})
    assert first.profile.fingerprint == expected.profile.fingerprint


def test_spend_is_of_the_customer_in_whichever_row_it_stands() -> None:
    spend = {"spend": {"column": "paid", "complete": "over"}}
    paid = SPANS.assign(
        paid=[None, None, 120.0, 30, 30, 10, None, 7, 7, None, None, None],
        over=[1, None, 1, 1, 1, 1, None, 1, 1, None, None, None],
    )
    found = count(paid, SPEC, spend).cells.dropna(subset="score")
    assert dict(zip(found["score"], found["spend_sum"], strict=True)) == {7: 120, 3: 30, 9: 10, 5: 7}
    apart = paid.assign(paid=[None, None, 120.0, 30, 20, 10, None, 7, 7, None, None, None])
    assert refusal(apart, SPEC, spend) == (
        "table: paid must be the same in every span of a customer, or empty: it is the customer's own, over one "
        "window. 1 of them have different ones, such as who bob. Add it up, or leave it to a table of surveys."
    )


Span = tuple[int, int, int | None, str]  # customer, first and last day, plan


def merged(spans: list[Span], gap: int) -> dict[int, list[tuple[int, int | None, list[Span]]]]:
    """Subscriptions of each customer, by loops: spans grow together until nothing is left to join."""
    found: dict[int, list[tuple[int, int | None, list[Span]]]] = {}
    for who in {span[0] for span in spans}:
        whole = [(span[1], span[2], [span]) for span in spans if span[0] == who]
        joined = True
        while joined:
            joined = False
            for i, (first, last, parts) in enumerate(whole):
                for j, (start, stop, others) in enumerate(whole):
                    near = last is None or start <= last + gap
                    if i != j and first <= start and near:
                        until = None if last is None or stop is None else max(last, stop)
                        rest = [one for k, one in enumerate(whole) if k not in (i, j)]
                        whole, joined = [*rest, (first, until, parts + others)], True
                        break
                if joined:
                    break
        found[who] = whole
    return found


def counted(spans: list[Span], asked: dict[int, int], gap: int, last_day: int) -> dict[Any, int]:
    """Customers by score, plan, exit in days and whether lost; without those whose survey falls in no span."""
    found: dict[Any, int] = {}
    for who, subscriptions in merged(spans, gap).items():
        day = asked.get(who)
        if day is None:
            continue
        running = [
            (span, last)
            for _, last, parts in subscriptions
            for span in parts
            if span[1] <= day and (span[2] is None or day <= span[2])
        ]
        if not running:
            continue
        latest, end = max(running, key=lambda one: (one[0][1], one[0][2] is None, one[0][2] or 0))
        followed = max(last_day - gap - day, 0)
        stayed = max(end - day, 1) if end is not None and end - day <= followed else None
        key = (who % 10 + 1, latest[3], stayed or followed, "lost" if stayed else "")
        found[key] = found.get(key, 0) + 1
    return found


CUSTOMERS, DAYS = st.integers(0, 12), st.integers(0, 60)


@pytest.mark.long
@settings(max_examples=8, deadline=None)
@given(
    spans=st.lists(st.tuples(CUSTOMERS, DAYS, st.none() | st.integers(0, 25)), min_size=1, max_size=60),
    asked=st.lists(DAYS, min_size=13, max_size=13),
    gap=st.integers(0, 9),
    seed=st.integers(0, 99),
)
def test_merging_is_that_of_loops(
    spans: list[tuple[int, int, int | None]], asked: list[int], gap: int, seed: int
) -> None:
    # a plan for each first and last day, so that ties are of equal spans
    drawn: list[Span] = [
        (who, start, None if long is None else start + long, f"{start}-{long}") for who, start, long in spans
    ]
    known = {who: asked[who] for who, *_ in drawn if who % 5}
    known |= {who: drawn[0][1] for who, *_ in drawn[:1]}  # somebody's survey is in a span

    def on(day: int | None) -> date | None:
        return None if day is None else date(2024, 1, 1) + timedelta(day)

    rows = pd.DataFrame({
        "who": [span[0] for span in drawn], "start": [on(span[1]) for span in drawn],
        "stop": [on(span[2]) for span in drawn], "plan": [span[3] for span in drawn],
        "score": [span[0] % 10 + 1 if span[0] in known else None for span in drawn],
        "asked": [on(known.get(span[0])) for span in drawn],
    }).astype({"score": "Int64"}).sample(frac=1, random_state=seed)  # fmt: skip
    keys = {
        "signup": "start", "survey": "asked", "end": "stop", "gap_days": gap, "unit": "day",
        "observed_until": str(on(70)),
    }  # fmt: skip
    given_ = spec(cohort={"id": "who"}, subscription=keys, adjust=SPEC["adjust"])
    read = read_cohort(rows, given_, drop_invalid=True)
    found = cells(read.count(), "score", "stratum.plan", "exit", "cause")
    assert {key: n for key, n in found.items() if key[0] is not None} == counted(drawn, known, gap, 70)
    subscriptions = [one for whole in merged(drawn, gap).values() for one in whole]
    assert dict(read.notes[0].facts)["subscriptions"] == len(subscriptions)


OUTSIDE = pd.DataFrame({"who": ["f"], "plan": ["basic"], "start": ["2024-01-01"], "stop": ["2024-02-01"], "score": [4],
                        "asked": ["2024-02-10"], "why": [None]})  # fmt: skip


@pytest.mark.long
def test_a_survey_outside_every_span_is_refused_or_left_out() -> None:
    back = OUTSIDE.assign(start="2024-02-20", stop=None)  # the gap is bridged, but only since she returned
    early = OUTSIDE.assign(who="g", start="2024-03-01", stop=None)
    table = pd.concat([SPANS, OUTSIDE, back])
    must = "table: asked must fall in a span, from start to stop. "
    assert refusal(table, SPEC) == (
        f"{must}1 of 6 rows fails, with who f (found 2024-02-10 and 2024-01-01 and 2024-02-01). Correct it, or drop "
        "them with --drop-invalid."
    )
    assert refusal(pd.concat([SPANS, early]), SPEC).startswith(
        f"{must}1 of 6 rows fails, with who g (found 2024-02-10"
    )
    kept = read_cohort(pd.concat([table, early]), spec(SPEC), drop_invalid=True).count()
    assert kept.cells.equals(count(SPANS, SPEC).cells)
    assert sum(one.n for one in kept.profile.dropped) == 2


FIRST = "12 of 12 rows fail, the first in row 1"
ONE = (
    "the spans of a who must hold one survey, the same wherever it is written. One customer has several: ann"
)


@pytest.mark.parametrize(("change", "said"), [
    ({"stop": "2023-12-31"}, f"start must not be after stop. {FIRST} (found 2024-01-01 and 2023-12-31). Correct it."),
    ({"start": None}, f"start must be a date, YYYY-MM-DD, in every row. {FIRST} (found nothing)"),
    ({"start": "May"}, f"start must be a date, YYYY-MM-DD, in every row. {FIRST} (found May)"),
    ({"stop": "later"}, f"stop must be a date, YYYY-MM-DD, or empty. {FIRST} (found later)"),
    ({"who": None}, f"who must be there in every row. {FIRST} (found nothing). Fill it in"),
    ({"score": [1, 2, 3, 3, None, 9, 9, 5, 5, 5, None, None]}, f"{ONE} (3 surveys). Keep one, or set [cohort] repeat"),
    ({"asked": ["2024-03-15", "2024-03-16", "2024-03-15", "2024-02-01", *["2024-04-01"] * 8],
      "score": [7, 7, 7, 3, None, 9, 9, 5, 5, 5, None, None]}, "the spans of a who must hold one survey"),
])  # fmt: skip
def test_what_cannot_be_merged_is_refused_in_one_line(change: dict[str, Any], said: str) -> None:
    assert refusal(SPANS.assign(**change), SPEC).startswith(f"table: {said}")


@pytest.mark.parametrize(("keys", "said"), [
    ({"gap_days": -1}, "gap_days"),
    ({"signup": None}, "[subscription]: signup missing: with gap_days a row is a span, from signup to end"),
    ({"signup": "stop"}, "gap_days needs three columns"),
    ({"signup": None, "end": None, "observed_until": None, "duration": "m", "event": "e"}, "gap_days goes with dates"),
])  # fmt: skip
def test_keys_that_do_not_go_together(keys: dict[str, Any], said: str) -> None:
    sub = {key: value for key, value in {**SPEC["subscription"], **keys}.items() if value is not None}
    with pytest.raises(InputError) as refused:
        spec(cohort={"id": "who"}, subscription=sub)
    assert said in str(refused.value)
    with pytest.raises(InputError, match="gap_days needs \\[cohort\\] id"):
        spec(subscription=SPEC["subscription"])


@pytest.mark.long
def test_the_order_of_rows_and_the_reader_do_not_matter(tmp_path: Path) -> None:
    expected = count(SPANS, SPEC).profile.fingerprint
    SPANS.sample(frac=1, random_state=2).to_csv(tmp_path / "spans.csv", index=False)
    dated = SPANS.assign(**{name: pd.to_datetime(SPANS[name]) for name in ("start", "stop", "asked")})
    dated.to_parquet(tmp_path / "spans.parquet")
    for name in ("spans.csv", "spans.parquet"):
        assert count(tmp_path / name, SPEC).profile.fingerprint == expected
