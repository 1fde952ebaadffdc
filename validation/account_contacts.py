"""A trial of contacts of customers in accounts: contrasts, trends and means of two touchpoints, of which one acts.

``python -m validation.account_contacts`` prints mean standard errors over the deviation of the estimates, and coverage,
with accounts and as if customers were independent.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaincinv, expit
from scipy.stats import norm

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.driver_counts import BUCKET
from cxlink.cohort.count.journey_counts import ARROW, SEGMENT, TOUCHPOINT, JourneyCounts
from cxlink.cohort.count.profile import Profile
from cxlink.metrics.journey.journey_rows import journey_rows
from cxlink.metrics.metric_table import tidy_metrics
from validation.account_law import ICC, account_laws
from validation.account_trials import judged
from validation.journey_law import spec_of_contacts

SEED, CUSTOMERS, COHORTS, LARGE = 11, 20_000, 100, 2_000_000
TRIALS = (("by_account", 0.5), ("by_account", 1.0), ("zipf", 0.5))
"""Sizes of accounts, and the share between accounts of what varies of contacts."""
THERE, QUARTERS = {"phone": 0.5, "web": 0.8}, 8
"""Share of the customers who were at each touchpoint, of which the second acts and improves."""
_ALIKE, _ACTS, _DRIFT, _CUTS = 0.6, 0.5, {"phone": 0.0, "web": 0.04}, (-1.2, -0.4, 0.4, 1.2)
_SHOWN = (
    "journey_retention_contrast",
    "journey_spend_contrast",
    "journey_trend",
    "journey_mean",
    "journey_first",
)


def contact_counts(law: str, between: float, customers: int, rng: np.random.Generator) -> JourneyCounts:
    """Draw customers in accounts with their contacts, as counts with buckets; all are followed to the horizon.

    Parameters
    ----------
    law : str
        Of the sizes of accounts, see `account_laws`.
    between : float
        Share between accounts of the variance of scores, of quarters, and of who is where.
    customers : int
        About so many.
    rng : Generator
        Advanced.
    """
    sizes = account_laws()[law].sizes
    members = np.arange(1, len(sizes) + 1)
    drawn = rng.choice(members, round(customers / float(sizes @ members)), p=sizes)
    account = np.repeat(np.arange(len(drawn)), drawn)
    rows = pd.DataFrame({BUCKET: rng.integers(0, BUCKETS, account[-1] + 1)[account], "n": 1})
    common, contacts = _mixed(account, between, rng), []
    for name, share in THERE.items():
        quarter = (norm.cdf(_mixed(account, between, rng)) * QUARTERS).astype(int)
        z = np.sqrt(_ALIKE) * common + np.sqrt(1 - _ALIKE) * _mixed(account, between, rng)
        score = np.digitize(z + _DRIFT[name] * quarter, _CUTS) + 1.0
        there = norm.cdf(_mixed(account, between, rng)) < share
        rows[TOUCHPOINT + name] = np.where(there, score, np.nan)
        period = [f"{2023 + one // 4}Q{one % 4 + 1}" for one in quarter]
        contacts.append(
            rows[[BUCKET, "n"]].assign(touchpoint=name, segment="", period=period, score=score)[there]
        )
    cells = [TOUCHPOINT + name for name in THERE]
    rows = _with_outcomes(rows, account, rng)[rows[cells].notna().any(axis=1)]
    both = rows[cells].notna().to_numpy()
    path = np.where(both.all(axis=1), ARROW.join(THERE), np.where(both[:, 1], "web", "phone"))
    paths = rows[[BUCKET, "n"]].assign(path=path, last=np.where(both[:, 1], "web", "phone"))
    tables = (
        (rows, [*cells, "stratum.plan", SEGMENT, BUCKET]), (paths, ["path", "last", BUCKET]),
        (pd.concat(contacts), ["touchpoint", SEGMENT, "period", "score", BUCKET]),
    )  # fmt: skip
    made, of_paths, of_contacts = (one.groupby(by, dropna=False, as_index=False).sum() for one, by in tables)
    return JourneyCounts(tuple(THERE), made, of_contacts, of_paths, 12)


def _mixed(account: np.ndarray, between: float, rng: np.random.Generator) -> np.ndarray:
    """Standard normal numbers that customers of an account have partly in common."""
    own = rng.standard_normal(account[-1] + 1)[account]
    mixed: np.ndarray = np.sqrt(between) * own + np.sqrt(1 - between) * rng.standard_normal(len(account))
    return mixed


def _with_outcomes(rows: pd.DataFrame, account: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Retention and spend by the score on the web, alike within accounts."""
    n, n_accounts = len(account), account[-1] + 1
    x = np.nan_to_num(rows[TOUCHPOINT + "web"] - 3)
    p = expit(0.5 + _ACTS * x)
    fate = rng.random(n_accounts)[account]
    stays = rng.random(n) < betaincinv(p * (1 / ICC - 1), (1 - p) * (1 / ICC - 1), fate)
    spent = np.exp(4 + 0.1 * x) * rng.gamma(2, 0.5, n_accounts)[account] * rng.gamma(2, 0.5, n)
    made = rows.assign(
        **{SEGMENT: "", "stratum.plan": "one"}, spend_n=1, spend_sum=spent, spend_sum_sq=spent**2
    )
    for kind, which in (("retained", stays), ("lost", ~stays)):
        made[kind] = which * 1
        made[f"{kind}_weight"] = made[f"{kind}_weight_sq"] = which * 1.0
    return made


def without_buckets(journey: JourneyCounts) -> JourneyCounts:
    """Take customers as independent."""
    tables = {name: getattr(journey, name).drop(columns=BUCKET) for name in ("cells", "contacts", "paths")}
    return replace(journey, **tables)


def found(journey: JourneyCounts) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Rows of the metrics table of all customers, by metric, version and touchpoint."""
    spec = spec_of_contacts()
    spend = {"column": "spend", "complete": True}
    spec = spec.model_validate(spec.model_dump(exclude_none=True) | {"spend": spend})
    counts = Counts(pd.DataFrame(), spec, Profile("made", 0, 0), journey=journey)
    table = tidy_metrics(journey_rows(counts))
    own = table[table["metric"].isin(_SHOWN) & (table["period"] == "") & (table["variable"] == "touchpoint")]
    return {(row["metric"], row["version"], row["category"]): row for row in own.to_dict("records")}  # type: ignore[misc]


def contact_rows(
    law: str, between: float, cohorts: int = COHORTS, large: int = LARGE
) -> Iterator[dict[str, Any]]:
    """Every quantity with its truth: that of a large cohort in small accounts, 0 of what does not act."""
    limit = found(without_buckets(contact_counts("by_account", between, large, np.random.default_rng(99))))
    for k in range(cohorts):
        journey = contact_counts(law, between, CUSTOMERS, np.random.default_rng([SEED, k]))
        for how, counts in (("independent", without_buckets(journey)), ("accounts", journey)):
            for key, row in found(counts).items():
                metric, version, name = key
                null = name == "phone" and (version == "partial" or metric == "journey_trend")
                truth = 0.0 if null else limit[key]["estimate"]
                yield {**row, "how": how, "quantity": f"{metric} {version}", "group": name, "truth": truth}


if __name__ == "__main__":
    pd.options.display.width = 200
    for trial in TRIALS:
        print(*trial)
        print(judged(contact_rows(*trial)).round(4).to_string())
