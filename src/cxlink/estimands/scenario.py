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
    """

    kind: str
    number: float | None = None


def scenario_of(text: str) -> Scenario:
    """Read a scenario.

    Examples
    --------
    >>> scenario_of("lag=3")
    Scenario(kind='lag', number=3.0)
    """
    kind, mark, number = text.partition("=")
    return Scenario(kind, float(number) if mark else None)
