"""What the report stands on, and what stands beside it."""

import pandas as pd

from cxlink.estimands.second_opinions import parted


def test_families_and_their_averages_stand_beside_the_spliced_tenure() -> None:
    table = pd.DataFrame(
        [
            ("tenure", "spliced"), ("tenure", "averaged"), ("tenure", "weibull"), ("tenure", "kaplan_meier"),
            ("tenure_curtate", "spliced"), ("tenure_curtate", "kaplan_meier"), ("retention_ratio", "spline_4"),
            ("tenure_mean", "spliced"), ("remaining_tenure", "bayes"), ("spend", "gamma"),
            ("value", "averaged"), ("revenue_difference", "averaged"), ("margin_per_period", "averaged"),
        ],
        columns=["estimand", "model"],
    ).assign(scenario="", extrapolated=0.0)  # fmt: skip
    reported, second = parted(table)
    assert list(zip(second["estimand"], second["model"], strict=True)) == [
        ("tenure", "averaged"), ("tenure", "weibull"), ("tenure_curtate", "kaplan_meier"),
        ("retention_ratio", "spline_4"),
    ]  # fmt: skip
    assert len(reported) + len(second) == len(table)
    models = ["kaplan_meier", "bayes", "spliced", "spliced"]
    lagged = pd.DataFrame(
        {"estimand": "retention", "model": models, "scenario": "lag=3", "extrapolated": [0, 1, 0, 1]}
    )
    # within follow-up it is Kaplan–Meier's again
    assert parted(lagged)[1]["extrapolated"].tolist() == [1, 0]
    # a regression of spend is no family of tenure, whatever its name
    assert "gamma" in set(reported["model"])
    # lifetime value is reported, whatever curve it stands on
    assert {"value", "revenue_difference", "margin_per_period"} <= set(reported["estimand"])
