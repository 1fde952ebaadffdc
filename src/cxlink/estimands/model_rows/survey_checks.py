"""Checks of surveys that repeat: who changed, who answered again, and whether level or change tells more."""

import numpy as np
from scipy.special import stdtrit

from cxlink.checks import Check, Fact
from cxlink.cohort.count.clusters import BUCKETS
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.spells import spells_of
from cxlink.estimands.model_rows.answering_again import answering_again
from cxlink.estimands.model_rows.hazard_rows import THOUSAND
from cxlink.groups.changed_scores import answered_again, moves, repeated, rivals
from cxlink.survival.proportional_hazards.level_or_change import gain, scores_by_bucket

RIVALS = ("level", "change", "both")


def level_or_change(counts: Counts) -> list[Check]:
    """Gains of log score per thousand surveys: of the level over the change, and of the last score beyond the level."""
    described = rivals(counts)
    scores = {name: scores_by_bucket(spells_of(one)) for name, one in described.items()}
    known = {name: score for name, score in scores.items() if score is not None}
    if len(known) < len(RIVALS) or not described:
        return []
    cells = described["level"].cells
    n = np.bincount(cells["bucket"].to_numpy(int), cells["n"], BUCKETS)
    checks = []
    for better, worse in (("level", "change"), ("both", "level")):
        one = gain(known[better], known[worse], n)
        width = one.std_error * float(
            stdtrit(max(int((n > 0).sum()) - 1, 1), (1 + counts.spec.analysis.level) / 2)
        )
        low, high = (THOUSAND * (one.mean + side * width) for side in (-1, 1))
        checks.append(
            Check(
                "level_or_change", "grouped_ph", "all", THOUSAND * one.mean, low, high, facts={"case": better}
            )
        )
    return checks


def who_changed(counts: Counts) -> list[Check]:
    """Customers and their surveys; of those after the first, how the score moved."""
    cells = repeated(counts)
    n, move = cells["n"].to_numpy(int), moves(cells, counts.spec)
    every, later = int(counts.scored["n"].sum()), int(n.sum())
    checks = [Check("surveys", value=float(every - later), facts={"surveys": every})]
    for name, sign in (("fell", -1), ("stayed", 0), ("rose", 1)):
        mine = int(n[move == sign].sum())
        if mine:
            checks.append(Check("score_moves", group=name, value=mine / later, facts={"surveys": later}))
    return checks


def who_answered_again(counts: Counts) -> list[Check]:
    """Share of the customers of each first score who answered a second survey, and whether it goes with a fall."""
    least = counts.spec.publish.smallest_cell
    return [*_again_by_level(counts, least), *_again_by_fall(counts, least)]


def _again_by_fall(counts: Counts, least: int) -> list[Check]:
    found = answering_again(counts)
    if found is None or found.surveys < least:
        return []
    facts: dict[str, Fact] = {
        "surveys": found.surveys, "fallen_to": found.fallen_to, "fallen_from": found.fallen_from, "reference": "stayed",
    }  # fmt: skip
    return [
        Check(
            "answered_again_by_fall", "", "fell", found.fallen_to - found.fallen_from, found.low, found.high,
            bound=0.0, passed=not found.differs, facts=facts,
        )
    ]  # fmt: skip


def _again_by_level(counts: Counts, least: int) -> list[Check]:
    return [
        Check("answered_again", group=str(int(score)), value=again / n if n >= least else np.nan,
              facts={"surveys": int(n)})
        for score, n, again in answered_again(counts).itertuples(index=False)
        if n
    ]  # fmt: skip
