"""The page of a run, ``README.md``: a summary and every table."""

import datetime
import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.further_counting import further_table
from benchmarks.results import (
    AFTER,
    ANALYSIS,
    BARE,
    COUNTING,
    FIT,
    HELP,
    OURS,
    PEERS,
    PLAIN_SCRIPT,
    POSTERIOR,
    REPORT,
    SCRIPT,
    TENURE,
    USER,
    WITH_IDS,
    Row,
    after_by_size,
)  # fmt: skip
from benchmarks.text_files import text_table

_PACKAGES = ("cxlink", "duckdb", "numpy", "scipy", "pandas", "lifelines", "statsmodels", "scikit-survival")
_MOST_TIMES, _MOST_MB, _LONGEST_HELP, _LONGEST_FIT = 1.5, 2048, 0.5, 15.0
_LONGEST_TENURE, _LONGEST_POSTERIOR, _LONGEST_AFTER = 5.0, 60.0, 10.0


def write(rows: Sequence[Row], path: Path, day: datetime.date, seconds: float, parts: str = "") -> None:
    """Write the run's page in Markdown; ``parts`` are those of its tables that it measured, where not all."""
    sections = [
        _head(day, seconds, parts),
        user_table(rows),
        _short(rows),
        _counting(rows),
        further_table(rows),
        text_table(rows),
        _after(rows),
        _peers(rows),
        _tenure(rows),
        _posterior(rows),
        _program(rows),
        _HOW,
    ]
    path.write_text("\n\n".join(section for section in sections if section) + "\n", encoding="utf-8")


def _head(day: datetime.date, seconds: float, parts: str) -> str:
    known = ((name, _version(name)) for name in _PACKAGES)
    versions = ", ".join([f"Python {platform.python_version()}", *(f"{a} {b}" for a, b in known if b)])
    some = (
        f" That run measured {parts.replace(',', ', ')}; the other tables, and counting at other sizes, are of "
        "earlier runs."
        if parts
        else ""
    )
    return f"""# Benchmarks

`make bench` (`python -m benchmarks`) wrote this page, `results.csv` and `scaling.svg` on {day.day} {day:%B %Y}, in
{seconds / 60:.1f} minutes on {os.cpu_count()} cores with {_memory_gb():.0f} GB of memory. The customers are simulated
(`customers.py`). Versions: {versions}.{some}

![Seconds by number of customers, on logarithmic axes](scaling.svg)"""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def user_table(rows: Sequence[Row]) -> str:
    """Processor seconds of the commands beside those of the script, a line a table and program."""
    mine = [r for r in rows if r.what.startswith(USER)]
    if not mine:
        return ""
    script = {
        (r.what, r.size): r.cpu_seconds for name in (PLAIN_SCRIPT, SCRIPT) for r in mine if r.program == name
    }
    lines = []
    for one in mine:
        beside = script.get((one.what, one.size))
        times = one.cpu_seconds / beside if one.cpu_seconds is not None and beside else None
        lines.append((
            one.what.removeprefix(USER), f"{one.size:,}", one.program, _seconds(one.cpu_seconds), _seconds(one.seconds),
            "" if one.program in (SCRIPT, PLAIN_SCRIPT) else _number(times, ".2f"), _number(one.peak_mb, ",.0f"),
        ))  # fmt: skip
    head = ("table", "customers", "program", "processor s", "seconds", "times the script", "memory, MB")
    return f"## What a user waits for\n\n{_table(head, lines)}\n\n{_USERS}"


_USERS = """From the shell to the report (PDF and HTML), starting Python and importing packages included. The
commands and the script run in turn on each table: on the first three times each, medians; on the larger ones once.
Processor seconds are of the process and its threads; other programs on the same cores raise them, of all rows alike.
The script (`lifelines_script.py`) is what the same user would write: Kaplan–Meier by score, a Cox model with its
check, a Weibull, and their plots. Most of it on `telco.csv` are the plots of residuals that the check draws, which take
minutes for 20,000 customers (one was stopped after seven minutes of processor): there times are those of the script
without them. It is not run on a million rows.
`saas_churn.csv` has the spec that `cxlink init` writes, `telco.csv` one with a window of three months and the
contract."""


