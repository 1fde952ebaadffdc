"""``python -m validation [NAME…]``: makes what is missing of the proofs named, or of all, and their pages."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from cxlink.cohort.errors import InputError
from validation.page import write_page
from validation.printed_intervals import printed_page
from validation.process import Proof
from validation.proofs import PROOFS
from validation.replicate import finished, processors, replicate

FOLDER = Path("reports/coverage")


def main(words: Sequence[str] | None = None) -> None:
    """Make what is missing of each proof, then its tables, figure and page."""
    about = "\n".join(f"  {proof.name:<12} {proof.about}" for proof in PROOFS.values())
    parser = argparse.ArgumentParser(
        prog="python -m validation", description=f"{main.__doc__}\n\n{about}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME", help="which proofs (default: all)")
    parser.add_argument("--list", action="store_true", help="name the proofs, and how far each is")
    parser.add_argument("--out", type=Path, default=FOLDER, help="output folder (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=processors(), help="processors at work (default: all)")
    parser.add_argument(
        "--blocks", type=int, help="blocks of each cell at most, for a shorter run (default: all)"
    )
    said = parser.parse_args(words)
    unknown = set(said.names) - set(PROOFS)
    if unknown:
        parser.error(f"no proof is named {', '.join(sorted(unknown))}; there are {', '.join(PROOFS)}")
    for name in said.names or PROOFS:
        if said.list:
            done, of, cohorts, planned = finished(PROOFS[name], said.out)
            print(
                f"{name:<12} {done} of {of} cells, {cohorts:,} of {planned:,} cohorts: {PROOFS[name].about}"
            )
        else:
            prove(PROOFS[name], said.out, said.workers, said.blocks)
    if not said.list:
        write_page(printed_page(said.out), said.out)


def prove(proof: Proof, folder: Path, workers: int, most: int | None = None) -> None:
    """Make what is missing of a proof, or of the first so many blocks of each cell, and write its page."""

    def progress(done: int, of: int) -> None:
        if done % 20 == 0 or done == of:
            print(f"{proof.name}: {done} of {of} blocks", flush=True)

    try:
        found = replicate(proof, folder, workers, progress, most)
    except InputError as error:
        raise SystemExit(f"cxlink: {error}") from None
    write_page(proof.page(found), folder)


if __name__ == "__main__":
    main()
