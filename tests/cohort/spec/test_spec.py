"""The spec: what it takes, what it works out, and what it refuses in one line."""

# ruff: noqa: E501 (messages are written out whole)

from pathlib import Path
from typing import Any

import pytest
from tabled import SCORE, STAY, spec

from cxlink.cohort.errors import InputError
from cxlink.cohort.spec.cohort_spec import make_spec, read_spec

DATES = {"survey": "survey", "end": "end", "observed_until": "2026-06-30"}
SPEND = {"spend": {"column": "spent", "complete": True}}


def test_a_spec_of_durations_has_the_defaults_of_the_design() -> None:
    made = spec(STAY)
    assert made.subscription is not None
    assert (made.subscription.clock, made.unit, made.subscription.counts) == ("survey", "month", "periods")
    assert (made.worst, made.best, made.horizon, made.tenure_horizons) == ((1,), (9, 10), 12, (36, 60, 120))
    assert (made.analysis.draws, made.analysis.seed, made.analysis.level) == (2000, 20140801, 0.95)
    assert made.analysis.contrasts == ("best:worst",)
    assert (made.cohort.repeat, made.publish.smallest_cell, made.stratum_variables) == ("error", 0, ())


@pytest.mark.parametrize(
    ("unit", "horizon", "ladder", "lags"),
    [
        ("day", 365, (1095, 1825, 3650), (30, 90)),
        ("week", 52, (156, 260, 520), (4, 13)),
        ("month", 12, (36, 60, 120), (1, 3)),
        ("quarter", 4, (12, 20, 40), (1,)),
        ("year", 1, (3, 5, 10), ()),
    ],
)
def test_a_year_and_the_lags_in_each_unit(
    unit: str, horizon: int, ladder: tuple[int, ...], lags: tuple[int, ...]
) -> None:
    made = spec(STAY, subscription={"unit": unit})
    assert (made.horizon, made.tenure_horizons, made.lags) == (horizon, ladder, lags)


def test_a_lag_past_the_horizon_is_left_out() -> None:
    assert spec(STAY, analysis={"horizon": 3}).lags == (1,)


def test_entry_and_window_imply_the_signup_clock() -> None:
    for late in ({"entry": "before"}, {"window": 3}):
        sub = spec(STAY, subscription=late).subscription
        assert sub is not None
        assert sub.clock == "signup"


def test_tenure_at_the_survey_is_adjusted_for_where_both_dates_are_known() -> None:
    assert spec(subscription=DATES).cuts == {}
    both = {**DATES, "signup": "signup"}
    assert spec(subscription=both).cuts == {"tenure_at_survey": (3, 12, 24)}
    assert spec(subscription={**both, "unit": "quarter"}).cuts == {"tenure_at_survey": (1, 4, 8)}
    assert spec(subscription={**both, "clock": "signup"}).cuts == {}
    assert spec(subscription=both, adjust={"bands": {"tenure_at_survey": [6]}}).cuts == {
        "tenure_at_survey": (6,)
    }
    assert spec(subscription=both, adjust={"bands": {"tenure_at_survey": []}}).cuts == {}
    assert spec(subscription=both, adjust={"columns": ["tenure_at_survey"]}).cuts == {}


def test_a_banded_column_is_adjusted_for_once() -> None:
    made = spec(STAY, adjust={"columns": ["plan", "age"], "bands": {"age": [30, 50], "income": [1e6]}})
    assert made.stratum_variables == ("plan", "age", "income")
    assert made.cuts == {"age": (30, 50), "income": (1e6,)}


def test_bands_of_the_score_and_groups_by_name() -> None:
    made = spec(STAY, score={"worst": [1, 2], "best": "9-10"})
    assert (made.group("worst"), made.group("best"), made.group("7"), made.group("1-3")) == (
        (1, 2),
        (9, 10),
        (7,),
        (1, 2, 3),
    )
    assert made.group("all") == tuple(range(1, 11))
    assert made.contrast("10 : 1-3") == ("10", "1-3")
    with pytest.raises(InputError, match="'11' leaves the scale 1-10"):
        made.group("11")


