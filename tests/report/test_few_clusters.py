"""What is said where there are few clusters: that intervals rest on so few, or that there are hardly any."""

import numpy as np
import pandas as pd
import pytest
from clustered import account_rows, account_spec

from cxlink import analyse, read_cohort
from cxlink.groups.effective_buckets import FEWEST_EFFECTIVE, headline_buckets
from cxlink.report.profile_lines import profile_lines
from cxlink.report.profile_words import table_notes

SO_FEW, HARDLY_ANY = "clusters (account): intervals rest on so few.", "hardly any estimate has an interval"


def _rows(sizes: list[int]) -> pd.DataFrame:
    """Customers of accounts of these sizes, each with a score of its own."""
    n = sum(sizes)
    scores = np.random.default_rng(5).integers(1, 6, n)
    return account_rows(n).assign(
        account=np.repeat([f"acc{k}" for k in range(len(sizes))], sizes), score=scores
    )


@pytest.mark.parametrize(
    ("sizes", "said"),
    [([75] * 8, SO_FEW), ([120] * 5, HARDLY_ANY), ([250, 150, 100, 20, 20, 20, 20, 20], HARDLY_ANY)],
)
def test_what_is_said_of_few_clusters_is_what_becomes_of_the_headline(sizes: list[int], said: str) -> None:
    cohort = read_cohort(_rows(sizes), account_spec())
    lines = "\n".join(profile_lines(cohort))
    assert (SO_FEW in lines, HARDLY_ANY in lines) == (said == SO_FEW, said == HARDLY_ANY)
    assert f"only {len(sizes)} clusters" in lines
    found = analyse(cohort)
    notes = "\n".join(table_notes(found.results))
    assert (SO_FEW in notes, HARDLY_ANY in notes) == (said == SO_FEW, said == HARDLY_ANY)
    contrast = found.headline().query("estimand == 'retention_difference'")
    assert len(contrast)
    assert contrast["conf_low"].notna().all() == (said == SO_FEW)


def test_the_headline_stands_on_the_buckets_of_both_sides() -> None:
    """Eight accounts of one size, in eight buckets; of independent customers there are none."""
    even = read_cohort(_rows([75] * 8), account_spec()).count()
    assert FEWEST_EFFECTIVE < headline_buckets(even) <= 8
    assert np.isnan(headline_buckets(read_cohort(_rows([75] * 8), account_spec(cluster=None)).count()))


def test_ten_clusters_are_not_few() -> None:
    lines = "\n".join(profile_lines(read_cohort(_rows([60] * 10), account_spec())))
    assert "only 10 clusters" not in lines
