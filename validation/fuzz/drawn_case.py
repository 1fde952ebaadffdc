"""A table and a spec made from a seed alone: columns of any kind, hostile cells, keys that are valid or not."""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from validation.fuzz.drawn_bands import into_bands
from validation.fuzz.drawn_clusters import into_clusters
from validation.fuzz.drawn_contacts import into_contacts
from validation.fuzz.drawn_exports import into_exports
from validation.fuzz.drawn_metrics import into_metrics
from validation.fuzz.drawn_repeats import into_repeats
from validation.fuzz.drawn_scores import into_scores
from validation.fuzz.drawn_spans import into_spans
from validation.fuzz.drawn_surveys import into_surveys, into_words
from validation.fuzz.spoiled import spoil
from validation.fuzz.writers import READERS, SAFE_NAMES

Columns = dict[str, list[Any]]

NAMES = (
    "score", "months", "lost", "plan", "spend", "n", "entry", "exit", "cause", "wave", "y", "use", "rows", "id", "gone",
    "reason", "raw.score", "stratum.plan", "row.number", "times_", "wrong", "Klant nummer", "datum", "Ümsatz", "a,b",
    'a"b', "a'b", "a;b", "select", "=1+1", "score (1-10)", "red\x1b[31m", "\u202egnp.exe", "long " + "x" * 200, "{x}",
    "50%", "a\\b", "unnamed_1", "event", "fault", "whole", "1", "ALL", "given", "touchpoint", "member", "segment.a",
)  # fmt: skip
NOT_NUMBERS = (
    "x", "seven", "1,5", "1.2.3", "1_0", "0x1", "--1", "1e", "inf", "-inf", "Infinity", "nan", "NaN", "#DIV/0!", "=1+1",
    "５", "1 2", "true", "€5", "\x1b[31m5", "5\u202e", "'5", "1e400", "5-", "½",
)  # fmt: skip
NOT_DAYS = (
    "31-12-2024", "12/31/2024", "2024-02-30", "2023-02-29", "2024-13-01", "today", "now", "infinity", "epoch",
    "20240105", "2024-W05", "0000-00-00", "1. Mai 2024", "45000", "2024-01-01T99:00", "2024-01-01 x", "-2024-01-01",
    "=TODAY()",
)  # fmt: skip
WORDS = (
    "basic", "pro", "Zoë", " pro ", "PRO", "", " ", "(missing)", "NA", '=HYPERLINK("http://x")', "+1+1", "@SUM(A1)",
    "\x1b[31mred", "bell\x07", "\u202egnp.exe", "a,b", "a;b", 'say "so"', "l" * 300, "two\nlines", "<b>", "1", "01",
    "price=high", "{0}", "50 %", "日本", "#import \"x\"", "$x$", "-", "null", "'",
)  # fmt: skip
NUMBER_CELLS = (float("nan"), float("inf"), float("-inf"), -1, 10**25, 1e300, -0.5, 2.5, True)
ZONES = ("UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kolkata", "Pacific/Auckland")
UNITS = ("month", "month", "month", "day", "week", "quarter", "year")


@dataclass
class Case:
    """A table, how it is stored, and a spec.

    Attributes
    ----------
    seed : int
        All of it follows from this.
    reader : str
        Which of `writers.READERS` stores it.
    columns : dict of str to list
        Cells by column.
    spec : dict
        Sections of the spec.
    spoilt : str
        What was made invalid in the spec; empty where nothing was.
    twin : str
        A second column of an existing name, put last; empty for none.
    drop_invalid : bool
        Whether rows that break a rule are left out.
    contacts, surveys : dict of str to list, or None
        Cells of a second table by column; None where there is none.
    random : Random
        For what is drawn while it is written.
    """

    seed: int
    reader: str
    columns: Columns
    spec: dict[str, dict[str, Any]]
    random: Random
    spoilt: str = ""
    twin: str = ""
    drop_invalid: bool = False
    names: list[str] = field(default_factory=list)
    contacts: Columns | None = None
    surveys: Columns | None = None

    @property
    def n(self) -> int:
        """Rows."""
        return len(next(iter(self.columns.values())))

    def name(self) -> str:
        """A name that no column has yet, capitals aside."""
        return self.names.pop()

    def add(self, cells: list[Any]) -> str:
        """Add a column, and give its name."""
        name = self.name()
        self.columns[name] = cells
        return name


