"""One more group-by, for contacts: customers by the score that they gave last at each touchpoint.

A contact counts where it is of a customer with a score and no later than its day: what comes after the time origin may
follow from the outcome. Contacts on one day are in the order of the touchpoints' names.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cxlink.cohort.count.clusters import bucket_key, with_bucket_column
from cxlink.cohort.count.coding import category_names, code_cells
from cxlink.cohort.count.driver_cells import followed_chances, observed_states, with_outcomes, with_sums
from cxlink.cohort.count.driver_counts import BUCKET, joint
from cxlink.cohort.count.grouping import MOST_CELLS
from cxlink.cohort.count.journey_counts import ARROW, SEGMENT, TOUCHPOINT, JourneyCounts
from cxlink.cohort.count.outcome_states import grouped_by_state
from cxlink.cohort.count.profile import Profile, Remark
from cxlink.cohort.count.resolution import resolve
from cxlink.cohort.count.row_expressions import prepare
from cxlink.cohort.errors import InputError
from cxlink.cohort.read import columns, contact_table
from cxlink.cohort.read.contact_table import Contacts
from cxlink.cohort.read.dates import day
from cxlink.cohort.read.source import Source
from cxlink.cohort.read.survey_table import joining_key, nearly_matched
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.strata import stratum_column

_OF = "journey_of"
_ABSENT = np.iinfo(np.int64).min
_NEVER = np.iinfo(np.int64).max


def count_journey(
    source: Source, spec: CohortSpec, raw: pa.Table, contacts: Contacts | None
) -> tuple[JourneyCounts | None, tuple[Remark, ...]]:
    """Count customers by their contacts; None where the spec has none, or nobody gave a score.

    Parameters
    ----------
    source : Source
        The customers, one row each, in which every rule holds.
    spec : CohortSpec
        With ``[touchpoints]``.
    raw : Arrow table
        The raw cells of the same rows, as `grouping.raw_cells` gives them.
    contacts : Contacts or None
        As `read_contacts` gives them.

    Returns
    -------
    journey : JourneyCounts or None
    remarks : tuple of Remark
        Contacts that are left out, and why.

    Raises
    ------
    InputError
        If no contact is left, or there are too many cells.
    """
    if contacts is None:
        return None, ()
    source = with_bucket_column(source, spec)
    counts = resolve(code_cells(raw, spec, Profile(source.name, 0, 0)))
    visits, remarks = _visits(source, spec, contacts)
    if not len(counts.scored) or not visits.num_rows:
        raise InputError(
            f"{contacts.name}: no contact is of a customer with a score, on or before its day. Check [touchpoints] on "
            "and date."
        )
    horizon = counts.spec.horizon
    chances = followed_chances(counts, horizon)
    wide = _wide(visits, len(contacts.touchpoints))
    grouped = _grouped(source, spec, wide, observed_states(raw, spec, horizon, chances))
    if grouped.num_rows > MOST_CELLS:
        raise InputError(_too_many(contacts, spec))
    cells = with_sums(_coded(grouped, contacts.touchpoints), grouped, spec)
    if chances:
        cells = with_outcomes(cells, spec, chances)
    names = [TOUCHPOINT + name for name in contacts.touchpoints]
    strata = [*map(stratum_column, spec.stratum_variables), SEGMENT, *({BUCKET} & set(cells))]
    try:
        made = joint(cells.drop(columns="state"), names, strata)
    except InputError:
        raise InputError(_too_many(contacts, spec)) from None
    merged = tuple((name.removeprefix(TOUCHPOINT), classes) for name, classes in made.merged)
    journey = JourneyCounts(
        contacts.touchpoints, made.cells, _by_period(visits, contacts.touchpoints),
        _paths(wide, contacts.touchpoints), horizon if chances else 0, merged,
    )  # fmt: skip
    return journey, remarks


def _too_many(contacts: Contacts, spec: CohortSpec) -> str:
    alone = " Or count them in a run without [cohort] cluster." if spec.cluster_column is not None else ""
    return (
        f"{contacts.name}: too many cells of touchpoints and strata. Group touchpoints, or adjust for fewer or coarser "
        f"columns ([adjust] bands).{alone}"
    )


def _bucket(source: Source, spec: CohortSpec) -> dict[str, Any]:
    """Name the bucket of each customer's cluster; nothing where customers are independent."""
    return {BUCKET: bucket_key(source, spec)} if spec.cluster_column is not None else {}


