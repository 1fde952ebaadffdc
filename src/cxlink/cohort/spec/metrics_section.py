"""The spec's section ``[metrics]``: columns that customer-experience metrics are computed from."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cxlink.cohort.spec.scales import Scale, label
from cxlink.cohort.spec.spec_sections import Levels, ScoreSection, Section

Calendar = Literal["month", "quarter", "year"]
RESERVED = ("touchpoint", "member", "score")
"""Names of built-in segments, which no other column may have."""


class NpsCuts(Section):
    """Levels of promoters and of detractors; the others are passives."""

    promoters: Levels
    detractors: Levels

    @model_validator(mode="after")
    def _apart(self) -> "NpsCuts":
        both = set(self.promoters) & set(self.detractors)
        if both:
            raise ValueError(f"promoters and detractors overlap at {label(both)}")
        if not self.promoters or not self.detractors:
            raise ValueError("promoters and detractors need a level each")
        return self


class MetricsSection(Section):
    """Columns and cut-points of metrics; every key is optional."""

    orders: str | None = None
    contract_value: str | None = None
    contract_months: Annotated[float, Field(gt=0, le=1200)] | str | None = None
    new_customer: str | None = None
    support_cost: str | None = None
    window_months: Annotated[int, Field(ge=1, le=120)] | None = None
    touchpoint: str | None = None
    member: str | None = None
    date: str | None = None
    period: Calendar = "quarter"
    segments: tuple[str, ...] | None = None
    nps: NpsCuts | None = None
    ces: bool = False

    @property
    def column_names(self) -> frozenset[str]:
        """Columns of the table that it names."""
        named = {self.orders, self.contract_value, self.new_customer, self.support_cost, self.touchpoint}
        named |= {self.member, self.date, *(self.segments or ())}
        named |= {self.contract_months if isinstance(self.contract_months, str) else None}
        return frozenset(name for name in named if name is not None)

    @model_validator(mode="after")
    def _of_something(self) -> "MetricsSection":
        if self.contract_months is not None and self.contract_value is None:
            raise ValueError("contract_months goes with contract_value")
        if self.new_customer is not None and self.contract_value is None:
            raise ValueError("new_customer goes with contract_value: the value that new customers signed")
        if self.window_months is not None and self.support_cost is None:
            raise ValueError("window_months goes with support_cost: the length of its window")
        twins = set(self.segments or ()) & set(RESERVED) - {self.touchpoint, self.member}
        if twins:
            raise ValueError(f"segments: {min(twins)} is a name of the tables’ own. Rename the column")
        if len(set(self.segments or ())) < len(self.segments or ()):
            raise ValueError("segments: a column is named twice")
        return self

    def refuse_misfit(self, score: ScoreSection, scale: Scale, *, spend: bool, signup: bool) -> None:
        """Check that the rest of the spec supports these metrics.

        Raises
        ------
        ValueError
            If cut-points leave the scale, spend or new customers are not identified, or the score is also a segment.
        """
        for key in ("promoters", "detractors") if self.nps is not None else ():
            off = set(getattr(self.nps, key)) - set(scale.levels)
            if off:
                raise ValueError(f"[metrics] nps.{key} {label(off)} leaves the scale {score.scale}")
        if self.nps is not None and scale.upside_down(self.nps.detractors, self.nps.promoters):
            raise ValueError(
                f"[metrics] nps.detractors {label(self.nps.detractors)} lies above nps.promoters "
                f"{label(self.nps.promoters)}: swap them"
            )
        if self.orders is not None and not spend:
            raise ValueError("[metrics] orders needs [spend]: a transaction's size is spend over orders")
        if self.contract_value is not None and self.new_customer is None and not signup:
            raise ValueError(
                "[metrics] contract_value needs new_customer, the column that says who is new, or [subscription] signup"
            )
        if score.column in (self.touchpoint, self.member):
            raise ValueError(f"[metrics] {score.column} is the score: it is neither touchpoint nor member")
