"""The published study on cohorts with a known truth: published, truth, naive and adjusted side by side."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from cxlink import __version__
from cxlink.analysis import analyse
from cxlink.cohort.count.counts import FORMAT
from cxlink.cohort.spec.cohort_spec import make_spec
from cxlink.cohort.table import read_cohort
from cxlink.estimands.csv_tables import csv_text
from cxlink.estimands.tidy import select
from cxlink.progress import telling
from cxlink.report.analysis_document import make_document
from cxlink.report.report_files import write_document
from cxlink.report.words import say
from cxlink.results import Reproduced, Results
from cxlink.runs import write_record, write_run
from cxlink.stages import Progress, announce, silent
from cxlink.study.implied_tenure import implied_tenure, paradox
from cxlink.study.known_change import known_change
from cxlink.study.known_driver import known_driver
from cxlink.study.public_curves import interval_coverage, public_curves
from cxlink.study.published import read
from cxlink.study.repeated import repeated
from cxlink.study.simulate import Simulated, simulate
from cxlink.study.third_chart import third_chart

CUSTOMERS = 60_000
SEED = 20140801
_ANALYSIS = (
    "headline",
    "from_signup",
    "tenure",
    "families",
    "regressions",
    "hazards",
    "sensitivity",
    "metrics",
)
_PLAN = (
    "cohort_subscription",
    *_ANALYSIS,
    "cohort_transaction",
    *_ANALYSIS,
    "study_drivers",
    "study_change",
    "public_curves",
)
NAIVE, ADJUSTED = "no", "standardised"


def reproduce(n: int = CUSTOMERS, seed: int = SEED, progress: Progress | None = None) -> Reproduced:
    """Simulate both cohorts, analyse them, and compare with what was published.

    Parameters
    ----------
    n, seed : int
        Customers in each base, and the seed of the cohorts.
    progress : callable, optional
        Told each stage as it begins; by default a notebook shows a line with the share done and the time left.
    """
    with telling(progress, _PLAN) as told:
        return _reproduced(n, seed, told)


def _reproduced(n: int, seed: int, progress: Progress) -> Reproduced:
    made: dict[str, tuple[Simulated, Results]] = {}
    for design in ("subscription", "transaction"):
        announce(progress, f"cohort_{design}")
        simulated = simulate(design, n, seed)
        spec = make_spec(simulated.spec)
        cohort = replace(read_cohort(simulated.table, spec), name=say(f"study.source_{design}"))
        made[design] = simulated, analyse(cohort, progress, models="all").results
    rows = [
        *_retention(*made["subscription"]),
        *_spend(*made["transaction"]),
        *_tenure(*made["subscription"]),
    ]
    announce(progress, "study_drivers")
    drivers = known_driver(seed, max(n // 3 * 2, 1))
    announce(progress, "study_change")
    changes = known_change(seed, max(n // 5, 1))
    announce(progress, "public_curves")
    curves, chart = public_curves(seed), third_chart()
    return Reproduced(
        subscription=made["subscription"][1],
        transaction=made["transaction"][1],
        seed=seed,
        comparison=pd.DataFrame(rows),
        paradox=paradox(implied_tenure()),
        third_chart=chart.years,
        six_years=chart.six_years,
        public_curves=curves,
        public_verdicts=interval_coverage(curves),
        drivers=drivers,
        changes=changes,
    )


def reproduce_study(
    folder: Path, command: str, replications: int = 0, progress: Progress = silent
) -> Reproduced:
    """Write the study's folder: a run folder for each cohort, the comparison, and one report of it all.

    Parameters
    ----------
    folder : Path
        Empty.
    command : str
        How to run it again.
    replications : int
        Cohorts more of each design, drawn to see bias and coverage.
    progress : callable
        Told each stage as it begins.
    """
    made = reproduce(progress=progress)
    if replications:
        made = replace(made, replications=repeated(replications, _scored(made), SEED, progress))
    announce(progress, "writing")
    for name, analysis in (("subscription", made.subscription), ("transaction", made.transaction)):
        (folder / name).mkdir()
        write_run(analysis, folder / name, command=command)
    tables = {
        "comparison": made.comparison,
        "implied": made.paradox,
        "third_chart": made.third_chart,
        "public_curves": made.public_curves,
        "drivers": made.drivers,
        "changes": made.changes,
        **({"replications": made.replications} if replications else {}),
    }
    for name, table in tables.items():
        (folder / f"{name}.csv").write_text(csv_text(table), encoding="utf-8", newline="")
    write_document(make_document(made, command), folder, made.subscription.spec.report.formats)
    write_record(
        folder, {"format": FORMAT, "version": __version__, "study": True, "simulated": True, "seed": SEED}
    )
    return made


def _published(figure: str) -> list[dict[Any, Any]]:
    table = read("kriss_2014")
    return table[table["figure"] == figure].to_dict("records")


def _retention(simulated: Simulated, results: Results) -> Iterator[dict[str, Any]]:
    for printed in _published("one_year_retention"):
        band = "worst" if printed["group"] == "1" else "best"
        where = {"estimand": "retention", "model": "kaplan_meier", "group": band, "horizon": 12}
        yield _row("one_year_retention", printed, simulated, results, where)


def _spend(simulated: Simulated, results: Results) -> Iterator[dict[str, Any]]:
    for printed in _published("relative_annual_revenue"):
        if printed["group"] != "1-3":
            where = {
                "estimand": "spend_ratio",
                "model": "means",
                "group": printed["group"],
                "reference": "1-3",
            }
            yield _row("relative_annual_revenue", printed, simulated, results, where)


def _tenure(simulated: Simulated, results: Results) -> Iterator[dict[str, Any]]:
    """Restricted means, and the unrestricted one beside the study's years: not targets, the truth has its own."""
    membership = list(zip(_published("expected_further_membership"), ("worst", "best"), strict=True))
    for printed, band in membership:
        unpublished = {
            **printed,
            "unit": "month",
            "value": float("nan"),
            "status": "not published",
            "wording": "",
        }
        for horizon in (12, 36, 60, 120):
            model = "kaplan_meier" if horizon == 12 else "spliced"
            where = {"estimand": "tenure", "model": model, "group": band, "horizon": horizon}
            yield _row("restricted_mean_tenure", unpublished, simulated, results, where)
    for printed, band in membership:
        where = {"estimand": "tenure_mean", "model": "spliced", "group": band}
        yield _row("expected_further_membership", printed, simulated, results, where, scale=1 / 12)


