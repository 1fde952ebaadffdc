"""Simulated customers in accounts: alike within them, and in all else the population that independent ones are of."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from cxlink import make_spec, read_cohort, read_spec, simulate
from cxlink.cohort.errors import InputError
from cxlink.study.customer_numbers import LIKENESS, AlikeNumbers, dealt_accounts
from cxlink.study.simulated_files import write_simulated


def test_numbers_are_uniform_and_correlated_within_accounts_alone() -> None:
    account = np.repeat(np.arange(10_000), 2)
    numbers = AlikeNumbers(np.random.default_rng(5), account)
    normal = numbers.standard_normal(20_000)
    within = np.corrcoef(normal[::2], normal[1::2])[0, 1]
    between = np.corrcoef(normal[1:-1:2], normal[2::2])[0, 1]
    assert abs(within - LIKENESS) < 4 * (1 - LIKENESS**2) / 100
    assert abs(between) < 4 / 100
    # one customer of each account: independent, so that the test of the distribution is the ordinary one
    assert kstest(numbers.random(20_000)[::2], "uniform").pvalue > 0.001
    assert kstest(numbers.exponential(20_000)[::2], "expon").pvalue > 0.001


def test_every_account_has_a_customer_and_no_two_seeds_deal_alike() -> None:
    account = dealt_accounts(1_000, 200, 3)
    sizes = np.bincount(account)
    assert len(sizes) == 200
    assert sizes.min() == 1
    assert sizes.sum() == 1_000
    assert sizes.max() > 10
    assert (account == dealt_accounts(1_000, 200, 3)).all()
    assert (account != dealt_accounts(1_000, 200, 4)).any()
    assert sorted(dealt_accounts(7, 7, 1)) == list(range(7))


@pytest.mark.parametrize(("n", "accounts"), [(100, 2), (100, 101), (100, 0), (100, -4), (2, 3)])
def test_too_few_accounts_or_more_than_customers_are_refused(n: int, accounts: int) -> None:
    with pytest.raises(
        InputError, match=f"{n} customers cannot be dealt into {accounts} accounts. Ask for 3"
    ):
        simulate("subscription", n, 1, accounts=accounts)


@pytest.mark.parametrize("design", ["subscription", "transaction"])
def test_customers_are_alike_and_the_truth_is_the_same(design: str) -> None:
    plain, made = simulate(design, 6_000, 7), simulate(design, 6_000, 7, accounts=1_500)  # type: ignore[arg-type]
    pd.testing.assert_frame_equal(made.truth, plain.truth)
    assert list(made.table.drop(columns="account_id")) == list(plain.table)
    counts = read_cohort(made.table, make_spec(made.spec)).count()
    assert "bucket" in counts.cells
    sizes = [remark for remark in counts.profile.notes if remark.code == "clusters"]
    assert sizes[0].n == 1_500
    level = made.hidden["latent_score"].groupby(made.table["account_id"]).transform("mean")
    # a mean of accounts' own scores varies as correlated ones do: ρ + (1 − ρ) / m at least for ρ = .4
    assert level.var() / made.hidden["latent_score"].var() > 0.45


def test_the_files_name_the_accounts(tmp_path: Path) -> None:
    table, spec, _ = write_simulated("transaction", 300, 3, tmp_path / "made.csv", accounts=90)
    assert read_spec(spec).cohort.cluster == "account_id"
    assert pd.read_csv(table)["account_id"].nunique() == 90


def test_customers_in_accounts_give_further_scores_too() -> None:
    plain, both = (simulate("subscription", 900, 1, scores=scores, accounts=200) for scores in (False, True))
    assert {"cluster", "others"} <= {*both.spec["cohort"], *both.spec["score"]}
    pd.testing.assert_frame_equal(both.table[list(plain.table.columns)], plain.table)
    counts = read_cohort(both.table, make_spec(both.spec)).count()
    assert counts.drivers is not None
    assert "bucket" in counts.drivers.cells


def test_accounts_go_without_waves() -> None:
    with pytest.raises(InputError, match=r"--waves goes without accounts"):
        simulate("subscription", 100, 1, waves=2, accounts=30)
