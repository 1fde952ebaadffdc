"""Made-up but realistic cohorts: tables as the analysis would write them, with no model behind them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd

from cxlink.checks import Check
from cxlink.cohort.count.counts import Counts
from cxlink.cohort.count.profile import Profile, Remark
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec
from cxlink.cohort.strata import stratum_column
from cxlink.estimands.tidy import row, tidy
from cxlink.results import Results
from cxlink.survival.families.catalogue import families_by_name

N = {1: 1210, 2: 645, 3: 770, 4: 905, 5: 1820, 6: 1940, 7: 3105, 8: 5310, 9: 4220, 10: 5080}
YEARLY = {1: 0.43, 2: 0.47, 3: 0.52, 4: 0.55, 5: 0.59, 6: 0.62, 7: 0.66, 8: 0.69, 9: 0.73, 10: 0.75}
SPENT = {1: 410.0, 2: 440.0, 3: 520.0, 4: 560.0, 5: 590.0, 6: 640.0, 7: 700.0, 8: 820.0, 9: 880.0, 10: 1105.0}
SPEC = {
    "cohort": {"name": "saas-2019"},
    "score": {"column": "score", "scale": "1-10"},
    "subscription": {"duration": "months", "event": "churned"},
    "spend": {"column": "spend", "complete": True},
    "adjust": {"columns": ("plan", "region")},
}
GROUPS = {"worst": [1], "best": [9, 10], "all": list(N), **{str(level): [level] for level in N}}
FAMILIES = {
    "exponential": 0.0,
    "weibull": 0.4,
    "log_logistic": 0.7,
    "shifted_beta_geometric": 0.9,
    "spliced": 0.6,
}
DRAWS = 400
_MADE: dict[tuple[str, int], pd.DataFrame] = {}


@cache
def survival(group: str, time: float, bend: float = 0.6) -> float:
    yearly = np.average(
        [YEARLY[level] for level in GROUPS[group]], weights=[N[level] for level in GROUPS[group]]
    )
    hazard = -np.log(yearly) / 12
    return float(np.exp(-hazard * time) if bend == 0 else (1 + bend * hazard * time) ** (-1 / bend))


def count(group: str) -> int:
    return sum(N[level] for level in GROUPS[group])


class Maker:
    """Collects rows whose draws scatter about the point as a sample of that size would."""

    def __init__(self, spec: CohortSpec) -> None:
        self.rng, self.rows, self.spec = np.random.default_rng(5), [], spec

    def add(self, estimand: str, point: float, spread: float, unit: str, **columns: object) -> None:
        draws = (
            point + spread * self.rng.standard_normal(DRAWS) if np.isfinite(point) else np.full(DRAWS, point)
        )
        self.rows.append(row(estimand, point, draws, 0.95, unit, **columns))

    def retention(self, last: int, adjusted: str, **columns: object) -> None:
        shift = 0.97 if adjusted == "standardised" else 1.0
        for group in GROUPS:
            size = {"n": count(group), "n_events": round(count(group) * (1 - survival(group, last)))}
            for t in range(1, last + 1):
                p = survival(group, t) ** shift
                spread = np.sqrt(p * (1 - p) / count(group))
                headline = (
                    group in ("best", "worst") and t == self.spec.horizon and not columns.get("stratum")
                )
                keys = {"model": "kaplan_meier", "group": group, "horizon": t, "adjusted": adjusted}
                self.add("retention", p, spread, "probability", **keys, headline=headline, **size, **columns)

    def contrasts(self, adjusted: str, **columns: object) -> None:
        h = self.spec.horizon
        for group in ["best", *map(str, range(2, 11))]:
            a, b = survival(group, h), survival("worst", h)
            spread = np.sqrt(a * (1 - a) / count(group) + b * (1 - b) / count("worst"))
            keys = {
                "model": "kaplan_meier",
                "group": group,
                "reference": "worst",
                "horizon": h,
                "adjusted": adjusted,
            }
            keys |= {"headline": group == "best" and not columns, "n": count(group)} | columns
            self.add("retention_difference", a - b, spread, "probability", **keys)
            self.add("retention_ratio", a / b, spread / b * 1.3, "ratio", **keys)

    def sensitivity(self) -> None:
        for group in ("best", "worst", "all"):
            for lag in (1, 3):
                p = survival(group, 12) / survival(group, lag)
                keys = {
                    "model": "kaplan_meier",
                    "group": group,
                    "horizon": 12,
                    "scenario": f"lag={lag}",
                    "adjusted": "no",
                }
                self.add("retention", p, 0.01, "probability", **keys, n=count(group))
            keys = {
                "model": "kaplan_meier",
                "group": group,
                "horizon": 12,
                "scenario": "from_signup",
                "adjusted": "no",
            }
            self.add("retention", survival(group, 5), 0.008, "probability", **keys, n=count(group))
            for cause, share in {"price": 0.6, "moved $a_b": 0.4}.items():
                keys = {
                    "model": "kaplan_meier",
                    "group": group,
                    "horizon": 12,
                    "cause": cause,
                    "adjusted": "no",
                }
                lost = share * (1 - survival(group, 12))
                self.add("cumulative_incidence", lost, 0.01, "probability", **keys, n=count(group))

    def spend(self, adjusted: str) -> None:
        means = {
            g: np.average([SPENT[v] for v in vs], weights=[N[v] for v in vs]) for g, vs in GROUPS.items()
        }
        for group in GROUPS:
            keys = {"model": "means", "group": group, "adjusted": adjusted, "n": count(group)}
            headline = group in ("best", "worst")
            self.add("spend", means[group], 900 / np.sqrt(count(group)), "EUR", **keys, headline=headline)
            if group not in ("worst", "all", "1"):
                keys |= {"reference": "worst", "headline": group == "best"}
                spread = 900 / np.sqrt(min(count(group), 1210))
                self.add("spend_difference", means[group] - means["worst"], spread, "EUR", **keys)
                self.add("spend_ratio", means[group] / means["worst"], spread / 410 * 1.5, "ratio", **keys)

    def tenure(self) -> None:
        grid = np.linspace(0, 1, 400)
        for group in ("best", "worst", "all"):
            size = {"group": group, "adjusted": "standardised", "n": count(group)}
            for model, bend in FAMILIES.items():
                for h in (12, 36, 60, 120):
                    p, beyond = survival(group, h, bend), float(h > 24)
                    keys = {"model": model, "horizon": h, **size}
                    self.add("retention", p, 0.01 + 0.02 * beyond, "probability", **keys, extrapolated=beyond)
                    if h == 12:
                        continue
                    mean = h * np.mean([survival(group, h * x, bend) for x in grid])
                    seen = 24 * np.mean([survival(group, 24 * x, bend) for x in grid])
                    self.add("tenure", mean, 0.02 * mean, "month", **keys, extrapolated=1 - seen / mean)
                mean = np.inf if bend > 0.65 else 30 / (0.7 - bend) * (2 if group == "best" else 1)
                self.add("tenure_mean", mean, 2.0, "month", model=model, **size, extrapolated=0.7)
                self.add(
                    "tenure_median", 20.0 * (1.4 if group == "best" else 1), 1.0, "month", model=model, **size
                )
        for group in ("best", "worst", "all"):
            mean = 24 * np.mean([survival(group, 24 * x) for x in grid])
            keys = {
                "model": "kaplan_meier",
                "group": group,
                "horizon": 24,
                "adjusted": "standardised",
                "n": count(group),
            }
            self.add("tenure", mean, 0.2, "month", **keys, headline=group != "all", extrapolated=0.0)
        keys = {
            "model": "kaplan_meier",
            "group": "best",
            "reference": "worst",
            "horizon": 24,
            "headline": True,
        }
        self.add("tenure_difference", 5.6, 0.3, "month", adjusted="standardised", **keys)
        self.add("tenure_ratio", 1.43, 0.03, "ratio", adjusted="standardised", **keys)


def estimates(spec: CohortSpec, last: int = 24) -> pd.DataFrame:
    """Estimates of a spec; the same table for the same spec, so that tests do not wait for it again."""
    key = (spec.model_dump_json(), last)
    if key not in _MADE:
        _MADE[key] = _estimates(spec, last)
    return _MADE[key]


def _estimates(spec: CohortSpec, last: int) -> pd.DataFrame:
    maker = Maker(spec)
    adjustments = ("no", "standardised") if spec.stratum_variables else ("no",)
    for adjusted in adjustments:
        if spec.subscription is not None:
            maker.retention(last, adjusted)
            if last >= spec.horizon:
                maker.contrasts(adjusted)
        if spec.spend is not None:
            maker.spend(adjusted)
    if spec.subscription is not None:
        maker.tenure()
        if last >= 12:
            maker.sensitivity()
            for name in ("plan=basic", "plan=pro"):
                maker.retention(last, "no", stratum=name)
                maker.contrasts("no", stratum=name)
    return tidy(maker.rows)


def at_risk(last: int = 24) -> pd.DataFrame:
    rows = []
    for group in GROUPS:
        for t in range(1, last + 1):
            stayed = round(count(group) * survival(group, t - 1) * (1 if t <= 12 else 1 - (t - 12) / 14))
            rows.append({"group": group, "period": t, "at_risk": stayed, "lost": round(0.04 * stayed)})
    return pd.DataFrame(rows)


def projected(last: int = 120) -> pd.DataFrame:
    """Fitted survival on a grid, as the curves behind the tenure rows have it."""
    times = np.unique([*np.linspace(0, last, 61), 24])
    rows = [
        (model, adjusted, "", group, t, p, max(p - 0.02, 0), min(p + 0.02, 1))
        for model, bend in FAMILIES.items()
        for group in ("best", "worst", "all")
        for t in times
        for p in [survival(group, t, bend)]
        for adjusted in ("no", "standardised")
    ]
    names = ["model", "adjusted", "scenario", "group", "time", "estimate", "conf_low", "conf_high"]
    return pd.DataFrame(rows, columns=names)


def backtested() -> pd.DataFrame:
    """What three kinds foresaw from three origins, of four levels."""
    rows = [
        ("standardised", kind, origin, level, observed + shift, observed, 400.0 - origin)
        for kind, shift in {"weibull": 0.02, "log_logistic": -0.04, "cure": 0.1}.items()
        for origin in (8, 13, 19)
        for level, observed in enumerate((0.5, 0.6, 0.7, 0.8))
    ]
    names = ["adjusted", "kind", "origin", "level", "predicted", "observed", "n"]
    return pd.DataFrame(rows, columns=names)


def cells(spec: CohortSpec) -> pd.DataFrame:
    rows = []
    first, second = (*map(stratum_column, spec.stratum_variables), "", "")[:2]
    for level, n in [*N.items(), (pd.NA, 7300)]:
        for exit_, cause, share in ((6, "price", 0.2), (6, "moved $a_b", 0.1), (24, "", 0.7)):
            part = round(n * share)
            spend = {"spend_n": part - 3, "spend_zero": part // 10, "spend_sum": 500.0 * part}
            stratum = {first: "pro" if cause == "" else "basic", second: "north"}
            rows.append({"score": level, **stratum, "entry": 0,
                         "exit": exit_, "cause": cause, "wave": "", "n": part, **spend})  # fmt: skip
    return pd.DataFrame(rows).drop(columns="", errors="ignore").astype({"score": "Int64"})


def checks() -> tuple[Check, ...]:
    facts = {"adjusted": "standardised", "horizon": 12, "unit": "month"}
    support = {**facts, "case": "retention_scored", "reference": "worst"}
    return (
        Check("support", "kaplan_meier", "best", 0.97, bound=0.9, passed=True, facts=support),
        Check("not_estimable", "poisson", "worst"),
        Check("sparse", "kaplan_meier", "2", 6.0, passed=False, facts={**facts, "case": "curve"}),
        *family_checks("no"), *family_checks("standardised"),
    )  # fmt: skip


def family_checks(adjusted: str) -> list[Check]:
    """What is said of four fitted families, two of them cures, and of one that was not fitted."""
    same = {"adjusted": adjusted}
    log_likelihood = {
        "weibull": -900.0,
        "log_logistic": -898.5,
        "cure_weibull": -897.0,
        "cure_log_normal": -899.0,
    }
    kinds = {model: "cure" if model.startswith("cure") else model for model in log_likelihood}
    made: list[Check] = []
    for model, fit in log_likelihood.items():
        size = 12 if kinds[model] == "cure" else 11
        ratio = "time_ratio" if size == 11 else "staying_odds_ratio"
        reading = {**same, "ratio": ratio, "reference": "1"}
        made += [
            Check("log_likelihood", model, value=fit, facts=same),
            Check(
                "aic",
                model,
                value=2 * size - 2 * fit,
                facts={**same, "kind": kinds[model], "parameters": size},
            ),
            Check("bic", model, value=10 * size - 2 * fit, facts={**same, "customers": 25_005}),
            Check("converged", model, value=1e-9, passed=True, facts={**same, "case": "gradient"}),
            Check("level_ratio", model, "9", 2.5, facts=reading),
            Check("level_ratio", model, "10", 3.125, facts=reading),
        ]
    for name, weights in {"aic": (0.001, 0.2, 0.799), "backtest": (0.25, 0.65, 0.1)}.items():
        made += [
            Check(
                "weight",
                model,
                value=weight,
                facts={**same, "average": f"averaged_{name}", "kind": kinds[model]},
            )
            for model, weight in zip(log_likelihood, weights, strict=False)
        ]
    for model, score in {"weibull": -0.31, "log_logistic": -0.3, "cure_weibull": -0.35}.items():
        for origin in (8, 13, 19):
            refitted = "cure_exponential" if model == "cure_weibull" and origin == 8 else model
            at = {**same, "kind": kinds[model], "origin": origin, "end": 24, "unit": "month"}
            made += [
                Check("backtest_log_score", refitted, value=score - origin / 1000, facts=at),
                Check("backtest_covered", refitted, value=0.5, facts=at),
            ]
    separated = {**same, "case": "curves", "terms": ("scale[1]",), "n": 1}
    few = {**same, "case": "curves", "reason": "few_periods", "parameters": 6, "least": 7, "n": 5}
    return [
        *made,
        Check("weights", "averaged", facts={**same, "case": "as_backtest"}),
        Check("infinite_mean", "log_logistic", value=0.62, passed=False, facts=same),
        Check("immature_cure", "cure_weibull", value=0.31, passed=False, facts={**same, "cured": 0.4}),
        Check("at_bound", "cure_weibull", facts={**same, "parameter": "shape"}),
        Check("separated", "weibull", facts=separated),
        Check("separated", "log_logistic", facts=separated),
        Check("not_fitted", "spline_4", passed=False, facts=few),
    ]


def results(tables: dict[str, object] | None = None, **changes: object) -> Results:
    """One made-up cohort; `tables` replaces parts of the spec (None drops one), `changes` fields."""
    spec = make_spec({name: table for name, table in {**SPEC, **(tables or {})}.items() if table is not None})
    profile = Profile(
        table="saas.csv", rows_read=32_305, rows_used=32_300,
        dropped=(Remark("invalid", 5, facts={"rule": "the score is off its scale"}),),
        notes=(Remark("lost_at_zero", 42, facts={"unit": "month"}),), fingerprint="5f" * 32,
    )  # fmt: skip
    made = Results(
        counts=Counts(cells(spec), spec, profile), estimates=estimates(spec), checks=checks(), at_risk=at_risk(),
        projected=projected() if spec.subscription is not None else projected().iloc[:0],
        backtested=backtested() if spec.subscription is not None else backtested().iloc[:0],
    )  # fmt: skip
    return altered(made, **changes)


def without_families(made: Results) -> Results:
    """The same results as if no parametric family had been fitted: the spliced estimate stands alone."""
    own = families_by_name()
    estimates = made.estimates[~made.estimates["model"].isin(own)]
    projected = made.projected[~made.projected["model"].isin(own)]
    checks = tuple(c for c in made.checks if c.model not in own and c.code not in ("weight", "weights"))
    return altered(
        made, estimates=estimates, projected=projected, checks=checks, backtested=made.backtested.iloc[:0]
    )


def altered(made: Results, **changes: object) -> Results:
    """The same results but for some fields; ``cells``, ``spec`` and ``profile`` are those of its counts."""
    counted = {name: changes.pop(name) for name in ("cells", "spec", "profile") if name in changes}
    return replace(made, counts=replace(made.counts, **counted), **changes)