def test_every_column_of_the_spec_is_known() -> None:
    sub = {**DATES, "signup": "joined", "cause": "why"}
    made = spec(
        subscription=sub,
        spend={"column": "spent", "complete": "over"},
        cohort={"id": "id"},
        adjust={"columns": ["plan"]},
    )
    wanted = {
        "score",
        "id",
        "plan",
        "tenure_at_survey",
        "joined",
        "survey",
        "end",
        "2026-06-30",
        "why",
        "spent",
        "over",
    }
    assert made.table_columns == wanted


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"score": {"column": 3}}, "spec: [score] column: input should be a valid string (found 3)."),
    ({"score": {"scale": 10}}, "spec: [score] scale: input should be a valid string (found 10)."),
    ({"score": {"scale": "ten"}}, "spec: [score] scale 'ten' is not a scale. Write it as LOW-HIGH, such as 1-10."),
    ({"score": {"colunm": "x"}}, "spec: [score] colunm is not a key of the spec: did you mean column?"),
    ({"score": {"effect": "cubic"}}, "spec: [score] effect: input should be 'levels', 'linear', 'monotone' or 'spline' (found 'cubic')."),
    ({"scores": {}}, "spec: [scores] is not a section of the spec: did you mean [score]?"),
    ({"score": {"best": [10, 11]}}, "spec: [score] best 10-11 leaves the scale 1-10."),
    ({"score": {"worst": []}}, "spec: [score] worst [] leaves the scale 1-10."),
    ({"score": {"worst": [1, 9]}}, "spec: [score] worst and best overlap at 9."),
    ({"score": {"worst": [9, 10], "best": [1]}}, "spec: [score] worst 9-10 lies above best 1: swap them, or set higher_is_better = false."),
    ({"score": {"worst": [1, 6], "best": [5, 10]}}, "spec: [score] worst 1,6 lies above best 5,10: swap them, or set higher_is_better = false."),
    ({"score": {"worst": [2], "best": [8], "higher_is_better": False}}, "spec: [score] worst 2 lies above best 8: swap them, or set higher_is_better = true."),
    ({"score": {"best": "high"}}, "spec: [score] best: 'high' is not a set of score levels. Write 7, 9-10 or 1,3."),
    ({"score": {"best": 9.5}}, "spec: [score] best: 9.5 is not a set of score levels. Write 7, 9-10 or 1,3."),
    ({"score": {"best": [9, "x"]}}, "spec: [score] best: [9, 'x'] is not a set of score levels. Write 7, 9-10 or 1,3."),
    ({"score": {"higher_is_better": "yes"}}, "spec: [score] higher_is_better: input should be a valid boolean (found 'yes')."),
    ({"cohort": {"name": ""}}, "spec: [cohort] name: string should have at least 1 character (found '')."),
    ({"cohort": {"repeat": "last"}}, "spec: [cohort] repeat: input should be 'error', 'first' or 'all' (found 'last')."),
    ({"cohort": {"repeat": "first"}}, 'spec: [cohort]: repeat = "first" needs id, the column that identifies the customer.'),
    ({"cohort": {"repeat": "first", "id": "id"}}, 'spec: [cohort] repeat = "first" needs [subscription] survey, the date of each score.'),
    ({"table": {"decimal": ";"}}, "spec: [table] decimal: input should be '.' or ',' (found ';')."),
    ({"table": {"decimal": ",", "thousands": ","}}, "spec: [table]: thousands must be a mark other than decimal, and no digit."),
    ({"table": {"delimiter": "ab"}}, "spec: [table] delimiter: string should have at most 1 character (found 'ab')."),
    ({"table": {"encoding": "klingon"}}, "spec: [table] encoding: 'klingon' is not an encoding. Write utf-8, latin-1 or cp1252."),
    ({"table": {"missing": "NA"}}, "spec: [table] missing: write a list, [\"-\"] for every column, or one for each of some, { csat = [\"99\"], \"*\" = [\"-\"] }."),
    ({"subscription": {"unit": "fortnight"}}, "spec: [subscription] unit: input should be 'day', 'week', 'month', 'quarter' or 'year' (found 'fortnight')."),
    ({"subscription": {"clock": "survey", "window": 3}}, 'spec: [subscription]: entry and window imply clock "signup"; leave clock out.'),
    ({"subscription": {"clock": "survey", "entry": "e"}}, 'spec: [subscription]: entry and window imply clock "signup"; leave clock out.'),
    ({"subscription": {"entry": "e", "window": 3}}, "spec: [subscription]: give entry or window, not both."),
    ({"subscription": {"window": 0}}, "spec: [subscription] window: input should be greater than or equal to 1 (found 0)."),
    ({"subscription": {"clock": "signup"}}, 'spec: [subscription]: clock "signup" needs entry or window: customers are at risk only after the survey.'),
    ({"subscription": {"end": "end"}}, "spec: [subscription]: give dates or durations, not both."),
    ({"spend": {"column": "spent"}}, "spec: [spend] complete must be given without dates: true, or the column that marks complete windows."),
    ({"spend": {"column": "spent", "complete": 1}}, "spec: [spend] complete: input should be a valid boolean (found 1)."),
    ({"spend": {"column": "spent", "complete": False}}, "spec: [spend] complete: false leaves no spend to count: name the column that marks complete windows, or omit [spend]."),
    ({"spend": {"column": "spent", "complete": True, "window_months": 0}}, "spec: [spend] window_months: input should be greater than or equal to 1 (found 0)."),
    ({"adjust": {"columns": ["plan", "plan"]}}, "spec: [adjust]: columns: a column is named twice."),
    ({"adjust": {"columns": "plan"}}, "spec: [adjust] columns: input should be a valid tuple (found 'plan')."),
    ({"adjust": {"columns": ["score"]}}, "spec: [adjust] score is the score: it cannot be adjusted for."),
    ({"adjust": {"columns": ["plan", "months"]}}, "spec: [adjust] months is an outcome of the score, known only after it: it cannot be adjusted for."),
    ({"adjust": {"bands": {"months": [12]}}}, "spec: [adjust] months is an outcome of the score, known only after it: it cannot be adjusted for."),
    ({"adjust": {"columns": ["lost"]}}, "spec: [adjust] lost is an outcome of the score, known only after it: it cannot be adjusted for."),
    ({"subscription": {"cause": "why"}, "adjust": {"columns": ["why"]}}, "spec: [adjust] why is an outcome of the score, known only after it: it cannot be adjusted for."),
    ({**SPEND, "adjust": {"bands": {"spent": [0]}}}, "spec: [adjust] spent is an outcome of the score, known only after it: it cannot be adjusted for."),
    ({**SPEND, "value": {"margin": "earned"}, "adjust": {"columns": ["earned"]}}, "spec: [adjust] earned is an outcome of the score, known only after it: it cannot be adjusted for."),
    ({"adjust": {"bands": {"age": [12, 3]}}}, "spec: [adjust]: bands of age must be strictly increasing numbers, such as 3, 12, 24."),
    ({"adjust": {"bands": {"age": [3, 3]}}}, "spec: [adjust]: bands of age must be strictly increasing numbers, such as 3, 12, 24."),
    ({"adjust": {"bands": {"age": [3, float("nan")]}}}, "spec: [adjust]: bands of age must be strictly increasing numbers, such as 3, 12, 24."),
    ({"adjust": {"bands": {"age": [3, float("inf")]}}}, "spec: [adjust]: bands of age must be strictly increasing numbers, such as 3, 12, 24."),
    ({"adjust": {"bands": {"age": ["x"]}}}, "spec: [adjust] bands.age.0: input should be a valid number (found 'x')."),
    ({"analysis": {"horizon": 12.5}}, "spec: [analysis] horizon: input should be a valid integer (found 12.5)."),
    ({"analysis": {"horizon": 0}}, "spec: [analysis] horizon: input should be greater than or equal to 1 (found 0)."),
    ({"analysis": {"level": 95}}, "spec: [analysis] level: input should be less than 1 (found 95)."),
    ({"analysis": {"draws": "many"}}, "spec: [analysis] draws: input should be a valid integer (found 'many')."),
    ({"analysis": {"seed": -1}}, "spec: [analysis] seed: input should be greater than or equal to 0 (found -1)."),
    ({"analysis": {"contrasts": ["best"]}}, "spec: [analysis] contrasts: 'best' is not GROUP:REFERENCE, such as best:worst."),
    ({"analysis": {"contrasts": ["best:12"]}}, "spec: [analysis] contrasts: '12' leaves the scale 1-10."),
    ({"analysis": {"contrasts": ["best:9"]}}, "spec: [analysis] contrasts: the sides of 'best:9' overlap at 9."),
    ({"analysis": {"contrasts": ["best:low"]}}, "spec: [analysis] contrasts: 'low' is not a set of score levels. Write 7, 9-10 or 1,3."),
    ({"publish": {"smallest_cell": -1}}, "spec: [publish] smallest_cell: input should be greater than or equal to 0 (found -1)."),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "message"), REFUSED, ids=[message[6:60] for _, message in REFUSED])
