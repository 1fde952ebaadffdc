"""A scenario of an estimate: what is assumed other than in the main analysis, and how much of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the column ``scenario`` of a table says.

    Attributes
    ----------
    kind : str
        ``lag``, ``waning``, ``causal_share``, ``from_signup``, …; empty for the main analysis.
    number : float or None
        Periods of a lag or until the score's effect is gone, or a share; None where the kind has none.
    name : str
        The adjustment variable that a confounder is as strong as; empty where the kind has none.
    """

    kind: str
    number: float | None = None
    name: str = ""


LOWEST, HIGHEST = "confounded_low", "confounded_high"
"""Kinds that name a variable: a confounder as strong as it lowers a difference, or raises it."""


def scenario_of(text: str) -> Scenario:
    """Read a scenario.

    Examples
    --------
    >>> scenario_of("lag=3").number, scenario_of("confounded_low=plan").name
    (3.0, 'plan')
    """
    kind, mark, rest = text.partition("=")
    if kind in (LOWEST, HIGHEST):
        return Scenario(kind, name=rest)
    return Scenario(kind, float(rest) if mark else None)