def _short(rows: Sequence[Row]) -> str:
    points = [
        *_counting_said(rows),
        *_memory_said(rows),
        *_after_said(rows),
        *_tenure_said(rows),
        *_posterior_said(rows),
        *_program_said(rows),
        *_behind(rows),
    ]
    return "## In short\n\n" + "\n".join(f"- {point}" for point in points)


def _met(met: bool) -> str:
    return "met" if met else "**missed**"


def _counting_said(rows: Sequence[Row]) -> Iterable[str]:
    for what in COUNTING.values():
        found = [(r.size, r.ratio) for r in _of(rows, what, OURS) if r.ratio is not None]
        if found:
            ratios = ", ".join(f"{ratio:.2f} times at {_people(size)}" for size, ratio in found)
            size, ratio = max(found)
            yield (
                f"{what.capitalize()}, against the engine's bare group-by: {ratios} customers. Target at most "
                f"{_MOST_TIMES} at {_people(size)}: {_met(ratio <= _MOST_TIMES)}."
            )


def _memory_said(rows: Sequence[Row]) -> Iterable[str]:
    peaks = [(r.size, r.peak_mb) for r in _of(rows, COUNTING[True], OURS) if r.peak_mb is not None]
    if peaks:
        size, peak = max(peaks)
        yield (
            f"Memory for counting {_people(size)} customers, the id check aside: {peak:,.0f} MB. Target under "
            f"{_MOST_MB:,} MB: {_met(peak < _MOST_MB)}."
        )


def _after_said(rows: Sequence[Row]) -> Iterable[str]:
    found = after_by_size(rows)
    if found:
        by_size = ", ".join(f"{seconds:.1f} s at {_people(size)}" for size, seconds in found)
        yield f"Everything after counting, figures and PDF included: {by_size} customers."
    for both in AFTER.values():
        parts = [one for what in both for one in _of(rows, what, OURS)]
        if len(parts) == len(both):
            cpu = sum(one.cpu_seconds or 0.0 for one in parts)
            about = both[0].removeprefix(f"{ANALYSIS}, ")
            yield (
                f"The same of {_people(parts[0].size)} rows, {about}: {cpu:.1f} s of processor. Target "
                f"{_LONGEST_AFTER:g} s: {_met(cpu <= _LONGEST_AFTER)}."
            )


def _tenure_said(rows: Sequence[Row]) -> Iterable[str]:
    for one in _of(rows, TENURE, OURS):
        seconds = one.seconds or 0.0
        yield (
            f"Tenure of {_people(one.size)} customers by every family, with three backtests, averages and draws: "
            f"{seconds:.2f} s. Target {_LONGEST_TENURE:g} s: {_met(seconds <= _LONGEST_TENURE)}."
        )


def _posterior_said(rows: Sequence[Row]) -> Iterable[str]:
    for what in POSTERIOR.values():
        by_size = [(r.size, r.seconds) for r in _of(rows, what, OURS) if r.seconds is not None]
        if by_size:
            told = ", ".join(f"{seconds:.0f} s at {_people(size)}" for size, seconds in by_size)
            met = max(seconds for _, seconds in by_size) <= _LONGEST_POSTERIOR
            yield f"{what.capitalize()}: {told} customers. Target {_LONGEST_POSTERIOR:g} s: {_met(met)}."


def _program_said(rows: Sequence[Row]) -> Iterable[str]:
    for what, most in ((HELP, _LONGEST_HELP), (FIT, _LONGEST_FIT)):
        for one in _of(rows, what, OURS):
            seconds = one.seconds or 0.0
            on = f" on {_people(one.size)} customers" if one.size else ""
            pdf = ", PDF included" if one.size else ""
            yield f"`{what}`{on}{pdf}: {seconds:.2f} s. Target {most:g} s: {_met(seconds <= most)}."