def _row(
    figure: str, printed: dict[Any, Any], simulated: Simulated, results: Results, where: dict[str, Any],
    *, scale: float = 1.0,
) -> dict[str, Any]:  # fmt: skip
    truth_where = {key: value for key, value in where.items() if key != "model"}
    truth = select(simulated.truth, adjusted=ADJUSTED, **truth_where)
    shown: dict[str, Any] = {
        "figure": figure,
        "group": where["group"],
        "horizon": where.get("horizon"),
        "unit": printed["unit"],
        "published": printed["value"],
        "published_status": printed["status"],
        "published_wording": "" if pd.isna(printed["wording"]) else printed["wording"],
        "truth": scale * float(truth["estimate"].iloc[0]),
    }
    for name, adjusted in (("naive", NAIVE), ("adjusted", ADJUSTED)):
        rows = select(results.estimates, adjusted=adjusted, stratum="", scenario="", **where)
        values = [scale * float(rows[column].iloc[0]) for column in ("estimate", "conf_low", "conf_high")]
        shown |= dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
    return shown


def _scored(made: Reproduced) -> dict[str, int]:
    """Customers scored in the cohort that each figure is compared in."""
    cohorts = {"one_year_retention": made.subscription, "relative_annual_revenue": made.transaction}
    return {figure: int(analysis.counts.scored["n"].sum()) for figure, analysis in cohorts.items()}
