"""cxlink links customer-experience scores to retention, spend and expected tenure.

The whole flow in three calls: `read_spec`, `read_cohort`, `analyse`. Heavy modules are imported when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cxlink.analysis import analyse
    from cxlink.cohort.counts import Counts, add, load_counts, save_counts
    from cxlink.cohort.errors import InputError
    from cxlink.cohort.spec import CohortSpec, make_spec, read_spec
    from cxlink.cohort.table import Cohort, read_cohort
    from cxlink.programme import value_of
    from cxlink.results import Analysis

__version__ = "0.1.0"

_WHERE = {
    "Analysis": "results", "analyse": "analysis",
    "Counts": "cohort.counts", "add": "cohort.counts", "load_counts": "cohort.counts", "save_counts": "cohort.counts",
    "InputError": "cohort.errors",
    "CohortSpec": "cohort.spec", "make_spec": "cohort.spec", "read_spec": "cohort.spec",
    "Cohort": "cohort.table", "read_cohort": "cohort.table", "value_of": "programme",
}  # fmt: skip

__all__ = [
    "Analysis", "Cohort", "CohortSpec", "Counts", "InputError", "__version__", "add", "analyse", "load_counts",
    "make_spec", "read_cohort", "read_spec", "save_counts", "value_of",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'cxlink' has no attribute {name!r}")
    return getattr(import_module(f"cxlink.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return __all__
