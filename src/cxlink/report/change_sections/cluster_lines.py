"""What a comparison says of cohorts whose customers are clustered."""

from cxlink.comparison.changes import OutcomeChange
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE
from cxlink.report.words import say


def cluster_lines(outcome: OutcomeChange) -> list[str]:
    """Say whose customers are taken as independent where the other cohort's are not, and what has no interval."""
    lines, what = [], {"outcome": say(f"change.name_{outcome.estimand}")}
    if outcome.clustered[0] != outcome.clustered[1]:
        names = (outcome.base, outcome.cohort)
        clustered, alone = names if outcome.clustered[0] else names[::-1]
        lines.append(say("change.clusters_of_one", clustered=clustered, alone=alone, **what))
    if outcome.without_interval and set(outcome.without_interval) == {
        row["group"] for row in outcome.changes
    }:
        lines.append(say("change.no_interval", least=FEWEST_EFFECTIVE, **what))
    elif outcome.without_interval:
        lines.append(
            say("change.few_buckets", groups=outcome.without_interval, least=FEWEST_EFFECTIVE, **what)
        )
    return lines
