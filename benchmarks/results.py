"""Results of a run as tidy rows."""

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from benchmarks.measure import Measured

OURS, FROM_COUNTS, BARE = "cxlink", "cxlink, from counts", "bare group-by"
FEWER = "group-by of fewer columns"
COUNTING = {True: "counting, retention and spend", False: "counting, retention only"}
WITH_IDS = "counting, retention and spend, no id twice"
FURTHER = {
    "accounts": "counting, customers in accounts (200 buckets)",
    "surveys": "counting, every survey of a customer (200 buckets)",
    "scores": "counting, three scores",
}
TEXT = {
    "text": "counting a CSV file, retention only",
    "spend": "counting a CSV file, retention and spend",
    "dates": "counting a CSV file with dates",
}
ANALYSIS, REPORT = "analysis of the counts", "run folder with figures and PDF"
AFTER = {
    what: (f"{ANALYSIS}, {about}", f"{REPORT}, {about}")
    for what, about in {
        "accounts": "customers in accounts", "surveys": "every survey of a customer", "scores": "three scores"
    }.items()
}  # fmt: skip
"""What is measured after counting accounts, surveys and scores: the analysis and the run folder."""
HELP, FIT = "cxlink --help", "cxlink fit"
USER, SCRIPT = "what a user waits for: ", "lifelines script"
PLAIN_SCRIPT = "the same, residuals not plotted"
"""Begins the name of such a comparison, and the script beside the commands."""
TENURE = "expected tenure, ten levels and sixty periods"
POSTERIOR = {
    "bayes": "posterior of retention (hazard): ten levels, sixty periods, twenty strata",
    "bayes_sbg": "posterior of retention (shifted-beta-geometric): ten levels, sixty periods, twenty strata",
}
PEERS = {
    "kaplan_meier": "Kaplan–Meier by level: S(12) of level 10",
    "hazards": "proportional hazards, score and plan: log hazard ratio of a point",
    "weibull": "Weibull, a rate for each level: shape",
    "poisson": "spend, Poisson with score, plan and region: log ratio of a point",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Time and memory of one program in one comparison.

    Attributes
    ----------
    what : str
        The comparison.
    size : int
        Customers; 0 where there are none.
    program : str
        The program.
    seconds, cpu_seconds : float or None
        Medians, by the clock and of the processor over all threads; None where it was not run.
    ratio : float or None
        Seconds over those of the other side: of counting, over the bare group-by's; of a peer, over cxlink's from the
        file.
    peak_mb : float or None
        Largest resident memory of a fresh process, its interpreter and table included.
    estimate, std_error : float or None
        The estimate.
    note : str
        A remark.
    """

    what: str
    size: int
    program: str
    seconds: float | None = None
    cpu_seconds: float | None = None
    ratio: float | None = None
    peak_mb: float | None = None
    estimate: float | None = None
    std_error: float | None = None
    note: str = ""


def row(what: str, size: int, program: str, found: Measured, against: Measured | None = None) -> Row:
    """Give a measurement as a row, its ratio to another one's seconds."""
    if not found.seconds:
        return Row(what, size, program, note=found.note)
    known = found.std_error is not None and found.std_error == found.std_error
    return Row(
        what, size, program, found.typical, found.typical_cpu,
        found.typical / against.typical if against is not None and against.seconds else None,
        found.peak_mb or None, found.estimate, found.std_error if known else None, found.note,
    )  # fmt: skip


def save(rows: Iterable[Row], path: Path) -> None:
    """Write ``results.csv``: numbers with five significant digits (estimates with eight), empty for none."""
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        names = [field.name for field in fields(Row)]
        table.writerow(names)
        for one in rows:
            digits = {name: ".8g" if name in ("estimate", "std_error") else ".5g" for name in names}
            values = asdict(one).items()
            table.writerow(
                [
                    format(v, digits[k]) if isinstance(v, float) else ("" if v is None else v)
                    for k, v in values
                ]
            )


def load(path: Path) -> list[Row]:
    """Read ``results.csv`` back; no row where there is none."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Row(**{name: _read(name, text) for name, text in line.items()}) for line in csv.DictReader(file)
        ]


def _read(name: str, text: str) -> Any:
    if name in ("what", "program", "note"):
        return text
    if name == "size":
        return int(text)
    return float(text) if text else None


def kept(rows: Sequence[Row], earlier: Iterable[Row]) -> list[Row]:
    """Rows of a run, and of earlier runs where this one did not measure a comparison, or counting at another size."""
    measured, sizes = {one.what for one in rows}, {(one.what, one.size) for one in rows}
    by_size, before = (*COUNTING.values(), WITH_IDS), list(earlier)
    others = [one for one in before if one.what in by_size and (one.what, one.size) not in sizes]
    counted = [one for one in rows if one.what in by_size]
    return [
        *(one for one in before if one.what not in (*measured, *by_size)),
        *sorted([*counted, *others], key=lambda one: one.size),
        *(one for one in rows if one.what not in by_size),
    ]


def after_by_size(rows: Sequence[Row]) -> list[tuple[int, float]]:
    """Seconds of everything after counting: the analysis and its run folder, by number of customers."""
    total: dict[int, float] = {}
    for one in rows:
        if one.what in (ANALYSIS, REPORT) and one.seconds is not None:
            total[one.size] = total.get(one.size, 0.0) + one.seconds
    return sorted(total.items())


def both_rows(what: str, size: int, found: Mapping[str, Measured]) -> Iterator[Row]:
    """Rows of counting and of the bare group-by, measured in turn."""
    ours, bare = found["ours"], found["bare"]
    note = f"processor time {ours.typical_cpu / bare.typical_cpu:.2f} times"
    yield row(what, size, OURS, replace(ours, note=note), bare)
    yield row(what, size, BARE, bare)


def beside_bare(rows: Sequence[Row], titles: Collection[str]) -> Iterator[tuple[Row, float, float]]:
    """Each comparison with its processor seconds and those of the bare group-by."""
    for one in (one for one in rows if one.program == OURS and one.what in titles):
        bare = next(r for r in rows if (r.what, r.size, r.program) == (one.what, one.size, BARE))
        assert one.cpu_seconds is not None
        assert bare.cpu_seconds
        yield one, one.cpu_seconds, bare.cpu_seconds