def test_what_is_wrong_is_named_in_one_line(wrong: dict[str, Any], message: str) -> None:
    tables: dict[str, Any] = {**STAY, **SCORE}
    for name, keys in wrong.items():
        tables[name] = {**tables.get(name, {}), **keys}
    with pytest.raises(InputError) as refused:
        make_spec(tables)
    assert str(refused.value) == message


def test_a_score_needs_a_column_and_a_scale() -> None:
    for tables, message in (
        ({}, "[score] is missing."),
        ({"score": {"scale": "1-10"}}, "[score] column is missing."),
    ):
        with pytest.raises(InputError) as refused:
            make_spec(tables)
        assert str(refused.value) == f"spec: {message}"


DATED_REFUSED = [
    ({"survey": None}, "survey missing: dates need survey, end and observed_until, and signup for its clock."),
    ({"end": None}, "end missing: dates need survey, end and observed_until, and signup for its clock."),
    ({"observed_until": None}, "observed_until missing: dates need survey, end and observed_until, and signup for its clock."),
    ({"clock": "signup"}, "signup missing: dates need survey, end and observed_until, and signup for its clock."),
    ({"follow_up": "f"}, "entry, window and follow_up go with durations; with dates they are computed."),
    ({"window": 3}, "entry, window and follow_up go with durations; with dates they are computed."),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), DATED_REFUSED)
