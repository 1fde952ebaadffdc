"""Anchors as the spec has them: what an older cohort is known to have kept, as text, or the run folder of one.

``LABEL:PERIOD=SHARE`` is the share of a cohort that stayed that many periods: ``2019:60=0.31``. It may say more:
``2019[9-10]:60=0.45`` is of these scores alone, ``2019:12-60=0.52`` of those who had stayed 12 periods, and
``2019:60=0.31 of 1200`` of so many customers. Everything else names a run folder.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

EVERYBODY = "all"
_STATED = re.compile(r"[^/\\]*:[^:=/\\]*=.*")
_PARTS = re.compile(
    r"(?P<label>[^\[\]:=]+?)\s*(?:\[(?P<group>[^\[\]]+)\])?\s*:\s*(?:(?P<start>[0-9]{1,6})\s*-\s*)?(?P<period>[0-9]{1,6})"
    r"\s*=\s*(?P<share>[0-9.eE+-]+)(?:\s+of\s+(?P<n>[0-9.eE+-]+))?"
)
_FORM = "LABEL:PERIOD=SHARE or LABEL:PERIOD=SHARE of CUSTOMERS, such as 2019:60=0.31 or 2019:60=0.31 of 1200"


@dataclass(frozen=True, slots=True)
class Anchor:
    """What is known of an older cohort: the share that stayed to some period.

    Attributes
    ----------
    label : str
        Which cohort.
    group : str
        Of whom: ``all``, ``worst``, ``best``, a level or a set of them.
    start, period : int
        Of those who had stayed to ``start`` (0: of all), the share that stayed to ``period``.
    share : float
        Between 0 and 1.
    n : float
        Customers that it was seen on, as many as give its sampling error; infinite where that is not known.
    """

    label: str
    group: str
    start: int
    period: int
    share: float
    n: float = float("inf")

    def text(self) -> str:
        """Write it as the spec has it; `stated_anchor` reads it back."""
        group = f"[{self.group}]" if self.group != EVERYBODY else ""
        start = f"{self.start}-" if self.start else ""
        seen = f" of {self.n:.10g}" if self.n < float("inf") else ""
        return f"{self.label}{group}:{start}{self.period}={self.share:.10g}{seen}"


def is_stated(text: str) -> bool:
    """Whether an entry is a share; otherwise it names a run folder."""
    return _STATED.fullmatch(text.strip()) is not None


def stated_anchor(text: str) -> Anchor:
    """Read an anchor from its text.

    Raises
    ------
    ValueError
        If it cannot be read, its share is not between 0 and 1, or it ends before it starts.

    Examples
    --------
    >>> stated_anchor("2019:60=0.31 of 1200")
    Anchor(label='2019', group='all', start=0, period=60, share=0.31, n=1200.0)
    """
    parts = _PARTS.fullmatch(text.strip())
    try:
        if parts is None:
            raise ValueError
        share, n = float(parts["share"]), float(parts["n"] or "inf")
    except ValueError:
        raise ValueError(f"{text!r} is not {_FORM}") from None
    anchor = Anchor(
        parts["label"].strip(), (parts["group"] or EVERYBODY).strip(), int(parts["start"] or 0),
        int(parts["period"]), share, n,
    )  # fmt: skip
    if not 0 < share < 1:
        raise ValueError(f"{text!r} has a share of {share:g}: write one between 0 and 1, such as 0.31")
    if not anchor.start < anchor.period:
        raise ValueError(f"{text!r} ends before it starts: write START-PERIOD, such as 12-60")
    if not n >= 1:
        raise ValueError(f"{text!r} was seen on {n:g} customers: write one or more, or leave them out")
    return anchor


def stated_anchors(texts: Iterable[str]) -> tuple[Anchor, ...]:
    """Read the entries that are shares, and check that they agree with each other.

    Raises
    ------
    ValueError
        As `stated_anchor` does; or if a cohort's shares rise with time, or one is given twice.
    """
    anchors = tuple(stated_anchor(text) for text in texts if is_stated(text))
    for first, second in combinations(sorted(anchors, key=lambda one: one.period), 2):
        if (first.label, first.group, first.start) != (second.label, second.group, second.start):
            continue
        if first.period == second.period:
            raise ValueError(f"{first.label} is given twice for period {first.period}: leave one out")
        if second.share > first.share:
            raise ValueError(
                f"{first.label} rises from {first.share:g} at period {first.period} to {second.share:g} at "
                f"{second.period}: a share that stayed cannot rise. Correct one of them"
            )
    return anchors


def run_folders(texts: Sequence[str]) -> tuple[str, ...]:
    """Give the entries that name a run folder."""
    return tuple(text for text in texts if not is_stated(text))
