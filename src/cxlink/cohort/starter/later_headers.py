"""Headers of what is known only after the score: named as after it, or dated so."""

import datetime
import re
from collections.abc import Iterator

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.starter.header_words import LATER, in_plain_letters


def dated_after(header: str, surveyed: datetime.date | None) -> bool:
    """Whether a header names a year, or a part of one, that is not over before the first survey.

    Parameters
    ----------
    header : str
        In plain letters.
    surveyed : date or None
        First day of a survey; None where it is not known.
    """
    named = re.search(r"(?<!\d)(20\d\d)(?:_?(?:q([1-4])|(0[1-9]|1[0-2])))?(?!\d)", header)
    if named is None or surveyed is None:
        return False
    last_month = int(named[2]) * 3 if named[2] else int(named[3]) if named[3] else 12
    return (int(named[1]), last_month) >= (surveyed.year, surveyed.month)


def later_adjuster_checks(counts: Counts) -> Iterator[Check]:
    """Name each adjustment variable whose header says that it is known only after the score.

    To adjust for what the score may have changed removes a part of its association, and may add another.
    """
    first = _first_survey(counts)
    for name in counts.spec.stratum_variables:
        header = in_plain_letters(name)
        if re.search(LATER, header) or dated_after(header, first):
            yield Check("later_adjuster", passed=False, facts={"column": name})


def _first_survey(counts: Counts) -> datetime.date | None:
    """First day of the earliest quarter with a score; None without dates."""
    quarters = sorted(wave for wave in set(counts.scored["wave"]) if wave)
    if not quarters:
        return None
    year, quarter = quarters[0].split("Q")
    return datetime.date(int(year), 3 * int(quarter) - 2, 1)
