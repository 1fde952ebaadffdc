"""What a column is to a cohort, guessed from its header and its values."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cxlink.cohort.starter import header_words as said
from cxlink.cohort.starter.answer_words import Answers, answers_of
from cxlink.cohort.starter.column_looks import Look

Role = Literal[
    "id", "count", "score", "signup", "survey", "end", "observed_until", "duration", "event", "follow_up", "entry",
    "cause", "spend", "spend_before", "margin", "adjust", "after", "date", "other",
]  # fmt: skip
_MOST_CATEGORIES = 12
_MOST_ROWS_EACH = 20
_SCORED_OF_100 = 100
_UNREAD = 9
"""Rank of a column whose dates cannot be read: any that can be goes before it."""
BARE = 5
"""Rank of an id of nobody in particular."""
_LINKS = ("", "s", "e", "n", "en")  # between the parts of a compound: bedrijf-s-nummer


@dataclass(frozen=True, slots=True)
class Guess:
    """What a column is taken for.

    Attributes
    ----------
    role : str
        What, ``other`` where it is nothing that a spec names.
    rank : int
        How well the header says so, 0 the best: of several columns of one role the best is taken.
    """

    role: Role
    rank: int = 0


def role_of(look: Look) -> Guess:
    """Guess what a column is, from what its header says and from what it holds.

    Examples
    --------
    >>> role_of(Look("klantnummer", n=100, n_values=100, unique=True)).role
    'id'
    """
    if look.dates is not None:
        return _date(look)
    if look.unread or (not look.n and look.called(said.DAY) and dated_role(look) == "end"):
        return Guess(dated_role(look) or "date", _UNREAD)
    for guess in (
        _count(look),
        _id(look),
        _event(look),
        _score(look),
        _time(look),
        _amount(look),
        _category(look),
    ):
        if guess is not None:
            return guess
    return Guess("other")


def best(looks: Sequence[Look], role: Role) -> Look | None:
    """Give the column whose header says best that it is of a role, the first of several; None where none does."""
    fitting = [(guess.rank, i) for i, look in enumerate(looks) if (guess := role_of(look)).role == role]
    return looks[min(fitting)[1]] if fitting else None


def _ranked(look: Look, patterns: Sequence[str]) -> int | None:
    return next((rank for rank, pattern in enumerate(patterns) if look.called(pattern)), None)


def dated_role(look: Look) -> Role | None:
    """What of retention a header says that its dates are, whether or not they can be read; None where nothing."""
    role = _date(look).role
    return None if role == "date" else role


def _date(look: Look) -> Guess:
    if look.of_answer is not None:
        return Guess("survey", 2 + look.of_answer)
    if look.called(said.UNTIL):
        return Guess("observed_until")
    if look.called(said.NO_ROLE_DATE):
        return Guess("date")
    if look.called(said.SURVEY):
        return Guess("survey", 1 if look.called(said.SENT) else 0)
    if look.called(said.MEASURED):
        return Guess("survey", 1)
    for role, patterns in (("end", said.END), ("signup", said.SIGNUP)):
        rank = _ranked(look, patterns)
        if rank is not None:
            later = look.called(said.CONTRACT) and not look.called(said.END[0])
            return Guess("end" if role == "end" else "signup", rank + 2 * later)
    return Guess("date")


def _count(look: Look) -> Guess | None:
    """How many customers a row stands for: whole numbers that do not number the rows."""
    if look.low is None or look.high is None or not look.whole or look.low < 0 or look.high <= 1:
        return None
    numbers_rows = look.unique and look.high - look.low == look.n - 1
    return Guess("count") if not numbers_rows and re.fullmatch(said.COUNT, look.header) else None


def _id(look: Look) -> Guess | None:
    """Customers before accounts before contracts before companies before nobody; never rows, answers or tickets."""
    if look.yes_no or (look.low is not None and not look.whole):
        return None
    if look.n_values * _MOST_ROWS_EACH < look.n or (look.n_values < 2 and look.n > 1):
        return None
    numbered = look.called(said.NUMBER)
    if not numbered and _ranked(look, said.DURATIONS) is not None:
        return None  # years_at_company
    kinds = (said.CUSTOMER, said.ACCOUNT, said.AGREEMENT, said.COMPANY, said.NO_CUSTOMER)
    found = [(match.end(), -kind) for kind, p in enumerate(kinds) for match in re.finditer(p, look.header)]
    if found:
        end, kind = max(found)  # the last noun is what is numbered: customer_order_id numbers orders
        rest = re.sub(said.NUMBER, "", look.header[end:]).strip("_")
        alone = rest in _LINKS and (numbered or end == len(look.header))
        mailed = look.called(said.ADDRESS)
        return Guess("id", -kind) if kind > -4 and (alone or mailed) else None
    bare = re.fullmatch(said.BARE_NUMBER, look.header) is not None
    return Guess("id", BARE) if bare and look.unique else None


def _score(look: Look) -> Guess | None:
    if look.yes_no or look.n_values <= 2 or look.called(said.NO_SCORE):
        return None
    after = 10 if look.called(said.AFTER) else 0
    if look.levels is not None:
        rank = _ranked(look, said.SCORES)
        return None if rank is None else Guess("score", rank + after)
    answers = answers_in(look)
    if answers is not None:
        rank = _ranked(look, said.SCORES)
        if rank is None and len(answers.labels) <= 2:
            return None
        # more are of a survey, whatever the header says
        return Guess("score", (len(said.SCORES) if rank is None else rank) + after)
    wide = (
        look.whole
        and look.low is not None
        and look.high is not None
        and 0 <= look.low < look.high <= _SCORED_OF_100
    )
    rank = _ranked(look, said.SCORES[:3])
    if rank is not None and look.averaged:
        return Guess("score", rank + 8 + after)
    return Guess("score", rank + 6 + after) if wide and rank is not None else None


def answers_in(look: Look) -> Answers | None:
    """The answers in words that a column holds, as surveys offer them."""
    return answers_of(look.words) if look.low is None and look.dates is None else None


def _event(look: Look) -> Guess | None:
    if look.called(said.NO_EVENT):
        return None
    rank = None if says_stayed(look) else _ranked(look, said.LOST)
    if look.yes_no:
        coded = 10 if look.called(said.CODED) else 0  # an encoder numbers words by the alphabet
        if rank is not None:
            return Guess("event", rank + coded)
        return Guess("event", 4 + coded) if says_stayed(look) else None
    marked = look.n_empty and look.words and {word.lower() for word in look.words} <= said.MARKS
    if marked and (rank is not None or says_stayed(look)):
        return Guess("event", rank if rank is not None else 4)
    lost, stayed = event_words(look.words)
    if lost and stayed and (rank is not None or says_stayed(look)):
        return Guess(
            "event",
            (rank if rank is not None else 3) + (6 if len(lost) + len(stayed) < len(look.words) else 3),
        )
    return None


def says_stayed(look: Look) -> bool:
    """Whether a header says who stayed rather than who was lost."""
    return said.says_who_stayed(look.header)


def says_nothing(look: Look) -> bool:
    """Whether the header of an event leaves open which of its two values means lost, as that of a status does."""
    return look.yes_no and not look.called("|".join((*said.LOST[:-1], said.STAYED)))


def event_words(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sort a column's words into those of customers lost and of customers retained.

    Examples
    --------
    >>> event_words(["Churned", "Stayed", "Joined"])
    (('Churned',), ('Stayed', 'Joined'))
    """
    plain = {word: said.in_plain_letters(word).replace("_", " ") for word in words}
    lost = tuple(word for word, text in plain.items() if text in said.LOST_WORDS)
    stayed = tuple(word for word, text in plain.items() if text in said.STAYED_WORDS)
    return lost, stayed


