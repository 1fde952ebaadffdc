"""Text from somebody's table made safe to show: nothing in it moves a cursor, rings a bell or turns a line around."""


def visible(text: str) -> str:
    r"""Give a text on one line, with what a terminal would obey or hide written as its code point.

    Blanks of any kind become spaces; control characters, marks of direction, characters without a form or a meaning
    (categories Cc, Cf, Cs, Co and Cn of Unicode) become ``[U+202E]``.

    Examples
    --------
    >>> visible("red\x1b[31m\u202eteg")
    'red[U+001B][31m[U+202E]teg'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " if c.isspace() else f"[U+{ord(c):04X}]" for c in text)
