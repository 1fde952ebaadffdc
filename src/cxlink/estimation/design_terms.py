"""What the columns of a design stand for: a variable of the spec, its level, and the level at which the term is 0."""

from collections.abc import Sequence
from dataclasses import dataclass

from cxlink.cohort.spec.spec_sections import Effect

SCORE = "score"


@dataclass(frozen=True, slots=True)
class DesignTerm:
    """One column of a design, named by what a user of the spec knows.

    Attributes
    ----------
    variables : tuple of str
        Variables that it crosses, the score as ``score``; none for an intercept.
    levels : tuple of str
        The level of each; empty for a score that is taken as a number.
    references : tuple of str
        The levels at which the term is 0; none for an intercept, and where every level has one of its own.
    basis : str
        Which function of the number: ``linear``, ``spline``, ``spline, bend 1``.
    """

    variables: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    basis: str = ""

    @property
    def name(self) -> str:
        """Variables joined by a colon, as in a model formula."""
        return ":".join(self.variables) or "intercept"

    @property
    def level(self) -> str:
        """Levels joined by a colon, or the function of a number."""
        return ":".join(level or self.basis for level in self.levels)

    @property
    def reference(self) -> str:
        """Reference levels joined by a colon."""
        return ":".join(self.references)

    def crossed(self, other: "DesignTerm") -> "DesignTerm":
        """Give the interaction with a term of levels."""
        return DesignTerm(
            self.variables + other.variables,
            self.levels + other.levels,
            self.references + other.references,
            self.basis,
        )


INTERCEPT = DesignTerm()


def level_terms(variable: str, levels: Sequence[object], reference: int | None = None) -> list[DesignTerm]:
    """Terms of a variable's levels but the reference; of every level, against none, where that is left out."""
    references = () if reference is None else (str(levels[reference]),)
    return [
        DesignTerm((variable,), (str(level),), references) for k, level in enumerate(levels) if k != reference
    ]


def score_terms(
    levels: Sequence[int], effect: Effect, n_columns: int, reference: int = 0
) -> list[DesignTerm]:
    """Terms of the columns that `cxlink.estimation.effects.basis` gives of a score.

    Parameters
    ----------
    levels : sequence of int
        Score levels with customers.
    effect : {"levels", "linear", "monotone", "spline"}
        Of the score.
    n_columns : int
        Columns of the basis.
    reference : int
        Position of the level at which they are 0.
    """
    if effect in ("levels", "monotone"):
        return level_terms(SCORE, levels, reference)
    bends = [effect, *(f"{effect}, bend {k}" for k in range(1, n_columns))]
    return [DesignTerm((SCORE,), ("",), (str(levels[reference]),), basis) for basis in bends[:n_columns]]
