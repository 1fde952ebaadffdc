"""What long work says of itself: every step has its sentence, and the terminal says it."""

import ast
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from cxlink import analyse, make_spec, read_cohort
from cxlink.cli import voice
from cxlink.report.words import say, sentences
from cxlink.stages import Stage

SOURCE = Path(__file__).parents[1] / "src" / "cxlink"
SECTION = "progress."
STARTING = "starting"
"""Said by the terminal before any step."""


def _steps() -> Iterator[tuple[str, frozenset[str]]]:
    """Pattern of the code of each step in the sources, and the facts that it is given."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                code = {"announce": node.args[-1], "Stage": node.args[0]}.get(node.func.id)
                facts = frozenset(word.arg for word in node.keywords if word.arg)
                for one in (code.body, code.orelse) if isinstance(code, ast.IfExp) else (code,):
                    if isinstance(one, ast.Constant):
                        yield re.escape(str(one.value)), facts
                    elif isinstance(one, ast.JoinedStr):
                        yield _pattern(one), facts


def _pattern(text: ast.JoinedStr) -> str:
    return "".join(re.escape(str(p.value)) if isinstance(p, ast.Constant) else ".+" for p in text.values)


@pytest.mark.long
def test_each_step_has_one_sentence_of_its_facts_and_each_sentence_a_step() -> None:
    own = {key.removeprefix(SECTION): one for key, one in sentences("en").items() if key.startswith(SECTION)}
    said = {STARTING}
    for pattern, facts in _steps():
        codes = [code for code in own if re.fullmatch(pattern, code)]
        assert codes, f"no sentence for the step {pattern}"
        assert all(own[code].slots == facts for code in codes), pattern
        said.update(codes)
    assert said == set(own)


def test_an_analysis_announces_its_parts_in_order_and_no_words() -> None:
    rows = pd.DataFrame({"score": [1, 1, 2, 9, 9, 10] * 5, "spend": [0.0, 50, 70, 100, 120, 140] * 5})
    spend = {"column": "spend", "currency": "EUR", "complete": True}
    spec = make_spec(
        {"score": {"column": "score", "scale": "1-10"}, "spend": spend, "analysis": {"draws": 100}}
    )
    heard: list[Stage] = []
    analyse(read_cohort(rows, spec), heard.append)
    assert heard == [Stage("headline"), Stage("regressions"), Stage("sensitivity"), Stage("metrics")]


def test_the_terminal_says_a_step_in_words_and_a_file_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen, file = Screen(), io.StringIO()
    for stream in (screen, file):
        monkeypatch.setattr("sys.stderr", stream)
        monkeypatch.setenv("COLUMNS", "100")
        with voice.showing() as progress:
            progress(Stage("sampling_spend", {"share": 0.25}))
    assert say("progress.sampling_spend", share=0.25).replace("\u202f", " ") in screen.getvalue()
    assert not file.getvalue()
