"""Text from somebody's table made safe to show: nothing in it moves a cursor, rings a bell or turns a line around."""

import json


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


def quoted(text: str) -> str:
    r"""Write a text as TOML has it; what cannot be seen is escaped, so that it survives being printed.

    Examples
    --------
    >>> quoted("Zoë"), quoted("\u202f")
    ('"Zoë"', '"\\U0000202F"')
    """
    written = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08X}" for c in written)
