"""An anchor beside what the cohort's own curves predict."""

from dataclasses import dataclass

from cxlink.cohort.spec.anchor_texts import Anchor

CONTRADICTED = 0.999
"""Share of the predicted that an anchor must lie within: one outside is of another process, or is mistyped."""


@dataclass(frozen=True, slots=True)
class JudgedAnchor:
    """An anchor, and what was predicted of it.

    Attributes
    ----------
    anchor : Anchor
        What is known.
    predicted, low, high : float
        Median share predicted without any anchor for an older cohort of so many customers, and the ends of the central
        `CONTRADICTED` of it.
    used : bool
        Whether curves are conditioned on it: none of its cohort's anchors lies outside.
    """

    anchor: Anchor
    predicted: float
    low: float
    high: float
    used: bool

    @property
    def outside(self) -> bool:
        """Whether it contradicts the cohort's own curves."""
        return not self.low <= self.anchor.share <= self.high
