"""What became of anchors: which were used, what the draws are worth then, and what they changed."""

from collections.abc import Iterator, Sequence

import numpy as np

from cxlink.checks import Check, Fact
from cxlink.cohort.count.spells import Spells, level_positions
from cxlink.cohort.spec.anchor_texts import EVERYBODY
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.estimands.contrasts import BOTH
from cxlink.estimands.estimand import Estimand
from cxlink.estimands.estimand_rows import rows_of
from cxlink.estimands.survival_estimands import restricted_mean
from cxlink.survival.anchors.anchored_tails import anchored
from cxlink.survival.anchors.anchoring import FEWEST_EFFECTIVE
from cxlink.survival.anchors.judged_anchor import CONTRADICTED, JudgedAnchor
from cxlink.survival.survival import Survival
from cxlink.survival.tails.group_readings import MODEL
from cxlink.survival.tails.tails import Tails

_STREAM = 21


def with_anchors_of(spec: CohortSpec, tails: Tails, spells: Spells) -> Tails:
    """Condition tails on the anchors of a spec.

    Parameters
    ----------
    spec : CohortSpec
        Which they are, and how many draws are tried.
    tails : Tails
        What continues the cohort's curves.
    spells : Spells
        The cohort.
    """
    levels = {one: level_positions(spells.levels, spec.group(one.group)).tolist() for one in spec.anchors}
    draws = spec.analysis.draws, np.random.default_rng([spec.analysis.seed, _STREAM])
    return anchored(tails, spells, levels, draws, horizon=spec.horizon)


def anchor_checks(tails: Tails, spec: CohortSpec) -> Iterator[Check]:
    """Set each anchor beside what was predicted without it, and say what the weighted draws are worth.

    Parameters
    ----------
    tails : Tails
        What continues curves.
    spec : CohortSpec
        Its unit.
    """
    for one in tails.judged:
        yield _check(one, spec)
    if tails.anchoring is not None:
        effective = tails.anchoring.effective
        yield Check(
            "anchor_draws", MODEL, value=effective, bound=float(FEWEST_EFFECTIVE),
            passed=effective >= FEWEST_EFFECTIVE, facts={"draws": spec.analysis.draws},
        )  # fmt: skip


def _check(one: JudgedAnchor, spec: CohortSpec) -> Check:
    anchor = one.anchor
    case = "used" if one.used else "outside" if one.outside else "beside"
    facts: dict[str, Fact] = {
        "case": case, "label": anchor.label, "start": anchor.start, "period": anchor.period,
        "predicted": one.predicted, "least": one.low, "most": one.high, "inside": CONTRADICTED, "unit": spec.unit,
    }  # fmt: skip
    return Check(
        "anchor", MODEL, anchor.group, anchor.share, one.low, one.high, passed=None if one.used else False, facts=facts
    )  # fmt: skip


def anchor_effect(without: Sequence[Survival], made: Sequence[Survival], spec: CohortSpec) -> Iterator[Check]:
    """Say what anchors changed: mean tenure of all customers to the farthest horizon; nothing without any.

    Parameters
    ----------
    without, made : sequence of Survival
        Curves without anchors, none where none is used, and with them; first those by score alone.
    spec : CohortSpec
        Its horizons.
    """
    horizon = max(spec.tenure_horizons)
    tenure = Estimand("tenure", spec.unit, restricted_mean, BOTH)
    rows = [
        row
        for one in (*without[:1], *made[:1])
        for row in rows_of(one, (tenure,), spec)
        if (row["estimand"], row["group"], row["horizon"]) == ("tenure", EVERYBODY, horizon)
    ]
    if len(rows) < 2:
        return
    before, after = ([float(row[name]) for name in ("estimate", "conf_low", "conf_high")] for row in rows)
    names = ("without", "without_low", "without_high")
    facts: dict[str, Fact] = {"horizon": horizon, "unit": spec.unit, **dict(zip(names, before, strict=True))}
    yield Check("anchor_effect", MODEL, EVERYBODY, after[0], after[1], after[2], facts=facts)
