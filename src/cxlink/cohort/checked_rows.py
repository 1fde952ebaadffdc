"""The rows of a table that violate no rule, grouped; those that do are refused, or excluded and counted."""

from dataclasses import dataclass, replace

import pyarrow as pa

from cxlink.cohort.count import grouping
from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.finer_cells import cells_with_finer
from cxlink.cohort.count.identity import refuse_missing, without_later
from cxlink.cohort.count.lost_shares import LostShares
from cxlink.cohort.count.metric_cells import raw_metrics
from cxlink.cohort.count.metric_expressions import metric_rules
from cxlink.cohort.count.other_columns import other_ranges, other_rules
from cxlink.cohort.count.profile import Remark, number_of_rows
from cxlink.cohort.count.refusals import refusal, without_broken
from cxlink.cohort.count.rules import broken, rules_of, time_rules
from cxlink.cohort.count.survey_history import unanswered_surveys, with_history
from cxlink.cohort.count.undropped import valid_in_time
from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns
from cxlink.cohort.read.source import Source
from cxlink.cohort.spec.cohort_spec import SURVEY_HISTORY, CohortSpec
from cxlink.cohort.strata import stratum_column

MOST_LEVELS = 50


@dataclass(frozen=True, slots=True, eq=False)
class CheckedRows:
    """A table without the rows that violate a rule.

    Attributes
    ----------
    source : Source
        Its rows.
    raw : Arrow table
        Its raw cells.
    metrics : Arrow table or None
        Its raw cells of metrics.
    dropped : tuple of Remark
        Why rows were excluded, and how many.
    undropped : tuple of Arrow tables
        Raw cells of score and time, before and after the exclusion of rows: what could have been counted for retention,
        and what is; empty where no row was excluded.
    finer : Arrow table or None
        The finer cells that the raw ones were rolled up from, as `cells_with_finer` gives them.
    excluded : LostShares or None
        Who was lost among the rows that were excluded and among the others; None where no row was, or nobody can be
        lost.
    """

    source: Source
    raw: pa.Table
    metrics: pa.Table | None
    dropped: tuple[Remark, ...] = ()
    undropped: tuple[pa.Table, ...] = ()
    finer: pa.Table | None = None
    excluded: LostShares | None = None


def checked_surveys(source: Source, spec: CohortSpec, drop_invalid: bool) -> CheckedRows:
    """Check the rows as `checked_rows` does; where every survey counts, with the customer's earlier surveys.

    Raises
    ------
    InputError
        See `checked_rows`; or if a survey has no id.
    """
    if not spec.every_survey:
        return checked_rows(source, spec, drop_invalid)
    n_rows = refuse_missing(source, str(spec.cohort.id), columns.raw(source, str(spec.cohort.id), "id"))
    checked = checked_rows(with_history(source, spec), spec, drop_invalid)
    if checked.dropped:
        # the survey before an excluded one is now that before the next
        source = with_history(checked.source, spec)
        raw, finer = cells_with_finer(source, spec)
        checked = replace(checked, source=source, raw=raw, finer=finer)
    n_kept = sum(checked.raw["n"].to_pylist()) + number_of_rows(checked.dropped)
    return replace(checked, dropped=(*checked.dropped, *unanswered_surveys(n_rows, n_kept)))


def checked_rows(source: Source, spec: CohortSpec, drop_invalid: bool) -> CheckedRows:
    """Group, for the cohort and for metrics, check the cells, and refuse or exclude rows that violate a rule.

    Raises
    ------
    InputError
        If a row violates a rule and is not to be excluded, there is no row, or there are too many cells.
    """
    raw, finer = cells_with_finer(source, spec)
    if raw.num_rows == 0:
        raise InputError(f"{source.name}: no rows below the header.")
    failed = broken(raw, rules_of(spec))
    metrics = raw_metrics(source, spec)
    failed += broken(metrics, metric_rules(spec)) if metrics is not None else []
    if spec.others:
        # where every survey counts, finer cells are by the time of the next one
        failed += broken(other_ranges(source, spec, None if spec.every_survey else finer), other_rules(spec))
    if not failed:
        return CheckedRows(source, _not_too_many(raw, spec, source.name), metrics, finer=finer)
    used, later = without_later(source, spec, failed)
    if later:
        checked = checked_rows(used, spec, drop_invalid)
        return replace(checked, dropped=(*later, *checked.dropped))
    if not drop_invalid:
        raise refusal(source, spec, failed[0])
    before = valid_in_time(raw, time_rules(spec))
    source, dropped, excluded = without_broken(source, spec, failed)
    (raw, finer), metrics = cells_with_finer(source, spec), raw_metrics(source, spec)
    after = valid_in_time(raw, time_rules(spec))
    raw = _not_too_many(raw, spec, source.name)
    return CheckedRows(source, raw, metrics, dropped, (before, after), finer, excluded)


def _not_too_many(raw: pa.Table, spec: CohortSpec, name: str) -> pa.Table:
    """Give the cells back, if they are not too many to be analysed."""
    if raw.num_rows > grouping.MOST_CELLS:
        refuse_wide(raw, spec, name)
        buckets = f" ({BUCKETS} buckets of [cohort] cluster each)" if spec.cluster_column is not None else ""
        raise InputError(
            f"{name}: more than {grouping.MOST_CELLS:,} cells{buckets}. Adjust for fewer or coarser columns ([adjust] "
            "bands), or use a longer [subscription] unit."
        )
    return raw


def refuse_wide(raw: pa.Table, spec: CohortSpec, name: str) -> None:
    """Refuse categories of many levels, such as an id, an amount or free text."""
    more = " or more" if raw.num_rows > grouping.MOST_CELLS else ""
    for variable in spec.stratum_variables:
        n_levels = len(raw[stratum_column(variable)].unique())
        own = spec.every_survey and variable in SURVEY_HISTORY
        if variable not in spec.cuts and not own and n_levels > MOST_LEVELS:
            raise InputError(
                f"{name}: {variable} has {n_levels:,} values{more}; a stratum may have {MOST_LEVELS}. Cut it into "
                f"bands ([adjust] bands = {{ {variable} = [...] }}, --band {variable}=...), or leave it out."
            )
    metrics = spec.metrics
    if metrics is not None and metrics.touchpoint is not None:
        n_touchpoints = len(raw["touchpoint"].unique())
        if n_touchpoints > MOST_LEVELS:
            raise InputError(
                f"{name}: {metrics.touchpoint} has {n_touchpoints:,} values{more}; there may be {MOST_LEVELS} "
                "touchpoints. Group them."
            )
    if "cause" in raw.column_names and (n_causes := len(raw["cause"].unique())) > MOST_LEVELS:
        cause = spec.subscription.cause if spec.subscription else ""
        raise InputError(
            f"{name}: {cause} has {n_causes:,} values{more}; there may be {MOST_LEVELS} causes. Group them."
        )
