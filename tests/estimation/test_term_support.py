"""What coefficients stand on: by hand, as levels' contrasts do, in any units, and nothing where nobody informs."""

import numpy as np
import pytest
from clustered import account_counts
from scipy.sparse import csr_array

from cxlink.estimation.term_support import TermSupport, buckets_of_weights, term_support
from cxlink.groups.effective_buckets import effective_buckets

LEVELS = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])


def test_a_level_stands_on_its_customers_and_its_references() -> None:
    n = np.array([40.0, 4.0, 9.0])
    found = TermSupport(LEVELS, n)
    for k, own in ((1, 4.0), (2, 9.0)):
        # (Σ n·w²)² / Σ n·w⁴ of weights 1/n on either side
        by_hand = (1 / own + 1 / 40) ** 2 / (1 / own**3 + 1 / 40**3)
        assert found.effective(np.eye(3)[[k]])[0] == pytest.approx(by_hand, rel=1e-10)
    assert found.of_columns()[1] < 6
    assert np.isinf(found.of_columns()[2])


def test_customers_who_vary_as_the_model_says_bind_nothing() -> None:
    n = np.array([40.0, 4.0, 9.0])
    modelled = np.array([False, True, False])
    assert np.isinf(TermSupport(LEVELS, n, None, modelled).of_columns()).all()
    assert np.isinf(TermSupport(LEVELS, n, None, np.ones(3, bool)).of_columns()).all()


def test_an_interaction_stands_on_its_smallest_corner() -> None:
    rows = np.array([[1, a, b, a * b] for a in (0, 1) for b in (0, 1)], dtype=float)
    found = TermSupport(rows, np.array([500.0, 500.0, 500.0, 1.0])).effective(np.eye(4))
    assert found[3] == pytest.approx(1.0, abs=0.02)
    # who is alone in a corner is fitted by the interaction: the main effects are of the other corners
    assert found[1] == pytest.approx(1000, rel=1e-6)
    lone = TermSupport(rows, np.array([500.0, 500.0, 1.0, 500.0])).effective(np.eye(4))
    assert lone[1] == pytest.approx(1.0, abs=0.02)


def test_levels_by_themselves_have_the_buckets_of_their_contrast() -> None:
    counts = account_counts()
    cells, buckets = counts.scored, effective_buckets(counts)
    assert buckets is not None
    levels = sorted(cells["score"].unique())
    rows = np.column_stack([np.ones(5), np.eye(5)[:, 1:]])
    at = cells["score"].map(levels.index).to_numpy(int)
    customers = at, cells["n"].to_numpy(float), cells["bucket"].to_numpy(int)
    found = term_support(rows, customers).of_columns()[1:]
    theirs = [buckets.effective((str(level), str(levels[0])), "no") for level in levels[1:]]
    assert found == pytest.approx(theirs, rel=1e-9)


def test_units_and_origins_of_numbers_change_nothing() -> None:
    rng = np.random.default_rng(1)
    age, n = rng.normal(40, 9, 60), rng.integers(1, 9, 60).astype(float)
    each = [
        TermSupport(np.column_stack([np.ones(60), x]), n).effective(np.eye(2)[[1]])[0]
        for x in (age, 1e6 * age, age + 5e4)
    ]
    assert each[1:] == pytest.approx([each[0]] * 2, rel=1e-6)
    far = np.append(age, 4e5)
    assert TermSupport(np.column_stack([np.ones(61), far]), np.append(n, 1.0)).of_columns()[1] < 6


def test_what_no_customer_informs_stands_on_nothing() -> None:
    rows, n = np.column_stack([LEVELS, np.zeros(3)]), np.array([8.0, 8.0, 8.0])
    by_bucket = csr_array(np.ones((3, 8)))
    assert TermSupport(rows, n, by_bucket).of_columns()[3] == 0
    assert buckets_of_weights(np.zeros((3, 1)), by_bucket).tolist() == [0.0]
    assert TermSupport(rows, n, by_bucket).of_columns()[1] == pytest.approx(8)
