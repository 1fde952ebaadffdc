"""The one error a user can cure."""


class InputError(ValueError):
    """What the user gave cannot be used; the message is one line that names the cure."""
