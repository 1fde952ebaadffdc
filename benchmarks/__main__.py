"""Run the comparisons and write their table: ``python -m benchmarks``."""

import argparse
import datetime
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import further_counting, runs, text_files, users
from benchmarks.figure import draw
from benchmarks.report import write
from benchmarks.results import Row, kept, load, save

HERE = Path(__file__).resolve().parent
SIZES = "1e6,1e7,1e8"


def _parts(tables: Path, sizes: list[int], peers: int) -> dict[str, Callable[[], Iterator[Row]]]:
    return {
        "users": lambda: users.waited_for(tables),
        "counting": lambda: runs.count_against_bare(tables, sizes),
        "further": lambda: further_counting.against_bare(tables, sizes),
        "text": lambda: text_files.against_bare(tables, sizes),
        "after": lambda: runs.after_counting(tables, sizes),
        "after_further": lambda: runs.after_further_counting(tables, sizes),
        "peers": lambda: runs.against_peers(tables, peers),
        "tenure": lambda: runs.expected_tenure(peers),
        "posterior": lambda: runs.posteriors(sizes),
        "program": lambda: runs.whole_program(tables, peers),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", default=SIZES, help=f"customers, for counting (default {SIZES})")
    parser.add_argument("--peers", default="1e6", help="customers, for other packages (default 1e6)")
    parser.add_argument(
        "--parts",
        default="users,counting,further,text,after,after_further,peers,tenure,posterior,program",
        help="what to run (default all)",
    )
    parser.add_argument("--tables", type=Path, default=HERE / "tables", help="where the customers are kept")
    parser.add_argument("--out", type=Path, default=HERE, help="where results, table and picture are written")
    asked = parser.parse_args()
    sizes, peers = [int(float(size)) for size in asked.sizes.split(",")], int(float(asked.peers))
    parts = _parts(asked.tables.resolve(), sizes, peers)
    rows: list[Row] = []
    start = time.perf_counter()
    for part in asked.parts.split(","):
        for one in parts[part]():
            rows.append(one)
            took = "-" if one.seconds is None else f"{one.seconds:.3g} s"
            print(
                f"{one.what} · {one.size:,} · {one.program}: {took} {one.note}", file=sys.stderr, flush=True
            )
    asked.out.mkdir(parents=True, exist_ok=True)
    took_all = time.perf_counter() - start
    whole = set(asked.parts.split(",")) == set(parts)
    rows = rows if whole else kept(rows, load(asked.out / "results.csv"))
    save(rows, asked.out / "results.csv")
    draw(rows, asked.out / "scaling.svg")
    write(rows, asked.out / "README.md", datetime.date.today(), took_all, "" if whole else asked.parts)


if __name__ == "__main__":
    main()
