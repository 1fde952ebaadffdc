"""Where a table comes from: files, folders, frames in memory, or any engine that Ibis speaks to."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cxlink.cohort.addresses import is_address, is_spark, parted
from cxlink.cohort.errors import InputError
from cxlink.cohort.read.engine_errors import complaint, why_not
from cxlink.cohort.read.engine_tables import COUNTING, in_batches, in_place
from cxlink.cohort.read.files import find_files, read_files
from cxlink.cohort.read.memory_tables import in_memory
from cxlink.cohort.read.missing_cells import without_codes
from cxlink.cohort.read.parquet_files import largest_in
from cxlink.cohort.read.safe_engines import embedded, opened_safely
from cxlink.cohort.read.spark_queries import run_on_spark
from cxlink.cohort.read.spark_sessions import spark_table
from cxlink.cohort.spec.spec_sections import TableSection


@dataclass(frozen=True, slots=True)
class Source:
    """An opened table.

    Attributes
    ----------
    name : str
        What messages call it, without its folder.
    table : ibis Table
        All of its rows.
    columns : tuple of str
        Names of its columns, also of those that the spec does not name.
    options : TableSection
        How its text is read.
    engine : ibis backend
        What runs its queries.
    ordered : bool
        Whether rows have an order that the user can see.
    files : tuple of Path
        Its files in order; empty for a frame or an engine's table.
    ours : bool
        Whether the engine was opened for this table.
    address : str
        Where the engine is; no message tells any of it.
    days : mapping of str to str
        Of its columns that hold dates as something else: the column of ``table`` with the date itself.
    clusters : ibis Table or None
        Its clusters, each with its bucket, where they were numbered once; see `clusters.with_clusters`.
    """

    name: str
    table: Any
    columns: tuple[str, ...]
    options: TableSection
    engine: Any
    ordered: bool = False
    files: tuple[Path, ...] = ()
    ours: bool = True
    address: str = field(default="", repr=False)
    days: Mapping[str, str] = field(default_factory=dict)
    clusters: Any = None

    def close(self) -> None:
        """Let go of the engine, where it was opened for this table."""
        if self.ours:
            self.engine.disconnect()

    def run(self, expression: Any) -> Any:
        """Run an expression over its rows, into an Arrow table or scalar.

        Raises
        ------
        InputError
            If the engine cannot read the rows; in one line.
        """
        with self._complaining():
            if self.engine.name == "pyspark":
                return run_on_spark(self.engine, expression)
            return self.engine.to_pyarrow(expression)

    def stored(self, expression: Any) -> Any:
        """Keep what an expression gives as a table of the engine, until it is closed; of an engine that is ours.

        Raises
        ------
        InputError
            See `run`.
        """
        from ibis.util import gen_name

        with self._complaining():
            return self.engine.create_table(gen_name("stored"), expression, temp=True)

    @contextmanager
    def _complaining(self) -> Iterator[None]:
        """Tell of an engine that cannot read the rows in one line, which names no address."""
        try:
            yield
        except Exception as error:
            said = InputError(
                f"{self.name}: {complaint(error, self.files, self.address, sum(self.options.around_header))}."
            )
            raise said from (None if self.address else error)

    def state(self) -> tuple[tuple[int, int], ...]:
        """Size and time of change of its files, by which a change while they are read is seen.

        Raises
        ------
        InputError
            If one of them is gone.
        """
        try:
            return tuple((about.st_size, about.st_mtime_ns) for about in (file.stat() for file in self.files))
        except OSError:
            raise InputError(
                f"{self.name}: gone while it was read. Read a copy that stays as it is."
            ) from None

    def kept(self, table: Any) -> "Source":
        """Give some of its rows as a source; their numbers are no longer the user's."""
        return replace(self, table=table, ordered=False, files=())

    def largest(self, column: str) -> float | None:
        """Size of the largest number in a column, where its files say it themselves."""
        return largest_in(self.files, column)

    def parts(self) -> Iterator["Source"]:
        """Give it file by file, each with the name that a message gives it."""
        if len(self.files) < 2:
            yield self
            return
        for file in self.files:
            table, _ = read_files(self.engine, (file,), self.options, None)
            rows = without_codes(table, self.options)
            yield replace(self, name=f"{self.name}/{file.name}", table=rows, files=(file,), days={})


def open_source(table: Any, options: TableSection, wanted: Collection[str] | None = None) -> Source:
    """Open a table.

    Parameters
    ----------
    table : str, Path, pandas, polars or Arrow table, DuckDB relation, or Ibis table
        A file, a folder or glob of files, ``URL::table``, or something in memory.
    options : TableSection
        How text is read.
    wanted : collection of str, optional
        Columns that matter, if not all do.

    Raises
    ------
    InputError
        If there is no such table, it is empty or unreadable, or two columns have one name.
    """
    source = _opened(table, options, wanted)
    return replace(source, table=without_codes(source.table, options))


def _opened(table: Any, options: TableSection, wanted: Collection[str] | None) -> Source:
    import ibis

    if isinstance(table, ibis.Table):
        try:
            source = Source("table", table, tuple(table.columns), options, table.get_backend(), ours=False)
            return _counted_somewhere(source, wanted)
        except Exception as error:
            raise InputError(f"table: {complaint(error, ())}.") from None
    if not isinstance(table, str | Path):
        rows, columns = in_memory(table, wanted)
        return Source("table", rows, columns, options, embedded(), ordered=True)
    text = str(table)
    if is_address(text):
        return _from_engine(text, options, wanted)
    files = tuple(file.absolute() for file in find_files(text))
    name, engine = Path(text).name or text, embedded(files)
    try:
        rows, columns = read_files(engine, files, options, wanted)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{name}: {complaint(error, files, above=sum(options.around_header))}.") from None
    return Source(name, rows, columns, options, engine, ordered=True, files=files)


def _from_engine(text: str, options: TableSection, wanted: Collection[str] | None) -> Source:
    address, name = parted(text)
    source = None
    try:
        engine, rows, ours = (
            spark_table(address, name) if is_spark(address) else _database_table(address, name)
        )
        source = Source(name, rows, tuple(rows.columns), options, engine, ours=ours, address=address)
        return _counted_somewhere(source, wanted)
    except Exception as error:
        if source is not None:
            source.close()
        if isinstance(error, InputError):
            raise
        raise InputError(f"{name}: cannot be opened at that address ({why_not(error, address)}).") from None


def _database_table(address: str, name: str) -> tuple[Any, Any, bool]:
    """Engine of an address, its table of that name, and that the engine was opened for it."""
    import ibis

    engine = ibis.connect(opened_safely(address))
    try:
        schema, _, short = name.rpartition(".")
        whole = not schema or name in engine.list_tables()
        return engine, engine.table(name) if whole else engine.table(short, database=schema), True
    except BaseException:
        engine.disconnect()
        raise


def _counted_somewhere(source: Source, wanted: Collection[str] | None) -> Source:
    """Give a table to the engine that counts it: its own, or DuckDB, which its rows are copied to."""
    if "" in source.columns:  # no engine takes an empty name, and no spec asks for one
        source = replace(source, table=source.table.select([name for name in source.table.columns if name]))
    if source.engine.name in COUNTING:
        table = in_place(source.engine, source.table)
        return replace(source, table=table, columns=tuple(table.columns))
    duckdb = embedded()
    try:
        copied = in_batches(source.engine, source.table, wanted, duckdb)
    except BaseException:
        duckdb.disconnect()
        raise
    source.close()
    return replace(source, table=copied, engine=duckdb, ours=True)
