"""The engine of sentences, and that the code and each language's file have the same keys and slots."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from cxlink.report import language as languages
from cxlink.report import words
from cxlink.report.document import Strong
from cxlink.report.language import SURVEYS, counting, make_language, written_in
from cxlink.report.words import parsed, say, sentences, styled

SOURCE = Path(__file__).parents[2] / "src" / "cxlink"
FILES = sorted((SOURCE / "report" / "text").glob("*.toml"))
ENGLISH = sentences("en")
THIN = "\u202f"
SAYING = ("say", "styled")


@dataclass(frozen=True)
class Call:
    """A sentence asked for in the code: what its key can be, and the facts it is given."""

    place: str
    patterns: tuple[str, ...]
    facts: frozenset[str]
    open_ended: bool
    styled: bool


def _keys(node: ast.expr) -> list[str]:
    """Patterns of the keys that an expression can be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [re.escape(node.value)]
    if isinstance(node, ast.IfExp):
        return [*_keys(node.body), *_keys(node.orelse)]
    if isinstance(node, ast.JoinedStr):
        fixed = [re.escape(str(p.value)) if isinstance(p, ast.Constant) else r"[^.]+" for p in node.values]
        return ["".join(fixed)]
    return []


def _chosen(function: ast.AST) -> dict[str, list[str]]:
    """Keys that a function gives a name before it says one of them."""
    named: dict[str, list[str]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named.setdefault(node.targets[0].id, []).extend(_keys(node.value))
    return named


def _calls() -> Iterator[Call]:
    for path in sorted(SOURCE.rglob("*.py")):
        functions = [
            n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef)
        ]
        for function in functions:
            chosen = _chosen(function)
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYING:
                    yield from _said(node, chosen, path.name)


def _said(node: ast.Call, chosen: dict[str, list[str]], name: str) -> Iterator[Call]:
    assert isinstance(node.func, ast.Name)
    facts = frozenset(word.arg for word in node.keywords if word.arg)
    open_ended, key = any(word.arg is None for word in node.keywords), node.args[0]
    patterns = chosen.get(key.id, []) if isinstance(key, ast.Name) else _keys(key)
    yield Call(f"{name}:{node.lineno}", tuple(patterns), facts, open_ended, node.func.id == "styled")


def _constants() -> set[str]:
    """Texts in the code, for keys that are chosen before they are said."""
    nodes = (n for p in SOURCE.rglob("*.py") for n in ast.walk(ast.parse(p.read_text(encoding="utf-8"))))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@cache
def calls() -> list[Call]:
    return list(_calls())


@cache
def _keys_of(pattern: str) -> list[str]:
    return [key for key in ENGLISH if re.fullmatch(pattern, key)]


def _matched(call: Call) -> list[str]:
    return [key for pattern in call.patterns for key in _keys_of(pattern)]


@pytest.mark.long
def test_every_key_in_the_code_is_in_the_file_and_is_given_the_facts_of_its_slots() -> None:
    for call in calls():
        for pattern in call.patterns:
            assert _keys_of(pattern), f"{call.place}: no sentence {pattern}"
        keys = _matched(call)
        for key in keys:
            missing = ENGLISH[key].slots - call.facts
            assert call.open_ended or not missing, f"{call.place}: {key} lacks {sorted(missing)}"
        unused = call.facts.difference(*(ENGLISH[key].slots for key in keys)) if keys else frozenset()
        assert not unused, f"{call.place}: {keys} have no slot {sorted(unused)}"


@pytest.mark.long
def test_every_sentence_of_the_file_is_said() -> None:
    said = {key for call in calls() for key in _matched(call)} | _constants()
    assert not sorted(set(ENGLISH) - said)


@pytest.mark.long
def test_what_is_strong_is_asked_for_in_runs() -> None:
    for call in calls():
        assert call.styled or not [key for key in _matched(call) if ENGLISH[key].styled], call.place


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_language_has_every_sentence_with_the_same_slots(path: Path) -> None:
    own = sentences(path.stem)
    assert {key: own[key].slots for key in own} == {key: ENGLISH[key].slots for key in ENGLISH}
    assert {key: own[key].styled for key in own} == {key: ENGLISH[key].styled for key in ENGLISH}


