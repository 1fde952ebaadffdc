"""Shared by all tests."""

import gc
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api  # noqa: F401  (resets the warning filters when imported: do it before pytest sets them)
from hypothesis import settings

# how long an example takes depends on what was imported before, and on the machine
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

FEW = ("exponential", "weibull", "shifted_beta_geometric")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect no garbage while tests are imported, nor look at what was imported ever after: all of it stays.

    Tests leave little behind: it is looked for more seldom than Python does by itself, which takes a tenth of the time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
        gc.set_threshold(100_000, 50, 100)


def _fewer() -> Iterator[None]:
    from cxlink.survival.families import backtest, catalogue, fit
    from cxlink.survival.families.family import Family

    def few(lost: np.ndarray) -> tuple[Family, ...]:
        return tuple(family for family in catalogue.menu(lost) if family.name in FEW)

    with pytest.MonkeyPatch.context() as patch:
        for module in (backtest, fit):
            patch.setattr(module, "menu", few)
        yield


@pytest.fixture(scope="module")
def few_families() -> Iterator[None]:
    """Analyses fit three families for the rest of the module: for what is not about them, since they take the time."""
    yield from _fewer()


@pytest.fixture(scope="module", params=["few", pytest.param("all", marks=pytest.mark.slow)])
def families(request: pytest.FixtureRequest) -> Iterator[None]:
    """Analyses fit three families in ``make test``, and the whole menu in ``make slow``."""
    if request.param == "few":
        yield from _fewer()
    else:
        yield


@pytest.fixture
def empty_pictures() -> Iterator[None]:
    """Reports of the test have empty pictures: for what is not about them, since drawing takes the time."""
    from empty_pictures import unpictured

    with unpictured():
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_lines_of_progress() -> Iterator[None]:
    """Commands of tests write no lines of progress, of which a slow machine has more."""
    from cxlink.cli import voice

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(voice, "_SECONDS_APART", 1e6)
        yield


@pytest.fixture(scope="session", autouse=True)
def _one_engine() -> Iterator[None]:
    """Frames in memory are read by one engine: to open one takes as long as to read a small table.

    Files have one each, which reads nothing else.
    """
    from cxlink.cohort.read import source

    opened, owner, engines = source.embedded, os.getpid(), list[Any]()

    def embedded(files: Collection[Path] = ()) -> Any:
        if files or os.getpid() != owner:
            return opened(files)
        if not engines:
            engines.append(opened())
            engines[0].disconnect = lambda: None
        return engines[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "embedded", embedded)
        yield


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """Analyse anew in each test: one may have changed what an analysis is made of."""
    from cxlink.recall import forget

    forget()
