"""Scenarios are read in one place."""

import pytest

from cxlink.estimands.scenario import Scenario, scenario_of


@pytest.mark.parametrize(
    ("text", "scenario"),
    [
        ("", Scenario("")), ("from_signup", Scenario("from_signup")), ("lag=3", Scenario("lag", 3)),
        ("causal_share=0", Scenario("causal_share", 0)), ("causal_share=0.05", Scenario("causal_share", 0.05)),
    ],
)  # fmt: skip
def test_a_scenario_is_its_kind_and_number(text: str, scenario: Scenario) -> None:
    assert scenario_of(text) == scenario
