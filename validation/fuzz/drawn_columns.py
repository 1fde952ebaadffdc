"""Further columns of a case: spend, adjusters, who the customers are, and what no key names."""

import datetime
from collections.abc import Callable
from functools import partial
from typing import Any

from validation.fuzz.case import WORDS, Case, cells_of
from validation.fuzz.writers import SAFE_NAMES

NOT_NUMBERS = (
    "x", "seven", "1,5", "1.2.3", "1_0", "0x1", "--1", "1e", "inf", "-inf", "Infinity", "nan", "NaN", "#DIV/0!", "=1+1",
    "５", "1 2", "true", "€5", "\x1b[31m5", "5\u202e", "'5", "1e400", "5-", "½",
)  # fmt: skip


def _amounts(case: Case) -> list[Any]:
    random = case.random
    look = random.choice(["cents", "cents", "whole", "zeros", "large", "tiny", "mixed"])
    draws: dict[str, Callable[[], Any]] = {
        "cents": lambda: random.choice([0, round(random.uniform(0, 3000), 2)]),
        "whole": lambda: random.randint(0, 500),
        "zeros": lambda: 0,
        "large": lambda: round(random.uniform(0, 1e9), 2),
        "tiny": lambda: random.uniform(0, 1e-3),
        "mixed": lambda: random.choice([0, 1e-6, 1, 999999.99, 1e6, 1e12]),
    }
    return cells_of(case, draws[look], random.choice([0, 0, 0.2]))


def add_spend(case: Case) -> None:
    """Give it spend, with a window, refunds, a currency or a margin in some."""
    random, sub = case.random, case.spec.get("subscription", {})
    cells = _amounts(case)
    section: dict[str, Any] = {"column": ""}
    if random.random() < 0.2:
        section["refunds"] = True
        cells = [-cell if cell is not None and random.random() < 0.3 else cell for cell in cells]
    section["column"] = case.add(cells)
    if "end" not in sub or random.random() < 0.3:
        section["complete"] = True
        if random.random() < 0.4:
            section["complete"] = case.add(cells_of(case, lambda: random.choice([1, 1, 0])))
    if random.random() < 0.3:
        section["window_months"] = random.choice([1, 6, 12])
    if random.random() < 0.3:
        section["currency"] = random.choice(["USD", "€", "=1"])
    case.spec["spend"] = section
    if random.random() < 0.2:
        earned = [0 if cell is None else round(cell * 0.3, 2) for cell in cells]
        case.spec["value"] = {"margin": case.add(earned)}


def add_adjusters(case: Case) -> None:
    """Give it categories and numbers to adjust for."""
    random, section = case.random, dict[str, Any]()
    columns = []
    for _ in range(random.choice([0, 0, 1, 1, 2])):
        of = random.choice(
            [WORDS, WORDS[:4], (1, 2, 3), (True, False), tuple(range(60)) if random.random() < 0.2 else (7,)]
        )
        columns.append(case.add(cells_of(case, partial(random.choice, of), random.choice([0, 0.1]))))
    if columns:
        section["columns"] = columns
    if random.random() < 0.3:
        cells = cells_of(
            case, lambda: random.choice([random.randint(0, 99), 30, 29.5, 50]), random.choice([0, 0.2])
        )
        section["bands"] = {case.add(cells): random.choice([[30], [30, 50], [3, 12, 24.5]])}
    if section:
        case.spec["adjust"] = section


def add_identity(case: Case) -> None:
    """Give it ids, one row each or several, or numbers of customers."""
    random, sub = case.random, case.spec.get("subscription", {})
    kind = random.random()
    if kind < 0.15:
        case.spec["cohort"] = {"count": case.add(cells_of(case, lambda: random.choice([0, 1, 2, 5])))}
    elif kind < 0.5:
        spell = random.choice(["C{:04d}", "c{}@x.org", "{}", "\u202e{}"])
        ids: list[Any] = [spell.format(i) for i in range(case.n)] if spell != "{}" else list(range(case.n))
        section: dict[str, Any] = {}
        if sub.get("survey") and random.random() < 0.5:
            section["repeat"] = "first"
            ids = [ids[i // 3] for i in range(case.n)]
            _set_days_apart(case, str(sub["survey"]))
        elif case.n > 1 and random.random() < 0.15:
            ids[0] = ids[1] if random.random() < 0.5 else None
        case.spec["cohort"] = {"id": case.add(ids), **section}
    if random.random() < 0.3:
        case.spec.setdefault("cohort", {})["name"] = random.choice(
            ["saas 2019", "../x", "\x1b[31m", "nul", "=1"]
        )


def _set_days_apart(case: Case, survey: str) -> None:
    """Give every survey of a customer a day of its own: which of two on one day comes first is not settled by dates."""
    sub, n = case.spec["subscription"], case.n
    dated = "end" in sub
    for i in range(n):
        on = datetime.date(2023, 11, 15) + datetime.timedelta(100 * (i % 3) + case.random.randint(0, 90))
        case.columns[survey][i] = on
        if dated:
            case.columns[sub["end"]][i] = (
                on + datetime.timedelta(case.random.randint(0, 500)) if i % 2 else None
            )
            if sub.get("signup"):
                case.columns[sub["signup"]][i] = on - datetime.timedelta(case.random.randint(0, 900))
            if sub["observed_until"] in case.columns:
                case.columns[sub["observed_until"]][i] = datetime.date(2025, 3, 31)


def add_control(case: Case) -> None:
    """Give some a negative control."""
    if case.random.random() < 0.15:
        case.spec["control"] = {"column": case.add(_amounts(case))}


def add_metrics(case: Case) -> None:
    """Give some a touchpoint and members."""
    random, section = case.random, {}
    if random.random() < 0.1:
        section["touchpoint"] = case.add(
            cells_of(case, lambda: random.choice(["phone", "web", "=1", " "]), 0.1)
        )
    if random.random() < 0.1:
        section["member"] = case.add(cells_of(case, lambda: random.choice([0, 1]), 0.1))
    if section:
        case.spec["metrics"] = section


def add_unused(case: Case) -> None:
    """Give it columns that the spec does not name."""
    for _ in range(case.random.choice([0, 0, 1, 2])):
        case.add(cells_of(case, lambda: case.random.choice([*WORDS, *NOT_NUMBERS]), 0.1))
    if case.random.random() < 0.08 and case.reader not in SAFE_NAMES and "unnamed_1" not in case.columns:
        case.columns[""] = cells_of(case, lambda: case.random.choice(WORDS))