def drawn(seed: int) -> Case:
    """Make a case from its seed."""
    random = Random(seed)
    reader = random.choice(list(READERS))
    n = random.choice([0, 1, 2, 3, 8, 20, 20, 40, 40, 60]) if random.random() < 0.9 else 130
    safe = reader in SAFE_NAMES
    names = [f"v{i}" for i in range(30)] if safe else list(_apart(NAMES))
    random.shuffle(names)
    case = Case(
        seed,
        reader,
        {"row": list(range(1, n + 1))},
        {},
        random,
        names=[name for name in names if name != "row"],
    )
    _add_score(case)
    timed = random.choice([_add_durations, _add_durations, _add_dates, _add_dates, None])
    if timed is not None:
        timed(case)
    if timed is None or random.random() < 0.5:
        _add_spend(case)
    for add in (_add_adjusters, _add_identity, _add_control, _add_metrics, _add_unused):
        add(case)
    into_spans(case.spec, case.columns, case.add, seed)
    repeats = into_repeats(case.spec, seed)
    into_clusters(case.spec, case.columns, case.add, seed)
    into_bands(case.spec, seed)
    into_scores(case.spec, case.columns, case.add, seed)
    case.contacts = into_contacts(case.spec, case.columns, case.add, seed)
    into_metrics(case.spec, case.columns, case.add, seed)
    _add_table_keys(case)
    into_exports(case.spec, case.columns, seed)
    into_words(case.spec, case.columns, seed)
    case.surveys = into_surveys(case.spec, case.columns, seed)
    if random.random() < 0.4 and not repeats:
        for _ in range(random.choice([1, 1, 1, 2, 3])):
            _make_hostile(case)
    case.drop_invalid = random.random() < 0.3
    if random.random() < 0.12 and not repeats:
        case.spoilt = spoil(case.spec, random)
    if random.random() < 0.03 and reader in TWINS and not repeats:
        case.twin = random.choice(list(case.columns))
    return case


TWINS = {"csv", "csv.gz", "csv latin-1", "xlsx", "arrow table", "pandas", "feather"}
"""Readers of tables that may have two columns of one name."""


def _apart(names: Sequence[str]) -> Sequence[str]:
    return list({name.lower(): name for name in names}.values())


def _cells(case: Case, draw: Callable[[], Any], missing: float = 0.0) -> list[Any]:
    return [None if case.random.random() < missing else draw() for _ in range(case.n)]


