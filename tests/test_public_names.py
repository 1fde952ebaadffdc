"""What stands in `cxlink` is what is public: the names that it lists, that its reference describes."""

import re
from importlib import import_module
from pathlib import Path

import cxlink

REFERENCE = Path(__file__).parents[1] / "docs" / "reference" / "python.md"


def test_a_listing_of_the_package_is_its_public_names_whatever_was_imported() -> None:
    import_module("cxlink.fits.hazard_model")
    import_module("cxlink.report.words")
    assert dir(cxlink) == sorted(cxlink.__all__)
    assert len(set(cxlink.__all__)) == len(cxlink.__all__)


def test_every_public_name_is_there_and_the_reference_has_no_other() -> None:
    described = set(re.findall(r"~cxlink\.(\w+)$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE))
    assert described == set(cxlink.__all__) - {"__version__", "sklearn"}
    for name in cxlink.__all__:
        assert getattr(cxlink, name) is not None
    assert cxlink.sklearn.SpendRegressor().family == "poisson"
