"""Anchors that are run folders: the counts of older cohorts become the shares that their customers stayed."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import Remark
from cxlink.cohort.count.spells import Spells, spells_of
from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.anchor_texts import EVERYBODY, Anchor, is_stated
from cxlink.cohort.spec.cohort_spec import CohortSpec
from cxlink.runs import read_run
from cxlink.survival.anchors.older_curves import OlderCurves, followed_to, older_curves

_MARKS = re.compile(r"[\[\]:=/\\]")
_CURE = "Leave it out of [analysis] anchors"


def with_anchors(counts: Counts) -> Counts:
    """Read the anchors of a cohort: what they say stands in its spec, so that its run needs no other folder.

    Parameters
    ----------
    counts : Counts
        Of the cohort, bands and horizon resolved.

    Returns
    -------
    Counts
        The same where no anchor is a run folder; else its spec has their shares, `Counts.anchors` what was written.

    Raises
    ------
    InputError
        If an anchor lies inside follow-up or is of levels that nobody has; if a folder is no run, was altered, has no
        retention, another unit or time origin, or small cells left out; if it is the same customers, was followed for
        no longer, or has the name of another anchor.
    """
    spec, texts = counts.spec, counts.spec.analysis.anchors
    if not texts or not len(counts.scored):
        return counts
    spells = spells_of(counts)
    followed = followed_to(spells)
    for anchor in spec.anchors:
        _refuse(anchor, spells, spec, followed)
    if all(map(is_stated, texts)):
        return counts
    labels, said, notes = {one.label for one in spec.anchors}, [], []
    for text in texts:
        if is_stated(text):
            said.append(text)
            continue
        older = read_run(Path(text))
        _refuse_run(text, older, counts)
        label = _MARKS.sub("-", older.spec.cohort.name).strip()
        if label in labels:
            raise InputError(
                f"{text}: an anchor named {label} is there already. {_CURE}, or rename its cohort."
            )
        labels.add(label)
        anchors, remark = _anchors_of(text, label, older, (spells, spec), followed)
        said += [one.text() for one in anchors]
        notes.append(remark)
    analysis = spec.analysis.model_copy(update={"anchors": tuple(said)})
    profile = replace(counts.profile, notes=(*counts.profile.notes, *notes))
    return replace(
        counts, spec=spec.model_copy(update={"analysis": analysis}), profile=profile, anchors=texts
    )


def _refuse(anchor: Anchor, spells: Spells, spec: CohortSpec, followed: int) -> None:
    if not set(spec.group(anchor.group)) & set(spells.levels):
        raise InputError(
            f"[analysis] anchors: nobody of this cohort has a score of {anchor.label}[{anchor.group}]. Leave it out."
        )
    if anchor.period <= followed:
        raise InputError(
            f"[analysis] anchors: {anchor.label} at period {anchor.period} lies inside follow-up, which lasts to "
            f"{followed}: what came is in the data. Give a later period, or leave it out."
        )


def _refuse_run(folder: str, older: Counts, counts: Counts) -> None:
    sub, ours = older.spec.subscription, counts.spec.subscription
    if sub is None:
        raise InputError(f"{folder}: no [subscription], so it says nothing of retention. {_CURE}.")
    if ours is not None and (sub.unit, sub.clock) != (ours.unit, ours.clock):
        raise InputError(
            f"{folder}: counts {sub.unit}s since {sub.clock}, this cohort {ours.unit}s since {ours.clock}. Fit both "
            "by one spec, or give its share as LABEL:PERIOD=SHARE."
        )
    if older.suppressed:
        raise InputError(
            f"{folder}: small cells were left out ([publish] smallest_cell). Fit the cohort without."
        )
    if set(older.profile.fingerprint.split("+")) & set(counts.profile.fingerprint.split("+")) - {""}:
        raise InputError(f"{folder}: the same customers as in the table. {_CURE}.")
    if not len(older.scored):
        raise InputError(f"{folder}: nobody has a score. {_CURE}.")


def _anchors_of(
    folder: str, label: str, older: Counts, younger: tuple[Spells, CohortSpec], followed: int
) -> tuple[list[Anchor], Remark]:
    """Shares at two periods beyond follow-up of those retained to its end, and how they were made."""
    (spells, spec), old = younger, spells_of(older)
    last = followed_to(old)
    if last <= followed:
        raise InputError(
            f"{folder}: followed for {last} {spec.unit}s, no longer than this cohort ({followed}). {_CURE}."
        )
    periods = sorted({max(round(float(np.sqrt(max(followed, 1) * last))), followed + 1), last})
    layouts = list(_layouts(spells, old, (older.spec, spec)))
    reached = [[t for t in periods if all(c.supported(t) for c in one.values())] for _, one in layouts]
    # the one that reaches farthest, of equals the first
    best = max(range(len(layouts)), key=lambda k: (max(reached[k], default=0), len(reached[k]), -k))
    how, curves = layouts[best]
    anchors = [
        Anchor(label, group, followed, period, found.share, found.n)
        for group, own in curves.items()
        for period, found in own.shares(followed, reached[best]).items()
    ]
    if not anchors:
        raise InputError(
            f"{folder}: after period {followed} under ten customers are at risk, or nobody was lost. {_CURE}."
        )
    return anchors, Remark(f"anchor_{how}", int(old.n.sum()), facts={"label": label})


def _layouts(
    new: Spells, old: Spells, specs: tuple[CohortSpec, CohortSpec]
) -> Iterator[tuple[str, dict[str, OlderCurves]]]:
    """Ways to average the older curves, the best first: how, and the curves of each group."""
    theirs, ours = specs
    same = sorted(theirs.stratum_variables) == sorted(ours.stratum_variables) and theirs.cuts == ours.cuts
    ways: list[tuple[str, np.ndarray | None]] = [("raw" if ours.stratum_variables else "plain", None)]
    if same and ours.stratum_variables:
        ways.insert(0, ("standardised", _places(new, old)))
    levels = {str(level): (level,) for level in new.levels} if theirs.scale == ours.scale else {}
    everybody = tuple(set(new.levels) | set(old.levels))
    for mixed, strata in ways:
        for name, groups in (("levels", levels), ("whole", {EVERYBODY: everybody})):
            curves = {group: older_curves(old, new, own, strata) for group, own in groups.items()}
            whole = {group: one for group, one in curves.items() if one is not None}
            if curves and len(whole) == len(curves):
                yield f"{name}_{mixed}", whole


def _places(new: Spells, old: Spells) -> np.ndarray:
    """Position among the older cohort's strata of each of the younger one's; -1 where it has none such."""
    place = {tuple(row): k for k, row in enumerate(old.strata[new.strata.columns].itertuples(index=False))}
    return np.array([place.get(tuple(row), -1) for row in new.strata.itertuples(index=False)])