@pytest.fixture
def dutch(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A document in a second language, of a few sentences."""
    tables = {
        "locale": "nl",
        "x": {
            "share": "{a:percent.1} van **{who}** en {n:integer} keer {b:decimal.2}.",
            "unit": {"one": "{n:integer} maand", "other": "{n:integer} maanden"},
            "list": "{names:list}",
            "start": "{name:capital} **was** **er**",
        },
    }
    made = make_language(tables)
    monkeypatch.setattr(languages, "read_language", lambda _: made)
    monkeypatch.setattr(words, "read_language", lambda _: made)
    monkeypatch.setattr(words, "sentences", lambda _: parsed(made))
    with written_in("nl"):
        yield


@pytest.mark.usefixtures("dutch")
def test_numbers_plurals_and_lists_are_those_of_the_language() -> None:
    facts = {"a": 0.1234, "who": "hen", "n": 12345, "b": -0.5}
    assert say("x.share", **facts) == f"12,3{THIN}% van hen en 12{THIN}345 keer −0,50."
    assert [say("x.unit", n=n) for n in (0, 1, 2)] == ["0 maanden", "1 maand", "2 maanden"]
    assert say("x.list", names=["a", "b", "c"]) == "a, b en c"
    assert say("x.list", names=["a"]) == "a"
    with pytest.raises(KeyError, match="who"):
        say("x.share", a=0.1, n=1, b=1.0)
    with pytest.raises(KeyError, match="nothing"):
        say("x.nothing")


@pytest.mark.usefixtures("dutch")
def test_what_is_strong_is_a_run_and_stars_in_a_fact_are_none() -> None:
    facts = {"a": 0.5, "who": "**x**", "n": 1, "b": 1.0}
    assert styled("x.share", **facts) == [f"50,0{THIN}% van ", Strong("**x**"), " en 1 keer 1,00."]
    assert styled("x.start", name="zij") == ["Zij ", Strong("was"), " ", Strong("er")]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{a:colour}", "slot a is of the unknown kind colour"),
        ("**a", r"a \*\* is not closed"),
        ({"few": "x", "other": "y"}, "plural forms must be one, other"),
    ],
)
def test_a_sentence_that_cannot_be_said_is_refused_when_it_is_read(text: object, fault: str) -> None:
    with pytest.raises(ValueError, match=f"x.y: {fault}"):
        parsed(make_language({"locale": "en_GB", "x": {"y": text}}))


def test_a_number_choosing_a_form_is_a_slot_though_it_is_not_written() -> None:
    made = parsed(make_language({"locale": "en_GB", "x": {"y": {"one": "a", "other": "{b}"}}}))
    assert made["x.y"].slots == {"n", "b"}


def test_a_document_of_surveys_says_so_where_a_sentence_has_a_form_for_it() -> None:
    assert say("score_tables.customers") == "Customers"
    with counting(SURVEYS):
        assert say("score_tables.customers") == "Surveys"
        assert say("score_tables.lost") == "Lost"
        assert say("unit.month", n=1) == "month"
    assert say("score_tables.customers") == "Customers"
    own = {key: sentence.forms for key, sentence in ENGLISH.items() if SURVEYS in sentence.forms}
    assert own
    for key, forms in own.items():
        slots = [sorted(piece.slot for piece in form if piece.slot) for form in forms.values()]
        assert all(one == slots[0] for one in slots), key
        assert "urvey" in "".join(piece.text for piece in forms[SURVEYS]), key


@pytest.mark.parametrize(
    ("p", "written"), [(0.0, "< 0.001"), (0.00099, "< 0.001"), (0.001, "= 0.001"), (0.2345, "= 0.234")]
)
def test_a_p_value_is_never_written_as_nought(p: float, written: str) -> None:
    assert say("metrics.p", p=p) == f"p {written}"
