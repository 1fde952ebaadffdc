"""Customers as a company's database holds them, and specs that together use every query that is sent to an engine."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cxlink.analysis import analyse
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import Cohort, read_cohort

N = 1500
_SCORE = {"column": "score", "scale": "0-10"}
_DATED = {
    "signup": "signup",
    "survey": "survey",
    "end": "end",
    "observed_until": "2023-02-28",
    "unit": "month",
}
_STAY = {"duration": "months", "event": "lost"}
_SPENT = {"column": "spent", "complete": True}

SPECS: dict[str, dict[str, Any]] = {
    "durations, bands and spend": {
        "subscription": _STAY, "adjust": {"columns": ["plan", "vip"], "bands": {"age": [30, 50]}}, "spend": _SPENT,
    },
    "late entry, follow-up and large amounts": {
        "subscription": {**_STAY, "entry": "entry", "clock": "signup", "follow_up": "follow"},
        "spend": {"column": "large", "complete": "complete"},
    },
    "a snapshot": {"subscription": {**_STAY, "window": 3}},
    "dates and an id": {
        "cohort": {"id": "customer"}, "subscription": _DATED, "spend": {"column": "spent", "window_months": 12},
        "adjust": {"columns": ["plan"], "bands": {"tenure_at_survey": [3, 12]}},
    },
    "dates since signup, by quarter and cause": {
        "cohort": {"id": "number"},
        "subscription": {**_DATED, "clock": "signup", "observed_until": "until", "unit": "quarter", "cause": "reason"},
    },
    **{f"dates by {unit}": {"subscription": {**_DATED, "unit": unit}} for unit in ("day", "week", "year")},
    "the first of several surveys": {
        "cohort": {"id": "account", "repeat": "first"}, "subscription": _DATED, "spend": {"column": "spent"},
    },
    "every survey": {
        "cohort": {"id": "account", "repeat": "all"}, "subscription": {**_DATED, "cause": "reason"},
        "spend": {"column": "spent"}, "adjust": {"columns": ["plan"]},
    },
    "every survey, no amounts": {
        "cohort": {"id": "account", "repeat": "all"}, "subscription": {**_DATED, "cause": "reason"},
    },
    "several scores of customers in accounts, no amounts": {
        "score": {**_SCORE, "others": {"csat": {"column": "csat", "scale": "1-5"}}},
        "cohort": {"cluster": "account"}, "subscription": _STAY,
    },
    "customers in accounts": {
        "cohort": {"id": "customer", "cluster": "account"}, "subscription": _DATED, "spend": {"column": "spent"},
    },
    "small amounts and a negative control": {
        "spend": {"column": "small", "complete": True}, "control": {"column": "before"},
    },
    "amounts that add up to more than 64 bits hold": {"spend": {"column": "high", "complete": True}},
    "refunds": {"spend": {"column": "refunded", "complete": True, "refunds": True}},
    "margin": {"subscription": _STAY, "spend": _SPENT, "value": {"margin": "margin", "discount": 0.1}},
    **{
        f"several scores, {name}": {
            "score": {
                **_SCORE, "others": {
                    "csat": {"column": "csat", "scale": "1-5"},
                    "effort": {"column": "effort", "scale": "1-7", "higher_is_better": False},
                },
            },
            "subscription": time, "spend": {"column": "spent", "complete": True}, "adjust": {"columns": ["plan"]},
        }
        for name, time in {
            "durations": {**_STAY, "entry": "entry", "clock": "signup", "follow_up": "follow"}, "dates": _DATED,
        }.items()
    },
    "metrics": {
        "subscription": _DATED, "spend": {"column": "spent"},
        "metrics": {
            "touchpoint": "channel", "member": "vip", "segments": ["plan"], "period": "quarter", "orders": "orders",
            "support_cost": "small", "contract_value": "spent", "contract_months": "months",
        },
    },
}  # fmt: skip
"""Specs by what they try; each still needs its score."""


def crm_spec(name: str) -> dict[str, Any]:
    """Give a spec by its name, with its score."""
    return {"score": _SCORE, **SPECS[name]}


ESTIMATED = (
    "durations, bands and spend", "late entry, follow-up and large amounts", "dates and an id",
    "the first of several surveys", "every survey",
)  # fmt: skip
"""Specs whose estimates are compared too."""


def written_estimates(table: Any, name: str, folder: Path) -> bytes:
    """Bytes of ``estimates.csv`` of a quick analysis of a table by one of the specs."""
    quick = {"analysis": {"models": "quick", "draws": 100}, "report": {"formats": ["html"]}}
    analyse(read_cohort(table, make_spec({**crm_spec(name), **quick}))).write(folder)
    return (folder / "estimates.csv").read_bytes()


def spans_spec(clock: str) -> dict[str, Any]:
    """A spec that takes the rows of two customers for spans of one, with surveys of either."""
    dated = {**_DATED, "clock": clock, "cause": "reason", "gap_days": 60}
    return {
        "score": _SCORE, "cohort": {"id": "account", "repeat": "first"}, "subscription": dated,
        "adjust": {"columns": ["plan"]},
    }  # fmt: skip


def crm(n: int = N) -> pa.Table:
    """Customers with month ends, leap days, empty cells, text of several scripts, amounts of all sizes."""
    draw = np.random.default_rng(20140801)
    signup = np.datetime64("2019-01-29") + draw.integers(0, 900, n)
    survey = signup + draw.integers(0, 400, n)
    end = survey + draw.integers(0, 1500, n)
    months = draw.integers(1, 37, n)
    entry = draw.integers(0, 3, n)
    columns = {
        "number": np.arange(n) + 2**53,
        "customer": [f"k{i:05d}" for i in range(n)],
        "account": [f"a{i // 2}" for i in range(n)],
        "score": pa.array(draw.integers(0, 11, n), mask=draw.random(n) < 0.1),
        "plan": draw.choice(["a", "B", "é", "Zoë", " x"], n),
        "vip": draw.random(n) < 0.3,
        "age": pa.array(draw.normal(45, 15, n).round(1), mask=draw.random(n) < 0.05),
        "signup": signup,
        "survey": survey,
        "end": pa.array(end, mask=draw.random(n) < 0.6),
        "until": np.full(n, np.datetime64("2023-02-28")),
        "months": months,
        "lost": draw.integers(0, 2, n),
        "entry": np.where(entry > months, 0, entry),
        "follow": draw.integers(30, 40, n),
        "complete": draw.random(n) < 0.8,
        "reason": draw.choice(["price", "moved"], n),
        "spent": np.where(draw.random(n) < 0.2, 0, np.exp(draw.normal(6, 1.5, n))).round(2),
        "large": np.exp(draw.normal(11, 2, n)),
        "high": np.exp(draw.normal(12, 1, n)).clip(max=999_999.0),
        "small": np.exp(draw.normal(-6, 1, n)),
        "refunded": np.append(draw.normal(0, 1e3, n - 2), [5e-324, 1e-200]),
        "before": draw.normal(0, 1, n),
        "margin": draw.normal(100, 40, n).round(2),
        "orders": draw.integers(1, 9, n),
        "channel": draw.choice(["web", "shop"], n),
        "csat": pa.array(draw.integers(1, 6, n), mask=draw.random(n) < 0.1),
        "effort": pa.array(draw.integers(1, 8, n) * 1.0, mask=draw.random(n) < 0.1),
    }
    return pa.table(columns)


def same(one: Cohort, other: Cohort) -> dict[str, bool]:
    """Whether two cohorts are the same to the last digit, by what is compared."""
    first, second = one.count(), other.count()
    naive, again = one.count_from_signup(), other.count_from_signup()
    cut, cut_again = one.count_until_next(), other.count_until_next()
    return {
        "cells": first.cells.equals(second.cells),
        "fingerprint": first.profile.fingerprint == second.profile.fingerprint,
        "notes": first.profile.notes == second.profile.notes,
        "dropped": first.profile.dropped == second.profile.dropped,
        "metrics": one.metrics.equals(other.metrics),
        "drivers": (first.drivers is None and second.drivers is None)
        or (
            first.drivers is not None
            and second.drivers is not None
            and first.drivers.cells.equals(second.drivers.cells)
            and first.drivers.answered.equals(second.drivers.answered)
        ),
        "repeats": one.count_repeats().equals(other.count_repeats()),
        "until next": (cut is None and cut_again is None)
        or (cut is not None and cut_again is not None and cut.cells.equals(cut_again.cells)),
        "from signup": (naive is None and again is None)
        or (naive is not None and again is not None and naive.cells.equals(again.cells)),
    }
