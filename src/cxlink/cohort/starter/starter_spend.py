"""The section of spend in a starter spec: its column, currency and window."""

import re

from cxlink.cohort.starter import header_words as said
from cxlink.cohort.starter.column_looks import Look
from cxlink.cohort.starter.roles import best
from cxlink.cohort.starter.starter_follow_up import Drafted
from cxlink.cohort.visible_text import quoted


def spend_section(looks: list[Look], look: Look | None, dated: bool, marked: tuple[str, ...]) -> Drafted:
    """Section of spend: proposed where the header says that it is spend after the score, else a comment.

    Parameters
    ----------
    looks : list of Look
        All columns, that of the score aside.
    look : Look or None
        The column taken for spend.
    dated : bool
        Whether dates say whose window is over.
    marked : tuple of str
        Currencies that the mark of its amounts may stand for.
    """
    if look is None:
        return Drafted([])
    months = re.search(said.SPENT_MONTHS, look.header)
    currency, sure = _currency(look, marked)
    window = f"window_months = {int(months[1]) if months and 0 < int(months[1]) <= 120 else 12}"
    complete = (
        []
        if dated
        else ["complete = true  # every customer's window is over; or the column that marks those"]
    )
    if look.called(said.SPEND_WINDOW):
        lines = [
            f"column = {quoted(look.name)}  # spend over the window after the score",
            currency, window, *complete,
        ]  # fmt: skip
        below = look.low is not None and look.low < 0
        lines += ["refunds = true  # some amounts are negative"] if below else []
        guessed = [
            *(["spend.refunds"] if below else []),
            *([] if sure else ["spend.currency"]),
            *([] if dated else ["spend.complete"]),
        ]
        return Drafted(["", "[spend]", *lines, *_margin(looks)], unconfirmed=guessed)
    lines = [
        "# [spend]                      # only spend AFTER the score counts: earlier spend may be a cause of it",
        f"# column = {quoted(look.name)}  # uncomment if this is spend after the score",
        f"# {currency}", f"# {window}", "# complete = true",
    ]  # fmt: skip
    return Drafted(["", *lines])


def _currency(look: Look, marked: tuple[str, ...]) -> tuple[str, bool]:
    """The line of the currency, and whether the table says it: its header, or a mark that stands for no other one."""
    coded = re.search(said.CURRENCY, look.header)
    named = coded[2].upper() if coded is not None else ""
    if named and (named in marked or not marked):
        return f'currency = "{named}"', True
    if not marked:
        return 'currency = "EUR"  # neither the header nor a mark says it', False
    several = f"  # the mark stands for {', '.join(marked[1:4])} as well" if len(marked) > 1 else ""
    return f'currency = "{marked[0]}"{several}', len(marked) == 1


def _margin(looks: list[Look]) -> list[str]:
    column = best(looks, "margin")
    margin = quoted(column.name) if column is not None else "0.3"
    return [
        "",
        "# [value]                      # customer lifetime value",
        f"# margin = {margin}  # a share of spend, or a column of margin over the same window",
    ]