def _time(look: Look) -> Guess | None:
    if look.low is None or look.low < 0 or look.yes_no or look.n_values < 2:
        return None
    if look.called("|".join((*said.SPEND, said.MARGIN))) and not look.called(said.TIME_SPENT):
        return None
    if look.called(said.ENTRY) and not look.called(said.SINCE_SCORE):
        timed = _ranked(look, (*said.DURATIONS, *said.UNITS.values())) is not None or look.called(
            r"(^|_)entry"
        )
        return Guess("entry") if timed else None
    if look.called(said.FOLLOW_UP) and not look.called(said.SINCE_SCORE):
        return Guess("follow_up")
    rank = _ranked(look, said.DURATIONS)
    if rank is None or look.called(said.NO_DURATION) or (look.called(said.CONTRACT) and rank):
        return None
    return Guess("duration", rank)


def _amount(look: Look) -> Guess | None:
    if look.low is None or look.n_values <= 10:
        return None
    if look.called(said.MARGIN):
        return Guess("margin", 0 if look.called(said.SPEND_WINDOW) else 1)
    rank = _ranked(look, said.SPEND)
    if rank is None or look.called(said.NO_SPEND):
        return None
    if look.called(said.BEFORE):
        return Guess("spend_before", rank)
    return Guess("spend", rank + (0 if look.called(said.SPEND_WINDOW) else 2))


def _category(look: Look) -> Guess | None:
    words = look.low is None or look.yes_no
    if words and 1 < look.n_values <= _MOST_ROWS_EACH and look.called(said.CAUSE):
        return Guess("cause", _ranked(look, (r"categ|kategorie|group|groep", said.CAUSE)) or 0)
    if look.low is not None and not look.yes_no:
        return None
    if look.called(said.OUTCOME) or (look.yes_no and look.called(said.ACTIVE)):
        return Guess("after")
    fits = (
        1 < look.n_values <= _MOST_CATEGORIES and look.n > look.n_values and not look.called(said.NO_ADJUST)
    )
    return Guess("adjust") if fits else None
