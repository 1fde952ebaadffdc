"""Changing the wording of any one note changes no number in any report: nothing reads a sentence back.

Each sentence of a check is told in other words, full of numbers and separators that a reader of it would stumble over.
Of the documents then made only that sentence differs: every number, verdict, cell and figure stays. A section that does
not say a sentence cannot read it, so each is tried on the sections that do.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache, partial
from typing import Any

import made_up_bayes
import numpy as np
import pytest
from cohorts import counts_of, random_rows, spec_for
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.lines import Line2D
from matplotlib.text import Text

from cxlink import analyse
from cxlink.checks import Check, check_table
from cxlink.cohort.count.profile import Profile, Remark
from cxlink.display import Analysis
from cxlink.report import words
from cxlink.report.analysis_document import PAGES
from cxlink.report.check_notes import note
from cxlink.report.content import gather
from cxlink.report.figures import drawing
from cxlink.report.language import capital
from cxlink.report.profile_words import exclusions, table_notes
from cxlink.report.sections import diagnostics_section
from cxlink.report.sections.first_page import first_page
from cxlink.report.sections.methods_section import methods_pages
from cxlink.report.words import Piece, Sentence, sentences
from cxlink.results import Results

OTHER = "Quite other; 7 of 8 [no] = 0.25, words (1e3) "
ROOMS = ("checks", "reasons", "ratios", "notes", "excluded")
BARE = ("notes.as_written", "excluded.invalid")
"""Sentences of one slot, with no words that could be others."""
KEYS = [key for key in sentences("en") if key.partition(".")[0] in ROOMS and key not in BARE]
SLOT = {"": "text", "capital": "text", "list": ("one", "two")}
"""What fills a slot of this kind where no analysis does; of any other kind a number."""
Make = Callable[[], object]


@dataclass(frozen=True)
class Said:
    """What was said.

    Attributes
    ----------
    keys : set of str
        Of the sentences.
    marks : dict of str to str
        By text, what stands for it: which sentence it is, and its facts.
    """

    keys: set[str]
    marks: dict[str, str]


@dataclass(frozen=True)
class Part:
    """A part of a document, told in the words of the language's file.

    Attributes
    ----------
    make : callable
        Makes it again.
    text : str
        Every text and number of it, in order, a line each.
    numbers : str
        The same, with what stands for each sentence in its place.
    keys : set of str
        Of its sentences.
    """

    make: Make
    text: str
    numbers: str
    keys: set[str]


def leaves(thing: object) -> Iterator[str]:
    """Every text and number of blocks, in order."""
    if is_dataclass(thing):
        for each in fields(thing):
            yield from leaves(getattr(thing, each.name))
    elif isinstance(thing, list | tuple):
        for one in thing:
            yield from leaves(one)
    else:
        yield str(thing)


def drawn(axes: Axes) -> str:
    """What a figure shows, without the time that drawing it takes: its lines, areas, points and labels."""
    figure, shown = axes.get_figure(root=True), []
    assert figure is not None
    for artist in figure.findobj():
        if isinstance(artist, Line2D):
            shown.append(np.asarray(artist.get_xydata()).tolist())
        elif isinstance(artist, PathCollection):
            shown.append(np.asarray(artist.get_offsets()).tolist())
        elif isinstance(artist, PolyCollection):
            shown.append([path.vertices.tolist() for path in artist.get_paths()])
        elif isinstance(artist, Text):
            shown.append(artist.get_text())
    return str(shown)


def reworded(sentence: Sentence) -> Sentence:
    """The same slots in quite other words."""
    return Sentence({name: tuple(_other(form)) for name, form in sentence.forms.items()})


def _other(form: tuple[Piece, ...]) -> Iterator[Piece]:
    yield Piece(OTHER, "", "", False)
    yield from (replace(piece, text=OTHER, strong=False) for piece in form if piece.slot)


@cache
def first_alike() -> dict[str, str]:
    """By key the first one of the same words, which a text cannot tell from it."""
    first: dict[str, str] = {}
    return {key: first.setdefault(str(sentence.forms), key) for key, sentence in sentences("en").items()}


@contextmanager
def told(changed: Mapping[str, Sentence]) -> Iterator[Said]:
    """Tell some sentences in other words, and note each that is said with its facts."""
    said = Said(set(), {})
    known = {**sentences("en"), **changed}
    alike = first_alike()
    fill = words._filled

    def recorded(key: str, facts: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
        pieces = list(fill(key, facts))
        if key in KEYS:
            slots = [_marked(facts[name], said) for name in sorted(known[key].slots)]
            mark = f"<{alike[key]} {slots}>"
            said.keys.add(key)
            said.marks["".join(text for text, _ in pieces)] = mark
        return iter(pieces)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(words, "sentences", lambda _: known)
        patch.setattr(words, "_filled", recorded)
        patch.setattr(drawing, "svg", drawn)
        patch.setattr(diagnostics_section, "_MOST_ROWS", 10_000)
        yield said


def _marked(fact: object, said: Said) -> str:
    """What stands for a fact, and for each of a list of them."""
    if isinstance(fact, list):
        return str([_marked(one, said) for one in fact])
    return said.marks.get(str(fact), str(fact))


def without(text: str, said: Said) -> str:
    """Put in the place of each sentence what stands for it: the longest first, since some hold others."""
    for sentence in sorted(said.marks, key=len, reverse=True):
        for written in (sentence, capital(sentence)):
            text = text.replace(written, said.marks[sentence])
    return text


def part_of(make: Make) -> Part:
    with told({}) as said:
        text = "\n".join(leaves(make()))
    return Part(make, text, without(text, said), said.keys)


def parts_of(results: Results) -> Iterator[Part]:
    """Each section of a report, and its ``diagnostics.csv``."""
    m = gather(results)
    for section in (first_page, *PAGES):
        yield part_of(partial(section, m, 1))
    yield part_of(partial(methods_pages, [m], 1))
    yield part_of(lambda: check_table(results.checks, note).astype(str).to_numpy().tolist())


def every_check() -> tuple[Check, ...]:
    """One check for each sentence, whatever may fill its slots."""
    return tuple(_check(key) for key in KEYS if key.partition(".")[0] not in ("notes", "excluded"))


def _slots(key: str) -> dict[str, Any]:
    """Give every slot of a sentence something that fits into it."""
    return {
        piece.slot: SLOT.get(piece.kind, 0.5 if piece.kind.startswith(("decimal", "percent")) else 3)
        for form in sentences("en")[key].forms.values() for piece in form if piece.slot
    }  # fmt: skip


def _check(key: str) -> Check:
    room, _, rest = key.partition(".")
    if room == "ratios":
        return Check("level_ratio", "some", value=0.5, facts={"ratio": rest, "reference": "1", "n": 2})
    slots = _slots(key)
    named = {"ratio": "hazard_ratio", "kind": "some", "average": "averaged_aic", "reference": "1"}
    numbers = {"horizon": 3, "origin": 3, "parameters": 2, "estimate": 0.3}
    facts: dict[str, Any] = {**named, **numbers, **slots, "unit": "month", "n": 2}
    facts |= {"reason": "no_losses"} if "reason" in slots else {}
    facts |= {"left": ("simultaneous", "weights")} if "left" in slots else {}
    if room == "reasons":
        return Check("not_fitted", "some", passed=False, facts={**facts, "case": "hazards", "reason": rest})
    code, _, case = rest.partition(".")
    facts |= {"case": case} if case else {}
    facts |= {"blank": True} if code == "small_group" else {}
    return Check(code, "some", "2", 0.4, bound=0.9, passed=False, facts=facts)


NESTED = ("pooled_cohort", "counts_reading", "part_periods", "window_losses", "under_both")
"""Sentences of notes that are not of the profile alone."""
TABLE = {
    "unit": "month", "rule": "QQ rule", "text": "ZZ text", "column": "JJ", "cohorts": (("VV", 3),), "lost": ("XX",),
    "retained": ("YY",), "label": "ZQ", "table": "ZT", "named_unit": "year",
    "customers": 5, "key": "ZK", "value": "ZV", "columns": 4,
}  # fmt: skip


def _facts(slots: dict[str, Any]) -> dict[str, Any]:
    """The facts of `TABLE`, but for those that are several where a slot has one, or one where it has several."""
    several = {name for name, fact in slots.items() if isinstance(fact, tuple)}
    fitting = {
        name: fact
        for name, fact in TABLE.items()
        if name not in slots or isinstance(fact, tuple) == (name in several)
    }
    return slots | fitting


def profile() -> Profile:
    """Every reason of exclusion and every note."""
    named = [key.split(".", 1) for key in KEYS]
    checks = [
        tuple(
            Remark(code, 7, _facts(_slots(f"{room}.{code}")))
            for room, code in named
            if room == of and code not in NESTED
        )
        for of in ("excluded", "notes")
    ]
    return Profile("table", 9, 8, *checks)


def every_note(results: Results) -> list[str]:
    """Every sentence of a table's notes and reasons of exclusion."""
    return [*table_notes(results), *map(str, exclusions(results.profile))]


