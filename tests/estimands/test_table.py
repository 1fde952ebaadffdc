"""The estimates table: intervals from draws, keys, and the file it is written to."""

import numpy as np
import pandas as pd
import pytest

from cxlink.estimands.csv_tables import csv_text, read_csv
from cxlink.estimands.tidy import COLUMNS, KEY, interval, row, select, tidy


def rows() -> list[dict[str, object]]:
    draws = np.linspace(0, 1, 101)
    return [
        row("retention", 0.5, draws, 0.95, "probability", model="kaplan_meier", group="worst", horizon=24, n=9),
        row(
            "retention", 1 / 3, draws, 0.95, "probability", model="kaplan_meier", group="worst", horizon=3, n=9,
            n_events=4, headline=True, extrapolated=0.0,
        ),
        row("tenure_mean", np.inf, np.full(5, np.inf), 0.95, "month", model="weibull", group="1,3", adjusted="no"),
        row("spend", 12345.678901234, draws, 0.9, "EUR", model="means", group='a "b", c', n=2),
    ]  # fmt: skip


def test_interval_is_equal_tailed() -> None:
    draws = np.random.default_rng(1).standard_normal(5001)
    error, low, high = interval(draws, 0.9)
    assert (low, high) == pytest.approx(tuple(np.quantile(draws, [0.05, 0.95], method="weibull")), abs=1e-12)
    assert error == pytest.approx(draws.std(ddof=1), rel=1e-12)


def test_interval_leaves_out_undefined_draws() -> None:
    draws = np.array([1.0, np.nan, 3.0, 2.0, np.nan])
    assert interval(draws, 0.5) == pytest.approx((1.0, 1.0, 3.0), abs=1e-12)


def test_interval_of_few_draws_holds_what_it_says() -> None:
    # 99 draws cut the law of a further one into 100 parts: 90 of them lie between the 5th and the 95th draw
    assert interval(np.arange(1.0, 100.0), 0.9)[1:] == pytest.approx((5.0, 95.0), abs=1e-9)


def test_interval_of_nothing_is_nothing() -> None:
    assert all(np.isnan(interval(np.array([np.nan, np.nan]), 0.95)))
    assert all(np.isnan(interval(np.array([]), 0.95)))
    error, low, high = interval(np.array([2.0]), 0.95)
    assert np.isnan(error)
    assert (low, high) == (2.0, 2.0)


def test_interval_with_infinite_draws() -> None:
    draws = np.array([*np.arange(99.0), np.inf])
    error, low, high = interval(draws, 0.95)
    assert np.isnan(error)
    assert high == pytest.approx(97.475, abs=1e-12)  # 2.5 % lie above, and one of them is infinite
    assert interval(np.array([*np.arange(90.0), *[np.inf] * 10]), 0.95)[2] == np.inf
    assert interval(-draws, 0.95)[1] == pytest.approx(-97.475, abs=1e-12)
    # between a finite and an infinite draw there is no number: the wider end
    assert interval(np.array([-np.inf, 0.0, 1.0, np.inf]), 0.95)[1:] == (-np.inf, np.inf)
    assert interval(np.array([0.0, np.inf, np.inf]), 0.5)[1:] == (0.0, np.inf)
    assert low == pytest.approx(1.525, abs=1e-12)


def test_a_row_names_its_columns_and_no_others() -> None:
    made = row("retention", 1, np.array([1.0]), 0.95, "probability", model="means")
    assert set(made) <= set(COLUMNS)
    with pytest.raises(KeyError, match="not a column of the estimates table: colour"):
        row("retention", 1, np.array([1.0]), 0.95, "probability", colour="red")


def test_tidy_has_all_columns_and_is_sorted_by_its_key() -> None:
    table = tidy(rows())
    assert tuple(table.columns) == COLUMNS
    assert table["estimand"].tolist() == ["retention", "retention", "spend", "tenure_mean"]
    assert table["horizon"].tolist() == [3, 24, pd.NA, pd.NA]
    assert table["headline"].tolist() == [True, False, False, False]
    assert table["given"].tolist() == [0, 0, 0, 0]
    assert table.loc[0, "reference"] == ""
    assert table["headline"].dtype == bool


def test_rows_without_a_horizon_come_first() -> None:
    one = row("spend_ratio", 1, np.array([1.0]), 0.95, "ratio", model="means", group="best")
    assert tidy([{**one, "horizon": 12}, one, {**one, "horizon": 3}])["horizon"].tolist() == [pd.NA, 3, 12]


def test_tidy_of_nothing_is_an_empty_table() -> None:
    table = tidy([])
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 0
    assert csv_text(table) == ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize("name", KEY)
def test_one_key_is_one_estimate(name: str) -> None:
    one = rows()[1]
    with pytest.raises(ValueError, match=r"two estimates share one key: .*'group': 'worst', .*'horizon': 3"):
        tidy([one, {**one, "estimate": 0.9}])
    other = 7 if name in ("horizon", "given") else "other"
    assert len(tidy([one, {**one, name: other}])) == 2


def test_select_by_value_and_by_any_of_several() -> None:
    table = tidy(rows())
    assert len(select(table, estimand="retention", horizon=3)) == 1
    assert len(select(table, estimand=("spend", "tenure_mean"))) == 2
    assert len(select(table, horizon=[3, 24], headline=True)) == 1
    assert select(table, group="nobody").empty


def test_the_file_as_text() -> None:
    text = csv_text(tidy(rows()))
    lines = text.split("\n")
    assert "\r" not in text
    assert lines[-1] == ""
    assert lines[1] == (
        "retention,kaplan_meier,worst,,3,,,,0,,true,0.3333333333,0.2930017065,0.0155,0.9845,0.95,probability,9,4,0"
    )
    assert lines[2].endswith(",false,0.5,0.2930017065,0.0155,0.9845,0.95,probability,9,,")
    assert lines[3].startswith('spend,means,"a ""b"", c",,,,,,0,,false,12345.6789,')
    assert lines[4] == 'tenure_mean,weibull,"1,3",,,no,,,0,,false,inf,,inf,inf,0.95,month,,,'


def test_no_negative_zero() -> None:
    text = csv_text(tidy([row("retention_difference", -0.0, np.array([-0.0, 0.0]), 0.95, "probability")]))
    assert "-0" not in text


def test_reading_back_gives_the_same_table(tmp_path) -> None:
    table = tidy(rows())
    path = tmp_path / "estimates.csv"
    path.write_text(csv_text(table), encoding="utf-8", newline="")
    again = read_csv(path)
    # ten significant digits
    pd.testing.assert_frame_equal(again, table, rtol=1e-9)
    assert csv_text(again) == csv_text(table)


def test_what_is_judged_is_written_as_true_false_or_nothing() -> None:
    table = pd.DataFrame({"ok": pd.array([True, False, None], dtype="boolean"), "note": ["a", "b", "c"]})
    assert csv_text(table) == "ok,note\ntrue,a\nfalse,b\n,c\n"
