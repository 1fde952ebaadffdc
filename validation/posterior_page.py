"""The page of the proof of the Bayesian models: tables, a picture, and verdicts by rules written before the run."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from validation import young_cohort
from validation.judge import Verdict, mean_interval
from validation.page import Page, made_by, rules, shown
from validation.prior_truths import CUSTOMERS, KINDS
from validation.rank_figure import rank_figure
from validation.ranks import DRAWS, band, shares_below, uniformity

FEWEST = 300
"""Simulations that calibration is judged from."""
SURE = 0.05
LEAST_HELD = 0.9
_MODELS = {"bayes": "`bayes`", "kaplan_meier": "Kaplan–Meier"}


@dataclass(frozen=True, slots=True, eq=False)
class Simulations:
    """What all simulations found.

    Attributes
    ----------
    ranks : DataFrame
        ``kind, quantity, rank``, a row for each simulation and quantity.
    sparse : DataFrame
        ``truth, customers, model, error, square, width, held``, a row for each cohort and model.
    pooling : DataFrame
        ``score_pooled, score_alone`` and so on, a row for each cohort.
    """

    ranks: pd.DataFrame
    sparse: pd.DataFrame
    pooling: pd.DataFrame


def judged_ranks(ranks: pd.DataFrame) -> pd.DataFrame:
    """Judge each quantity: ``kind, quantity, n, deviation, p, inside``; see `ranks.Uniformity`."""
    rows = []
    for (kind, quantity), one in ranks.groupby(["kind", "quantity"], sort=False):
        found = uniformity(one["rank"].to_numpy())
        rows.append({
            "kind": kind, "quantity": quantity, "n": found.n, "deviation": found.deviation, "p": found.p,
            "inside": found.inside,
        })  # fmt: skip
    return pd.DataFrame(rows)


def summed_sparse(sparse: pd.DataFrame) -> pd.DataFrame:
    """Add cohorts up: ``truth, customers, model, cohorts, error, square, width, coverage``; square is a root mean."""
    by = sparse.groupby(["truth", "customers", "model"], sort=False)
    found = by[["error", "square", "width", "held"]].mean()
    found.insert(0, "cohorts", by.size())
    found["square"] = np.sqrt(found["square"])
    return found.rename(columns={"held": "coverage"}).reset_index()


def summed_pooling(pooling: pd.DataFrame) -> pd.DataFrame:
    """Average over cohorts: ``way, cohorts, score, error, width, coverage``."""
    rows = [
        {
            "way": way, "cohorts": len(pooling),
            **{part: pooling[f"{part}_{way}"].mean() for part in ("score", "error", "width")},
            "coverage": pooling[f"held_{way}"].mean(),
        }
        for way in young_cohort.WAYS
    ]  # fmt: skip
    return pd.DataFrame(rows)


def verdicts(made: Simulations) -> list[Verdict]:
    """Judge what was found."""
    return [*_uniform(judged_ranks(made.ranks)), *_nearer(made.sparse), _predicted(made.pooling)]


def _uniform(table: pd.DataFrame) -> Iterator[Verdict]:
    """A kind is right unless some quantity is further out than chance takes any of them in 5 %."""
    for name, rows in table.groupby("kind", sort=False):
        outside, least = rows[~rows["inside"]], float(rows["p"].min())
        together = min(1.0, least * len(rows))
        said = "" if outside.empty else f" ({', '.join(outside['quantity'])})"
        found = f"{len(outside)} of {len(rows)} outside their own band{said}; together p = {together:.2g}"
        rule = f"{KINDS[str(name)].about}: ranks of all quantities together inside the 95 % band"
        yield Verdict(rule, found, together >= SURE and int(rows["n"].min()) >= FEWEST)


def _nearer(sparse: pd.DataFrame) -> Iterator[Verdict]:
    for (truth, customers), rows in sparse.groupby(["truth", "customers"], sort=False):
        mine, other = (
            rows[rows["model"] == model]["error"].to_numpy() for model in ("bayes", "kaplan_meier")
        )
        low, high = mean_interval(mine - other)
        found = f"{mine.mean():.4f} against {other.mean():.4f} (difference {low:+.4f} to {high:+.4f})"
        rule = (
            f"levels of {customers}, {truth} truth: `bayes` has the smaller mean absolute error of retention"
        )
        yield Verdict(rule, found, high < 0)
        if truth == "usual":
            held = rows[rows["model"] == "bayes"]["held"].mean()
            rule = f"levels of {customers}, {truth} truth: its intervals hold the truth in at least 90 %"
            yield Verdict(rule, f"{held:.1%}", bool(held >= LEAST_HELD))


def _predicted(pooling: pd.DataFrame) -> Verdict:
    gain = (pooling["score_pooled"] - pooling["score_alone"]).to_numpy()
    low, high = mean_interval(gain)
    found = f"by {gain.mean():+.2f} ({low:+.2f} to {high:+.2f}), in {int((gain > 0).sum())} of {len(gain)} cohorts"
    rule = (
        "a cohort of three months, pooled with two older ones, predicts its losses of months 4 to 12 better"
    )
    return Verdict(rule, found, low > 0)


def drawn_ranks(ranks: pd.DataFrame) -> pd.DataFrame:
    """Lay the ranks' distributions out as `rank_figure` takes them."""
    judged = judged_ranks(ranks)
    inside = dict(zip(zip(judged["kind"], judged["quantity"], strict=True), judged["inside"], strict=True))
    parts = []
    for (kind, quantity), one in ranks.groupby(["kind", "quantity"], sort=False):
        room = band(len(one))
        parts.append(
            pd.DataFrame({
                "kind": KINDS[str(kind)].about, "quantity": quantity, "at": room.at,
                "inside": inside[str(kind), str(quantity)],
                "difference": shares_below(one["rank"].to_numpy()) - room.at, "low": room.low - room.at,
                "high": room.high - room.at,
            })
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def posterior_page(made: Simulations) -> Page:
    """Make ``bayes.md``, ``bayes.csv``, ``bayes_sparse.csv``, ``bayes_pooling.csv`` and the figure of the ranks."""
    ranked, sparse, pooled = (
        judged_ranks(made.ranks), summed_sparse(made.sparse), summed_pooling(made.pooling),
    )  # fmt: skip
    lines = [
        "# Whether the Bayesian models' posteriors are right\n",
        f"{made_by()}; all cohorts are simulated.",
        *rules(verdicts(made)), *_ranked(ranked), *_sparse(sparse), *_pooled(pooled),
    ]  # fmt: skip
    tables = {"bayes": ranked, "bayes_sparse": sparse, "bayes_pooling": pooled}
    return Page("bayes", lines, tables, {"bayes": rank_figure(drawn_ranks(made.ranks))})


def _ranked(table: pd.DataFrame) -> Iterator[str]:
    yield "\n## Ranks of the truth\n"
    yield (
        f"Parameters drawn from the prior, two cohorts of four levels and three strata with {CUSTOMERS} customers in "
        "each drawn from them, and a posterior sampled (Talts et al. 2018, arXiv 1804.06788): the truth's rank among "
        f"{DRAWS} draws is uniform where model and sampler are right. Deviation: the largest distance of the ranks' "
        "distribution from the uniform one, 1 being the 95 % band that holds all of it (Säilynoja, Bürkner & Vehtari "
        "2022, doi 10.1007/s11222-022-10090-6). p: how often uniform ranks are as far out. Of twenty right quantities "
        "one is outside its own band: all of a model are judged together (the smallest p times their number). "
        "Retention and differences are of the younger cohort after a year and two, in quarters; the older one was "
        "followed for six quarters, it for three. Spend is simulated in units of the prior's mean amount, which "
        "`cxlink fit` takes from the customers themselves."
    )
    yield "\n![Ranks less uniform, by model](bayes.svg)\n"
    said = table.assign(
        model=table["kind"].map({name: kind.about for name, kind in KINDS.items()}),
        verdict=np.where(table["inside"], "inside", "**outside**"),
    )
    columns = {
        "model": "{model}", "quantity": "{quantity}", "simulations": "{n}", "deviation": "{deviation:.2f}",
        "p": "{p:.2g}", "": "{verdict}",
    }  # fmt: skip
    yield from shown(said, columns)


def _sparse(table: pd.DataFrame) -> Iterator[str]:
    yield "\n## Levels of few customers\n"
    yield (
        "Retention after twelve months of eleven levels with 20 or 50 customers each, beside a thousand others. Usual: "
        "from 40 to 80 % are kept, not rising everywhere. Extreme: from 5 to 99.9 %, levels that differ far more than "
        "the priors expect, so that the coverage of shrunken intervals is shown and not judged."
    )
    yield ""
    columns = {
        "truth": "{truth}", "customers": "{customers}", "model": "{model}", "cohorts": "{cohorts}",
        "mean absolute error": "{error:.4f}", "root mean square": "{square:.4f}", "width": "{width:.3f}",
        "coverage": "{coverage:.1%}",
    }  # fmt: skip
    yield from shown(table.assign(model=table["model"].map(_MODELS)), columns)


def _pooled(table: pd.DataFrame) -> Iterator[str]:
    yield "\n## A young cohort and two older ones\n"
    yield (
        "Five levels. The older cohorts were followed for eighteen and fifteen months, the young one for three; "
        f"cohorts differ by N(0, {young_cohort.BETWEEN:g}²), each level by N(0, {young_cohort.BETWEEN_LEVELS:g}²) "
        "more, on the log hazard. Score: the log of the probability that a posterior gave to the losses of all levels "
        "in months 4 to 12. Error and width: of retention after twelve months, over all its customers."
    )
    yield ""
    columns = {
        "posterior": "{way}", "cohorts": "{cohorts}", "mean log score": "{score:.2f}",
        "mean absolute error": "{error:.4f}", "width": "{width:.3f}", "coverage": "{coverage:.1%}",
    }  # fmt: skip
    yield from shown(table, columns)
