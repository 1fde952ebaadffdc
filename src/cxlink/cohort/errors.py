"""The one error a user can cure."""


class InputError(ValueError):
    """What the user gave cannot be used; the message is one line that names the cure.

    Names and values in a message come from somebody's table: what would break the line, or a terminal, is a space here.
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(c if c.isprintable() else " " for c in message).strip())
