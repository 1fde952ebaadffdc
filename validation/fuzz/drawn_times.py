"""Scores and times of a case: durations or dates."""

import datetime
from typing import Any

from validation.fuzz.case import WORDS, Case, cells_of

ZONES = ("UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")


UNITS = ("month", "month", "month", "day", "week", "quarter", "year")


def add_score(case: Case) -> None:
    """Give it a score, its cells as whole numbers, with labels, out of the highest, or averages."""
    random = case.random
    low, high = random.choice([(1, 10), (1, 10), (0, 10), (1, 5), (1, 7), (-2, 2), (0, 1)])
    cells = cells_of(
        case,
        lambda: random.randint(low, high),
        random.choice([0, 0, 0.2, 0.5, 1 if random.random() < 0.1 else 0]),
    )
    section: dict[str, Any] = {"scale": f"{low}-{high}"}
    look = random.choice(["whole", "whole", "float", "label", "out of", "average"])
    if look == "float":
        cells = [None if cell is None else float(cell) for cell in cells]
    if look == "label" and low >= 0:
        cells = [
            None if cell is None else random.choice([cell, f"{cell} - good", f"{cell} = so so", f"{cell}: x"])
            for cell in cells
        ]
    if look == "out of" and low >= 0 and high > 1:
        cells = [
            None if cell is None else random.choice([f"{cell}/{high}", f"{cell} out of {high}", str(cell)])
            for cell in cells
        ]
    if look == "average":
        section["round"] = True
        cells = [None if cell is None else max(low, cell - random.choice([0, 0.25, 0.5])) for cell in cells]
    if random.random() < 0.2:
        section["higher_is_better"] = False
    if random.random() < 0.2:
        ends = ([low], [high]) if section.get("higher_is_better", True) else ([high], [low])
        section |= dict(zip(("worst", "best"), ends, strict=True))
    case.spec["score"] = {"column": case.add(cells), **section}


def add_durations(case: Case) -> None:
    """Give it durations and events, with entry, window or causes in some."""
    random = case.random
    sub: dict[str, Any] = {}
    if random.random() < 0.5:
        sub["unit"] = random.choice(UNITS)
    top = random.choice([3, 12, 40])
    part = random.choice([0, 0, 0.5, 0.25])
    stays = cells_of(case, lambda: random.randint(0, top) + random.choice([0, 0, part]))
    if not part:
        stays = [int(stay) for stay in stays]
    spell = random.choice(
        [(1, 0), (1, 0), (True, False), ("yes", "no"), ("Y", "N"), ("ja", "nee"), ("1,0", "0,0"), (1.0, 0.0)]
    )
    events = cells_of(case, lambda: random.choice(spell))
    sub |= {"duration": case.add(list(stays)), "event": case.add(events)}
    if random.random() < 0.3:
        sub["follow_up"] = case.add(cells_of(case, lambda: random.randint(0, top) + random.choice([0, part])))
        sub["counts"] = random.choice(["periods", "completed"])
    late = random.random()
    if late < 0.2:
        waits = [min(stay, random.randint(0, top) + random.choice([0, 0.5])) for stay in stays]
        sub["entry"] = case.add(waits)
    elif late < 0.3:
        sub["window"] = random.choice([1, 3])
    if random.random() < 0.3:
        sub["cause"] = case.add(cells_of(case, lambda: random.choice(WORDS), 0.2))
    case.spec["subscription"] = sub
    if random.random() < 0.15:
        sub["survey"] = case.add(
            [datetime.date(2024, 1, 1) + datetime.timedelta(random.randint(0, 700)) for _ in range(case.n)]
        )


def _moment(case: Case, days: list[datetime.date | None]) -> list[Any]:
    """Days as they are, or as times of these days, in a zone or none."""
    look = case.random.choice(["day", "day", "day", "time", "zone"])
    if look == "day":
        return days
    zone = None
    if look == "zone":
        from zoneinfo import ZoneInfo

        zone = ZoneInfo(case.random.choice(ZONES))
    return [
        None
        if one is None
        else datetime.datetime(one.year, one.month, one.day, case.random.choice([0, 12, 23]), 30, tzinfo=zone)
        for one in days
    ]


def add_dates(case: Case) -> None:
    """Give it dates, with or without times and zones."""
    random = case.random
    sub: dict[str, Any] = {
        "unit": random.choice(UNITS),
        "clock": random.choice(["survey", "survey", "signup"]),
    }
    start, until = datetime.date(2023, 11, 15), datetime.date(2025, random.choice([2, 6]), 28)
    span = random.choice([30, 400])

    def later(than: datetime.date, most: int) -> datetime.date:
        on = than + datetime.timedelta(random.randint(0, most))
        month_end = random.random() < 0.3
        return on.replace(day=28) + datetime.timedelta(3) if month_end and on.day < 28 and most > 40 else on

    signups = [later(start - datetime.timedelta(900), 800) for _ in range(case.n)]
    surveys = [max(later(start, span), signup) for signup in signups]
    ends = [later(asked, 600) if random.random() < 0.5 else None for asked in surveys]
    if sub["clock"] == "signup" or random.random() < 0.4:
        sub["signup"] = case.add(_moment(case, list(signups)))
    elif sub["clock"] == "survey":
        sub.pop("clock")
    sub |= {"survey": case.add(_moment(case, list(surveys))), "end": case.add(_moment(case, list(ends)))}
    if random.random() < 0.6:
        sub["observed_until"] = until.isoformat()
    else:
        sub["observed_until"] = case.add(
            [max(until - datetime.timedelta(random.choice([0, 0, 90])), day) for day in surveys]
        )
    if random.random() < 0.3:
        sub["cause"] = case.add(cells_of(case, lambda: random.choice(WORDS), 0.2))
    case.spec["subscription"] = sub