def _add_score(case: Case) -> None:
    random = case.random
    low, high = random.choice([(1, 10), (1, 10), (0, 10), (1, 5), (1, 7), (-2, 2), (0, 1)])
    cells = _cells(
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


def _add_durations(case: Case) -> None:
    random = case.random
    sub: dict[str, Any] = {}
    if random.random() < 0.5:
        sub["unit"] = random.choice(UNITS)
    top = random.choice([3, 12, 40])
    part = random.choice([0, 0, 0.5, 0.25])
    stays = _cells(case, lambda: random.randint(0, top) + random.choice([0, 0, part]))
    if not part:
        stays = [int(stay) for stay in stays]
    spell = random.choice(
        [(1, 0), (1, 0), (True, False), ("yes", "no"), ("Y", "N"), ("ja", "nee"), ("1,0", "0,0"), (1.0, 0.0)]
    )
    events = _cells(case, lambda: random.choice(spell))
    sub |= {"duration": case.add(list(stays)), "event": case.add(events)}
    if random.random() < 0.3:
        sub["follow_up"] = case.add(_cells(case, lambda: random.randint(0, top) + random.choice([0, part])))
        sub["counts"] = random.choice(["periods", "completed"])
    late = random.random()
    if late < 0.2:
        waits = [min(stay, random.randint(0, top) + random.choice([0, 0.5])) for stay in stays]
        sub["entry"] = case.add(waits)
    elif late < 0.3:
        sub["window"] = random.choice([1, 3])
    if random.random() < 0.3:
        sub["cause"] = case.add(_cells(case, lambda: random.choice(WORDS), 0.2))
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


def _add_dates(case: Case) -> None:
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
        sub["cause"] = case.add(_cells(case, lambda: random.choice(WORDS), 0.2))
    case.spec["subscription"] = sub


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
    return _cells(case, draws[look], random.choice([0, 0, 0.2]))


def _add_spend(case: Case) -> None:
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
            section["complete"] = case.add(_cells(case, lambda: random.choice([1, 1, 0])))
    if random.random() < 0.3:
        section["window_months"] = random.choice([1, 6, 12])
    if random.random() < 0.3:
        section["currency"] = random.choice(["USD", "€", "=1"])
    case.spec["spend"] = section
    if random.random() < 0.2:
        earned = [0 if cell is None else round(cell * 0.3, 2) for cell in cells]
        case.spec["value"] = {"margin": case.add(earned)}


def _add_adjusters(case: Case) -> None:
    random, section = case.random, dict[str, Any]()
    columns = []
    for _ in range(random.choice([0, 0, 1, 1, 2])):
        of = random.choice(
            [WORDS, WORDS[:4], (1, 2, 3), (True, False), tuple(range(60)) if random.random() < 0.2 else (7,)]
        )
        columns.append(case.add(_cells(case, partial(random.choice, of), random.choice([0, 0.1]))))
    if columns:
        section["columns"] = columns
    if random.random() < 0.3:
        cells = _cells(
            case, lambda: random.choice([random.randint(0, 99), 30, 29.5, 50]), random.choice([0, 0.2])
        )
        section["bands"] = {case.add(cells): random.choice([[30], [30, 50], [3, 12, 24.5]])}
    if section:
        case.spec["adjust"] = section


def _add_identity(case: Case) -> None:
    random, sub = case.random, case.spec.get("subscription", {})
    kind = random.random()
    if kind < 0.15:
        case.spec["cohort"] = {"count": case.add(_cells(case, lambda: random.choice([0, 1, 2, 5])))}
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


def _add_control(case: Case) -> None:
    if case.random.random() < 0.15:
        case.spec["control"] = {"column": case.add(_amounts(case))}


def _add_metrics(case: Case) -> None:
    random, section = case.random, {}
    if random.random() < 0.1:
        section["touchpoint"] = case.add(
            _cells(case, lambda: random.choice(["phone", "web", "=1", " "]), 0.1)
        )
    if random.random() < 0.1:
        section["member"] = case.add(_cells(case, lambda: random.choice([0, 1]), 0.1))
    if section:
        case.spec["metrics"] = section


def _add_unused(case: Case) -> None:
    for _ in range(case.random.choice([0, 0, 1, 2])):
        case.add(_cells(case, lambda: case.random.choice([*WORDS, *NOT_NUMBERS]), 0.1))
    if case.random.random() < 0.08 and case.reader not in SAFE_NAMES and "unnamed_1" not in case.columns:
        case.columns[""] = _cells(case, lambda: case.random.choice(WORDS))


def _add_table_keys(case: Case) -> None:
    random, keys = case.random, dict[str, Any]()
    if random.random() < 0.2:
        keys["decimal"] = ","
    if random.random() < 0.15:
        keys["thousands"] = "." if keys.get("decimal") == "," else random.choice([",", " "])
    if random.random() < 0.15:
        keys["date_format"] = random.choice(["%d-%m-%Y", "%m/%d/%Y", "%d.%m.%y", "%Y-%m-%d"])
    if random.random() < 0.1:
        keys["missing"] = random.choice([["", "-"], ["", "NA", "?"], ["NULL", ""]])
    if keys:
        case.spec["table"] = keys


def _make_hostile(case: Case) -> None:
    """Put a cell that its column should not have into a column that the spec names, or one that is odd but valid."""
    random = case.random
    sub = case.spec.get("subscription", {})
    days = {sub.get(role) for role in ("signup", "survey", "end", "observed_until")} & set(case.columns)
    name = random.choice([name for name in case.columns if name not in ("row", "")])
    if not case.n:
        return
    hostile: tuple[Any, ...] = NOT_DAYS if name in days else (*NOT_NUMBERS, *NUMBER_CELLS)
    if name in days and random.random() < 0.4:
        hostile = (
            datetime.date(1, 1, 1),
            datetime.date(1900, 1, 1),
            datetime.date(9999, 12, 31),
            datetime.date(2024, 2, 29),
        )
    cell = None if random.random() < 0.15 else random.choice(hostile)
    case.columns[name] = list(case.columns[name])
    case.columns[name][random.randrange(case.n)] = cell
