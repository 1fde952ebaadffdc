"""Guesses of a starter spec that nobody has confirmed: said of the table in every run."""

from cxlink.cohort.count.profile import Remark
from cxlink.cohort.spec.cohort_spec import CohortSpec

_WITH_A_SENTENCE = frozenset((
    "cohort.repeat", "cohort.count", "score.scale", "score.higher_is_better", "subscription.window",
    "subscription.duration",
    "subscription.unit", "subscription.event", "subscription.observed_until", "subscription.gap_days",
    "spend.complete", "spend.currency", "score.labels",
))  # fmt: skip
"""Keys whose guess has a sentence of its own, which says what it would change."""


def unconfirmed_guesses(spec: CohortSpec) -> list[Remark]:
    """Give the keys of ``[cohort] unconfirmed`` with their values, to be said as assumptions."""
    remarks = []
    for name in spec.cohort.unconfirmed:
        section, key = name.split(".")
        value = getattr(getattr(spec, section), key, None)
        if value is None:  # a spec of the same rows for one of its outcomes lacks the others' sections
            continue
        value = ", ".join(value) if isinstance(value, tuple) else value
        value = str(value).lower() if isinstance(value, bool) else value  # as TOML writes it
        code = f"unconfirmed_{key}" if name in _WITH_A_SENTENCE else "unconfirmed"
        remarks.append(
            Remark(code, facts={"key": f"[{section}] {key}", "value": str(value), "unit": spec.unit})
        )
    return remarks
