import made_up
import numpy as np
import pandas as pd
import pytest

from cxlink.estimands.tidy import tidy
from cxlink.report.content import gather
from cxlink.report.estimates_lookup import Book, known_rows, one_kind, open_book, preferred

BOTH = [
    {"estimand": "tenure", "model": model, "group": "best", "horizon": 36, "adjusted": adjusted, "estimate": value}
    for model, adjusted, value in (
        ("weibull", "no", 1.0), ("weibull", "standardised", 2.0), ("exponential", "no", 3.0),
        ("averaged", "no", 4.0), ("averaged_aic", "no", 4.0), ("averaged_equal", "no", 4.0),
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def book() -> Book:
    return open_book(made_up.results().estimates)


def test_a_row_is_found_by_its_key_with_the_types_of_python(book: Book) -> None:
    row = book.get("retention", "best", "kaplan_meier", 12)
    assert row is not None
    assert (type(row.horizon), type(row.n), type(row.headline)) == (int, int, bool)
    assert book.get("retention", "best", "kaplan_meier", 13, stratum="plan=none") is None
    spent = book.get("spend", "best", "means")
    assert spent is not None
    assert spent.horizon is None
    assert spent.n_events is None


def test_standardised_goes_before_unadjusted(book: Book) -> None:
    found = book.best("retention", "best", "kaplan_meier", 12)
    assert found is not None
    assert found.adjusted == "standardised"
    lagged = book.best("retention", "best", "kaplan_meier", 12, scenario="lag=1")
    assert lagged is not None
    assert lagged.adjusted == "no"
    rows = preferred(known_rows(tidy(BOTH), estimand="tenure"))
    assert {row.model: row.estimate for row in rows} == {
        "weibull": 2.0, "exponential": 3.0, "averaged": 4.0, "averaged_equal": 4.0,
    }  # fmt: skip


def test_a_curve_is_of_one_kind_even_where_the_standardised_one_is_shorter() -> None:
    rows = [
        {**BOTH[0], "estimand": "retention", "model": "kaplan_meier", "horizon": t, "adjusted": kind}
        for kind, last in (("no", 3), ("standardised", 2))
        for t in range(1, last + 1)
    ]  # fmt: skip
    kept = one_kind(known_rows(tidy(rows), estimand="retention"))
    assert [(row.adjusted, row.horizon) for row in kept] == [("standardised", 1), ("standardised", 2)]
    assert len(one_kind([row for row in known_rows(tidy(rows)) if row.adjusted == "no"])) == 3


def test_rows_without_a_number_are_not_known() -> None:
    rows = tidy([{**BOTH[0], "estimate": np.nan}, BOTH[2]])
    assert [row.model for row in known_rows(rows)] == ["exponential"]
    assert open_book(rows).where("tenure", model="weibull")[0].blank


def test_scores_are_counted_and_small_ones_hidden() -> None:
    given = made_up.results({"publish": {"smallest_cell": 700}})
    m = gather(given)
    assert m.scores[2] is None
    assert m.scores[1] == int(given.counts.cells.loc[given.counts.cells["score"] == 1, "n"].sum())
    assert (m.n_scored, m.n_unscored) == (int(given.counts.cells["n"].sum()) - 7300, 7300)
    assert m.has("worst")
    assert not m.too_small("worst")
    assert gather(made_up.results({"publish": {"smallest_cell": 1300}})).too_small("worst")


def test_levels_without_customers_have_no_count_and_their_band_is_no_band() -> None:
    given = made_up.results()
    cells = given.counts.cells[~given.counts.cells["score"].isin([1]).fillna(False)]
    m = gather(made_up.results(cells=cells))
    assert 1 not in m.scores
    assert m.bands == ("best",)


def test_a_book_of_nothing_answers_none() -> None:
    empty = open_book(made_up.results().estimates.iloc[:0])
    assert empty.where("retention") == []
    assert empty.headline("retention", "best") is None
    assert isinstance(made_up.results().estimates, pd.DataFrame)
