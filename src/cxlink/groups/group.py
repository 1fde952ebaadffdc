"""The groups compared: levels of the score, bands and sets of levels, and their contrasts."""

from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.spells import Spells, level_positions
from cxlink.cohort.spec.cohort_spec import CohortSpec


@dataclass(frozen=True, slots=True)
class Group:
    """A reported set of levels.

    Attributes
    ----------
    name : str
        ``worst``, ``best``, ``all``, a level or a set of them.
    at : int ndarray
        Positions of its levels in `Spells.levels`; those with customers.
    """

    name: str
    at: np.ndarray


def groups_of(spells: Spells, spec: CohortSpec) -> dict[str, Group]:
    """All groups that have customers: levels, worst, best, sides of contrasts, all."""
    names = [str(level) for level in spells.levels]
    names += [
        "worst",
        "best",
        *(side for text in spec.analysis.contrasts for side in spec.contrast(text)),
        "all",
    ]
    found = {
        name: Group(name, level_positions(spells.levels, spec.group(name))) for name in dict.fromkeys(names)
    }
    return {name: group for name, group in found.items() if group.at.size}


def contrasts_of(groups: dict[str, Group], spec: CohortSpec) -> list[tuple[str, str]]:
    """Contrasts with customers on both sides: those of the spec, and every level against worst."""
    asked = [spec.contrast(text) for text in spec.analysis.contrasts]
    levels = [(name, "worst") for name in groups if name not in ("worst", "best", "all")]
    pairs = dict.fromkeys([*asked, *levels])
    known = [(a, b) for a, b in pairs if a in groups and b in groups]
    return [(a, b) for a, b in known if not set(groups[a].at) & set(groups[b].at)]
