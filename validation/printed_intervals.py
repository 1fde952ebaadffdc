"""Which intervals are printed, and what of each has been proven: at which sizes, under which truths, and what not."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from validation.page import Page, held, made_by, markdown_table
from validation.process import Proof
from validation.proofs import PROOFS
from validation.replicate import finished

PAGES = {
    "intervals": "README.md", "tenure": "tenure.md", "study": "extrapolation_study.md",
    "laws": "extrapolation_laws.md", "curves": "extrapolation_curves.md", "early": "extrapolation_early.md",
    "metrics": "metrics.md",
    "posteriors": "bayes.md", "changes": "changes.md", "old_model": "old_model.md", "printed": "printed_proof.md",
    "break_even": "break_even.md", "drivers": "drivers.md", "journey": "journey.md",
    "clusters": "clusters.md", "falling": "falling.md", "waves": "waves.md",
    "confounding": "confounding.md", "simultaneous": "simultaneous.md", "censoring": "censoring.md",
    "contrasts": "contrasts.md", "gains": "gains.md",
}  # fmt: skip
"""Page of each proof."""


@dataclass(frozen=True, slots=True)
class PrintedIntervals:
    """Intervals of one kind.

    Attributes
    ----------
    what : str
        In words.
    names : tuple of str
        Estimands, metrics or files whose intervals these are, as the tables of a run spell them.
    proofs : tuple of str
        Proofs that try them; none: not proven.
    about : str
        Sizes and truths, or what is missing.
    """

    what: str
    names: tuple[str, ...]
    proofs: tuple[str, ...]
    about: str


def _with_contrasts(*names: str) -> tuple[str, ...]:
    return tuple(name + end for name in names for end in ("", "_difference", "_ratio"))


PRINTED = (
    PrintedIntervals(
        "retention and tenure inside follow-up, observed, with differences and ratios",
        _with_contrasts("retention", "tenure", "time_lost"), ("intervals", "printed"),
        "20,000 and a million customers, ten levels and twelve strata, six truths; levels of 20 to 200 customers; "
        "1,500 customers over ten levels and twelve strata under mild interactions; late entry. Not tried: repeated "
        "surveys",
    ),
    PrintedIntervals(
        "expected tenure beyond follow-up, with differences and ratios", _with_contrasts("tenure"),
        ("study", "laws", "curves", "early", "tenure"),
        "the study's design at 29,571 and 300,000; laws drawn at random at 20,000 and 300,000; published curves at "
        "1,000 and 100,000, of two to four periods as well; laws in the menu at 2,000 and 50,000. Not tried: late "
        "entry, competing causes",
    ),
    PrintedIntervals(
        "retention beyond follow-up (of `spliced`), with differences and ratios", _with_contrasts("retention"),
        ("curves",),
        "published curves at 1,000 and 100,000, levels alone: one group each. Not tried: differences, strata, laws",
    ),
    PrintedIntervals(
        "expected tenure with an anchor", ("[analysis] anchors",), (),
        "a small trial of forty laws, one cohort of 20,000 each, and no proof",
    ),
    PrintedIntervals(
        "mean spend, its difference and ratio", _with_contrasts("spend"), ("intervals", "printed"),
        "20,000 and a million customers, four truths, heavy tails among them; 1,500 over ten levels and twelve strata",
    ),
    PrintedIntervals(
        "retention, tenure inside follow-up and spend of customers in accounts", ("[cohort] cluster",), ("clusters",),
        "20,000 customers, three laws of accounts; 1,500, and eight accounts of 150, by the additive models. Not "
        "tried: expected tenure beyond follow-up, value, metrics, late entry, a million customers",
    ),
    PrintedIntervals(
        "a falling score: difference of retention given the last and the present score",
        ("fall_given_last", "fall_given_present"), ("falling",),
        "3,000 and 20,000 customers; five laws of a trait that never changes, with and without an effect of the fall. "
        "Not held: that the second contrast is not below 0 where answering again depends on the trait and the score. "
        "Not tried: a rise, hazard ratios of a change, the gains in log score",
    ),
    PrintedIntervals(
        "surveys followed to the next one, and with each customer counted once: retention by level, a fall and a rise",
        ("until_next", "per_customer"), ("waves",),
        "1,500 and 20,000 customers; three laws, in one of which the score itself acts. Not tried: customers who "
        "answer by what is not recorded, spend",
    ),
    PrintedIntervals(
        "what changed between two cohorts, part by part", ("comparison.csv",), ("changes",),
        "20,000 against 2,000, 1,500 and 20,000 customers, a million each, ten levels and twelve strata, with nothing "
        "changed and with changes of mix, baseline and effect; 4,000 each, five levels and three strata, followed for "
        "less than the horizon",
    ),
    PrintedIntervals(
        "the verdict on an older model: valid, recalibrate, re-fit", (), ("old_model",),
        "20,000 and 2,000 customers, 20,000 and a million each, ten levels and twelve strata, retention and spend; "
        "snapshots of 3,500 and 20,000",
    ),
    PrintedIntervals(
        "net promoter score, shares, mean answers, response, churn and retention rates, ratios of sums",
        (
            "nps", "csat_top_two_box", "csat_mean", "ces_top_two_box", "ces_mean", "response_share", "churn_rate",
            "retention_rate", "transaction_size", "cost_to_serve", "contract_value", "contract_value_annualised",
        ),
        ("metrics",), "1,500, 20,000 and a million customers; six laws of answers and baskets",
    ),
    PrintedIntervals(
        "touchpoints before the score: contrasts per point given the others, and trends",
        ("journey_retention_contrast", "journey_trend"),
        ("journey",),
        "1,500, 20,000 and a million customers; one law of two touchpoints, of which one acts, in which the model "
        "of the contrasts holds. Of customers in accounts a trial of 100 cohorts alone. Not tried: customers censored "
        "before the horizon, segments, strata that interact",
    ),
    PrintedIntervals(
        "touchpoints before the score: spend, means, shares and paths",
        ("journey_spend_contrast", "journey_mean", "journey_reached", "journey_first", "journey_last", "journey_path"),
        (),
        "means and shares as those of other metrics; contrasts of spend as those of several scores. Of customers in "
        "accounts a trial of 100 cohorts alone",
    ),
    PrintedIntervals(
        "several scores: contrasts per point, gains, Shapley values, shares, which tells most",
        (
            "driver_retention_contrast", "driver_spend_contrast", "driver_retention_gain", "driver_spend_gain",
            "driver_retention_share", "driver_spend_share", "driver_mean",
        ),
        ("drivers", "gains"),
        "1,500, 20,000 and a million customers; one law of three scores, of which one acts; gains against what models "
        "of so many customers gain. Not tried: strata that interact, the lead over a score",
    ),
    PrintedIntervals(
        "simultaneous intervals of contrasts of several scores, and of touchpoints", ("simultaneous",), ("contrasts",),
        "1,500, 20,000 and a million customers; three scores of which one acts, two touchpoints of which one acts. Not "
        "tried: customers in accounts, spend of touchpoints, strata that interact",
    ),
    PrintedIntervals(
        "reliability of the score", ("score_reliability", "score_calibration"), ("metrics",),
        "1,500, 20,000 and a million pairs; two laws. Not tried: the contrast that is corrected by it",
    ),
    PrintedIntervals(
        "posteriors", ("bayes", "bayes_levels", "bayes_sbg"), ("posteriors",),
        "simulation-based calibration, 300 simulations a model; sparse levels; pooling",
    ),
    PrintedIntervals(
        "hazard ratios and coefficients, by year too", ("hazard_ratio", "coefficients.csv"), ("printed",),
        "1,500, 20,000 and a million customers; three laws, in none of which hazards are proportional: what is tried "
        "is the ratio that the fit tends to. Coefficients of spend and of families are not tried",
    ),
    PrintedIntervals(
        "cumulative incidence of competing causes", ("cumulative_incidence",), ("printed",),
        "1,500, 20,000 and a million customers; four laws of two causes, late entry, pooled cohorts",
    ),
    PrintedIntervals(
        "discounted and curtate tenure, its median", ("tenure_discounted", "tenure_curtate", "tenure_median"),
        ("printed",),
        "inside follow-up: 1,500, 20,000 and a million customers, four laws; to twice the follow-up: laws drawn at "
        "random, 20,000 and a million",
    ),
    PrintedIntervals(
        "remaining tenure, lags", ("remaining_tenure", "remaining_tenure_difference", "lag"), ("printed",),
        "inside follow-up: 1,500, 20,000 and a million customers, four laws, contrasts that differ by stratum; to "
        "twice the follow-up: laws drawn at random, 20,000 and a million",
    ),
    PrintedIntervals(
        "customer value, its difference and ratio, revenue, what the next period brings",
        ("value", "value_difference", "value_ratio", "revenue", "revenue_per_period", "margin_per_period"),
        ("printed",),
        "inside follow-up: 1,500, 20,000 and a million customers, three laws, in two of which heavy users stay longer "
        "or leave sooner; to twice the follow-up: laws drawn at random, 20,000 and a million. Not tried: a margin "
        "column, margins that go on changing, spend without retention",
    ),
    PrintedIntervals(
        "programmes: incremental margin, return, payback, break-even share",
        ("incremental_margin", "programme_return", "payback", "break_even_share"), ("printed",),
        "inside follow-up: 1,500, 20,000 and a million customers, two laws. Not tried beyond follow-up",
    ),
    PrintedIntervals(
        "the probability that a programme breaks even", ("break_even_probability",), ("break_even",),
        "calibration: truths drawn at random, 1,500 and 20,000 customers",
    ),
    PrintedIntervals(
        "touchpoints",
        (
            "touchpoint_hazard_ratio", "touchpoint_spend_ratio", "touchpoint_hazards_differ",
            "touchpoint_spends_differ",
        ),
        ("printed",), "1,500, 20,000 and a million customers, two laws; p-values are not tried",
    ),
    PrintedIntervals(
        "members, which coding of the answers tells most",
        ("members", "log_score_retention", "log_score_spend"), ("printed",),
        "1,500, 20,000 and a million customers, two laws",
    ),
    PrintedIntervals(
        "sensitivity: tipping point, negative control, slope corrected for measurement error",
        ("tipping_point", "control", "retention_slope"), ("printed",),
        "1,500, 20,000 and a million customers, four laws; a control that is null within strata and one that is not",
    ),
    PrintedIntervals(
        "differences under a confounder as strong as a recorded variable",
        ("confounded_low", "confounded_high", "robustness_value"), ("confounding",),
        "1,500, 20,000 and a million customers over five levels and three strata; a hidden variable as strong as the "
        "recorded one, half as strong, opposed, aligned with the weights, and a stronger one. Not tried: more strata",
    ),
    PrintedIntervals(
        "simultaneous intervals of every level against worst", ("simultaneous",), ("simultaneous",),
        "1,500, 20,000 and a million customers: five levels over three strata, ten over twelve (not at 1,500), hazard "
        "ratios that the fit tends to. Not tried: tenure, the additive model of spend",
    ),
    PrintedIntervals(
        "retention under informative censoring, and its tipping point", ("censored_hazard", "censoring"),
        ("censoring",),
        "1,500, 20,000 and a million customers over five levels and three strata, one law. Not tried: late entry",
    ),
    PrintedIntervals(
        "retention weighted for censoring by other scores", ("censoring_weighted",), ("censoring",),
        "1,500, 20,000 and a million customers over five levels and three strata, with a score of five levels that not "
        "all gave and one that tells nothing: one law in which the hazard of censoring is as the weights take it, and "
        "one in which it is not. Not tried: late entry, weights over 10, merged levels",
    ),
    PrintedIntervals(
        "the base model recalibrated, pooled cohorts", ("recalibration", "pooled"), ("printed",),
        "1,500, 20,000 and a million customers, two laws; deciles are not tried",
    ),
    PrintedIntervals(
        "expected tenure without a horizon, cumulative hazards, E-values",
        ("tenure_mean", "cumulative_hazard", "e_value"), (),
        "a mean without a horizon rests on all of the tail: it has been tried on no truth; E-values "
        "are functions of ratios that are tried",
    ),
)  # fmt: skip


def printed_page(folder: Path) -> Page:
    """Make the page of what has been proven.

    Parameters
    ----------
    folder : Path
        Of pages and finished cells.
    """
    far = {proof.name: _how_far(proof, folder) for proof in PROOFS.values()}
    return Page("printed", [*_lines(far), *_not_held(folder)], {})


def _how_far(proof: Proof, folder: Path) -> str:
    _, _, made, planned = finished(proof, folder)
    link = f"[{proof.name}]({PAGES[proof.name]})"
    if made:
        return f"{link}: {made:,} of {planned:,} cohorts"
    there = (folder / PAGES[proof.name]).exists()
    return f"{link}: page of an earlier version" if there else f"{proof.name}: not run yet"


def _lines(far: dict[str, str]) -> Iterator[str]:
    yield "# What has been proven of each interval that is printed\n"
    yield (
        f"{made_by()}. A proof draws cohorts whose truth is known and counts how often the interval holds it; its page "
        "has the rules, which were written before the run, and names what does not pass. Sizes and truths are those "
        "that are planned: which of them have run is said on a proof's page. What has no proof here is "
        "printed all the same: nothing is known of its coverage but its theory.\n"
    )
    rows = (
        (
            one.what, "; ".join(far[name] for name in one.proofs) or "**not proven**", one.about,
            ", ".join(f"`{name}`" for name in one.names),
        )
        for one in PRINTED
    )  # fmt: skip
    yield from markdown_table(("intervals of", "proof", "sizes and truths", "names in the tables"), rows)


def _not_held(folder: Path) -> Iterator[str]:
    """List the rules that the pages say are not held."""
    rows = [
        (f"[{name}]({page})", *line.strip("| ").split(" | ")[:2])
        for name, page in PAGES.items() if (folder / page).exists()
        for line in (folder / page).read_text(encoding="utf-8").splitlines()
        if line.startswith("| ") and held(False) in line
    ]  # fmt: skip
    yield "\n## What does not pass\n"
    if rows:
        yield from markdown_table(("proof", "rule", "found"), rows)
    else:
        yield "Every rule of every page is held."
