"""Whether a score is known at all, and not only of those who stayed."""

import numpy as np

from cxlink.checks import Fact
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.spec.cohort_spec import CohortSpec

LOSSES_EXPECTED = 10.0
"""Losses that customers with a score would have at the others' rate, from which on none at all is no chance."""


def scored_stayers(
    scored: np.ndarray, lost: np.ndarray, n: np.ndarray, spec: CohortSpec
) -> tuple[Remark, ...]:
    """Say that nobody has a score, or nobody with one was lost though others were: then it is of those who stayed.

    Parameters
    ----------
    scored, lost : bool ndarray of shape (n_cells,)
        Whether the customers of each cell have a score, and were lost.
    n : int ndarray of shape (n_cells,)
        Customers.
    spec : CohortSpec
        Names the score.

    Returns
    -------
    tuple of Remark
        ``no_scores``; or ``scored_stayers``, of so many customers without a score, with the facts ``scored`` and
        ``losses`` (of the others).
    """
    if not scored.any():
        return (Remark("no_scores", facts={"column": spec.score.column}),)
    with_score, without = int(n[scored].sum()), int(n[~scored].sum())
    gone, others_gone = int(n[scored & lost].sum()), int(n[~scored & lost].sum())
    if gone or not without or with_score * others_gone / without < LOSSES_EXPECTED:
        return ()
    facts: dict[str, Fact] = {"column": spec.score.column, "scored": with_score, "losses": others_gone}
    return (Remark("scored_stayers", without, facts=facts),)
