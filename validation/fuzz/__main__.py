"""``python -m validation.fuzz``: tables and specs drawn from seeds, counted twice; goes on where it stopped."""

import argparse
import gc
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

import cxlink
from validation.fuzz.case import Case
from validation.fuzz.drawn_case import drawn
from validation.fuzz.trial import Outcome, tried
from validation.page import Page, made_by, markdown_table, write_page

FOLDER = Path("reports/coverage")
CASES, BLOCK = 10_000, 20
ANALYSED = 0.02
"""Share of the valid cases that are analysed as well."""
EARLIER = (
    (
        "2026-11-29",
        1_300,
        "several scores, contacts, surveys in a table of their own, listed words or metrics",
    ),
    ("2026-11-30", 300, "metrics"),
)
"""Runs of states of the fuzzer that did not draw all of it, in which nothing was left unexplained or wrong."""
VERDICTS = ("counted", "refused", "wrong", "unexplained", "crashed")


def blocks(first: int, cases: int, kept: Path | None) -> pd.DataFrame:
    """Try the cases of these seeds block by block; blocks whose file is there are read.

    Returns
    -------
    DataFrame
        A row a case: ``seed, reader, verdict, detail, code``.
    """
    tables, code = [], code_of()
    for start in range(first, first + cases, BLOCK):
        seeds = range(start, min(start + BLOCK, first + cases))
        file = kept / f"{seeds[0]}-{seeds[-1]}.csv" if kept is not None else None
        if file is not None and file.exists():
            tables.append(pd.read_csv(file, keep_default_na=False, dtype={"code": str}))
            continue
        found = [tried(seed, ANALYSED) for seed in seeds]
        tables.append(pd.DataFrame(found).assign(code=code))
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            partial = file.with_suffix(f".{os.getpid()}")
            tables[-1].to_csv(partial, index=False)
            partial.replace(file)
        for one in found:
            _say(one)
    return pd.concat(tables, ignore_index=True)


def code_of() -> str:
    """Twelve digits of the SHA-256 of the modules that are tried and of those that try them."""
    files = (
        file
        for place in (Path(cxlink.__file__).parent, Path(__file__).parent)
        for file in place.rglob("*.py")
    )
    digest = hashlib.sha256()
    for name, file in sorted((f"{file.parent.name}/{file.name}", file) for file in files):
        digest.update(name.encode() + file.read_bytes())
    return digest.hexdigest()[:12]


def _say(one: Outcome) -> None:
    if not one.good:
        print(f"seed {one.seed}, {one.reader}: {one.verdict}: {one.detail}", flush=True)


def page(table: pd.DataFrame) -> Page:
    """Say how many cases of each reader were counted and refused as they should be, and name the others."""
    faults = table[~table["verdict"].isin(["counted", "refused"])]
    analysed = int((table["detail"] == "analysed").sum())
    lines = ["# Tables and specs drawn at random\n"]
    lines.append(
        f"{made_by().replace('make coverage', 'python -m validation.fuzz')}: {len(table):,} tables and specs, each "
        f"made from its seed ({table['seed'].min()} to {table['seed'].max()}): columns, names and cells of any kind, "
        "hostile ones in two of five; keys of every section, one in ten specs invalid. Every cell of the counts, of "
        "several scores, contacts and metrics is compared with one that plain loops over the rows make, written from "
        "the documentation and without the package; every refusal must be one line, of something that is wrong, and "
        "name a row that is. "
        f"{analysed} were analysed as well: every estimate is a number inside its interval.\n"
    )
    lines.append(
        f"**{len(faults)} are unexplained or wrong.**"
        if len(faults)
        else "None is unexplained, none silently wrong."
    )
    states = table.groupby("code", sort=False)["seed"].agg(["size", "min", "max"])
    if len(states) > 1:
        said = (
            f"{row.size_:,} (seeds {row.min} to {row.max}) by {row.Index}"
            for row in states.rename(columns={"size": "size_"}).itertuples()
        )
        lines.append(f"Package or fuzzer changed meanwhile; by the SHA-256 of both: {'; '.join(said)}.")
    if len(table) < CASES:
        lines.append(f"**A short run: {len(table):,} of the {CASES:,} that are planned.**")
    runs = (f"{cases:,} without {without} ({day})" for day, cases, without in EARLIER)
    lines.append(
        "Not among them: tables that earlier states of the fuzzer drew, of which none was unexplained or wrong, "
        f"{' and '.join(runs)}."
    )
    lines.append("")
    counted = pd.crosstab(table["reader"], table["verdict"]).reindex(columns=VERDICTS, fill_value=0)
    rows = ((name, *row) for name, row in zip(counted.index, counted.to_numpy(), strict=True))
    lines += markdown_table(("table", *VERDICTS), rows)
    lines += ["", *markdown_table(("of these, with", *VERDICTS), _by_kind(table))]
    lines += [
        "",
        *(f"- seed {row.seed}, {row.reader}: {row.verdict}: {row.detail}" for row in faults.itertuples()),
    ]
    return Page("fuzz", lines, {"fuzz": counted.reset_index()})


def _by_kind(table: pd.DataFrame) -> list[tuple[object, ...]]:
    """Verdicts of the cases that hold what few tables do."""
    cases = [drawn(seed) for seed in table["seed"]]
    rows: list[tuple[object, ...]] = []
    for name, has in KINDS.items():
        verdicts = table.loc[[has(case) for case in cases], "verdict"]
        rows.append((name, *(int((verdicts == one).sum()) for one in VERDICTS)))
    return rows


def _key(section: str, key: str, value: object = None) -> Callable[[Case], bool]:
    """Whether a spec has a key, or the key with this value."""

    def has(case: Case) -> bool:
        place = case.spec.get(section)
        return isinstance(place, dict) and (key in place if value is None else place.get(key) == value)

    return has


KINDS: dict[str, Callable[[Case], bool]] = {
    "several scores": _key("score", "others"), "contacts": lambda case: case.contacts is not None,
    "surveys in a table of their own": lambda case: case.surveys is not None, "accounts": _key("cohort", "cluster"),
    "several surveys that count": _key("cohort", "repeat", "all"),
    "spans of subscriptions": _key("subscription", "gap_days"), "grouped rows": _key("cohort", "count"),
    "metrics": _key("metrics", "period"), "words of yes and no": _key("table", "true"),
    "answers in words": _key("score", "labels"),
    "codes of one column": lambda case: isinstance(dict(case.spec.get("table") or {}).get("missing"), dict),
}  # fmt: skip


def main(words: Sequence[str] | None = None) -> None:
    """Try tables and specs drawn from seeds; status 1 if any is unexplained, or silently wrong."""
    parser = argparse.ArgumentParser(prog="python -m validation.fuzz", description=main.__doc__)
    parser.add_argument("--cases", type=int, default=CASES, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, help=f"folder of the page and of finished blocks, such as {FOLDER}"
    )
    said = parser.parse_args(words)
    gc.freeze()  # what is imported stays, and need not be looked at after each case
    table = blocks(said.first, said.cases, said.out / "blocks" / "fuzz" if said.out else None)
    verdicts = table["verdict"].value_counts()
    print(", ".join(f"{verdicts.get(name, 0):,} {name}" for name in VERDICTS))
    if said.out:
        write_page(page(table), said.out)
    raise SystemExit(int(not table["verdict"].isin(["counted", "refused"]).all()))


if __name__ == "__main__":
    main()
