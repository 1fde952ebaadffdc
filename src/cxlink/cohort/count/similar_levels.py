"""Categories that differ in capitals alone: strata of their own to a computer, often one to whoever typed them."""

import pyarrow as pa
import pyarrow.compute as pc

from cxlink.checks import Fact
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.spec.cohort_spec import SURVEY_HISTORY, CohortSpec
from cxlink.cohort.strata import stratum_column

_MOST_NAMED = 5


def similar_levels(raw: pa.Table, spec: CohortSpec) -> tuple[Remark, ...]:
    """Name the categories of each column that are equal to another one but for capitals and blanks.

    Parameters
    ----------
    raw : Arrow table
        Raw cells, whose categories are as the table has them; blanks around one never count.
    spec : CohortSpec
        Its adjustment variables, causes of loss and touchpoints.
    """
    named = {
        stratum_column(name): name
        for name in spec.stratum_variables
        if name not in (*spec.cuts, *SURVEY_HISTORY)
    }
    if spec.subscription is not None and spec.subscription.cause is not None:
        named["cause"] = spec.subscription.cause
    if spec.metrics is not None and spec.metrics.touchpoint is not None:
        named["touchpoint"] = spec.metrics.touchpoint
    remarks = list[Remark]()
    for key, name in named.items():
        alike = _alike(pc.unique(raw[key]).to_pylist()) if key in raw.column_names else ()
        facts: dict[str, Fact] = {"column": name, "levels": alike[:_MOST_NAMED]}
        remarks += [Remark("similar_levels", len(alike), facts=facts)] if alike else []
    return tuple(remarks)


def _alike(levels: list[object]) -> tuple[str, ...]:
    """Names that may mean the same, those of each category in one text."""
    names = {level.strip() for level in levels if isinstance(level, str)}
    groups: dict[str, list[str]] = {}
    for name in sorted(names):
        groups.setdefault("".join(name.split()).casefold(), []).append(name)
    return tuple(" = ".join(group) for group in groups.values() if len(group) > 1)
