"""Formulas: what they name, what they refuse, and the same encoding for new profiles."""

import numpy as np
import pandas as pd
import pytest

from cxlink.cohort.errors import InputError
from cxlink.fits.formulas.formula import parse_formula, refuse_uncounted
from cxlink.fits.formulas.profile_design import learn_design


def test_variables_and_numbers_are_those_it_names() -> None:
    formula = parse_formula("score * plan + log(raw(visits) + 1) + bs(age, df=4)")
    assert formula.variables == ("age", "plan", "score", "visits")
    assert formula.numbers == {"visits"}
    assert parse_formula("1").variables == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("left ~ score", "Leave out everything up to the ~"),
        ("score + (", "cannot be read"),
        ("score + __import__('os')", "is not allowed"),
        ("exp(visits)", "is not allowed; a term may use variables, numbers and C, bs, cr, poly, log, raw"),
        ("log(visits.max())", "is not allowed"),
        ("log([v for v in visits])", "is not allowed"),
        ("visits + raw(visits)", "visits stands in it with and without raw()"),
    ],
)
def test_anything_but_variables_numbers_and_known_functions_is_refused(text: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_formula(text)
    assert words in str(refused.value)


def test_an_unknown_name_proposes_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'visits'"):
        refuse_uncounted(parse_formula("score + vists"), ["score", "visits"])


def test_new_profiles_are_encoded_as_the_cohort_s() -> None:
    profiles = pd.DataFrame({"plan": pd.Categorical(["a", "b", "c"]), "age": [20.0, 40.0, 60.0]})
    design = learn_design(parse_formula("plan + cr(age, df=3)"), profiles, np.array([1.0, 5.0, 1.0]))
    whole = design.matrix(profiles)
    np.testing.assert_allclose(design.matrix(pd.DataFrame({"age": [40], "plan": ["b"]})), whole[1:2])
    assert design.names[:2] == ("plan[T.b]", "plan[T.c]")
    assert design.outside(pd.DataFrame({"age": [19, 20, 61]})).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"plan": "d", "age": 30}, "a profile has plan = d, which nobody in the cohort had. It had a, b"),
        ({"plan": "a"}, "a profile lacks 'age'"),
        ({"plan": "a", "age": "old"}, "a profile has no number for age"),
        ({"plan": "a", "age": 90}, "cannot be computed"),
    ],
)
def test_a_profile_that_cannot_be_encoded_is_refused(profile: dict[str, object], words: str) -> None:
    profiles = pd.DataFrame({"plan": pd.Categorical(["a", "b"] * 5), "age": np.arange(20.0, 30.0)})
    design = learn_design(parse_formula("plan + bs(age, df=4)"), profiles, np.ones(10))
    with pytest.raises(InputError) as refused:
        design.matrix(pd.DataFrame([profile]))
    assert words in str(refused.value)


def test_knots_are_quantiles_over_customers() -> None:
    ages = pd.DataFrame({"age": [20.0, 30.0, 40.0, 50.0]})
    often = np.array([10.0, 1.0, 1.0, 1.0])
    by_weight = learn_design(parse_formula("bs(age, df=4)"), ages, often)
    rows = ages.iloc[np.repeat(np.arange(4), often.astype(int))].reset_index(drop=True)
    by_row = learn_design(parse_formula("bs(age, df=4)"), rows, np.ones(len(rows)))
    np.testing.assert_allclose(by_weight.matrix(ages), by_row.matrix(ages))
