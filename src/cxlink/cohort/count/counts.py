"""Counts: the small table of sufficient statistics that every model is fitted to."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cxlink.cohort.arguments_given import refuse_other
from cxlink.cohort.count import metric_sums as metric_counts
from cxlink.cohort.count.driver_counts import DriverCounts, add_drivers
from cxlink.cohort.count.equal_rows import numbered_rows
from cxlink.cohort.count.follow_up_counts import FollowUpCounts, add_follow_up
from cxlink.cohort.count.foreign_cells import read_limited, refuse_impossible
from cxlink.cohort.count.journey_counts import JourneyCounts
from cxlink.cohort.count.profile import Profile, profile_from, together
from cxlink.cohort.count.small_cells import too_few
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec

SPEND = (
    "spend_n", "spend_zero", "spend_sum", "spend_sum_sq", "spend_sum_log", "spend_sum_log_sq", "spend_sum_y_log",
)  # fmt: skip
CONTROL = ("control_n", "control_sum", "control_sum_sq")
MARGIN = ("margin_n", "margin_sum", "margin_sum_sq")
PER_CUSTOMER = "per_customer"
FORMAT = 5
"""Of run folders and counts: 5 has the sum of each survey's share of its customer where every survey counts; 4 may have
buckets of clusters; 3 has bands and horizon as resolved; 2 has checks with codes and facts in diagnostics.csv, 1 had
them as sentences."""
READABLE = (1, 2, 3, 4, FORMAT)
"""Formats whose counts mean the same."""
_RESOLVED = 3
"""First format whose spec names bands and horizon."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Sufficient statistics of a cohort: customers by score, stratum, entry, exit and cause of loss.

    Attributes
    ----------
    cells : DataFrame, one row a cell, sorted
        ``score`` (Int64, empty: not scored), ``stratum.*`` (text), ``entry``, ``exit`` (whole periods), ``cause``
        (text, empty: retained), ``wave`` (text, empty without dates), where metrics use them ``touchpoint``
        and ``member`` (``yes``, ``no``), where customers are clustered ``bucket`` (see `clusters`), ``n``; with spend
        also, of the customers whose window is complete, `SPEND`: their number, those with none, and the sums of y, y²,
        log y, (log y)² and y·log y (logs of positive y); with a negative control also `CONTROL`: the customers with a
        control, and the sums of it and of its square; with a column of margin also `MARGIN`: the customers with a
        complete window, and the sums of their margin and of its square; where every survey counts also
        ``per_customer``: the sum of each survey's share of its customer, 1 by the number of surveys they answered.
    spec : CohortSpec
        Description of the table; once counted, with its bands and its horizon.
    profile : Profile
        Rows read, used and excluded, with notes.
    suppressed : int
        Customers in small cells that were suppressed; 0 where none were.
    metrics : DataFrame
        Sums that metrics are computed from, `metric_counts.COLUMNS`; no row without ``[metrics]``.
    resolved : tuple of str
        Which of ``worst``, ``best`` and ``horizon`` the spec has by rule, not from the user.
    anchors : tuple of str
        ``[analysis] anchors`` as the user wrote them, where some were run folders; the spec has what these say.
    drivers : DriverCounts or None
        Customers by all of their scores; None without ``[score] others``.
    journey : JourneyCounts or None
        Customers by their contacts; None without ``[touchpoints]``, and of counts from a run folder or of two cohorts.
    follow_up : FollowUpCounts or None
        Customers by all of their scores and times; None without ``[score] others`` or ``[subscription]``.
    """

    cells: pd.DataFrame
    spec: CohortSpec
    profile: Profile
    suppressed: int = 0
    metrics: pd.DataFrame = field(default_factory=metric_counts.nothing)
    resolved: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    drivers: DriverCounts | None = None
    journey: JourneyCounts | None = None
    follow_up: FollowUpCounts | None = None

    @property
    def scored(self) -> pd.DataFrame:
        """The cells of customers with a score."""
        return self.cells[self.cells["score"].notna()]


def cell_keys(cells: pd.DataFrame) -> list[str]:
    """Names of the columns that identify a cell."""
    return [name for name in cells.columns if name not in ("n", PER_CUSTOMER, *SPEND, *CONTROL, *MARGIN)]


def without_buckets(cells: pd.DataFrame) -> pd.DataFrame:
    """Add the buckets of clusters up: the cells as they are without ``[cohort] cluster``."""
    return add_up(cells.drop(columns="bucket")) if "bucket" in cells else cells


def add_up(cells: pd.DataFrame) -> pd.DataFrame:
    """Sum equal cells, and sort them."""
    keys = cell_keys(cells)
    coded = [pd.factorize(cells[name], sort=True, use_na_sentinel=False) for name in keys]
    number = numbered_rows((codes, len(values)) for codes, values in coded)
    order = np.argsort(number, kind="stable")
    if not (np.diff(number[order]) == 0).any():
        return cells.iloc[order][[*keys, *cells.columns.difference(keys, sort=False)]].reset_index(drop=True)
    return cells.groupby(keys, dropna=False, sort=True, as_index=False).sum()


def add(first: Counts, second: Counts) -> Counts:
    """Pool the counts of two cohorts, exactly.

    Metrics are pooled where both cohorts have the same ``[metrics]``, and omitted otherwise.

    Parameters
    ----------
    first, second : Counts
        Of different customers.

    Returns
    -------
    Counts
        As if both had stood in one table, with the spec of the first.

    Raises
    ------
    InputError
        If their scales, units, time origins, strata or spend do not match, cells of one were suppressed, or
        both have the same customers.

    Examples
    --------
    >>> import pandas as pd
    >>> from cxlink import add, make_spec, read_cohort
    >>> durations = {"duration": "months", "event": "left"}
    >>> spec = make_spec({"score": {"column": "score", "scale": "1-5"}, "subscription": durations})
    >>> first, second = (
    ...     read_cohort(pd.DataFrame({"score": [4, 5], "months": [7, months], "left": [1, 0]}), spec).count()
    ...     for months in (12, 24)
    ... )
    >>> add(first, second).cells[["score", "exit", "cause", "n"]]
       score  exit cause  n
    0      4     7  lost  2
    1      5    12        1
    2      5    24        1
    """
    for one in (first, second):
        refuse_other(one, (Counts,), "add")
    refuse_mismatch(first, second)
    a, b = first.profile, second.profile
    if set(a.fingerprint.split("+")) & set(b.fingerprint.split("+")) - {""}:
        raise InputError(f"{b.table}: the same customers as {a.table}. Add each cohort once.")
    profile = Profile(
        table=f"{a.table} + {b.table}",
        rows_read=a.rows_read + b.rows_read,
        rows_used=a.rows_used + b.rows_used,
        dropped=together(a.dropped, b.dropped),
        notes=together(a.notes, b.notes),
        fingerprint="+".join(sorted((a.fingerprint, b.fingerprint))),
    )
    if first.spec.metrics != second.spec.metrics:
        first, second = _without_metrics(first), _without_metrics(second)
    cells = pd.concat([first.cells, second.cells[first.cells.columns]])
    metrics = metric_counts.totals([first.metrics, second.metrics])
    return Counts(
        add_up(cells), first.spec, profile, metrics=metrics, resolved=first.resolved,
        drivers=add_drivers(first.drivers, second.drivers),
        follow_up=add_follow_up(first.follow_up, second.follow_up, first.spec),
    )  # fmt: skip


def _without_metrics(counts: Counts) -> Counts:
    cells = counts.cells.drop(columns=["touchpoint", "member"], errors="ignore")
    spec = counts.spec.model_copy(update={"metrics": None})
    return replace(counts, cells=add_up(cells), spec=spec, metrics=metric_counts.nothing())


def refuse_mismatch(
    first: Counts, second: Counts, name: str = "these counts", *, clusters: bool = True
) -> None:
    """Check that the counts of two cohorts are comparable.

    Parameters
    ----------
    first, second : Counts
        Counts of the two cohorts.
    name : str
        Name of the second in an error message.
    clusters : bool
        Whether both must have clusters, or neither.

    Raises
    ------
    InputError
        If their scales, units, time origins, strata or spend do not match, or cells of one were suppressed.
    """
    for (key, left), right in zip(
        _comparable(first.spec).items(), _comparable(second.spec).values(), strict=True
    ):
        if left != right and (clusters or key != "[cohort] cluster"):
            raise InputError(
                f"{name}: not of the same kind: {key} differs ({left} and {right}). Fit both cohorts by one spec."
            )
    if first.suppressed or second.suppressed:
        raise InputError(
            f"{name}: small cells were left out ([publish] smallest_cell). Fit the cohort without."
        )


def _comparable(spec: CohortSpec) -> dict[str, str]:
    """Keys on which two specs must agree for their counts to be comparable, in words."""
    sub, spend = spec.subscription, spec.spend
    bands = [f"{name} at {', '.join(f'{cut:g}' for cut in cuts)}" for name, cuts in sorted(spec.cuts.items())]
    return {
        "[score] scale": f"{spec.score.scale}, {'higher' if spec.score.higher_is_better else 'lower'} is better",
        "[subscription] unit": sub.unit if sub else "none",
        "[subscription] clock": sub.clock if sub else "none",
        "[cohort] repeat": "all" if spec.every_survey else "one survey a customer",
        "[adjust] columns": ", ".join(sorted(spec.stratum_variables)) or "none",
        "[adjust] bands": "; ".join(bands) or "none",
        "[spend] window and currency": f"{spend.window_months} months in {spend.currency}"
        if spend
        else "none",
        "[value] margin": spec.margin_column or "no column",
        "[cohort] cluster": "given" if spec.cluster_column else "not given",
        "[control] column": spec.control.column if spec.control else "none",
    }


def suppress(counts: Counts, smallest: int) -> Counts:
    """Suppress cells with fewer customers than ``smallest``, and sums over fewer complete windows or controls.

    Judged on cells summed over the buckets of clusters, which no suppressed file holds. So many more that no published
    total tells, less what is left, of fewer than ``smallest``; see `too_few`.
    """
    cells = without_buckets(counts.cells)
    small = too_few(cells, "n", smallest)
    shown = cells[~small].reset_index(drop=True)
    for sums in (SPEND, CONTROL, MARGIN):
        if sums[0] in shown:
            few = too_few(shown, sums[0], smallest)
            for name in sums:
                shown[name] = shown[name].mask(few, 0)
    lost = counts.suppressed + int(cells.loc[small, "n"].sum())
    metrics = metric_counts.suppressed(counts.metrics, smallest)
    return replace(counts, cells=shown, suppressed=lost, metrics=metrics)


def save_counts(counts: Counts, path: Path) -> None:
    """Write counts, with their spec and profile in the file's metadata.

    Parameters
    ----------
    counts : Counts
        Of a cohort.
    path : Path
        The Parquet file.
    """
    about = {
        "format": FORMAT,
        "spec": counts.spec.model_dump(mode="json", exclude_none=True),
        "profile": counts.profile.as_dict(),
        "suppressed": counts.suppressed,
        "resolved": list(counts.resolved),
    }
    if counts.anchors:
        about["anchors"] = list(counts.anchors)
    if len(counts.metrics):
        about["metrics"] = metric_counts.as_text(counts.metrics)
    table = pa.Table.from_pandas(counts.cells, preserve_index=False)
    table = table.replace_schema_metadata({"cxlink": json.dumps(about, ensure_ascii=False)})
    pq.write_table(table, path, compression="zstd")


def refuse_format(found: object, name: str) -> None:
    """Refuse a run folder or its counts where they may not mean what this version takes them to.

    Raises
    ------
    InputError
        If the format is none of `READABLE`.
    """
    if found not in READABLE:
        raise InputError(
            f"{name}: format {found}; this version reads {READABLE[0]} to {FORMAT}. Fit the cohort again."
        )


def load_counts(path: Path | str) -> Counts:
    """Read counts back.

    Parameters
    ----------
    path : Path or str
        A file of `save_counts`, or the ``counts.parquet`` of a run folder.

    Returns
    -------
    Counts
        Without several scores or touchpoints, which stand in files of their own.

    Raises
    ------
    InputError
        If the file is not counts that this version reads.
    """
    refuse_other(path, (Path, str), "path")
    name = Path(path).name
    try:
        table = read_limited(path, name)
        about = json.loads((table.schema.metadata or {})[b"cxlink"])
        refuse_format(about["format"], name)
        profile = profile_from(about["profile"])
        spec, suppressed = make_spec(about["spec"], name), int(about["suppressed"])
        spec = spec if about["format"] >= _RESOLVED else _as_it_was(spec)
        resolved, anchors = tuple(about.get("resolved", ())), tuple(map(str, about.get("anchors", ())))
        metrics = metric_counts.from_text(about["metrics"]) if "metrics" in about else metric_counts.nothing()
    except FileNotFoundError:
        raise InputError(f"{name}: no such file.") from None
    except InputError:
        raise
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError, pa.ArrowException):
        raise InputError(f"{name}: not a counts file. `cxlink fit` writes one as counts.parquet.") from None
    cells = table.replace_schema_metadata(None).to_pandas()
    refuse_impossible(cells, spec, name)
    whole = not suppressed and spec.publish.smallest_cell < 2
    if spec.cluster_column is not None and "bucket" not in cells and whole:
        raise InputError(f"{name}: not the columns of counts (bucket). Fit the cohort again.")
    for column in {"score", "previous"} & set(cells.columns):
        cells[column] = cells[column].astype("Int64")
    return Counts(cells, spec, profile, suppressed, metrics, resolved, anchors)


def _as_it_was(spec: CohortSpec) -> CohortSpec:
    """The bands and the horizon that an older run had by default: the lowest level, the two best, one year."""
    levels = spec.scale.levels
    best = levels[-2:] if len(levels) > 4 else levels[-1:]
    score = spec.score.model_copy(
        update={"worst": spec.score.worst or levels[:1], "best": spec.score.best or tuple(sorted(best))}
    )
    analysis = spec.analysis.model_copy(update={"horizon": spec.horizon})
    return spec.model_copy(update={"score": score, "analysis": analysis})
