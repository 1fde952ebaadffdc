"""Simulated cohorts with a known truth, for the two designs of the published study.

The records of that study were never published; these are not them. The table is what a firm would have:
everybody who was a customer on the day the survey went out to them, with an answer or without.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError
from cxlink.study.customer_numbers import AlikeNumbers, Numbers, dealt_accounts, in_accounts, pick
from cxlink.study.population import (
    LEVELS,
    N_BANDS,
    NEEDS,
    TENURE_CUTS,
    WINDOW,
    population,
    subscription,
    transaction,
)
from cxlink.study.truth import RELATIVE_TO_POOREST, Design, checked_design, truth

FIRST_SURVEY = np.datetime64("2024-01-01", "D")
LAST_SURVEY = np.datetime64("2025-06-30", "D")
OBSERVED_UNTIL = np.datetime64("2026-04-30", "D")
LONGEST_TENURE = 96
_LONGEST_FOLLOW_UP = 30
_MOST = 100_000_000


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulated cohort.

    Attributes
    ----------
    table : DataFrame, one row a customer of the base
        ``customer_id``, ``need``, ``score`` and ``survey_date`` (both empty: did not answer), and
        ``annual_spend`` (EUR in the twelve months after the survey went out, so far if they are not over).
        Subscription: ``signup_date`` and ``end_date`` (empty: still there); transaction:
        ``months_since_first_purchase`` (whole months, when the survey went out).
    spec : dict of dict
        Tables that `cxlink.cohort.spec.cohort_spec.make_spec` takes.
    truth : DataFrame
        See `cxlink.study.truth.truth`.
    hidden : DataFrame, one row a customer, as in ``table``
        Unobservable in practice, unused by estimators: ``latent_score`` (also of those who did not answer),
        ``tenure_months`` (whole, when the survey went out; also theirs), ``unobserved_class``, and of the
        subscription ``lost_in_month`` (after the survey went out, however late).
    """

    table: pd.DataFrame
    spec: dict[str, Any]
    truth: pd.DataFrame
    hidden: pd.DataFrame


@dataclass(frozen=True, slots=True)
class _Customers:
    """Drawn customers: positions of stratum, level and unobserved class, and dates; each of shape (n,)."""

    stratum: np.ndarray
    level: np.ndarray
    unobserved: np.ndarray
    answered: np.ndarray
    sent: np.ndarray
    months: np.ndarray


def simulate(
    design: Design, n: int, seed: int, *, scores: bool = False, waves: int = 1, accounts: int | None = None
) -> Simulated:
    """Draw a cohort.

    Parameters
    ----------
    design : str
        ``subscription`` or ``transaction``.
    n : int
        Customers in the base; about half of them answer.
    seed : int
        The same seed gives the same cohort.
    scores : bool
        Whether those who answer give two further scores as well, which act on nothing beyond the score.
    waves : int
        Surveys sent to each customer. Beyond one, the table is of surveys, whose scores are readings of an opinion that
        drifts; see `cxlink.study.simulated_surveys.simulated_surveys`.
    accounts : int, optional
        Accounts that the customers belong to (``account_id``, the spec's cluster), alike within them in need, tenure,
        score, unobserved class, and what becomes of them. The truth is that of independent customers.

    Returns
    -------
    Simulated
        ``table`` (one row a customer or survey), ``spec`` (for `make_spec` or `read_cohort`), ``truth`` and ``hidden``.

    Raises
    ------
    InputError
        If there is no such design, it, further scores or accounts do not go with ``waves``, ``n`` is not from 1 to
        100,000,000, the seed is negative, accounts are under three or more than customers, or the published figures are
        not there.
    """
    design = checked_design(design)
    if not 1 <= n <= _MOST:
        raise InputError(f"a cohort of {n:,} customers cannot be simulated. Ask for 1 to {_MOST:,}.")
    if seed < 0:
        raise InputError(f"the seed must be a whole number from 0 on (found {seed}).")
    if waves != 1:
        from cxlink.study.simulated_surveys import refuse_design, simulated_surveys

        refuse_design(design, scores=scores, accounts=accounts is not None)
        return simulated_surveys(n, seed, waves)
    rng = np.random.default_rng(seed)
    simulator = _subscribers if design == "subscription" else _buyers
    account = None if accounts is None else dealt_accounts(n, accounts, seed)
    table, hidden = simulator(rng if account is None else AlikeNumbers(rng, account), n)
    asked = spec(design)
    if account is not None:
        table, asked = in_accounts(table, asked, account)
    made = Simulated(table, asked, truth(design), hidden)
    if not scores:
        return made
    from cxlink.study.further_scores import with_further_scores

    return with_further_scores(made, seed)


def spec(design: Design) -> dict[str, Any]:
    """Make the spec of a design's table.

    Raises
    ------
    InputError
        If there is no such design.
    """
    cohort = {"name": f"simulated-{checked_design(design)}", "id": "customer_id", "simulated": True}
    spend = {"column": "annual_spend", "currency": "EUR", "window_months": WINDOW}
    if design == "subscription":
        return {
            "cohort": cohort,
            "score": {"column": "score", "scale": "1-10", "worst": [1], "best": [9, 10]},
            "subscription": {
                "signup": "signup_date",
                "survey": "survey_date",
                "end": "end_date",
                "observed_until": str(OBSERVED_UNTIL),
            },
            "spend": spend,
            "adjust": {"columns": ["need"]},
        }
    return {
        "cohort": cohort,
        "score": {"column": "score", "scale": "1-10", "worst": [1, 2, 3], "best": [10]},
        "spend": {**spend, "complete": True},
        "adjust": {"columns": ["need"], "bands": {"months_since_first_purchase": list(TENURE_CUTS)}},
        "analysis": {"contrasts": ["best:worst", *RELATIVE_TO_POOREST]},
    }


