"""What is said of a journey beside its rows: touchpoints that cannot be compared, and why."""

from collections.abc import Iterator

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.journey_counts import TOUCHPOINT


def journey_checks(counts: Counts) -> Iterator[Check]:
    """Check that somebody was at each touchpoint, that scores there differ, and that outcomes are known."""
    journey, spec = counts.journey, counts.spec
    if spec.touchpoints is None:
        return
    if journey is None:
        yield Check("journey_uncounted")
        return
    yield Check("journey_customers", value=float(journey.paths["n"].sum()))
    for name in journey.touchpoints:
        given = journey.cells[TOUCHPOINT + name].dropna()
        if given.nunique() < 2:
            case = "constant" if len(given) else "nobody"
            yield Check("journey_touchpoint", passed=False, facts={"touchpoint": name, "case": case})
    for name, classes in journey.merged:
        yield Check("journey_merged", value=float(classes), facts={"touchpoint": name})
    if not journey.horizon and spec.subscription is not None:
        yield Check("journey_unfollowed", facts={"horizon": spec.horizon, "unit": spec.unit})
