"""Rows without spend leave spend alone, whoever lacks it: what became of retention does not depend on it."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tabled import STAY, cells, count, refusal, stay

from cxlink.report.profile_words import profile_notes

SPEND = {"spend": {"column": "spent", "complete": True}}


def table(spent: list[object], **more: list[object]) -> pd.DataFrame:
    return stay([5, 5, 6, 6, None], [3, 9, 4, 9, 9], [1, 0, 1, 0, 0], spent=spent, **more)


@pytest.mark.parametrize("empty", [None, float("nan"), "", " "])
def test_a_row_without_spend_counts_for_retention_alone(empty: object) -> None:
    values = [empty, 20, empty, 0, empty]
    written = values if empty is None or isinstance(empty, float) else [str(value) for value in values]
    found = count(table(written), STAY, SPEND)
    assert cells(found) == cells(count(table(written), STAY))
    by_score = found.scored.groupby("score")[["n", "spend_n", "spend_zero", "spend_sum"]].sum()
    assert by_score.to_numpy().tolist() == [[2, 1, 0, 20.0], [2, 1, 1, 0.0]]
    assert profile_notes(found) == [
        "2 customers with a score have no spent, and are left out of spend alone. If it is empty because nothing was "
        "spent, write 0: leaving them out overestimates spend."
    ]


def test_nan_in_a_file_whose_statistics_leave_it_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    nan = float("nan")
    rows = pa.Table.from_pandas(table([0.0] * 5).drop(columns="spent"))
    pq.write_table(rows.append_column("spent", pa.array([nan, 20.0, nan, 0.0, nan])), path)
    assert pq.read_metadata(path).row_group(0).column(rows.num_columns).statistics.max == 20
    assert cells(count(path, STAY, SPEND)) == cells(count(path, STAY))
    by_score = count(path, SPEND).scored.groupby("score")[["spend_n", "spend_sum"]].sum()
    assert by_score.to_numpy().tolist() == [[1, 20.0], [1, 0.0]]


def test_spend_is_what_the_rows_with_spend_say() -> None:
    rows = table([None, 20, None, 35.5, 9])
    kept = rows[rows["spent"].notna()]
    columns = [name for name in count(rows, SPEND).cells if name.startswith("spend")]
    of_all, of_some = (count(one, SPEND).scored.groupby("score")[columns].sum() for one in (rows, kept))
    pd.testing.assert_frame_equal(of_all, of_some, check_exact=True)


def test_only_complete_windows_lack_spend() -> None:
    rows = table([None, 20, None, 0, 1], over=[0, 1, 1, 1, 1])
    found = count(rows, STAY, {"spend": {"column": "spent", "complete": "over"}})
    assert [(one.code, one.n) for one in found.profile.notes] == [("spend_lacking", 1)]
    assert found.scored["spend_n"].sum() == 2


def test_no_message_proposes_to_drop_by_the_outcome() -> None:
    said = refusal(table(["lots", "1", "1", "1", "1"]), SPEND)
    assert "1 of 5 rows fails, in row 1 (found lots)" in said
    for message in (
        said,
        refusal(table([1.0] * 5).assign(lost=[2, 0, 1, 0, 0])),
        refusal(table([1.0] * 5).assign(months=[-1, 9, 4, 9, 9])),
    ):
        assert "drop" not in message
    assert "drop-invalid" in refusal(table([1.0] * 5).assign(score=[11, 5, 6, 6, None]))