def add_months(dates: np.ndarray, months: np.ndarray | int) -> np.ndarray:
    """Calendar anniversaries: the same day of a later or earlier month, or that month's last day.

    Parameters
    ----------
    dates : datetime64[D] ndarray of shape (n,)
    months : int or int ndarray of shape (n,)
        Negative: earlier.
    """
    month = dates.astype("datetime64[M]")
    target = month + np.asarray(months).astype("timedelta64[M]")
    day = dates - month.astype("datetime64[D]")
    first = target.astype("datetime64[D]")
    last = (target + np.timedelta64(1, "M")).astype("datetime64[D]") - first - np.timedelta64(1, "D")
    anniversary: np.ndarray = first + np.minimum(day, last)
    return anniversary


def _customers(rng: Numbers, n: int, classes: np.ndarray) -> _Customers:
    """Draw strata, scores, responses and dates; ``classes``: shares of shape (n_strata, n_classes)."""
    base = population()
    stratum = pick(rng, base.share[None, :], np.zeros(n, dtype=np.int64))
    level = pick(rng, base.score, stratum)
    unobserved = pick(rng, classes, stratum)
    answered = rng.random(n) < base.response[stratum, level]
    n_days = int((LAST_SURVEY - FIRST_SURVEY).astype(int)) + 1
    sent = FIRST_SURVEY + rng.integers(0, n_days, n).astype("timedelta64[D]")
    low = np.array([0, *TENURE_CUTS])[stratum % N_BANDS]
    high = np.array([*TENURE_CUTS, LONGEST_TENURE])[stratum % N_BANDS]
    return _Customers(stratum, level, unobserved, answered, sent, rng.integers(low, high))


def _observed(customers: _Customers) -> pd.DataFrame:
    """Columns of the table that both designs share."""
    n = customers.stratum.size
    score = pd.Series(np.array(LEVELS)[customers.level], dtype="Int64")
    survey = np.where(customers.answered, customers.sent, np.datetime64("NaT", "D"))
    return pd.DataFrame({
        "customer_id": np.arange(1, n + 1),
        "need": np.array(NEEDS, dtype=object)[customers.stratum // N_BANDS],
        "score": score.where(customers.answered),
        "survey_date": survey.astype("datetime64[ns]"),
    })  # fmt: skip


def _hidden(customers: _Customers) -> pd.DataFrame:
    return pd.DataFrame({
        "latent_score": np.array(LEVELS)[customers.level],
        "tenure_months": customers.months,
        "unobserved_class": customers.unobserved,
    })  # fmt: skip


def _subscribers(rng: Numbers, n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    design = subscription()
    customers = _customers(rng, n, design.frailty_share)
    sent = customers.sent
    hazard = design.frailty[customers.unobserved] * design.rate[customers.stratum, customers.level]
    # T is the first month by whose end the cumulative hazard has passed an exponential draw.
    lost_in = 1 + np.searchsorted(design.cumulative[1:], rng.exponential(size=n) / hazard)
    within = np.minimum(lost_in, _LONGEST_FOLLOW_UP)
    start, stop = add_months(sent, within - 1), add_months(sent, within)
    n_days = (stop - start).astype(np.int64)
    end = start + (1 + rng.integers(0, n_days)).astype("timedelta64[D]")
    recorded = (lost_in <= _LONGEST_FOLLOW_UP) & (end <= OBSERVED_UNTIL)
    # A whole month back is at least 28 days: 27 more never make another whole month.
    signup = add_months(sent, -customers.months) - rng.integers(0, 28, n).astype("timedelta64[D]")
    n_paid = sum((add_months(sent, month) <= OBSERVED_UNTIL).astype(np.int64) for month in range(WINDOW))
    table = _observed(customers)
    table.insert(2, "signup_date", signup.astype("datetime64[ns]"))
    table["end_date"] = np.where(recorded, end, np.datetime64("NaT", "D")).astype("datetime64[ns]")
    table["annual_spend"] = design.fee[customers.stratum] * np.minimum(lost_in, n_paid)
    return table, _hidden(customers).assign(lost_in_month=lost_in)


def _buyers(rng: Numbers, n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    design = transaction()
    customers = _customers(rng, n, design.class_share)
    cell = customers.stratum, customers.level, customers.unobserved
    log_sd = design.log_sd[customers.stratum]
    amount = design.mean[cell] * np.exp(log_sd * rng.standard_normal(n) - log_sd**2 / 2)
    table = _observed(customers)
    table.insert(2, "months_since_first_purchase", customers.months)
    # Whole cents: rounding of a smooth density does not change the mean.
    table["annual_spend"] = np.where(rng.random(n) < design.buys[cell], amount, 0.0).round(2)
    return table, _hidden(customers)