def _visits(source: Source, spec: CohortSpec, contacts: Contacts) -> tuple[pa.Table, tuple[Remark, ...]]:
    """Customers by touchpoint: the last score there, the first and the last day, the segment and the bucket."""
    import ibis

    assert spec.cohort.id is not None
    assert spec.subscription is not None
    assert spec.subscription.survey is not None
    segment = spec.touchpoints.segment if spec.touchpoints is not None else None
    customers = source.table.select(
        key=joining_key(columns.raw(source, spec.cohort.id, "id")),
        scored=columns.as_one(columns.is_given(prepare(source, spec).keys["score"])),
        asked=day(source, spec.subscription.survey, "survey"),
        segment=columns.category(columns.raw(source, segment, "segment")).cast("string")
        if segment is not None
        else ibis.literal(""),
        **(bucket := _bucket(source, spec)),
    )
    rows = ibis.memtable(contacts.rows)
    joined = rows.inner_join(customers, rows[contact_table.KEY] == customers.key)
    counted = (joined.scored == 1) & (joined[contact_table.DAY] <= joined.asked).fill_null(False)
    totals = source.run(
        joined.aggregate(known=joined.count(), scored=joined.scored.sum(), used=columns.as_one(counted).sum())
    ).to_pylist()[0]
    known, scored, used = (int(totals[name] or 0) for name in ("known", "scored", "used"))
    unmatched = rows.anti_join(customers, rows[contact_table.KEY] == customers.key)
    lacks = contacts.rows.num_rows > known
    n_alike = nearly_matched(source, unmatched.select(key=contact_table.KEY), customers) if lacks else 0
    remarks = (
        Remark("contacts_incomplete", contacts.incomplete), Remark("contacts_unknown", contacts.rows.num_rows - known),
        Remark("keys_alike", n_alike, facts={"column": spec.cohort.id}),
        Remark("contacts_unscored", known - scored), Remark("contacts_after", scored - used),
    )  # fmt: skip
    at = [contact_table.KEY, contact_table.TOUCHPOINT]
    days = joined.filter(counted)
    within = ibis.window(group_by=at)
    ranked = days.mutate(
        first=days[contact_table.DAY].min().over(within),
        back=ibis.row_number().over(group_by=at, order_by=ibis.desc(days[contact_table.DAY])),
    )
    last = ranked.filter(ranked.back == 0)
    found = source.run(last.select(*at, contact_table.SCORE, contact_table.DAY, "first", "segment", *bucket))
    order = [(name, "ascending") for name in at]
    return found.sort_by(order), tuple(one for one in remarks if one.n)


def _wide(visits: pa.Table, n: int) -> pd.DataFrame:
    """One row a customer: scores, places of touchpoints in the order of first contacts, the last one, the bucket."""
    who = visits[contact_table.KEY].combine_chunks().dictionary_encode()
    cell = who.indices.to_numpy(), visits[contact_table.TOUCHPOINT].to_numpy()
    shape = len(who.dictionary), n
    score = np.full(shape, _ABSENT)
    score[cell] = visits[contact_table.SCORE].to_numpy()
    first, last = np.full(shape, _NEVER), np.full(shape, -_NEVER)
    first[cell], last[cell] = (_day_number(visits[name]) for name in ("first", contact_table.DAY))
    place = np.where(score == _ABSENT, 0, 1 + first.argsort(axis=1, kind="stable").argsort(axis=1))
    wide: dict[str, Any] = {_OF: who.dictionary.to_numpy(zero_copy_only=False)}
    for k in range(n):
        wide[f"at_{k}"] = pd.array(score[:, k], dtype="Int64")
        wide[f"at_{k}"][score[:, k] == _ABSENT] = pd.NA
        wide[f"place_{k}"] = place[:, k]
    if BUCKET in visits.column_names:
        wide[BUCKET] = np.empty(shape[0], np.int64)
        wide[BUCKET][cell[0]] = visits[BUCKET].to_numpy()
    # of contacts on one day the last by name
    return pd.DataFrame({**wide, "last": n - 1 - last[:, ::-1].argmax(axis=1)})


