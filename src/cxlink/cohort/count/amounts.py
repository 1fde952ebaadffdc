"""Sums of amounts that are the same in any order of rows, on any number of threads.

A sum of floating-point numbers depends on their order, and an engine's threads take them in another one each time.
Sums of whole numbers, and of floating-point numbers that are all multiples of one power of two, do not: so each amount
is written as a whole number of 10^-k, or, where 64 bits hold too few digits of a square, as a coarse multiple of 2^q
and the rest (pre-rounding: Demmel & Nguyen 2015, IEEE Trans. Computers 64(7):2060-2070, doi 10.1109/TC.2014.2345391).
Engines' logarithms differ in their last digit, so each is rounded to nine decimals before anything is made of it.
"""

import math
from decimal import Decimal
from typing import Any

USUAL_TOP = 1e6
"""Amounts up to here are added up in one pass; a table with larger ones (or only tiny ones) takes a second."""

MOST_SPENT = 1e12
"""The largest amount that is taken for one."""

_LEAST_TOP = 1e-9  # smaller amounts are counted in steps of 10^-27, which is next to nothing
_FINE = 1e8  # amounts are added up in steps of 10^-8 or less
_WHOLE = 9e18  # largest whole number that 64 bits hold, less room for rounding
_MOST_ROWS = 2.0**30  # rows of a cell
_LEAST = 1e-150  # a factor under which a product of amounts is less than any step they are added up in
_LARGEST_LOG = 750.0  # |log y| of any positive floating-point number
_OF_LOGS = 1e9  # logarithms are rounded to nine decimals


def whole_log(y: Any, engine: str) -> Any:
    """Log of positive amounts in whole numbers of 10^-9; 0 for the others, since an empty one costs more to add up."""
    return _whole(log_of(y) * _OF_LOGS, engine)


def sums(y: Any, top: float, engine: str, whole: Any = None) -> dict[str, Any]:
    """Sums over amounts, by name of their column in the counts.

    Parameters
    ----------
    y : ibis float64 column
        Amounts, none over ``top`` in size; empty ones do not count.
    top : float
        The bound.
    engine : str
        Name of the engine: each adds up and rounds in the same way, in steps that it can do.
    whole : ibis int64 column, optional
        `whole_log` of the amounts, where it is at hand: it costs as much as all sums.

    Returns
    -------
    dict of str to ibis scalar
        Σy, Σy², and over positive y Σl, Σl², Σy·l, with l = log y to nine decimals.
    """
    whole = whole_log(y, engine) if whole is None else whole
    log = whole.cast("float64") / _OF_LOGS
    y_log = max(top * abs(math.log(top)), math.exp(-1))
    return {
        "spend_sum": exact_sum(y, top, engine),
        "spend_sum_sq": exact_sum(product(y, y, engine), top**2, engine),
        "spend_sum_log": _total(whole, engine) / _OF_LOGS,
        "spend_sum_log_sq": exact_sum(product(log, log, engine), _LARGEST_LOG**2, engine),
        "spend_sum_y_log": exact_sum(product(y, log, engine), y_log, engine),
    }


def moments(x: Any, top: float, engine: str, name: str = "control") -> dict[str, Any]:
    """Sums over the negative control, or the margin, by name of their column in the counts: Σx and Σx².

    Parameters
    ----------
    x : ibis float64 column
        Numbers, none over ``top`` in size; empty ones do not count.
    top : float
        The bound.
    engine : str
        Name of the engine.
    name : str
        How the columns' names begin.
    """
    squares = exact_sum(product(x, x, engine), top**2, engine)
    return {f"{name}_sum": exact_sum(x, top, engine), f"{name}_sum_sq": squares}


def product(x: Any, y: Any, engine: str) -> Any:
    """Give x·y, and 0 where it is next to nothing: Postgres refuses a product too small for a floating-point number."""
    return x * y if engine != "postgres" else ((x.abs() < _LEAST) | (y.abs() < _LEAST)).ifelse(0.0, x * y)


def log_of(y: Any) -> Any:
    """Log of positive amounts; 0 for the others."""
    return (y > 0).ifelse(y, 1.0).ln()


def top_for(largest: float | None) -> float:
    """Give the bound for a table whose largest amount is this one: the next power of ten."""
    if not largest:
        return USUAL_TOP
    size = min(max(largest, _LEAST_TOP), MOST_SPENT)
    top = 10.0 ** math.ceil(math.log10(size))
    # the logarithm of a hair over a power of ten is rounded to that power's own
    return top if top >= size else 10 * top


def exact_sum(amount: Any, bound: float, engine: str) -> Any:
    """Σ of amounts as whole numbers of 10^-k, k as large as 64 bits allow.

    Parameters
    ----------
    amount : ibis float64 column
        None over ``bound`` in size; empty ones do not count.
    bound : float
        The largest size.
    engine : str
        Name of the engine.
    """
    scale = 10.0 ** math.floor(math.log10(_WHOLE / bound))
    if scale < _FINE:
        return _coarse_and_rest(amount, bound, engine)
    return _total(_whole(amount * scale, engine), engine) / scale


def _whole(x: Any, engine: str) -> Any:
    """The nearest whole number, halves to the even one; Spark's cast would cut off what is behind the point."""
    return (_rint()(x) if engine == "pyspark" else x).cast("int64")


def _rint() -> Any:
    """Spark's function that rounds halves to the even number."""
    import ibis

    return ibis.udf.scalar.builtin(lambda _x: ..., name="rint", signature=(("float64",), "float64"))


def _total(whole: Any, engine: str) -> Any:
    """Σ of whole numbers, which 64 bits need not hold, as a floating-point number."""
    if engine == "duckdb":
        return whole.sum().cast("float64")
    wide = (
        whole.cast("decimal(19, 0)") if engine == "pyspark" else whole
    )  # Postgres adds up in decimals by itself
    return _rounded_as_by_duckdb(wide.sum())


def _rounded_as_by_duckdb(total: Any) -> Any:
    """A sum of whole numbers as a floating-point number, to the last digit as DuckDB rounds it: by halves of 64 bits.

    With the total as h·2^64 + l, 0 ≤ l < 2^64, that is double(l) + h·2^64, and −double(2^64 − 1 − l) − 1 where h = −1:
    not always the nearest, so that another engine's own rounding would give other last digits.
    """
    import ibis

    size = ibis.literal(Decimal(2**64), "decimal(38, 0)")
    exact = total.cast("decimal(38, 0)")
    low = (exact % size + size) % size
    high = ((exact - low) / size).cast("float64")
    below_zero = -(size - 1 - low).cast("float64") - 1.0
    return (high == -1.0).ifelse(below_zero, low.cast("float64") + high * 2.0**64)


def _coarse_and_rest(amount: Any, bound: float, engine: str) -> Any:
    """Σ of amounts as multiples of 2^q, with q so coarse that no sum of a cell's rounds, and of what they leave."""
    step = 2.0 ** math.ceil(math.log2(bound * _MOST_ROWS / 2.0**53))
    shift = 1.5 * 2.0**52 * step  # adding it leaves no room for anything finer than a step
    coarse = (amount + shift) - shift
    return coarse.sum() + exact_sum(amount - coarse, step / 2, engine)
