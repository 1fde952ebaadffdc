"""Simulated subscribers who are surveyed several times: a table of surveys, its spec and its truth."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from cxlink.cohort.errors import InputError
from cxlink.groups.curves import restricted_mean
from cxlink.study.drifting_trait import (
    GAP,
    MONTHS_TOLD,
    MOST_WAVES,
    SCORES,
    TRAITS,
    OpinionLaw,
    answered_surveys,
    opinion_law,
)
from cxlink.study.population import WINDOW
from cxlink.study.simulate import OBSERVED_UNTIL, Simulated, add_months
from cxlink.study.truth import TRUTH_COLUMNS, quantity_rows

LAST_WAVE = np.datetime64("2024-01-01", "D"), np.datetime64("2025-04-28", "D")
"""First and last day of the last wave: every survey is followed for a year."""
MONTHLY_FEE = 29.0
"""EUR, due at the beginning of each month."""
LEVELS = tuple(range(1, SCORES + 1))
GROUPS: dict[str, tuple[int, ...]] = {
    "all": LEVELS, "worst": (1,), "best": (SCORES,), **{str(level): (level,) for level in LEVELS},
}  # fmt: skip
_CONTRASTS = (("best", "worst"), *((str(level), "worst") for level in LEVELS if level > 1))
_NEVER = np.iinfo(np.int64).max // 2


def simulated_surveys(n: int, seed: int, waves: int) -> Simulated:
    """Draw the surveys of a cohort of subscribers.

    Parameters
    ----------
    n : int
        Customers who are sent the first survey.
    seed : int
        The same seed gives the same cohort.
    waves : int
        Surveys sent to each customer who is still there, `GAP` months apart; about two in three are answered.

    Returns
    -------
    Simulated
        ``table``: one row a survey that was sent, ``customer_id``, ``score`` and ``survey_date`` (both empty: not
        answered), ``end_date`` (empty: still there), ``annual_spend`` (EUR in the twelve months after it went out).
        ``hidden``, row by row: ``wave`` (from 0), ``latent_score`` (also where not answered), ``opinion``,
        ``lost_in_month`` (after the first survey went out).

    Raises
    ------
    InputError
        If ``waves`` is not from 2 to `MOST_WAVES`.
    """
    if not 2 <= waves <= MOST_WAVES:
        raise InputError(
            f"{waves} waves cannot be simulated. Ask for --waves 2 to {MOST_WAVES}, or leave it out for one survey."
        )
    rng, law = np.random.default_rng([seed, waves]), opinion_law()
    first = add_months(_days(rng, n), -GAP * (waves - 1))
    opinions, lost_in = _losses(law, rng, n, int((OBSERVED_UNTIL - first.min()).astype(int) // 28))
    end = add_months(first, lost_in.clip(max=600) - 1)
    end = end + (1 + rng.integers(0, (add_months(end, 1) - end).astype(int))).astype("timedelta64[D]")
    # a day after 30 April 2026 is not in the records; days are at most the 28th, so that anniversaries add up
    recorded = np.where(end <= OBSERVED_UNTIL, end, np.datetime64("NaT", "D"))
    who = np.concatenate([np.flatnonzero(lost_in > GAP * wave) for wave in range(waves)])
    wave = np.repeat(np.arange(waves), [int((lost_in > GAP * k).sum()) for k in range(waves)])
    order = np.lexsort((wave, who))
    who, wave = who[order], wave[order]
    opinion = opinions[wave, who]
    score = (rng.random(len(who))[:, None] > np.cumsum(law.reading[opinion], axis=1)[:, :-1]).sum(axis=1)
    answered = rng.random(len(who)) < law.answer[score]
    sent = add_months(first[who], GAP * wave)
    levels = pd.Series(score + 1, dtype="Int64")
    table = pd.DataFrame({
        "customer_id": who + 1,
        "score": levels.where(answered),
        "survey_date": np.where(answered, sent, np.datetime64("NaT", "D")).astype("datetime64[ns]"),
        "end_date": recorded[who].astype("datetime64[ns]"),
        "annual_spend": MONTHLY_FEE * np.minimum(lost_in[who] - GAP * wave, WINDOW),
    })  # fmt: skip
    hidden = pd.DataFrame(
        {"wave": wave, "latent_score": levels, "opinion": TRAITS[opinion], "lost_in_month": lost_in[who]}
    )
    return Simulated(table, spec_of_surveys(), truth_of_surveys(waves), hidden)


def refuse_design(design: str, *, scores: bool, accounts: bool = False) -> None:
    """Refuse what does not go with several surveys a customer.

    Raises
    ------
    InputError
        If the design is another than ``subscription``, or further scores or accounts are asked for.
    """
    if design != "subscription":
        raise InputError(
            f"--waves goes with the subscription design alone (found {design}): simulate subscription, or leave it out."
        )
    if scores:
        raise InputError(
            '--waves goes without further scores, as [cohort] repeat = "all" does: leave --scores or --waves out.'
        )
    if accounts:
        raise InputError(
            "--waves goes without accounts: each customer is a cluster. Leave --accounts or --waves out."
        )


def _days(rng: np.random.Generator, n: int) -> np.ndarray:
    """Days of the last wave, none after the 28th of its month."""
    first, last = LAST_WAVE
    days = first + rng.integers(0, int((last - first).astype(int)) + 1, n).astype("timedelta64[D]")
    month = days.astype("datetime64[M]")
    kept: np.ndarray = month.astype("datetime64[D]") + np.minimum(
        days - month.astype("datetime64[D]"), np.timedelta64(27, "D")
    )
    return kept


def _losses(law: OpinionLaw, rng: np.random.Generator, n: int, months: int) -> tuple[np.ndarray, np.ndarray]:
    """Opinions at each survey, of shape (n_gaps, n), as positions; and the month of the loss after the first survey."""
    steps = -(-months // GAP)
    opinions, lost_in = np.empty((steps, n), dtype=np.int64), np.full(n, _NEVER)
    shares = law.first[None, :].repeat(n, axis=0)
    for step in range(steps):
        opinions[step] = (rng.random(n)[:, None] > np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)
        month = rng.geometric(law.hazard[opinions[step]])
        lost_here = (lost_in == _NEVER) & (month <= GAP)
        lost_in[lost_here] = GAP * step + month[lost_here]
        shares = law.drift[opinions[step]]
    return opinions, lost_in


def spec_of_surveys() -> dict[str, Any]:
    """Make the spec of the table."""
    return {
        "cohort": {"name": "simulated-surveys", "id": "customer_id", "repeat": "all", "simulated": True},
        "score": {"column": "score", "scale": f"1-{SCORES}", "worst": [1], "best": [SCORES]},
        "subscription": {
            "survey": "survey_date", "end": "end_date", "observed_until": str(OBSERVED_UNTIL),
        },
        "spend": {"column": "annual_spend", "currency": "EUR", "window_months": WINDOW},
    }  # fmt: skip


def truth_of_surveys(waves: int) -> pd.DataFrame:
    """Tabulate true values: of levels, averages over answered surveys, and of both contrasts of a fall and of a rise.

    Parameters
    ----------
    waves : int
        As in `simulated_surveys`.

    Returns
    -------
    DataFrame
        As `cxlink.study.truth.truth` has it. Standardised to the score before, the number of the survey and the
        months since the last one; scenarios of a change as in the estimates table.
    """
    mass = answered_surveys(waves).mass
    rows = [*_level_rows(mass, "no"), *_level_rows(mass, "standardised"), *_change_rows(mass)]
    table = pd.DataFrame(rows, columns=list(TRUTH_COLUMNS))
    table["horizon"] = table["horizon"].astype("Int64")
    return table.sort_values(list(TRUTH_COLUMNS[:-2]), na_position="first", kind="stable", ignore_index=True)


def _level_rows(mass: np.ndarray, adjusted: Any) -> Iterator[dict[str, Any]]:
    """Retention, tenure and spend at the horizon, by level and band."""
    curves = mass.reshape(MONTHS_TOLD + 1, -1, SCORES)
    n = curves[0]
    survival = np.divide(curves, n, out=np.zeros_like(curves), where=n > 0)
    of_levels = n / n.sum()
    if adjusted == "standardised":
        of_levels = np.outer(of_levels.sum(axis=1), of_levels.sum(axis=0))
    retention, tenure, spend = {}, {}, {}
    for name, levels in GROUPS.items():
        share = np.where(np.isin(LEVELS, levels), of_levels, 0.0)
        curve = (survival * share / share.sum()).sum(axis=(1, 2))
        retention[name], tenure[name] = float(curve[-1]), float(restricted_mean(curve, MONTHS_TOLD))
        spend[name] = MONTHLY_FEE * float(curve[:WINDOW].sum())
    yield from quantity_rows(("retention", "probability", MONTHS_TOLD), retention, _CONTRASTS, adjusted)
    yield from quantity_rows(("tenure", "month", MONTHS_TOLD), tenure, _CONTRASTS, adjusted)
    yield from quantity_rows(("spend", "EUR", None), spend, _CONTRASTS, adjusted)


def _change_rows(mass: np.ndarray) -> Iterator[dict[str, Any]]:
    """Retention of scores that changed and of scores that stayed, within levels of the last or of the present score."""
    last, score = np.indices((SCORES, SCORES))
    moved = {"fall": ("fell", score < last), "rise": ("rose", score > last)}
    surveys = mass[..., 1:, :]
    for move, (name, who) in moved.items():
        for beside, other in (("last", -1), ("present", -2)):
            changed, stayed = ((surveys * mask).sum(axis=other) for mask in (who, last == score))
            weight = changed[0] / changed[0].sum()
            retained = {
                group: float((weight * _share(one[-1], one[0])).sum())
                for group, one in ((name, changed), ("stayed", stayed))
            }
            yield from _of_change(retained, (name, "stayed"), f"{move}_given_{beside}")


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    share: np.ndarray = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return share


def _of_change(
    retained: Mapping[str, float], pair: tuple[str, str], scenario: str
) -> Iterator[dict[str, Any]]:
    quantity = ("retention", "probability", MONTHS_TOLD)
    for row in quantity_rows(quantity, retained, (pair,), "standardised"):
        yield row | {"scenario": scenario}
