"""Sums of amounts that are the same in any order of rows, on any number of threads.

A sum of floating-point numbers depends on their order, and an engine's threads take them in another one each time.
Sums of whole numbers, and of floating-point numbers that are all multiples of one power of two, do not: so each amount
is written as a whole number of 10^-k, or, where 64 bits hold too few digits of a square, as a coarse multiple of 2^q
and the rest (pre-rounding: Demmel & Nguyen 2015, IEEE Trans. Computers 64(7):2060-2070, doi 10.1109/TC.2014.2345391).
"""

import math
from typing import Any

USUAL_TOP = 1e6
"""Amounts up to here are added up in one pass; a table with larger ones (or only tiny ones) takes a second."""

MOST_SPENT = 1e12
"""The largest amount that is taken for one."""

_LEAST_TOP = 1e-9  # smaller amounts are counted in steps of 10^-27, which is next to nothing
_FINE = 1e8  # amounts are added up in steps of 10^-8 or less
_WHOLE = 9e18  # largest whole number that 64 bits hold, less room for rounding
_MOST_ROWS = 2.0**30  # rows of a cell
_LARGEST_LOG = 750.0  # |log y| of any positive floating-point number


def sums(y: Any, top: float, wide: bool) -> dict[str, Any]:
    """Sums over amounts, by name of their column in the counts.

    Parameters
    ----------
    y : ibis float64 column
        Amounts, none over ``top`` in size; empty ones do not count.
    top : float
        The bound.
    wide : bool
        Whether the engine adds 64-bit whole numbers up without overflow.

    Returns
    -------
    dict of str to ibis scalar
        Σy, Σy², and over positive y Σlog y, Σ(log y)², Σy·log y.
    """
    log = log_of(y)
    y_log = max(top * abs(math.log(top)), math.exp(-1))
    return {
        "spend_sum": exact_sum(y, top, wide),
        "spend_sum_sq": exact_sum(y * y, top**2, wide),
        "spend_sum_log": exact_sum(log, _LARGEST_LOG, wide),
        "spend_sum_log_sq": exact_sum(log * log, _LARGEST_LOG**2, wide),
        "spend_sum_y_log": exact_sum(y * log, y_log, wide),
    }


def moments(x: Any, top: float, wide: bool, name: str = "control") -> dict[str, Any]:
    """Sums over the negative control, or the margin, by name of their column in the counts: Σx and Σx².

    Parameters
    ----------
    x : ibis float64 column
        Numbers, none over ``top`` in size; empty ones do not count.
    top : float
        The bound.
    wide : bool
        Whether the engine adds 64-bit whole numbers up without overflow.
    name : str
        How the columns' names begin.
    """
    return {f"{name}_sum": exact_sum(x, top, wide), f"{name}_sum_sq": exact_sum(x * x, top**2, wide)}


def log_of(y: Any) -> Any:
    """Log of positive amounts; empty for the others."""
    return (y > 0).ifelse(y, None).ln()


def top_for(largest: float | None) -> float:
    """Give the bound for a table whose largest amount is this one: the next power of ten."""
    if not largest:
        return USUAL_TOP
    size = min(max(largest, _LEAST_TOP), MOST_SPENT)
    top = 10.0 ** math.ceil(math.log10(size))
    # the logarithm of a hair over a power of ten is rounded to that power's own
    return top if top >= size else 10 * top


def exact_sum(amount: Any, bound: float, wide: bool) -> Any:
    """Σ of amounts as whole numbers of 10^-k, k as large as 64 bits allow.

    Parameters
    ----------
    amount : ibis float64 column
        None over ``bound`` in size; empty ones do not count.
    bound : float
        The largest size.
    wide : bool
        Whether the engine adds 64-bit whole numbers up without overflow.
    """
    scale = 10.0 ** math.floor(math.log10(_WHOLE / bound))
    if scale < _FINE:
        return _coarse_and_rest(amount, bound, wide)
    whole = (amount * scale).cast("int64")
    return (whole if wide else whole.cast("decimal(38, 0)")).sum().cast("float64") / scale


def _coarse_and_rest(amount: Any, bound: float, wide: bool) -> Any:
    """Σ of amounts as multiples of 2^q, with q so coarse that no sum of a cell's rounds, and of what they leave."""
    step = 2.0 ** math.ceil(math.log2(bound * _MOST_ROWS / 2.0**53))
    shift = 1.5 * 2.0**52 * step  # adding it leaves no room for anything finer than a step
    coarse = (amount + shift) - shift
    return coarse.sum() + exact_sum(amount - coarse, step / 2, wide)