def _day_number(days: pa.ChunkedArray) -> np.ndarray:
    numbers: np.ndarray = days.cast(pa.date32()).cast(pa.int32()).to_numpy().astype(np.int64)
    return numbers


def _grouped(source: Source, spec: CohortSpec, wide: pd.DataFrame, states: pd.DataFrame | None) -> pa.Table:
    import ibis

    own = wide[[_OF, *(name for name in wide.columns if name.startswith("at_"))]]
    right = ibis.memtable(pa.Table.from_pandas(own, preserve_index=False))
    assert spec.cohort.id is not None
    customers = source.table.mutate(joining_key(columns.raw(source, spec.cohort.id, "id")).name("journey_id"))
    joined = source.kept(customers.inner_join(right, customers["journey_id"] == right[_OF]))
    segment = spec.touchpoints.segment if spec.touchpoints is not None else None
    keys = {_OF: ibis.literal(1)}
    keys |= {name: joined.table[name] for name in own.columns if name != _OF}
    keys[SEGMENT] = (
        columns.category(columns.raw(joined, segment, "segment")).cast("string")
        if segment is not None
        else ibis.literal("")
    )
    return grouped_by_state(joined, spec, keys | _bucket(joined, spec), states)


def _coded(grouped: pa.Table, touchpoints: tuple[str, ...]) -> pd.DataFrame:
    cells = {
        TOUCHPOINT + name: grouped[f"at_{k}"].to_pandas().astype(float) for k, name in enumerate(touchpoints)
    }
    bucket = {BUCKET: grouped[BUCKET].to_numpy().astype(np.int64)} if BUCKET in grouped.column_names else {}
    return pd.DataFrame({**cells, SEGMENT: category_names(grouped[SEGMENT]), **bucket})


def _by_period(visits: pa.Table, touchpoints: tuple[str, ...]) -> pd.DataFrame:
    """Customers by touchpoint, segment, quarter of the last contact there, and its score."""
    day_ = visits[contact_table.DAY]
    own = [name for name in (BUCKET,) if name in visits.column_names]
    keys = {"at": visits[contact_table.TOUCHPOINT], "year": pc.year(day_), "quarter": pc.quarter(day_)}
    keys |= {"score": visits[contact_table.SCORE], **{name: visits[name] for name in (SEGMENT, *own)}}
    counted = pa.table(keys).group_by(list(keys)).aggregate([([], "count_all")])
    period = [
        f"{y}Q{q}" for y, q in zip(*(counted[name].to_pylist() for name in ("year", "quarter")), strict=True)
    ]
    frame = pd.DataFrame({
        "touchpoint": [touchpoints[k] for k in counted["at"].to_pylist()],
        SEGMENT: category_names(counted[SEGMENT]),
        "period": period,
        "score": counted["score"].to_numpy(),
        **{name: counted[name].to_numpy().astype(np.int64) for name in own},
        "n": counted["count_all"].to_numpy(),
    })  # fmt: skip
    # several names of a segment that is blank are one
    by = ["touchpoint", SEGMENT, "period", "score", *own]
    return frame.groupby(by, sort=True)["n"].sum().reset_index()


def _paths(wide: pd.DataFrame, touchpoints: tuple[str, ...]) -> pd.DataFrame:
    """Customers by the order of their first contacts, and by the touchpoint of the last."""
    places = [f"place_{k}" for k in range(len(touchpoints))]
    own = [name for name in (BUCKET,) if name in wide]
    counted = wide.groupby([*places, "last", *own], sort=True).size().rename("n").reset_index()
    named: list[dict[str, Any]] = []
    for row in counted.to_dict("records"):
        order = sorted((int(row[name]), k) for k, name in enumerate(places) if row[name])
        path = ARROW.join(touchpoints[k] for _, k in order)
        counts = {name: int(row[name]) for name in (*own, "n")}
        named.append({"path": path, "last": touchpoints[int(row["last"])], **counts})
    return pd.DataFrame(named, columns=["path", "last", *own, "n"])
