"""The spec's section ``[touchpoints]``: a table of contacts, one row a contact, beside the table of customers."""

from pydantic import Field

from cxlink.cohort.spec.scales import parse_scale
from cxlink.cohort.spec.score_labels import LabelledScore

MOST_TOUCHPOINTS = 8
"""With more, hardly a customer has the same contacts as another."""


class TouchpointsSection(LabelledScore):
    """Where contacts stand, and their columns; ``segment`` is a column of the customers' table."""

    table: str = Field(min_length=1)
    on: str = Field(min_length=1)
    touchpoint: str = Field(min_length=1)
    score: str = Field(min_length=1)
    date: str = Field(min_length=1)
    segment: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table of contacts."""
        return (self.on, self.touchpoint, self.score, self.date)

    def refuse_misfit(self, *, id_: str | None, dated: bool, grouped: bool, taken: str) -> None:
        """Check that the rest of the spec says who the customers are, and when their time starts.

        Parameters
        ----------
        id_ : str or None
            ``[cohort] id``.
        dated : bool
            Whether the day of each customer's survey is known.
        grouped : bool
            Whether a row is several customers.
        taken : str
            The column of the score.

        Raises
        ------
        ValueError
            With the first that does not fit.
        """
        parse_scale(self.scale, self.higher_is_better)
        if grouped:
            raise ValueError(
                "[touchpoints] goes without [cohort] count: a row that stands for several customers has no contacts of "
                "one. Leave one of them out"
            )
        if self.on != id_:
            raise ValueError(
                f"[touchpoints] on = {self.on!r} must be [cohort] id: contacts are of customers, one row each"
            )
        if not dated:
            raise ValueError(
                "[touchpoints] needs [subscription] survey, the date of each score: contacts after it are left out"
            )
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("[touchpoints] names one column twice")
        if self.segment in ("touchpoint", "path"):
            raise ValueError(
                f"[touchpoints] segment {self.segment} is a name of the tables’ own. Rename the column"
            )
        if self.segment == taken:
            raise ValueError(f"[touchpoints] segment {taken} is the score: name another column")
