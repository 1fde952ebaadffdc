"""Laws of answers, of baskets and of pairs of answers: what metrics are drawn from, as counts, with their truths.

Nothing here is normal: answers pile up at the ends of their scale, nearly all of them are the same, amounts are skewed,
and a second answer is a latent one with noise, cut to whole points. Every law is a table of probabilities, so that a
cohort of any size is one multinomial draw and each truth a sum.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from cxlink.estimands.tidy import interval
from cxlink.metrics.metric_intervals import MetricEstimate, mean_score, net_promoters, ratio, share
from cxlink.sensitivity.reliability import reliability

LEVEL = 0.95
DRAWS = 500
Row = dict[str, Any]
_SCALE = np.arange(11)
_PRICES = {
    "baskets": ((10, 25, 60), (0.5, 0.35, 0.15)),
    "heavy_baskets": ((10, 25, 1_500), (0.7, 0.295, 0.005)),
}
_ORDERS = (0.35, 0.30, 0.15, 0.12, 0.08)
_POINTS = np.arange(1, 11)


@dataclass(frozen=True, slots=True, eq=False)
class AnswerLaw:
    """A table of probabilities, and the metrics of counts drawn from it.

    Attributes
    ----------
    name, about : str
        A word, and a sentence.
    share : ndarray of shape (n_cells,)
        Probabilities.
    truths : mapping of str to float
        By metric.
    estimates : callable
        From counts of the cells and a generator to the estimate of each metric.
    """

    name: str
    about: str
    share: np.ndarray
    truths: Mapping[str, float]
    estimates: Callable[[np.ndarray, np.random.Generator], Mapping[str, MetricEstimate]]

    def replicated(self, customers: int, rng: np.random.Generator) -> Iterator[Row]:
        """Draw a cohort, and set each metric beside its truth, in the columns of `cxlink.study.replications.tally`."""
        counted = rng.multinomial(customers, self.share)
        for metric, found in self.estimates(counted, rng).items():
            yield {
                "estimand": metric, "model": "metrics", "group": "all", "n": found.n, "truth": self.truths[metric],
                "estimate": found.estimate, "std_error": found.std_error, "conf_low": found.conf_low,
                "conf_high": found.conf_high,
            }  # fmt: skip


def answer_laws() -> dict[str, AnswerLaw]:
    """Every law, by name."""
    polarised = np.r_[0.30, np.full(9, 0.01), 0.61]
    alike = np.r_[0.006, np.full(9, 0.001), 0.985]
    laws = (
        _of_answers("even", "all eleven answers as likely", np.full(11, 1 / 11)),
        _of_answers("high", "answers that double from each to the next, up to 10", 2.0**_SCALE),
        _of_answers("polarised", "three in ten answer 0, six in ten 10", polarised),
        _of_answers("alike", "98.5 % answer 10", alike),
        _of_baskets("baskets", "up to four orders of 10, 25 or 60 EUR; a third orders nothing"),
        _of_baskets("heavy_baskets", "the same, and one order in two hundred is of 1,500 EUR"),
        _of_pairs(
            "noisy_pairs", "two answers of 1 to 10 that share a latent one, two points of noise", 6.0, 2.0
        ),
        _of_pairs("pairs_at_the_top", "the same with nearly all at 9 or 10", 10.5, 1.0),
    )
    return {law.name: law for law in laws}


def _of_answers(name: str, about: str, weight: np.ndarray) -> AnswerLaw:
    p = weight / weight.sum()

    def estimates(n: np.ndarray, _: np.random.Generator) -> Mapping[str, MetricEstimate]:
        total, promoters, detractors = int(n.sum()), int(n[9:].sum()), int(n[:7].sum())
        return {
            "nps": net_promoters(promoters, detractors, total, LEVEL),
            "top_two": share(promoters, total, LEVEL),
            "lowest": share(int(n[0]), total, LEVEL),
            "mean_score": mean_score(_SCALE, n, (0, 10), LEVEL),
        }

    truths = {
        "nps": 100 * (p[9:].sum() - p[:7].sum()), "top_two": p[9:].sum(), "lowest": p[0], "mean_score": p @ _SCALE,
    }  # fmt: skip
    return AnswerLaw(name, about, p, {key: float(value) for key, value in truths.items()}, estimates)


def _of_baskets(name: str, about: str) -> AnswerLaw:
    prices, chance = _PRICES[name]
    found: dict[tuple[int, int], float] = {}
    for orders, likely in enumerate(_ORDERS):
        for basket in product(range(len(prices)), repeat=orders):
            cell = orders, sum(prices[k] for k in basket)
            found[cell] = found.get(cell, 0.0) + likely * float(np.prod([chance[k] for k in basket]))
    w, x = (np.array(column, dtype=float) for column in zip(*found, strict=True))
    p = np.array(list(found.values()))

    def estimates(n: np.ndarray, _: np.random.Generator) -> Mapping[str, MetricEstimate]:
        sums = (n @ x, n @ x**2), (n @ w, n @ w**2), n @ (x * w)
        return {"transaction_size": ratio(int(n.sum()), *sums, LEVEL)}

    return AnswerLaw(name, about, p, {"transaction_size": float(p @ x / (p @ w))}, estimates)


def _of_pairs(name: str, about: str, middle: float, noise: float) -> AnswerLaw:
    first, again = (side.ravel() for side in np.meshgrid(_POINTS, _POINTS, indexing="ij"))
    latent = middle + 2.0 * norm.ppf((np.arange(400) + 0.5) / 400)
    edges = np.r_[-np.inf, _POINTS[:-1] + 0.5, np.inf]
    answer = np.diff(norm.cdf((edges - latent[:, None]) / noise), axis=1)
    p = (answer.T @ answer).ravel() / len(latent)
    a, b = first - p @ first, again - p @ again
    truths = {
        "score_reliability": float(p @ (a * b) / np.sqrt((p @ a**2) * (p @ b**2))),
        "score_calibration": float(p @ (a * b) / (p @ a**2)),
    }

    def estimates(n: np.ndarray, rng: np.random.Generator) -> Mapping[str, MetricEstimate]:
        found = reliability(pd.DataFrame({"score": first, "again": again, "n": n}))
        if found is None:
            return {}
        drawn = {
            "score_reliability": (found.correlation, found.correlation_draws(DRAWS, rng)),
            "score_calibration": (found.slope, found.slope_draws(DRAWS, rng)),
        }
        return {
            key: MetricEstimate(value, *interval(draws, LEVEL), found.n)
            for key, (value, draws) in drawn.items()
        }

    return AnswerLaw(name, about, p / p.sum(), truths, estimates)
