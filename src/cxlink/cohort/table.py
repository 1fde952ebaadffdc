"""A table becomes a cohort: read, checked and grouped into raw cells in one pass of the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxlink.checks import Fact
from cxlink.cohort.arguments_given import refuse_other
from cxlink.cohort.checked_rows import checked_surveys, refuse_wide
from cxlink.cohort.count import grouping
from cxlink.cohort.count.cell_texts import fingerprint_of
from cxlink.cohort.count.clusters import with_clusters
from cxlink.cohort.count.coding import code_cells
from cxlink.cohort.count.contradicted import contradicted_keys
from cxlink.cohort.count.copied_rows import copied_rows
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.driver_cells import count_drivers
from cxlink.cohort.count.driver_counts import DriverCounts
from cxlink.cohort.count.finer_cells import cells_with_finer, until_next
from cxlink.cohort.count.follow_up_cells import count_follow_up
from cxlink.cohort.count.follow_up_counts import FollowUpCounts
from cxlink.cohort.count.grouped_rows import one_row_each
from cxlink.cohort.count.identity import one_row_a_customer
from cxlink.cohort.count.journey_cells import count_journey
from cxlink.cohort.count.journey_counts import JourneyCounts
from cxlink.cohort.count.lost_shares import LostShares
from cxlink.cohort.count.metric_cells import metric_counts, raw_flows, raw_metrics
from cxlink.cohort.count.metric_sums import nothing
from cxlink.cohort.count.outcome_strata import without_default_tenure
from cxlink.cohort.count.profile import Profile, Remark, number_of_rows, together
from cxlink.cohort.count.repeated_scores import repeated_scores, scores_of_one_day
from cxlink.cohort.count.resolution import resolve
from cxlink.cohort.count.similar_ids import similar_ids
from cxlink.cohort.count.similar_levels import similar_levels
from cxlink.cohort.count.sizes_of_clusters import cluster_sizes
from cxlink.cohort.count.spans import merged_spans
from cxlink.cohort.count.spans_at_surveys import spans_at_surveys, with_own_surveys
from cxlink.cohort.count.survey_history import cut_spec, first_surveys
from cxlink.cohort.count.total_rows import total_rows
from cxlink.cohort.count.two_readings import refuse_two_readings
from cxlink.cohort.count.uncounted_rows import uncounted_rows
from cxlink.cohort.count.undropped import retention_spec
from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns
from cxlink.cohort.read.contact_table import Contacts, read_contacts
from cxlink.cohort.read.dates import with_days
from cxlink.cohort.read.source import Source, open_source
from cxlink.cohort.read.survey_table import with_surveys
from cxlink.cohort.read.zones import zoned_by_engine
from cxlink.cohort.spec.cohort_spec import TENURE_AT_SURVEY, CohortSpec, make_spec
from cxlink.cohort.strata import stratum_column


@dataclass(frozen=True, slots=True, repr=False)
class Cohort:
    """A table, read and valid under every rule.

    Attributes
    ----------
    name : str
        The table's name, without its folder.
    spec : CohortSpec
        Description of the table.
    raw : Arrow table
        Its raw cells: rows grouped by score, time, strata, cause and wave, before the duration convention is applied.
    from_signup : Arrow table or None
        The same with signup as time origin and no delayed entry, for the naive estimate. None without signup dates.
    rows_read : int
        Rows in the table.
    dropped : tuple of Remark
        Why rows were excluded while reading, and how many.
    repeats : Arrow table or None
        Customers by the first and the second score that they gave; None where a customer has one row.
    metrics : DataFrame
        Sums that metrics are computed from; no row without ``[metrics]``.
    table : path, frame or Ibis table
        Where it was read from; models with further terms read it again.
    drop_invalid : bool
        Whether rows that violate a rule were excluded.
    notes : tuple of Remark
        What was odd but valid while reading.
    undropped : tuple of Arrow tables
        Raw cells of score and time before and after rows were excluded; empty where none was.
    excluded : LostShares or None
        Who was lost among the rows excluded and among the others; None where none was, or nobody can be lost.
    drivers : DriverCounts or None
        Customers by all of their scores; None without ``[score] others``.
    until_next : Arrow table or None
        Raw cells with the follow-up of each survey cut at the customer's next one; None unless every survey counts.
    journey : JourneyCounts or None
        Customers by their contacts; None without ``[touchpoints]``.
    follow_up : FollowUpCounts or None
        Customers by all of their scores and times; None without ``[score] others`` or ``[subscription]``.
    """

    name: str
    spec: CohortSpec
    raw: pa.Table
    from_signup: pa.Table | None
    rows_read: int
    dropped: tuple[Remark, ...]
    repeats: pa.Table | None = None
    metrics: pd.DataFrame = field(default_factory=nothing)
    table: Any = field(default=None, repr=False)
    drop_invalid: bool = False
    notes: tuple[Remark, ...] = ()
    undropped: tuple[pa.Table, ...] = ()
    excluded: LostShares | None = None
    drivers: DriverCounts | None = None
    until_next: pa.Table | None = None
    journey: JourneyCounts | None = None
    follow_up: FollowUpCounts | None = None

    def __repr__(self) -> str:
        return f"<Cohort {self.spec.cohort.name}: {_customers(self.raw):,} of {self.rows_read:,} rows of {self.name}>"

    def count(self, counts: str | None = None) -> Counts:
        """Count its customers, and settle the bands and the horizon that the spec leaves to rule.

        Parameters
        ----------
        counts : {"periods", "completed"}, optional
            Duration convention, if not that of the spec.

        Returns
        -------
        Counts
            Of every customer used, one row a cell.

        Raises
        ------
        InputError
            If it is neither.
        """
        spec = self.spec
        if counts not in (None, "periods", "completed"):
            raise InputError(f"counts {counts!r} is neither periods nor completed.")
        if counts is not None and spec.subscription is not None:
            spec = spec.model_copy(
                update={"subscription": spec.subscription.model_copy(update={"counts": counts})}
            )
        counted = code_cells(self.raw, spec, self._read())
        notes = (*self.notes, *counted.profile.notes)
        marked = replace(counted.profile, fingerprint=fingerprint_of(counted.cells), notes=notes)
        same = spec.subscription == self.spec.subscription
        if same:
            counted = replace(counted, drivers=self.drivers, journey=self.journey, follow_up=self.follow_up)
        return resolve(replace(counted, profile=marked, metrics=self.metrics))

    def count_from_signup(self) -> Counts | None:
        """Count its customers from signup, ignoring delayed entry (the naive estimate); None without signup.

        Returns
        -------
        Counts or None
            On the time origin signup, as if nobody had entered late.
        """
        naive = naive_spec(self.spec)
        if self.from_signup is None or naive is None:
            return None
        return code_cells(self.from_signup, naive, self._read())

    def count_until_next(self) -> Counts | None:
        """Count its surveys with follow-up cut at the customer's next one; None unless every survey counts.

        Returns
        -------
        Counts or None
            With the scenario's follow-up.
        """
        if self.until_next is None:
            return None
        return code_cells(self.until_next, cut_spec(self.spec), self._read())

    def count_repeats(self) -> pd.DataFrame:
        """Count its customers by the first and the second score that they gave.

        Returns
        -------
        DataFrame
            ``score, again, n``; no row where nobody gave two.
        """
        if self.repeats is None:
            return pd.DataFrame({"score": [], "again": [], "n": []}, dtype="int64")
        pairs: pd.DataFrame = self.repeats.select(["score", "again", "n"]).to_pandas().astype("int64")
        return pairs

    def count_around_exclusion(self) -> tuple[Counts, ...]:
        """Count customers by score and time, with and without the rows excluded; nothing where no row was excluded.

        Returns
        -------
        tuple of Counts
            With them first, then without.
        """
        spec = retention_spec(self.spec)
        return tuple(code_cells(raw, spec, self._read()) for raw in self.undropped)

    def _read(self) -> Profile:
        return Profile(self.name, self.rows_read, _customers(self.raw), self.dropped)


def read_cohort(table: Any, spec: CohortSpec | Mapping[str, Any], drop_invalid: bool = False) -> Cohort:
    """Read and check a table.

    Parameters
    ----------
    table : str, Path, pandas, polars or Arrow table, or Ibis table
        A Parquet, CSV, Arrow, Excel, SPSS, Stata or SAS file, a folder or glob of them, ``URL::table``, a frame, a
        relation, or a table of any engine.
    spec : CohortSpec or mapping
        Description of the table; a mapping is made one as `make_spec` does.
    drop_invalid : bool
        Exclude rows that violate a rule and report how many, instead of refusing the table.

    Returns
    -------
    Cohort
        Checked; `Cohort.count` counts it.

    Raises
    ------
    InputError
        In one line: which rule, how many rows, the first of them, and the cure.

    Examples
    --------
    >>> import pandas as pd
    >>> from cxlink import make_spec, read_cohort
    >>> rows = pd.DataFrame({"score": [2, 2, 9, 10], "months": [3, 12, 12, 5], "left": [1, 0, 0, 1]})
    >>> durations = {"duration": "months", "event": "left"}
    >>> spec = make_spec({"score": {"column": "score", "scale": "1-10"}, "subscription": durations})
    >>> read_cohort(rows, spec).count().cells
       score  entry  exit cause wave  n
    0      2      0     3  lost       1
    1      2      0    12             1
    2      9      0    12             1
    3     10      0     5  lost       1
    """
    refuse_other(spec, (CohortSpec, Mapping), "spec")
    spec = spec if isinstance(spec, CohortSpec) else make_spec(spec)
    source = open_source(table, spec.table, spec.table_columns)
    try:
        before = source.state()
        joined, notes = _with_surveys(source, spec, table)
        _refuse_unknown_codes(joined, spec)
        refuse_two_readings(joined, spec)
        cohort = _without_telling_tenure(joined, spec, drop_invalid, read_contacts(spec, table))
        if source.state() != before:
            raise InputError(f"{source.name}: changed while it was read. Read a copy that stays as it is.")
        n = cohort.rows_read
        odd = (*copied_rows(table, source.columns, spec, n), *total_rows(table, source, spec, n))
        odd += uncounted_rows(table, source, spec)
        zoned = zoned_by_engine(source, spec.date_columns)
        odd += (Remark("zoned_times", facts={"columns": zoned}),) if zoned else ()
        notes = (*notes, *cohort.notes, *odd)
        return replace(cohort, table=table, drop_invalid=drop_invalid, notes=notes)
    finally:
        source.close()


def _without_telling_tenure(
    source: Source, spec: CohortSpec, drop_invalid: bool, contacts: Contacts | None
) -> Cohort:
    """Read and count, without the default bands of tenure where it is missing by what became of customers."""
    cohort = _read(source, spec, drop_invalid, contacts=contacts)
    column = stratum_column(TENURE_AT_SURVEY)
    if column not in cohort.raw.column_names or not cohort.raw[column].null_count:
        return cohort
    unused = without_default_tenure(code_cells(cohort.raw, spec, cohort._read()))
    if unused is None:
        return cohort
    alone, remark = unused
    cohort = _read(source, alone, drop_invalid, contacts=contacts)
    return replace(cohort, notes=(remark, *cohort.notes))


def _refuse_unknown_codes(source: Source, spec: CohortSpec) -> None:
    """Refuse codes of a column that no table has: they would be counted as what they are."""
    of_contacts = spec.touchpoints.columns if spec.touchpoints is not None else ()
    for name in spec.table.missing_in:
        if name not in of_contacts:
            columns.raw(source, name, "missing")


def read_again(cohort: Cohort, spec: CohortSpec) -> Cohort:
    """Read a cohort's table by another spec, whose adjustment variables may have any number of values.

    Raises
    ------
    InputError
        See `read_cohort`.
    """
    source = open_source(cohort.table, spec.table, spec.table_columns)
    try:
        joined, _ = _with_surveys(source, spec, cohort.table)
        return _read(joined, spec, cohort.drop_invalid, wide=True)
    finally:
        source.close()


def _with_surveys(source: Source, spec: CohortSpec, table: Any) -> tuple[Source, tuple[Remark, ...]]:
    """Join the surveys that the spec names, and say how many are of nobody in the table; one row each of spans."""
    spans, notes = None, tuple[Remark, ...]()
    if spec.spans:
        spans, notes = merged_spans(source, spec)
        source = spans.source
    joined, n_unmatched, n_alike = with_surveys(source, spec, table)
    facts: dict[str, Fact] = {"table": Path(spec.table.surveys or "").name}
    notes += (Remark("surveys_unmatched", n_unmatched, facts=facts),) if n_unmatched else ()
    notes += (Remark("keys_alike", n_alike, facts={"column": str(spec.table.on)}),) if n_alike else ()
    if spans is None:
        return joined, notes
    surveyed = joined if spec.table.surveys else with_own_surveys(spans, spec)
    return spans_at_surveys(spans, spec, surveyed), notes


def _read(
    source: Source, spec: CohortSpec, drop_invalid: bool, wide: bool = False, contacts: Contacts | None = None
) -> Cohort:
    source, notes = one_row_each(with_days(source, spec.date_columns), spec)
    checked = checked_surveys(with_clusters(source, spec), spec, drop_invalid)
    source, raw, metrics, dropped = checked.source, checked.raw, checked.metrics, checked.dropped
    finer = checked.finer
    n_rows = _customers(raw) + number_of_rows(dropped)
    notes += similar_ids(source, spec, n_rows) + contradicted_keys(source, spec)
    repeats = repeated_scores(source, spec, raw)
    source, later = one_row_a_customer(source, spec)
    if later:
        (raw, finer), metrics = cells_with_finer(source, spec), raw_metrics(source, spec)
        dropped = together(dropped, later)
    once = first_surveys(source) if spec.every_survey else source
    metrics = raw_metrics(once, spec) if spec.every_survey else metrics
    if not _customers(raw):
        raise InputError(f"{source.name}: no valid row is left.")
    notes += scores_of_one_day(repeats, spec) + cluster_sizes(source, spec, raw)
    if not wide:
        refuse_wide(raw, spec, source.name)
    read = Profile(source.name, n_rows, _customers(raw))
    naive = naive_spec(spec)
    one_each, cells = _of_customers(once, spec, raw, read)
    journey, of_contacts = count_journey(once, one_each, cells, contacts)
    notes += similar_levels(raw, spec, metrics, journey)
    return Cohort(
        name=source.name,
        spec=spec,
        raw=raw,
        from_signup=_from_signup(once, naive) if naive is not None else None,
        rows_read=n_rows,
        dropped=dropped,
        repeats=repeats,
        metrics=metric_counts(metrics, raw_flows(once, spec), spec),
        notes=notes + of_contacts,
        undropped=checked.undropped,
        excluded=checked.excluded,
        drivers=None
        if wide
        else count_drivers(once, one_each, cells, read, None if spec.every_survey else finer),
        until_next=until_next(source, spec, finer) if spec.every_survey and not wide else None,
        journey=journey,
        follow_up=None if wide else count_follow_up(source, spec, raw, read, finer),
    )


def _of_customers(
    source: Source, spec: CohortSpec, raw: pa.Table, read: Profile
) -> tuple[CohortSpec, pa.Table]:
    """Give the spec and the raw cells of one survey a customer: where every one counts, of the first, to one horizon.

    Parameters
    ----------
    source : Source
        One row a customer.
    spec : CohortSpec
        Of all surveys.
    raw : Arrow table
        Cells of all surveys, from which the horizon follows.
    read : Profile
        Of the table.
    """
    if not (spec.every_survey and (spec.others or spec.touchpoints)):
        return spec, raw
    horizon = resolve(code_cells(raw, spec, read)).spec.horizon
    analysis = spec.analysis.model_copy(update={"horizon": horizon})
    first = spec.of_first_surveys.model_copy(update={"analysis": analysis})
    return first, grouping.raw_cells(source, first)


def naive_spec(spec: CohortSpec) -> CohortSpec | None:
    """Spec of the naive estimate: time origin at signup, no delayed entry; None without signup dates."""
    sub = spec.subscription
    if sub is None or not sub.dated or not sub.signup:
        return None
    naive = sub.model_copy(update={"survey": sub.signup, "signup": None, "clock": "survey"})
    return retention_spec(spec).model_copy(update={"subscription": naive})


def _from_signup(source: Source, naive: CohortSpec) -> pa.Table:
    """Cells of the customers with a signup date."""
    raw = grouping.raw_cells(source, naive, ignoring=("fault", "wave"))
    return raw.filter(pc.is_valid(raw["exit"]))


def _customers(raw: pa.Table) -> int:
    return int(pc.sum(raw["n"]).as_py() or 0)
