"""What a better experience is worth, from a run folder: read, valued, and written to a folder of its own."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxlink import __version__
from cxlink.cohort.counts import FORMAT, Counts
from cxlink.cohort.errors import InputError
from cxlink.cohort.sections import ValueSection
from cxlink.earlier import read_run
from cxlink.estimates.programme import Outcome

if TYPE_CHECKING:
    from matplotlib.axes import Axes

VALUES = "value.csv"


def value_of(
    run: Path | str | Counts,
    *,
    move: str | None = None,
    shift: int | None = None,
    fraction: float = 1.0,
    cost: float = 0.0,
    causal_share: float = 0.5,
    margin: float | None = None,
    discount: float | None = None,
    horizon: int | None = None,
) -> Outcome:
    """Value a programme that moves customers to better scores.

    Parameters
    ----------
    run : Path, str or Counts
        A run folder of `cxlink fit`, or a cohort's counts.
    move : str, optional
        ``FROM:TO``, such as ``1-6:7-8``; or give ``shift``.
    shift : int, optional
        Points by which every score gets better.
    fraction : float
        Share of the customers that is moved.
    cost : float
        In the currency of spend.
    causal_share : float
        How much of the adjusted difference would follow.
    margin : float, optional
        A share of spend; that of the spec where left out.
    discount : float, optional
        A yearly rate; that of the spec where left out.
    horizon : int, optional
        In periods; that of the spec where left out.

    Raises
    ------
    InputError
        If the folder is not as it was written, knows no spend or no margin, or the programme cannot be.
    """
    counts = run if isinstance(run, Counts) else read_run(Path(run))
    name = "these counts" if isinstance(run, Counts) else str(run)
    counts = _with_value(counts, name, {"margin": margin, "discount": discount, "horizon": horizon})
    from cxlink.cohort.spells import spells_of
    from cxlink.estimates.lifetimes import averaged_families
    from cxlink.estimates.moves import plan
    from cxlink.estimates.programme import programme_value
    from cxlink.estimates.value import generator

    spec, spells = counts.spec, spells_of(counts)
    planned = plan(
        spells, spec, move=move, shift=shift, fraction=fraction, cost=cost, causal_share=causal_share
    )
    families = averaged_families(spells, spec) if spec.subscription is not None else None
    return programme_value(spells, counts, families, planned, generator(spec, programme=True))


def _with_value(counts: Counts, name: str, asked: dict[str, Any]) -> Counts:
    """Lay what was asked over the spec's [value], and refuse what cannot be valued."""
    from dataclasses import replace

    from cxlink.cohort.spec import make_spec

    spec = counts.spec
    if spec.spend is None:
        raise InputError(f"{name}: no [spend] was counted, and without it nothing has a value.")
    if counts.suppressed:
        raise InputError(
            f"{name}: small cells were left out ([publish] smallest_cell). Fit the cohort without."
        )
    if not len(counts.scored):
        raise InputError(f"{name}: nobody has a score.")
    section = (spec.value or ValueSection()).model_dump()
    section |= {key: given for key, given in asked.items() if given is not None}
    tables = {**spec.model_dump(mode="json", exclude_none=True), "value": section}
    made = make_spec(tables, name)
    if made.value is None or made.value.margin is None:
        raise InputError(
            f"{name}: no margin. Give --margin 0.3 (a share of spend), or fit with [value] margin."
        )
    return replace(counts, spec=made)


def break_even(outcome: Outcome, ax: "Axes | None" = None) -> "Axes":
    """Draw the incremental margin by the causal share against the cost, with where it breaks even."""
    from cxlink.report.programme_figures import break_even as drawn

    asked, simulated = outcome.programme, outcome.spec.cohort.simulated
    return drawn(outcome.estimates, asked.cost, asked.causal_share, simulated=simulated, ax=ax)


def lines(outcome: Outcome) -> list[str]:
    """Say what came out, for the terminal."""
    from cxlink.report.programme_pages import CAUTION, sentences
    from cxlink.report.wording import FIRM, THIN

    told = [*sentences(outcome.programme, outcome.spec, outcome.estimates, facts(outcome)), CAUTION]
    if outcome.covered < 1:
        told.append(
            f"{1 - outcome.covered:.0%} of the customers to be moved are in strata where some level of the target has "
            "nobody with a complete window: they are taken to gain what the others do."
        )
    return [text.replace(THIN, " ").replace(FIRM, " ") for text in told]


def facts(outcome: Outcome, command: str = "", fingerprint: str = "") -> dict[str, Any]:
    """Give what the report tells beside the table."""
    return {
        "n_moved": outcome.n_moved, "n_source": outcome.n_source, "covered": outcome.covered, "command": command,
        "version": __version__, "fingerprint": fingerprint,
    }  # fmt: skip


def write_outcome(outcome: Outcome, folder: Path, *, command: str) -> None:
    """Write ``value.csv``, ``diagnostics.csv``, the figures, ``report.pdf`` and ``run.json`` into a folder that exists.

    Parameters
    ----------
    outcome : Outcome
        What was found.
    folder : Path
        Where.
    command : str
        How to run it again; printed in the report.
    """
    from cxlink.estimates.table import csv_text
    from cxlink.report.pdf import write_document
    from cxlink.report.programme_pages import programme_document
    from cxlink.runs import write_record

    for name, table in ((VALUES, outcome.estimates), ("diagnostics.csv", outcome.diagnostics)):
        (folder / name).write_text(csv_text(table), encoding="utf-8", newline="")
    told = facts(outcome, command, outcome.fingerprint)
    write_document(programme_document(outcome.programme, outcome.spec, outcome.estimates, told), folder)
    planned = outcome.programme
    record = {
        "format": FORMAT,
        "kind": "value",
        "version": __version__,
        "command": command,
        "spec": outcome.spec.model_dump(mode="json", exclude_none=True),
        "fingerprint": outcome.fingerprint,
        "programme": {
            "name": planned.name, "fraction": planned.fraction, "cost": planned.cost,
            "causal_share": planned.causal_share, "customers": outcome.n_source, "covered": outcome.covered,
        },
        "simulated": outcome.spec.cohort.simulated,
    }  # fmt: skip
    write_record(folder, record)
