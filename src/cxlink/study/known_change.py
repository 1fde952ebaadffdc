"""Surveys of simulated customers whose opinion drifts: both contrasts of a fall and of a rise, and the truth."""

import numpy as np
import pandas as pd

from cxlink.checks import matching
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.model_rows.change_rows import change_results
from cxlink.estimands.over_clusters.clustered_rows import clustering
from cxlink.estimands.tidy import select, tidy
from cxlink.report.falling.change_table import change_table
from cxlink.study.simulate import simulate

CUSTOMERS, WAVES = 12_000, 4
COLUMNS = (
    "change", "given", "horizon", "base", "customers", "answers", "surveys", "changed", "stayed", "truth",
    "difference", "conf_low", "conf_high",
)  # fmt: skip


def known_change(seed: int, n: int = CUSTOMERS) -> pd.DataFrame:
    """Simulate subscribers who are surveyed four times, and compare scores that fell or rose with those that stayed.

    Parameters
    ----------
    seed : int
        Of the cohort.
    n : int
        Customers who are sent the first survey.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row a contrast: ``change`` (``fell``, ``rose``), ``given`` (``last``, ``present``: the score that
        those compared with stayed at), retention at the horizon of both sides, and its difference with a 95 % interval
        and the ``truth``; ``answers`` are all surveys answered, ``surveys`` those whose score changed. Empty where so
        few customers cannot be compared.
    """
    made = simulate("subscription", n, seed, waves=WAVES)
    counts = read_cohort(made.table, make_spec(made.spec)).count()
    found = change_results(counts, np.random.default_rng([seed, 5]))
    clustered = clustering(counts)
    rows = found.rows if clustered is None else clustered.rows(found.rows)
    table = change_table(tidy(rows), found.checks, counts.spec)
    answered = matching(found.checks, code="surveys")
    if not len(table) or not answered:
        return pd.DataFrame(columns=list(COLUMNS))
    truths = select(made.truth, estimand="retention_difference", horizon=counts.spec.horizon)
    truth = dict(zip(zip(truths["group"], truths["scenario"], strict=True), truths["estimate"], strict=True))
    move = table["change"].map({"fell": "fall", "rose": "rise"})
    keys = zip(table["change"], move + "_given_" + table["given"], strict=True)
    return table.assign(
        horizon=counts.spec.horizon, base=n, customers=int(answered[0].value),
        answers=int(str(answered[0].facts["surveys"])), truth=[truth[key] for key in keys],
    )[list(COLUMNS)]  # fmt: skip