def _behind(rows: Sequence[Row]) -> Iterable[str]:
    for one in rows:
        if one.ratio is None or one.ratio >= 1 or one.program.startswith(OURS):
            continue
        said = (
            f"**Not ahead:** {one.what.split(':')[0]}. {one.program} takes {one.ratio:.2f} of cxlink's time"
        )
        if one.what in PEERS.values():
            yield f"{said} from the file."
        if one.what in POSTERIOR.values():
            yield f"{said} for {_people(one.size)} customers, compiling apart."


def _counting(rows: Sequence[Row]) -> str:
    head = (
        "customers", "what", "cxlink, s", "bare, s", "times", "cxlink, processor s", "bare, processor s", "cxlink, MB",
        "bare, MB",
    )  # fmt: skip
    lines = []
    for one in (r for what in COUNTING.values() for r in _of(rows, what, OURS)):
        bare = next(r for r in _of(rows, one.what, BARE) if r.size == one.size)
        both = [
            (_seconds(a), _seconds(b))
            for a, b in ((one.seconds, bare.seconds), (one.cpu_seconds, bare.cpu_seconds))
        ]
        peaks = _number(one.peak_mb, ",.0f"), _number(bare.peak_mb, ",.0f")
        lines.append((f"{one.size:,}", one.what, *both[0], _number(one.ratio, ".2f"), *both[1], *peaks))
    for one in _of(rows, WITH_IDS, OURS):
        peak = _number(one.peak_mb, ",.0f")
        lines.append(
            (
                f"{one.size:,}",
                one.what,
                _seconds(one.seconds),
                "",
                "",
                _seconds(one.cpu_seconds),
                "",
                peak,
                "",
            )
        )
    return f"## Counting\n\n{_table(head, lines)}\n\n{_WHY}" if lines else ""


_WHY = """Both sides read the same Parquet file with the same engine, threads and columns, in turn, in one process;
medians. The bare group-by checks nothing and adds floating-point numbers up, whose last digits differ from run to run.
cxlink's sums are of whole numbers (fixed-point decimals) and the same in any order of rows: turning five amounts a row
into whole numbers is most of what it takes longer at ten million and more; the rules are checked on the cells. What it
takes whatever the size (opening, writing the query, coding and fingerprinting the cells) shows at a million."""


def _after(rows: Sequence[Row]) -> str:
    further = (name for names in AFTER.values() for name in names)
    found = [one for what in (ANALYSIS, REPORT, *further) for one in _of(rows, what, OURS)]
    lines = [(f"{r.size:,}", r.what, _seconds(r.seconds), _seconds(r.cpu_seconds), r.note) for r in found]
    head = ("customers", "what", "seconds", "processor s", "counts")
    return f"## After counting\n\n{_table(head, lines)}" if lines else ""


def _peers(rows: Sequence[Row]) -> str:
    head = (
        "program",
        "seconds",
        "times cxlink",
        "memory, MB",
        "estimate",
        "std. error",
        "apart, std. errors",
        "note",
    )
    parts = []
    for what in PEERS.values():
        found = [r for r in rows if r.what == what]
        if found:
            ours = found[0]
            title = f"### {what[0].upper()}{what[1:]}; {ours.size:,} customers"
            parts.append(f"{title}\n\n{_table(head, [_compared(one, ours) for one in found])}")
    return "## Other packages\n\n" + "\n\n".join(parts) if parts else ""


def _tenure(rows: Sequence[Row]) -> str:
    return _beside(rows, TENURE, _ONE_EACH)


def _posterior(rows: Sequence[Row]) -> str:
    texts = []
    for what in POSTERIOR.values():
        earlier = any(r.what == what and r.program.startswith("PyMC on rows") for r in rows)
        texts.append(_beside(rows, what, _ON_ROWS if earlier else _SAME_MODEL))
    return "\n\n".join(text for text in texts if text)


