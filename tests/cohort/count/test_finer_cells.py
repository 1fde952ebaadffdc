"""Rows grouped once for several tables: the cells, and all that is made of them, are those of a query each."""

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tabled import DATES, spec

from cxlink.cohort.count import equal_rows, finer_cells
from cxlink.cohort.count.cell_texts import fingerprint_of
from cxlink.cohort.count.counts import add_up
from cxlink.cohort.count.equal_rows import numbered_rows
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.table import Cohort, read_cohort

OTHERS = {"csat": {"column": "csat", "scale": "1-5"}}
EVERY = {"cohort": {"id": "who", "repeat": "all"}}
STAY = {"duration": "months", "event": "lost"}
KINDS = {
    "scores": spec(score={"others": OTHERS}, subscription=STAY, adjust={"columns": ["plan"]}),
    "scores without a subscription": spec(score={"others": OTHERS}, subscription=STAY, analysis={"horizon": 300}),
    "scores in accounts": spec(score={"others": OTHERS}, subscription=STAY, cohort={"cluster": "account"}),
    "surveys": spec(EVERY, subscription={**DATES, "cause": "why"}, adjust={"columns": ["plan"]}),
    "surveys with durations": spec(EVERY, subscription={**STAY, "survey": "survey", "follow_up": "most"}),
    "surveys in accounts": spec(EVERY, cohort={"cluster": "account"}, subscription=DATES),
}  # fmt: skip


def rows(n: int = 500) -> pd.DataFrame:
    """Surveys at random on days of their own, some unanswered, of customers named by text."""
    rng = np.random.default_rng(8)
    survey = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.permutation(n), unit="D")
    who = rng.integers(0, n // 4, n)
    return pd.DataFrame({
        "who": [f"C{k}" for k in who], "account": who // 5, "plan": rng.choice(["a", "b", None], n),
        "score": pd.Series(rng.integers(1, 11, n), dtype="Int64").mask(rng.random(n) < 0.2),
        "csat": pd.Series(rng.integers(1, 6, n), dtype="Int64").mask(rng.random(n) < 0.2),
        "months": rng.integers(0, 14, n), "lost": rng.integers(0, 2, n), "most": rng.integers(5, 20, n),
        "survey": survey, "why": rng.choice(["price", "other", None], n),
        "end": np.where(rng.random(n) < 0.5, survey + pd.to_timedelta(rng.integers(0, 90, n), unit="D"), pd.NaT),
    }).astype({"end": "datetime64[ns]"})  # fmt: skip


def everything(cohort: Cohort) -> list[Any]:
    """All that is counted of a cohort, to the last digit."""
    counts, cut = cohort.count(), cohort.count_until_next()
    drivers = [counts.drivers.cells, counts.drivers.answered] if counts.drivers else []
    frames = [counts.cells, *drivers, *([cut.cells] if cut else []), cohort.count_repeats()]
    drivers += [counts.follow_up.cells] if counts.follow_up else []
    return [counts.profile, *(frame.to_dict("list") for frame in frames)]


@pytest.mark.parametrize("kind", KINDS)
def test_one_query_counts_what_one_each_would(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    once = everything(read_cohort(rows(), KINDS[kind]))
    monkeypatch.setattr(finer_cells, "MOST_CELLS", 0)  # no finer cells: each table is grouped by itself
    each = everything(read_cohort(rows(), KINDS[kind]))
    assert str(once) == str(each)
    assert len(once[1]["n"]) > 50


@pytest.mark.parametrize(("kind", "queries"), [("scores", 3), ("surveys with durations", 6)])
def test_a_pass_over_the_rows_serves_all_tables(
    kind: str, queries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    for name in ("run", "stored"):
        before = getattr(Source, name)
        monkeypatch.setattr(
            Source, name, lambda source, asked, before=before: (sent.append("one"), before(source, asked))[1]
        )
    read_cohort(rows(), KINDS[kind])
    # of both whether a row is a total (in small tables alone); of scores the cells, and whether rows are copies; of
    # surveys their customers, whether one lacks a name, the cells, whether names differ in capitals alone, and whether
    # each is read as it is written
    assert len(sent) == queries


def test_amounts_are_summed_over_whole_cells() -> None:
    spend = {"column": "months", "complete": True}
    with_spend: CohortSpec = spec(score={"others": OTHERS}, subscription=STAY, spend=spend)
    counts = read_cohort(rows(), with_spend).count()
    scored = rows().dropna(subset="score")
    assert counts.scored["spend_sum"].sum() == scored["months"].sum()


def test_numbers_of_rows_are_equal_where_all_codes_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    codes = [rng.integers(0, size, 400) for size in (3, 5, 2, 4)]
    plain = pd.DataFrame(codes).T.apply(tuple, axis=1)
    for most in (2**62, 12):  # once all numbers fit, once they have to be numbered again on the way
        monkeypatch.setattr(equal_rows, "_MOST", most)
        number = numbered_rows(zip(codes, (3, 5, 2, 4), strict=True))
        assert len(set(number)) == plain.nunique() == len(set(zip(number, plain, strict=True)))
        assert list(np.argsort(number, kind="stable")) == list(plain.sort_values(kind="stable").index)


def test_cells_are_sorted_alike_with_and_without_equal_ones() -> None:
    cells = read_cohort(rows(), KINDS["surveys"]).count().cells
    turned = cells.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(add_up(turned), cells)
    pd.testing.assert_frame_equal(add_up(pd.concat([turned, turned])).assign(n=cells["n"]), add_up(
        pd.concat([cells, turned])).assign(n=cells["n"]))  # fmt: skip
    keys = ["score", "stratum.plan", "exit"]
    pd.testing.assert_frame_equal(add_up(turned[[*keys, "n"]])[keys], cells[keys].drop_duplicates().sort_values(
        keys, ignore_index=True))  # fmt: skip


def test_a_fingerprint_is_of_the_text_of_every_cell() -> None:
    cells = pd.DataFrame(
        {"score": pd.array([1, None], "Int64"), "plan": ["a", ""], "n": [2, 3], "y": [0.0, -0.0]}
    )
    lines = ["score\x1fplan\x1fn\x1fy", "1\x1fa\x1f2\x1f0.0", "<NA>\x1f\x1f3\x1f-0.0"]
    assert fingerprint_of(cells) == hashlib.sha256("\x1e".join(lines).encode()).hexdigest()
    assert fingerprint_of(cells) != fingerprint_of(cells.assign(y=0.0))
