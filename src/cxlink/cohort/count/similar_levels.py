"""Categories that differ in capitals alone: strata of their own to a computer, often one to whoever typed them."""

import pyarrow as pa
import pyarrow.compute as pc

from cxlink.checks import Fact
from cxlink.cohort.count.journey_counts import JourneyCounts
from cxlink.cohort.count.metric_expressions import segment_column, segment_columns
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.spec.cohort_spec import SURVEY_HISTORY, CohortSpec
from cxlink.cohort.strata import stratum_column

_MOST_NAMED = 5


def similar_levels(
    raw: pa.Table, spec: CohortSpec, metrics: pa.Table | None = None, journey: JourneyCounts | None = None
) -> tuple[Remark, ...]:
    """Name the categories of each column that are equal to another one but for capitals and blanks.

    Parameters
    ----------
    raw, metrics : Arrow table
        Raw cells of the cohort and of its metrics, whose categories are as the table has them; blanks around one never
        count.
    spec : CohortSpec
        Its adjustment variables, causes of loss, segments and touchpoints.
    journey : JourneyCounts, optional
        Customers by their contacts.
    """
    sub, section, contacts = spec.subscription, spec.metrics, spec.touchpoints
    strata = [name for name in spec.stratum_variables if name not in (*spec.cuts, *SURVEY_HISTORY)]
    named: dict[str | None, tuple[pa.Table | None, str]] = {
        name: (raw, stratum_column(name)) for name in strata
    }
    named |= {sub.cause: (raw, "cause")} if sub is not None else {}
    named |= {section.touchpoint: (raw, "touchpoint")} if section is not None else {}
    segments = [name for name in segment_columns(spec) if name not in named]
    named |= {name: (metrics, segment_column(name)) for name in segments}
    found = {name: _levels(table, key) for name, (table, key) in named.items() if name is not None}
    if journey is not None and contacts is not None:
        found[contacts.touchpoint] = list(journey.touchpoints)
        found |= (
            {contacts.segment: list(set(journey.contacts["segment"]))} if contacts.segment is not None else {}
        )
    remarks = list[Remark]()
    for name, levels in found.items():
        alike = _alike(levels)
        facts: dict[str, Fact] = {"column": name, "levels": alike[:_MOST_NAMED]}
        remarks += [Remark("similar_levels", len(alike), facts=facts)] if alike else []
    return tuple(remarks)


def _levels(table: pa.Table | None, key: str) -> list[object]:
    return pc.unique(table[key]).to_pylist() if table is not None and key in table.column_names else []


def _alike(levels: list[object]) -> tuple[str, ...]:
    """Names that may mean the same, those of each category in one text."""
    names = {level.strip() for level in levels if isinstance(level, str)}
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault("".join(name.split()).casefold(), []).append(name)
    return tuple(" = ".join(group) for group in groups.values() if len(group) > 1)