def _beside(rows: Sequence[Row], what: str, said: str) -> str:
    """Section of one comparison: the seconds of each program, and what each did."""
    lines = [
        (
            r.program,
            f"{r.size:,}",
            _seconds(r.seconds),
            _number(r.ratio, ".2f"),
            _number(r.peak_mb, ",.0f"),
            r.note,
        )
        for r in rows
        if r.what == what
    ]
    head = ("program", "customers", "seconds", "times cxlink", "memory, MB", "note")
    return f"## {what[0].upper()}{what[1:]}\n\n{_table(head, lines)}\n\n{said}" if lines else ""


_ON_ROWS = """PyMC on rows is the same model with the same priors, its likelihood over customers instead of cells: a
Bernoulli of every month of every customer, or the law of every customer's last month."""
"""Of results that an earlier version of these benchmarks measured."""
_SAME_MODEL = """PyMC on counts is the model that the package's density is the compiled form of, with the same priors,
on the same counts, sampled by nutpie."""


_ONE_EACH = """cxlink's row is all of it: every family fitted to the counts, three origins of the backtest with all of
them fitted again, three averages, and 2,000 draws of each quantity at each horizon. Each row of lifelines is one
family fitted once to the rows, ready in memory, the score on its location alone."""


def _compared(one: Row, ours: Row) -> tuple[str, ...]:
    apart = ""
    if one.estimate is not None and ours.estimate is not None and ours.std_error and one is not ours:
        apart = f"{(one.estimate - ours.estimate) / ours.std_error:.3f}"
    return (
        one.program, _seconds(one.seconds), _number(one.ratio, ".2f"), _number(one.peak_mb, ",.0f"),
        _number(one.estimate, ".6f"), _number(one.std_error, ".6f"), apart, one.note,
    )  # fmt: skip


def _program(rows: Sequence[Row]) -> str:
    lines = [
        (f"`{r.what}`", f"{r.size:,}" if r.size else "", _seconds(r.seconds), _number(r.peak_mb, ",.0f"))
        for what in (HELP, FIT)
        for r in _of(rows, what, OURS)
    ]
    return (
        f"## Command line\n\n{_table(('command', 'customers', 'seconds', 'memory, MB'), lines)}"
        if lines
        else ""
    )


_HOW = """## How it is measured

- Seconds are by the clock; where something is repeated, the median. Of the command line they are all of it; elsewhere
  starting Python, importing packages and, for the other packages, reading the table are left out.
- Memory is the largest resident size of a fresh process that does the one thing, with its interpreter and table.
- Other packages fit from a frame that is in memory already. cxlink starts from the Parquet file: it reads, checks and
  counts it, and fits. The row "from counts" is what every further model of the same counts takes.
- cxlink's Kaplan–Meier includes the 2,000 bootstrap draws that its intervals are made of, so its standard error has a
  simulation error of 1.6 %; the others use Greenwood's formula. cxlink's Poisson has robust errors HC2, not HC0.
- Cox fits use Efron's approximation for the many losses of one month, cxlink the likelihood of losses in whole months;
  the estimates differ by what "apart" says.
- A package that is not installed is listed as such; `pip install -e '.[bench]'` installs them all.
- `python -m benchmarks --help` names sizes and parts. The customers are written once, to `tables/`: 0.6 GB at a hundred
  million, the same rows from any run of one DuckDB."""


def _of(rows: Iterable[Row], what: str, program: str) -> list[Row]:
    return [r for r in rows if r.what == what and r.program == program]


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    every = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in line) + " |" for line in every)


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:,.1f}"


def _number(value: float | None, how: str) -> str:
    return "" if value is None else format(value, how)


def _people(size: int) -> str:
    return f"{size // 1_000_000} million" if size >= 1_000_000 and size % 1_000_000 == 0 else f"{size:,}"