@pytest.fixture(scope="module")
def analysed() -> Analysis:
    rows = random_rows(3, 500, strata=2)
    rng = np.random.default_rng(1)
    rows["spend"] = np.where(rng.random(len(rows)) < 0.2, 0.0, rng.gamma(2, 50, len(rows)).round(2))
    spec = spec_for(4, ("plan",), spend=True, draws=200)
    small = spec.publish.model_copy(update={"smallest_cell": 25})
    return analyse(counts_of(rows, spec.model_copy(update={"publish": small})), models="all")


@pytest.fixture(scope="module")
def parts(few_families: None, analysed: Analysis) -> list[Part]:
    """Of a cohort with strata and small groups, of one with posteriors, and the page of every check that there is."""
    posteriors = made_up_bayes.with_posteriors()
    everything = replace(posteriors, checks=every_check(), bayesian=None)
    page = part_of(partial(diagnostics_section.diagnostics_pages, gather(everything), 1))
    about = part_of(
        partial(every_note, replace(everything, counts=replace(everything.counts, profile=profile())))
    )
    return [part for part in (*parts_of(analysed.results), *parts_of(posteriors), page, about) if part.keys]


@pytest.mark.parametrize("key", KEYS)
def test_changing_the_wording_of_a_note_moves_no_number(parts: list[Part], key: str) -> None:
    those = [part for part in parts if key in part.keys]
    assert those
    for part in those:
        with told({key: reworded(sentences("en")[key])}) as said:
            text = "\n".join(leaves(part.make()))
        assert text != part.text
        assert without(text, said) == part.numbers


def test_a_figure_is_compared_by_what_it_shows() -> None:
    with drawing.canvas(None, (2, 1)) as ax:
        ax.plot([1, 2], [0.25, 0.5])
        ax.fill_between([1, 2], [0, 0], [0.125, 1])
        ax.scatter([3], [0.75])
        shown = drawn(ax)
    assert all(number in shown for number in ("0.25", "0.125", "0.75"))
