"""The customer bootstrap, made on spells.

Resampling spells is identical to resampling the customers in them (Efron 1981,
doi 10.1080/01621459.1981.10477650): customers in each spell are multinomial.
"""

from collections.abc import Iterator

import numpy as np

_FEW = 8


def resample(n: np.ndarray, n_draws: int, block: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Resample customers, in blocks so that memory stays small; the draws do not depend on the block.

    Parameters
    ----------
    n : int ndarray of shape (n_spells,)
        Customers in each spell.
    n_draws, block : int
        Draws in all, and at a time.
    rng : Generator
        Children of it are advanced.

    Yields
    ------
    int64 ndarray of shape (n_spells, n_block)
        Customers in each spell: multinomial, so that each column sums to the customers there are.
    """
    first, second = rng.spawn(2)
    total = int(n.sum())
    # Where a spell has few customers it is quicker to draw them than its number, with the same distribution.
    spell_of = np.repeat(np.arange(len(n)), n) if total < _FEW * len(n) else None
    for start in range(0, n_draws, block):
        shape = (min(block, n_draws - start), len(n))
        if spell_of is None:
            drawn = first.poisson(n, size=shape)
            for counts in drawn:
                _settle(counts, n, total, second)
        else:
            drawn = np.empty(shape, dtype=np.int64)
            for counts in drawn:
                counts[:] = np.bincount(
                    spell_of[first.integers(0, total, total, dtype=np.uint32)], minlength=len(n)
                )
        yield np.ascontiguousarray(drawn.T)


def _settle(counts: np.ndarray, n: np.ndarray, total: int, rng: np.random.Generator) -> None:
    """Make independent Poisson counts a multinomial of a given total.

    Given their sum they are multinomial already: customers missing are drawn from the cohort, customers too many are
    taken out at random.
    """
    surplus = int(counts.sum()) - total
    if surplus < 0:
        customers = rng.integers(0, total, -surplus)
        counts += np.bincount(np.searchsorted(np.cumsum(n), customers, side="right"), minlength=len(n))
    elif surplus > 0:
        customers = rng.choice(total + surplus, surplus, replace=False, shuffle=False)
        counts -= np.bincount(np.searchsorted(np.cumsum(counts), customers, side="right"), minlength=len(n))
