"""Whatever is in a table, it is counted or refused in one line: never another error, never a silent wrong answer."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tabled import CSV, STAY, count, spec

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import number_of_rows
from cxlink.cohort.errors import InputError
from cxlink.cohort.table import read_cohort

SPEND = {"spend": {"column": "spent", "complete": True}}

SLOW = [HealthCheck.too_slow]  # a busy machine is no fault of the data


def counted_or_refused(count_it: Callable[[], Counts]) -> tuple[Counts | None, str]:
    """Counts, or the message of the one error that there may be."""
    try:
        return count_it(), ""
    except InputError as refused:
        return None, str(refused)


ANY = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.text(max_size=8), st.dates(),
    st.binary(max_size=4), st.decimals(allow_nan=False), st.lists(st.integers(), max_size=2),
)  # fmt: skip


@pytest.mark.long
@settings(max_examples=10, deadline=None, suppress_health_check=SLOW)
@given(st.data())
def test_whatever_is_in_a_frame_is_counted_or_refused(data: st.DataObject) -> None:
    """Never another error, and never more customers than rows."""
    n = data.draw(st.integers(1, 4))
    columns = {
        name: data.draw(st.lists(ANY, min_size=n, max_size=n))
        for name in ("score", "months", "lost", "plan", "spent")
    }
    table = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    made = spec(STAY, SPEND, adjust={"columns": ["plan"]})
    for drop_invalid in (False, True):
        counts, message = counted_or_refused(lambda drop=drop_invalid: read_cohort(table, made, drop).count())
        assert message.isprintable()
        if counts is not None:
            assert counts.profile.rows_read == n
            assert counts.profile.rows_used + number_of_rows(counts.profile.dropped) == n


@settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
@given(st.binary(max_size=200), st.sampled_from(["csv", "tsv", "parquet", "arrow", "csv.gz"]))
def test_whatever_is_in_a_file_is_refused(content: bytes, ending: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t.{ending}"
        path.write_bytes(content)
        with pytest.raises(InputError):
            count(path)


@pytest.mark.long
@settings(max_examples=15, deadline=None, suppress_health_check=SLOW)
@given(st.text(st.characters(codec="utf-8"), max_size=60), st.integers(0, 30))
def test_text_with_something_put_in_is_counted_or_refused(noise: str, at: int) -> None:
    text = CSV.decode()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_bytes((text[:at] + noise + text[at:]).encode())
        counts, message = counted_or_refused(lambda: count(path))
        assert message.isprintable()
        assert counts is None or counts.profile.rows_used <= 2 + noise.count("\n") + noise.count("\r")
