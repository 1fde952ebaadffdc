"""The metrics section of a starter spec: every line a comment, to be uncommented where it fits."""

import json

from cxlink.cohort.starter.column_looks import Look

_NUMBERS = {
    "orders": (
        r"orders?\b|n_orders|purchases|transactions|visits",
        "number of orders in the window of [spend]",
    ),
    "contract_value": (
        r"contract_value|deal|signed_value|acv\b|tcv\b",
        "contract value that a new customer signed",
    ),
    "support_cost": (r"support_cost|service_cost|cost_to_serve|handling_cost", "cost over the same window"),
}
_NO_NUMBER = r"since|days|last|hike"
_NO_FLAG = r"(^|_)(in)?active"
_FLAGS = {
    "new_customer": (r"is_new|new_customer|newly", "who is new"),
    "member": (r"member|loyalty|club|reward", "member of the loyalty programme"),
}
_TOUCHPOINT = r"touch.?point|channel|contact_type|where_asked"


def metric_lines(looks: list[Look]) -> list[str]:
    """Write the columns that look like something metrics are made of; nothing where none does.

    Parameters
    ----------
    looks : list of Look
        The table's columns, the score aside.
    """
    numbers = [
        look for look in looks if look.low is not None and not look.yes_no and not look.called(_NO_NUMBER)
    ]
    words = [look for look in looks if look.low is None and look.dates is None and 1 < look.n_values <= 50]
    lines = [_line(key, said, numbers, pattern) for key, (pattern, said) in _NUMBERS.items()]
    flags = [look for look in looks if look.yes_no and not look.called(_NO_FLAG)]
    lines += [_line(key, said, flags, pattern) for key, (pattern, said) in _FLAGS.items()]
    lines.append(_line("touchpoint", "where the score was given", words, _TOUCHPOINT))
    fitting = [line for line in lines if line]
    return ["", "# [metrics]                    # uncomment what applies", *fitting] if fitting else []


def _line(key: str, said: str, looks: list[Look], pattern: str) -> str:
    name = next((look.name for look in looks if look.called(pattern)), None)
    return "" if name is None else f"# {key} = {json.dumps(name, ensure_ascii=False)}  # {said}"
