"""cxlink links customer-experience scores to retention, spend and expected tenure.

The whole flow in three calls: `read_spec`, `read_cohort`, `analyse`. Heavy modules are imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxlink import sklearn
    from cxlink.analysis import analyse
    from cxlink.cohort.count.counts import Counts, add, load_counts, save_counts
    from cxlink.cohort.errors import InputError
    from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec, read_spec
    from cxlink.cohort.table import Cohort, read_cohort
    from cxlink.display import Analysis
    from cxlink.fits.aft_model import aft
    from cxlink.fits.hazard_model import hazards
    from cxlink.fits.model_comparison import compare_models
    from cxlink.fits.observed_curves import kaplan_meier
    from cxlink.fits.posterior_model import posterior
    from cxlink.fits.spend_model import spend_regression
    from cxlink.pooling import pool
    from cxlink.report.profile_lines import profile
    from cxlink.study.simulate import simulate
    from cxlink.study_display import reproduce
    from cxlink.verbs import compare, load_run, value_of

__version__ = "0.2.0"

_PLACES = {
    "Analysis": "display", "analyse": "analysis",
    "Counts": "cohort.count.counts", "add": "cohort.count.counts", "load_counts": "cohort.count.counts",
    "save_counts": "cohort.count.counts", "InputError": "cohort.errors",
    "CohortSpec": "cohort.spec.cohort_spec", "make_spec": "cohort.spec.cohort_spec",
    "read_spec": "cohort.spec.cohort_spec", "Cohort": "cohort.table", "read_cohort": "cohort.table",
    "aft": "fits.aft_model", "hazards": "fits.hazard_model", "compare_models": "fits.model_comparison",
    "kaplan_meier": "fits.observed_curves", "posterior": "fits.posterior_model",
    "spend_regression": "fits.spend_model",
    "compare": "verbs", "load_run": "verbs", "profile": "report.profile_lines", "value_of": "verbs", "pool": "pooling",
    "simulate": "study.simulate", "reproduce": "study_display",
}  # fmt: skip

__all__ = [
    "Analysis", "Cohort", "CohortSpec", "Counts", "InputError", "__version__", "add", "aft", "analyse", "compare",
    "compare_models", "hazards", "kaplan_meier", "load_counts", "load_run", "make_spec", "pool", "posterior", "profile",
    "read_cohort", "read_spec", "reproduce", "save_counts", "simulate", "sklearn", "spend_regression", "value_of",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "sklearn":
        return import_module("cxlink.sklearn")
    if name not in _PLACES:
        raise AttributeError(f"module 'cxlink' has no attribute {name!r}")
    return getattr(import_module(f"cxlink.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
