"""What Parquet files say of themselves: their columns, time zones and largest amounts."""

from collections.abc import Collection
from decimal import Decimal
from pathlib import Path

from cxlink.cohort.read.text_files import Header
from cxlink.cohort.read.zones import common_zones

PARQUET = {".parquet", ".pq"}


def largest_in(files: tuple[Path, ...], column: str) -> float | None:
    """Size of the largest number in a column of Parquet files, from their statistics.

    Returns
    -------
    float or None
        None where they do not say: for text, for other files, or where a part has no statistics.
    """
    import pyarrow.parquet as pq

    if not files or files[0].suffix.lower() not in PARQUET:
        return None
    ends: list[float] = []
    for file in files:
        about = pq.read_metadata(file)
        at = [i for i, name in enumerate(about.schema.names) if name == column]
        for group in range(about.num_row_groups):
            statistics = about.row_group(group).column(at[0]).statistics if len(at) == 1 else None
            if (
                statistics is None
                or not statistics.has_min_max
                or not isinstance(statistics.max, int | float | Decimal)
            ):
                return None
            ends += [abs(float(statistics.min)), abs(float(statistics.max))]
    return max(ends, default=None)


def parquet_header(file: Path) -> Header:
    """Names of a file's columns."""
    import pyarrow.parquet as pq

    return tuple(pq.read_schema(file).names), ""


def parquet_zones(files: tuple[Path, ...], wanted: Collection[str] | None) -> dict[str, str]:
    """Their columns' time zones, which DuckDB does not keep."""
    import pyarrow.parquet as pq

    return common_zones(files, [pq.read_schema(file) for file in files], wanted)
