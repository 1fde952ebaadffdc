"""The one error a user can cure."""

from cxlink.cohort.visible_text import visible


class InputError(ValueError):
    """What the user gave cannot be used; the message is one line that names the cure.

    Names and values in a message come from somebody's table: what would break the line is a space here, and what a
    terminal would obey is written as its code point.
    """

    def __init__(self, message: str) -> None:
        super().__init__(visible(message).strip())
