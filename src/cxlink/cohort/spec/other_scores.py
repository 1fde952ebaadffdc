"""Further scores of the same customers: their columns and scales, and their names in formulas and tables."""

import re
from collections.abc import Collection, Mapping

from pydantic import Field

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.scales import parse_scale
from cxlink.cohort.spec.score_labels import LabelledScore

MAIN = "score"
"""What the score of ``[score] column`` is called beside the others."""
MOST_OTHERS = 5
"""With six scores there are 64 sets of them, each a model in every fold."""
_TAKEN = frozenset(
    {MAIN, "n", "state", "retained", "lost", "spend_n", "spend_sum", "spend_sum_sq", "C", "log", "raw"}
)
"""Names of other columns of the counts, and of what formulas know."""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class OtherScore(LabelledScore):
    """A further score: its column, its scale and its direction."""

    column: str = Field(min_length=1)
    round: bool = False


def refuse_others(
    others: Mapping[str, OtherScore], uses: Mapping[str | None, str], names: Collection[str]
) -> None:
    """Check names, scales and columns of further scores.

    Parameters
    ----------
    others : mapping of str to OtherScore
        ``[score] others``.
    uses : mapping of str to str
        Columns that have another use, and which: the score, an outcome, a covariate.
    names : collection of str
        Names of adjustment variables.

    Raises
    ------
    ValueError
        With the first that is wrong.
    """
    if len(others) > MOST_OTHERS:
        raise ValueError(
            f"[score] others names {len(others)} scores; {MOST_OTHERS} may stand beside the score"
        )
    seen = {**uses}
    for name, other in others.items():
        where = f"[score] others.{name}"
        if other.column in names:
            raise ValueError(
                f"{where}: {other.column} is adjusted for already, in [adjust]. Name it in one of them"
            )
        if not _NAME.fullmatch(name) or name in _TAKEN or name in names:
            raise ValueError(
                f"{where}: {name!r} cannot be its name. Write another one, of letters, digits and _"
            )
        try:
            parse_scale(other.scale, other.higher_is_better)
        except InputError as error:
            raise ValueError(f"{where}: {str(error).removeprefix('[score] ')}") from None
        if other.column in seen:
            raise ValueError(f"{where}: {other.column} is {seen[other.column]}. Name another column")
        seen[other.column] = f"the score {name!r}"
