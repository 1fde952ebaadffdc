"""Keys of a spec that are given and act on nothing: said, so that nobody takes them for settings that were applied."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.read.workbooks import WORKBOOKS
from cxlink.cohort.spec.cohort_spec import CohortSpec


@dataclass(frozen=True, slots=True)
class Idle:
    """When some keys of a section act on nothing.

    Attributes
    ----------
    section : str
        Of the spec.
    keys : tuple of str
        In it.
    case : str
        Why, as the sentence of the check names it.
    when : callable
        From the spec and the ending of the table's name (``.csv``; empty for a frame) to whether it is so.
    """

    section: str
    keys: tuple[str, ...]
    case: str
    when: Callable[[CohortSpec, str], bool]


_BEYOND = ("given", "discount", "waning")
_LATER = (*_BEYOND, "anchors")
IDLE = (
    Idle("analysis", ("horizon", "tenure_horizons", *_BEYOND), "no_subscription", lambda s, _: not s.subscription),
    Idle("analysis", _LATER, "quick", lambda s, _: bool(s.subscription) and s.analysis.models == "quick"),
    Idle("score", ("acts_on",), "no_families", lambda s, _: s.analysis.models != "all"),
    Idle("score", ("others",), "quick", lambda s, _: s.analysis.models == "quick"),
    Idle("value", ("margin", "discount", "horizon"), "quick", lambda s, _: s.analysis.models == "quick"),
    Idle("analysis", ("target",), "no_strata", lambda s, _: not s.stratum_variables),
    Idle("subscription", ("counts",), "dates", lambda s, _: bool(s.subscription and s.subscription.dated)),
    Idle("table", ("delimiter", "encoding"), "no_text", lambda _, ending: ending in (".parquet", ".arrow", *WORKBOOKS)),
    Idle("table", ("missing",), "no_text", lambda s, end: end in (".parquet", ".arrow") and not s.table.missing_in),
    Idle("table", ("skip_rows",), "no_text", lambda _, ending: ending in (".parquet", ".arrow")),
    Idle("table", ("sheet",), "no_workbook", lambda _, ending: ending not in WORKBOOKS),
)  # fmt: skip
"""Every key that can be given in vain. A key that is never read at all is unknown, and refused."""


def unused_key_checks(counts: Counts) -> Iterator[Check]:
    """Name each key that the spec gives and that this analysis does not use.

    Parameters
    ----------
    counts : Counts
        With the spec as it was given; the name of their table has its ending where it is a file.

    Yields
    ------
    Check
        ``unused_key``, with the facts ``key`` and ``case``.
    """
    spec, ending = counts.spec, PurePosixPath(counts.profile.table.lower()).suffix
    for idle in IDLE:
        section = getattr(spec, idle.section)
        if section is None or not idle.when(spec, ending):
            continue
        for key in idle.keys:
            if key in section.model_fields_set:
                facts = {"key": f"[{idle.section}] {key}", "case": idle.case}
                yield Check("unused_key", facts=facts)
