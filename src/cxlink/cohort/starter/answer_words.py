"""Answers in words, as surveys offer them: which set of answers a column holds, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass

from cxlink.cohort.spec.score_labels import folded

_NEITHER = "neither satisfied nor dissatisfied|neither dissatisfied nor satisfied|neutral|neither"
_AGREED = "neither agree nor disagree|neither disagree nor agree|neutral|undecided|neither"
_HARD = "neither easy nor difficult|neither difficult nor easy|neutral|neither"
_MIDDLE = (
    "neutraal|niet tevreden en niet ontevreden|niet ontevreden en niet tevreden|noch tevreden noch ontevreden"
)
_EENS = "neutraal|niet mee eens en niet mee oneens|niet eens en niet oneens|noch eens noch oneens"
_SETS = (
    f"very dissatisfied|extremely dissatisfied|very unsatisfied;dissatisfied|somewhat dissatisfied|unsatisfied;"
    f"{_NEITHER};satisfied|somewhat satisfied;very satisfied|extremely satisfied",
    f"very dissatisfied|extremely dissatisfied|completely dissatisfied;"
    "moderately dissatisfied|dissatisfied|mostly dissatisfied;"
    f"slightly dissatisfied|somewhat dissatisfied;{_NEITHER};slightly satisfied|somewhat satisfied;"
    "moderately satisfied|satisfied|mostly satisfied;very satisfied|extremely satisfied|completely satisfied",
    f"strongly disagree|completely disagree;disagree|somewhat disagree;{_AGREED};agree|somewhat agree;"
    "strongly agree|completely agree",
    f"strongly disagree|completely disagree;disagree|moderately disagree;somewhat disagree|slightly disagree;{_AGREED};"
    "somewhat agree|slightly agree;agree|moderately agree;strongly agree|completely agree",
    f"very difficult|extremely difficult;difficult|somewhat difficult;{_HARD};easy|somewhat easy;"
    "very easy|extremely easy",
    f"very difficult|extremely difficult;difficult|moderately difficult;somewhat difficult|slightly difficult;{_HARD};"
    "somewhat easy|slightly easy;easy|moderately easy;very easy|extremely easy",
    "very poor|terrible|very bad;poor|bad;fair|average|acceptable|ok|okay|neutral;good;very good|excellent",
    "poor;fair;good;very good;excellent|outstanding",
    "very unlikely|extremely unlikely;unlikely|somewhat unlikely;neutral|neither likely nor unlikely;"
    "likely|somewhat likely;very likely|extremely likely",
    "not at all likely;not so likely|slightly likely;somewhat likely|moderately likely;very likely;extremely likely",
    "not at all satisfied;not so satisfied|slightly satisfied;somewhat satisfied|moderately satisfied;very satisfied;"
    "extremely satisfied|completely satisfied",
    f"zeer ontevreden|heel ontevreden|erg ontevreden;ontevreden;{_MIDDLE};tevreden;"
    "zeer tevreden|heel tevreden|erg tevreden",
    f"zeer ontevreden|heel ontevreden;ontevreden;enigszins ontevreden|een beetje ontevreden;{_MIDDLE};"
    "enigszins tevreden|een beetje tevreden;tevreden;zeer tevreden|heel tevreden",
    f"helemaal mee oneens|zeer mee oneens|zeer oneens|helemaal oneens|volledig mee oneens;mee oneens|oneens;{_EENS};"
    "mee eens|eens;helemaal mee eens|zeer mee eens|zeer eens|helemaal eens|volledig mee eens",
    f"helemaal mee oneens|zeer mee oneens|zeer oneens|helemaal oneens|volledig mee oneens;mee oneens|oneens;"
    f"enigszins mee oneens|een beetje mee oneens|enigszins oneens;{_EENS};"
    "enigszins mee eens|een beetje mee eens|enigszins eens;mee eens|eens;"
    "helemaal mee eens|zeer mee eens|zeer eens|helemaal eens|volledig mee eens",
    "zeer slecht|heel slecht;slecht;matig|redelijk|neutraal|voldoende;goed;zeer goed|heel goed|uitstekend",
    "zeer moeilijk|heel moeilijk;moeilijk;neutraal|niet makkelijk en niet moeilijk;makkelijk|gemakkelijk;"
    "zeer makkelijk|heel makkelijk|zeer gemakkelijk",
)
"""Five and seven answers in English and Dutch: levels between semicolons, lowest first, with the words for each."""
_OF_A_DESK = "bad;good"
_NO_ANSWER = frozenset((
    "offered", "unoffered", "not offered",
    "don't know", "don’t know", "dont know", "i don't know", "not sure", "no answer", "no opinion", "not applicable",
    "n/a", "na",
    "prefer not to say", "prefer not to answer", "weet niet", "weet ik niet", "geen mening", "geen antwoord",
    "niet van toepassing", "n.v.t.", "nvt", "wil ik niet zeggen",
))  # fmt: skip
_LEAST, _MOST_OTHERS = 3, 2


@dataclass(frozen=True, slots=True)
class Answers:
    """A set of answers that a column holds.

    Attributes
    ----------
    labels : tuple of str
        A word for each level, lowest first, as the column writes it where it does.
    no_answer, others : tuple of str
        Words of the column that say nothing, and those that are none of the set.
    """

    labels: tuple[str, ...]
    no_answer: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def answers_of(words: Sequence[str]) -> Answers | None:
    """The set of answers that holds most of a column's words, of several the smallest; None where none does.

    Examples
    --------
    >>> answers_of(["Satisfied", "Neutral", "Very satisfied", "Don't know"])
    Answers(labels=('very dissatisfied', 'dissatisfied', 'Neutral', 'Satisfied', 'Very satisfied'), \
no_answer=("Don't know",), others=())
    """
    no_answer = tuple(word for word in words if folded(word) in _NO_ANSWER)
    said = [word for word in words if word not in no_answer]
    if sorted(map(folded, said)) == _OF_A_DESK.split(";"):
        return Answers(tuple(sorted(said, key=folded)), no_answer)
    fits = [found for text in _SETS if (found := _in_set(said, text)) is not None]
    if not fits:
        return None
    best = min(fits, key=lambda found: (len(found.others), len(found.labels)))
    return Answers(best.labels, no_answer, best.others)


def _in_set(words: Sequence[str], text: str) -> Answers | None:
    """A column's words as levels of one set; None where too few are, or two are of one level."""
    levels = [level.split("|") for level in text.split(";")]
    written: dict[int, str] = {}
    others = []
    for word in words:
        at = next((k for k, level in enumerate(levels) if folded(word) in level), None)
        if at is None:
            others.append(word)
        elif folded(written.setdefault(at, word)) != folded(word):
            return None
    if len(written) < _LEAST or len(others) > min(_MOST_OTHERS, len(written) - 1):
        return None
    return Answers(tuple(written.get(k, level[0]) for k, level in enumerate(levels)), others=tuple(others))
