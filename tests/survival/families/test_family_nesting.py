"""No family fits worse than one that it contains, on a dozen cohorts of every kind."""

import numpy as np
import pytest
from grouped import HIGH_END, MENU, REGULAR, TRUTHS, counted, expected, staying

from cxlink.cohort.count.spells import PersonPeriods
from cxlink.survival.families.catalogue import Contained
from cxlink.survival.families.fit import fit_all
from cxlink.survival.families.fitted import Fit


def _cohorts() -> dict[str, PersonPeriods]:
    """A dozen: published, of every kind of hazard, from twenty customers to ten million, late entry, empty ends."""
    rng = np.random.default_rng(20140801)
    found = {
        "regular": counted(staying(REGULAR)),
        "two segments": counted([*staying(REGULAR), *staying(HIGH_END, level=1)], 2),
        "strata": counted(
            [
                c
                for s, k in enumerate((1, 3))
                for c in (*staying(REGULAR, 0, s), *staying(np.array(HIGH_END) * k, 1, s))
            ],
            2,
            2,
        ),
    }
    for name, hazard, sizes in (
        ("falling", 0.3 / np.arange(1, 13) ** 0.8, (20, 60)),
        ("rising", 0.02 * np.arange(1, 11), (300, 500)),
        ("hump", 0.15 * np.exp(-((np.arange(15) - 5.0) ** 2) / 12) + 0.01, (2000,)),
        ("flat", np.full(18, 0.05), (10_000, 100)),
        ("cured", 0.3 * 0.6 ** np.arange(14), (50_000, 20_000)),
        ("spikes", np.where(np.arange(1, 25) % 12 == 0, 0.4, 0.02), (10_000_000,)),
        ("early", np.r_[0.7, 0.4, 0.1, np.full(6, 0.01)], (400,)),
    ):  # fmt: skip
        found[name] = _random(hazard, sizes, rng)
    late = expected(*TRUTHS[1])
    found["late entry"] = PersonPeriods(
        late.levels, late.strata, late.level, late.stratum,
        late.at_risk * 1.0, late.at_risk * rng.beta(2, 30, late.at_risk.shape),
    )  # fmt: skip
    found["few at the end"] = counted(
        [*staying((40, 25, 14, 6, 2, 1, 0)), *staying((40, 30, 22, 15, 9, 6, 4), level=1)], 2
    )
    return found


def _random(hazard: np.ndarray, sizes: tuple[int, ...], rng: np.random.Generator) -> PersonPeriods:
    cells = []
    for level, n in enumerate(sizes):
        alive = [n]
        for h in hazard:
            alive.append(alive[-1] - rng.binomial(alive[-1], min(h * 0.8**level, 1.0)))
        cells += staying(alive, level)
    return counted(cells, len(sizes))


COHORTS = _cohorts()


def _comparable(inner: Contained, fits: dict[str, Fit], groups: int) -> bool:
    return inner.name in fits and (groups == 1 or not inner.one_group)


@pytest.mark.long
@pytest.mark.parametrize("cohort", COHORTS)
def test_no_family_is_worse_than_one_that_it_contains(cohort: str) -> None:
    periods = COHORTS[cohort]
    fits = {found.family.name: found for found in fit_all(periods) if isinstance(found, Fit)}
    assert len(fits) >= 12
    assert all(found.converged for found in fits.values())
    customers = periods.at_risk.max(axis=1).sum()
    compared = 0
    for found in fits.values():
        for inner in found.family.contains:
            if _comparable(inner, fits, len(periods.level)):
                compared += 1
                assert found.log_likelihood > fits[inner.name].log_likelihood - 1e-6 * customers, inner.name
    assert compared >= 8


def test_a_family_says_what_it_contains_at_a_point_of_its_own() -> None:
    for family in MENU:
        for inner in family.contains:
            smaller = next(one for one in MENU if one.name == inner.name)
            linked = smaller.start_linked(0.1) + 0.1
            location, others = inner.embed(linked[:1], linked[1:])
            t = np.arange(1.0, 9.0)
            np.testing.assert_allclose(
                family.linked(t, *(np.full(8, x) for x in (*location, *others))),
                smaller.linked(t, *(np.full(8, x) for x in linked)),
                rtol=1e-4,
            )
