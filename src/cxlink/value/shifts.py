"""Whose scores improve, and to what: a share of one band to another, or everybody by some points."""

from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.spells import Spells, has_spend, level_positions
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.cohort.spec.scales import label
from cxlink.groups.curves import Standard
from cxlink.groups.standardisation import pair_lookup

Levels = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Intervention:
    """What is done, to how many, and at what cost.

    Attributes
    ----------
    name : str
        As it was asked for: ``1-6:7-8``, ``shift 1``.
    group, reference : str
        Scores that customers are shifted to, and from: levels, or ``shift=1``.
    shifts : tuple of (levels, levels)
        From which levels to which; those with customers.
    fraction : float
        Share of the customers in the first levels whose score improves.
    cost : float
        In the spend's currency.
    causal_share : float
        Share of the difference that follows.
    points : int
        By how many points every score gets better; 0 where one band is moved to another.
    """

    name: str
    group: str
    reference: str
    shifts: tuple[tuple[Levels, Levels], ...]
    fraction: float
    cost: float
    causal_share: float = 0.5
    points: int = 0


def plan_intervention(
    spells: Spells,
    spec: CohortSpec,
    *,
    move: str | None = None,
    shift: int | None = None,
    fraction: float = 1.0,
    cost: float = 0.0,
    causal_share: float = 0.5,
) -> Intervention:
    """Plan an intervention: either ``move`` or ``shift``.

    Parameters
    ----------
    spells, spec
        The cohort.
    move : str, optional
        ``FROM:TO``, such as ``1-6:7-8`` or ``worst:best``.
    shift : int, optional
        Points by which every score gets better, as far as the scale goes.
    fraction : float
        Share of these customers whose score improves.
    cost : float
        Of all of it, now.
    causal_share : float
        How much of the difference between the groups would follow.

    Raises
    ------
    InputError
        If not exactly one of them is given, bands overlap, leave the scale or have nobody in them, or a number is out
        of its range.
    """
    for name, share in (("fraction", fraction), ("causal-share", causal_share)):
        if not 0 <= share <= 1:
            raise InputError(f"--{name} must be from 0 to 1 (found {share:g}).")
    if not (cost >= 0 and np.isfinite(cost)):
        raise InputError(f"--cost must be an amount of 0 or more (found {cost:g}).")
    if (move is None) == (shift is None):
        raise InputError("give either --move FROM:TO, such as 1-6:7-8, or --shift POINTS.")
    shifts = _by_points(shift or 0, spells, spec) if move is None else _between(move, spells, spec)
    return Intervention(*shifts, fraction, cost, causal_share, shift or 0)


Shifts = tuple[str, str, str, tuple[tuple[Levels, Levels], ...]]


def _between(text: str, spells: Spells, spec: CohortSpec) -> Shifts:
    parts = [part.strip() for part in text.split(":")]
    if len(parts) != 2 or not all(parts):
        raise InputError(f"--move {text}: not FROM:TO, such as 1-6:7-8.")
    try:
        bands = [spec.group(part) for part in parts]
    except InputError as error:
        raise InputError(f"--move {text}: {str(error).rstrip('.')}.") from None
    both = set(bands[0]) & set(bands[1])
    if both:
        raise InputError(
            f"--move {text}: the two bands overlap at {label(both)}. Name bands without a common level."
        )
    known = [_with_customers(band, spells, f"--move {text}") for band in bands]
    return text, parts[1], parts[0], ((known[0], known[1]),)


def _with_customers(band: Levels, spells: Spells, asked: str) -> Levels:
    found = tuple(level for level in spells.levels if level in set(band))
    if not found:
        raise InputError(
            f"{asked}: nobody gave {label(band)}. Levels with customers: {label(spells.levels)}. Name some of these."
        )
    return found


def _by_points(points: int, spells: Spells, spec: CohortSpec) -> Shifts:
    """Each level and the one so many points better; who is at the top stays there."""
    scale = spec.scale.levels
    if not 1 <= points < len(scale):
        raise InputError(f"--shift must be from 1 to {len(scale) - 1} points on this scale (found {points}).")
    shifts = []
    for level in spells.levels:
        at = scale.index(level)
        if at < len(scale) - 1:
            better = (scale[min(at + points, len(scale) - 1)],)
            shifts.append(((level,), _with_customers(better, spells, f"--shift {points}, from {level}")))
    if not shifts:
        raise InputError(
            f"--shift {points}: everybody gave {scale[-1]}, the best score: there is nobody to shift."
        )
    return f"shift {points}", f"shift={points}", label([a[0] for a, _ in shifts]), tuple(shifts)


def shifted_standards(spells: Spells, intervention: Intervention) -> tuple[Standard, Standard, float]:
    """Lay out the customers to be shifted: as they are, and with the target's scores in their own strata.

    Parameters
    ----------
    spells : Spells
        The cohort.
    intervention : Intervention
        Whose scores improve.

    Returns
    -------
    source, target : Standard
        Over pairs of level and stratum; ``n`` are all customers of the levels shifted from.
    covered : float
        Share of them that the averages stand on: those of a pair with spend, in strata where every level of their
        target has spend.

    Raises
    ------
    InputError
        If that is nobody.
    """
    known = has_spend(spells)[:, 0]
    lookup = pair_lookup(spells, extrapolated=False)
    level, parts, everybody, lost = spells.level[spells.pair], [], 0, 0
    for origin, goal in intervention.shifts:
        from_, to = (level_positions(spells.levels, levels) for levels in (origin, goal))
        inside = np.isin(level, from_)
        everybody += int(spells.n[inside].sum())
        lost += int(spells.n[inside & (spells.cause > 0)].sum())
        pairs = lookup[to][:, spells.stratum[spells.pair]]
        supported = inside & known[spells.pair] & ((pairs >= 0) & known[pairs]).all(axis=0)
        share = np.array([spells.n[level == at].sum() for at in to], dtype=float)
        parts.append((np.flatnonzero(supported), pairs[:, supported], share / share.sum()))
    spell = np.concatenate([at for at, _, _ in parts])
    n = spells.n[spell].astype(float)
    if not n.sum():
        raise InputError(
            f"{intervention.name}: in no stratum do both sides have customers with a complete window of spend. "
            "Adjust for fewer or coarser columns."
        )
    source = Standard(
        intervention.reference, spells.pair[spell], spells.entry[spell], n / n.sum(), everybody, lost
    )
    curve = np.concatenate([pairs.T.ravel() for _, pairs, _ in parts])
    weight = np.concatenate([np.outer(spells.n[at], share).ravel() for at, _, share in parts]) / n.sum()
    entry = np.concatenate([np.repeat(spells.entry[at], len(share)) for at, _, share in parts])
    target = Standard(intervention.group, curve, entry, weight, everybody, lost)
    return source, target, float(n.sum() / everybody)