def test_dates_that_do_not_suffice(change: dict[str, Any], message: str) -> None:
    dates = {key: value for key, value in {**DATES, **change}.items() if value is not None}
    with pytest.raises(InputError) as refused:
        spec(subscription=dates)
    assert str(refused.value) == f"spec: [subscription]: {message}"


def test_the_day_of_a_loss_is_no_covariate() -> None:
    with pytest.raises(InputError, match=r"\[adjust\] end is an outcome of the score, known only after it"):
        spec(subscription=DATES, adjust={"columns": ["end"]})


def test_durations_that_do_not_suffice() -> None:
    with pytest.raises(InputError, match="event missing: give duration and event, or dates"):
        spec(subscription={"duration": "months"})
    with pytest.raises(InputError, match="duration and event missing"):
        spec(subscription={"unit": "month"})


def test_nothing_to_link_the_score_to() -> None:
    with pytest.raises(
        InputError, match=r"spec: no outcome to link the score to: give \[subscription\], \[spend\] or both\."
    ):
        spec()


def test_spend_alone_and_spend_with_dates_are_enough() -> None:
    assert spec(SPEND).unit == "month"
    assert spec(subscription=DATES, spend={"column": "spent"}).spend is not None


def test_a_file_and_flags_over_it(tmp_path: Path) -> None:
    path = tmp_path / "saas.toml"
    path.write_bytes(
        b'\xef\xbb\xbf[score]\ncolumn = "s"\nscale = "1-10"\nbest = [9, 10]\n'
        b'[subscription]\nsurvey = "at"\nend = "gone"\nobserved_until = 2026-06-30\n[adjust]\ncolumns = ["plan"]\n'
    )
    plain = read_spec(path)
    assert plain.subscription is not None
    assert (plain.score.column, plain.subscription.observed_until, plain.cohort.name) == (
        "s",
        "2026-06-30",
        "cohort",
    )
    flagged = read_spec(
        path, {"score": {"column": "t", "best": "8-10"}, "cohort": {"name": "mine"}}, "theirs"
    )
    assert (flagged.score.column, flagged.best, flagged.score.scale) == ("t", (8, 9, 10), "1-10")
    assert (flagged.cohort.name, flagged.adjust.columns) == ("mine", ("plan",))
    assert read_spec(path, name="theirs").cohort.name == "theirs"
    assert read_spec(None, {**SCORE, **STAY}).score.column == "score"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    cases = {
        "absent.toml": (None, "no such spec. `cxlink init TABLE` writes one."),
        "broken.toml": (b"[score\n", "not TOML:"),
        "binary.toml": (b"\xff\xfe\x00", "cannot be read as text (UnicodeDecodeError)."),
        "wrong.toml": (b"score = 3\n", "[score]: input should be a valid dictionary"),
    }
    for name, (content, message) in cases.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError) as refused:
            read_spec(path)
        assert str(refused.value).startswith(f"{path}: {message}")
        assert "\n" not in str(refused.value)
    with pytest.raises(InputError, match="cannot be read as text"):
        read_spec(tmp_path)


def test_a_message_is_one_line_whatever_is_in_it() -> None:
    assert str(InputError("a\nb\x1b[31m\u2028c")) == "a b[U+001B][31m c"


def test_a_report_has_a_format_that_there_is() -> None:
    given = {"score": {"column": "s", "scale": "1-10"}, "spend": {"column": "y", "complete": True}}
    assert make_spec(given).report.formats == ("pdf", "html")
    assert make_spec({**given, "report": {"formats": ["html"]}}).report.formats == ("html",)
    for formats in ([], ["docx"]):
        with pytest.raises(InputError, match=r"\[report\] formats"):
            make_spec({**given, "report": {"formats": formats}})
