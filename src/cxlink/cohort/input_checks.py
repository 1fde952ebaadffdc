"""What is looked at of a spec and its counts before anything is estimated."""

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.outcome_strata import outcome_stratum_checks
from cxlink.cohort.count.resolution import resolution_checks
from cxlink.cohort.count.unused_keys import unused_key_checks
from cxlink.cohort.starter.later_headers import later_adjuster_checks


def input_checks(counts: Counts) -> list[Check]:
    """Give the checks of bands and horizon, of adjusters known after the score, and of keys that act on nothing."""
    adjusters = [*later_adjuster_checks(counts), *outcome_stratum_checks(counts)]
    return [*resolution_checks(counts), *adjusters, *unused_key_checks(counts)]
