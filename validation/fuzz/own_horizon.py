"""Bands, horizon and who is retained there, in plain loops from the documentation alone: without the package."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Spec = Mapping[str, Mapping[str, Any]]
Curves = dict[tuple[str, ...], list[float]]
_YEAR = {"day": 365, "week": 52, "month": 12, "quarter": 4, "year": 1}
_BANDS = {(0, 10): (7, 2), (1, 10): (1, 2)}
"""Levels of the worst and of the best band by default; one each elsewhere."""
LEAST_SHARE, LEAST_CUSTOMERS, LEAST_FOLLOWED = 0.05, 30, 50


@dataclass
class Customer:
    """A customer who counts.

    Attributes
    ----------
    row : mapping
        Cells by column.
    level : int or None
        Of the score.
    strata : tuple of str
        What is adjusted for.
    entry, leave : int
        Periods.
    lost : bool
        Whether the end was a loss.
    bucket : int or str
        Of the account; empty where there are none.
    spend : tuple of float
        Whether there is an amount, the amount, and its square.
    """

    row: Mapping[str, Any]
    level: int | None
    strata: tuple[str, ...]
    entry: int
    leave: int
    lost: bool
    bucket: int | str
    spend: tuple[float, ...]

    @property
    def stay(self) -> int:
        """Periods observed."""
        return self.leave - self.entry


def horizon_of(customers: Sequence[Customer], spec: Spec, scale: tuple[int, int]) -> int:
    """Horizon in periods, as named or by rule; 0 of spend alone."""
    if "subscription" not in spec:
        return 0
    named = spec.get("analysis", {}).get("horizon")
    year = _YEAR[spec["subscription"].get("unit", "month")]
    if named is not None or "window" in spec["subscription"]:
        return int(named or year)
    horizon = year
    if any(not one.lost for one in customers):
        horizon = max(min(year, max(one.stay for one in customers)), 1)
    for band in _bands(customers, spec["score"], scale):
        own = [one for one in customers if one.level in band]
        if own:
            enough = LEAST_FOLLOWED if len(own) >= LEAST_FOLLOWED else len(own) / 2
            followed = observable(own, year)
            reached = max(h for h in range(year + 1) if followed[h] >= enough - 1e-9)
            horizon = min(horizon, max(reached, 1))
    return horizon


def _bands(
    customers: Sequence[Customer], section: Mapping[str, Any], scale: tuple[int, int]
) -> tuple[list[int], list[int]]:
    """The worst and the best band; those that are not named are widened to 5 % of the customers and 30."""
    levels = list(range(scale[0], scale[1] + 1))
    upward = levels if section.get("higher_is_better", True) else levels[::-1]
    n_worst, n_best = _BANDS.get(scale, (1, 1))
    bands = [section.get("worst", upward[:n_worst]), section.get("best", upward[-n_best:])]
    sizes = {level: sum(one.level == level for one in customers) for level in levels}
    enough = max(LEAST_SHARE * len(customers), LEAST_CUSTOMERS)
    for at, (name, inwards) in enumerate((("worst", upward), ("best", upward[::-1]))):
        band, other = list(bands[at]), bands[1 - at]
        for level in inwards[len(band) : (len(levels) + 1) // 2] if name not in section else ():
            if level in other or sum(sizes[one] for one in band) >= enough:
                break
            band.append(level)
        bands[at] = band
    return bands[0], bands[1]


def observable(customers: Sequence[Customer], last: int) -> list[float]:
    """Customers who could have been observed for 0, 1, … ``last`` periods: Kaplan–Meier of follow-up."""
    chance, found = 1.0, []
    for t in range(last + 1):
        found.append(len(customers) * chance)
        ended = sum(one.stay == t and not one.lost for one in customers)
        still = sum(one.stay > t or (one.stay == t and not one.lost) for one in customers)
        if still:
            chance *= 1 - ended / still
    return found


def curves(customers: Sequence[Customer], horizon: int) -> Curves:
    """P(F ≥ t) of strata in which 50 could be followed to the horizon, and under ``()`` of all; empty if few are."""
    pooled = observable(customers, horizon)
    if not horizon or pooled[-1] < min(LEAST_FOLLOWED, pooled[0] / 2):
        return {}
    found: Curves = {(): [n / pooled[0] for n in pooled]}
    for stratum in {one.strata for one in customers} - {()}:
        own = [one for one in customers if one.strata == stratum]
        followed = observable(own, horizon)
        if len(own) >= LEAST_FOLLOWED and followed[-1] >= LEAST_FOLLOWED:
            found[stratum] = [n / followed[0] for n in followed]
    return found


def outcome(one: Customer, followed: Curves, horizon: int) -> dict[str, float]:
    """What a customer adds to the sums of those retained and lost at the horizon, with the weight of being observed."""
    lost = one.lost and one.stay <= horizon
    curve = followed.get(one.strata, followed[()])
    chance = curve[one.stay if lost else horizon]
    weight = 1 / chance if chance > 0 else 0.0
    sums: dict[str, float] = {}
    for name, here in (("retained", not lost and one.stay >= horizon), ("lost", lost)):
        sums |= {name: here, f"{name}_weight": here * weight, f"{name}_weight_sq": here * weight**2}
    return {name: float(value) for name, value in sums.items()}


def added(cells: dict[Any, dict[str, float]], key: Any, sums: Mapping[str, float]) -> None:
    """Add sums to a cell."""
    cell = cells.setdefault(key, dict.fromkeys(sums, 0.0))
    for name, value in sums.items():
        cell[name] += value


def spent(one: Customer, spec: Spec) -> dict[str, float]:
    """What a customer adds to the sums of spend."""
    return (
        dict(zip(("spend_n", "spend_sum", "spend_sum_sq"), one.spend, strict=True)) if "spend" in spec else {}
    )
