"""A law of customers who were in contact at two touchpoints, of which one acts: drawn as counts."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from scipy.special import expit

from cxlink.cohort.count.journey_counts import ARROW, SEGMENT, TOUCHPOINT, JourneyCounts
from cxlink.cohort.spec.cohort_spec import CohortSpec, make_spec

NAMES = ("phone", "web")
LEVELS = np.arange(1, 6)
SLOPE, QUARTERS, DRIFT = 0.5, 8, 0.04
"""Log-odds of retention per point on the web; quarters of contacts; points by which the web improves in a quarter."""
_THERE = (0.5, 0.8)
_PRO, _BASE, _OF_PRO = 0.4, 0.3, 0.4


@dataclass(frozen=True, slots=True, eq=False)
class JourneyLaw:
    """Probabilities of cells, and of the quarter and the score of contacts at a touchpoint.

    Attributes
    ----------
    cells : DataFrame
        ``phone``, ``web`` (NaN: no contact), ``plan``, ``retained`` of each.
    share : ndarray of shape (n_cells,)
        Its probability.
    contacts : dict of str to ndarray of shape (n_quarters, n_levels)
        P(quarter, score) of a contact at each touchpoint.
    """

    cells: pd.DataFrame
    share: np.ndarray
    contacts: dict[str, np.ndarray]

    def drawn(self, customers: int, rng: np.random.Generator) -> JourneyCounts:
        """Draw a cohort, all followed to the horizon, as the package would count it."""
        n = rng.multinomial(customers, self.share)
        own = self.cells[n > 0].assign(n=n[n > 0])
        return JourneyCounts(NAMES, _cells(own), self._contacts(own, rng), _paths(own), 12)

    def _contacts(self, own: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        parts = []
        for name, chance in self.contacts.items():
            n = rng.multinomial(int(own.loc[own[name].notna(), "n"].sum()), chance.ravel())
            quarter, level = np.indices(chance.shape).reshape(2, -1)
            period = [f"{2023 + q // 4}Q{q % 4 + 1}" for q in quarter]
            rows = {"touchpoint": name, "segment": "", "period": period, "score": LEVELS[level], "n": n}
            parts.append(pd.DataFrame(rows)[n > 0])
        return pd.concat(parts, ignore_index=True)

    def contrasts(self) -> dict[str, float]:
        """Slope of standardised retention per point at each touchpoint, given the other."""
        there = self.cells["web"].notna().to_numpy()
        pro = (self.cells["plan"] == "pro").to_numpy()[there]
        share = self.share[there] / self.share[there].sum()
        means = np.array([share @ _chance(np.full(len(pro), level), pro) for level in LEVELS])
        weights = np.array([share[self.cells["web"][there] == level].sum() for level in LEVELS])
        centred = LEVELS - weights @ LEVELS
        return {"phone": 0.0, "web": float(weights * centred @ means / (weights @ centred**2))}


@cache
def journey_law() -> JourneyLaw:
    """Give the law.

    Scores on the phone and on the web go together (a latent score in common); retention depends on the plan and on the
    score of the web, half a log-odds a point, and not on that of the phone. On the web the mean improves by 0.04 points
    a quarter, on the phone it does not change.
    """
    joint = _joint_levels()
    parts = []
    for plan, share in (("basic", 1 - _PRO), ("pro", _PRO)):
        for phone in (np.nan, *LEVELS):
            for web in (np.nan, *LEVELS):
                chance = share * _mass(joint, phone, web)
                stays = float(_chance(np.array([web]), np.array([plan == "pro"]))[0])
                parts += [(phone, web, plan, 1, chance * stays), (phone, web, plan, 0, chance * (1 - stays))]
    cells = pd.DataFrame(parts, columns=[*NAMES, "plan", "retained", "share"])
    cells = cells[cells[list(NAMES)].notna().any(axis=1)].reset_index(drop=True)
    total = cells.pop("share").to_numpy()
    return JourneyLaw(cells, total / total.sum(), {"phone": _drifting(0.0), "web": _drifting(DRIFT)})


@cache
def spec_of_contacts() -> CohortSpec:
    """Give the spec of such a cohort."""
    contacts = {
        "table": "contacts",
        "on": "id",
        "touchpoint": "at",
        "score": "given",
        "scale": "1-5",
        "date": "day",
    }
    return make_spec({
        "cohort": {"id": "id"}, "score": {"column": "score", "scale": "0-10"}, "adjust": {"columns": ["plan"]},
        "subscription": {"survey": "asked", "end": "left", "observed_until": "2026-06-30"}, "touchpoints": contacts,
    })  # fmt: skip


def _chance(web: np.ndarray, pro: np.ndarray) -> np.ndarray:
    """Probability of retention."""
    chance: np.ndarray = expit(_BASE + _OF_PRO * pro + SLOPE * np.nan_to_num(web - 3.0))
    return chance


def _joint_levels() -> np.ndarray:
    """P(score on the phone, score on the web) by a common mood of seven values."""
    mood = np.linspace(-2, 2, 7)
    of_mood = np.exp(-(mood**2) / 2)
    reading = np.exp(-((LEVELS - 3 - mood[:, None]) ** 2) / (2 * 0.8**2))
    reading /= reading.sum(axis=1, keepdims=True)
    joint: np.ndarray = np.einsum("m,ma,mb->ab", of_mood / of_mood.sum(), reading, reading)
    return joint


def _mass(joint: np.ndarray, phone: float, web: float) -> float:
    """Share of customers with these scores; who is where has nothing to do with the scores."""
    at = [slice(None) if np.isnan(score) else int(score) - 1 for score in (phone, web)]
    there = [
        1 - share if np.isnan(score) else share for share, score in zip(_THERE, (phone, web), strict=True)
    ]
    return float(joint[at[0], at[1]].sum() * there[0] * there[1])


def _drifting(drift: float) -> np.ndarray:
    """P(quarter, score) with a mean that moves by ``drift`` points a quarter."""
    base = np.array([0.15, 0.2, 0.3, 0.2, 0.15])
    tilt = (LEVELS - 3) / ((LEVELS - 3) ** 2).sum()
    steps = np.arange(QUARTERS) - (QUARTERS - 1) / 2
    return np.asarray((base + drift * steps[:, None] * tilt) / QUARTERS)


def _cells(own: pd.DataFrame) -> pd.DataFrame:
    names = {name: TOUCHPOINT + name for name in NAMES}
    made = own.rename(columns={**names, "plan": "stratum.plan"}).assign(**{SEGMENT: ""})
    made = made.assign(lost=made["n"] * (1 - made["retained"]), retained=made["n"] * made["retained"])
    for kind in ("retained", "lost"):
        made[f"{kind}_weight"] = made[f"{kind}_weight_sq"] = made[kind].astype(float)
    return made.groupby([*names.values(), "stratum.plan", SEGMENT], dropna=False, as_index=False).sum()


def _paths(own: pd.DataFrame) -> pd.DataFrame:
    both = own[list(NAMES)].notna()
    path = np.where(both.all(axis=1), ARROW.join(NAMES), np.where(both["web"], "web", "phone"))
    counted = (
        own.assign(path=path, last=np.where(both["web"], "web", "phone")).groupby(["path", "last"])["n"].sum()
    )
    return counted.reset_index()
