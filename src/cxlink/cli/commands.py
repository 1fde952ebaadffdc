"""The command line: what is typed becomes a call, and what is wrong becomes one line."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cxlink.cli.arguments import (
    Bayes,
    CausalShare,
    ComparisonHorizon,
    Cost,
    Discount,
    DropInvalid,
    FitOut,
    Fraction,
    Json,
    Margin,
    Move,
    Notebook,
    Out,
    Overwrite,
    Pool,
    Quick,
    Quiet,
    Run,
    Runs,
    Sampler,
    Shift,
    Spec,
    Table,
    ValueHorizon,
    ValueOut,
    Verbose,
)
from cxlink.cli.first_steps import file_name, spec_for, write_starter
from cxlink.cli.flags import quickened, with_flags
from cxlink.cli.terminal import Timer, command_line, prepare, status_of, tell
from cxlink.cli.voice import Voice, rows_of, showing
from cxlink.stages import announce

if TYPE_CHECKING:
    from cxlink.cohort.spec.cohort_spec import CohortSpec

app = typer.Typer(
    name="cxlink",
    help="Link customer-experience scores to retention, spend and expected tenure.",
    epilog="First steps: cxlink init customers.csv --out spec.toml; cxlink fit customers.csv --spec spec.toml",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="print the version and stop")] = False,
) -> None:
    """Link customer-experience scores to retention, spend and expected tenure."""
    if version:
        from cxlink import __version__

        tell([f"cxlink {__version__}"])
        raise typer.Exit
    if ctx.invoked_subcommand is None:
        ctx.get_help()  # which prints it


@app.command(epilog="Example: cxlink reproduce --out reports/reproduction")
def reproduce(
    ctx: typer.Context,
    *,
    replications: Annotated[
        int,
        typer.Option(
            "--replications", min=0, help="simulated cohorts from which bias and coverage are estimated"
        ),
    ] = 0,
    out: Out = "reports/reproduction",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Reproduce the published study on simulated cohorts with a known truth."""
    from cxlink.runs import new_folder
    from cxlink.study.reproduce import reproduce_study

    voice = Voice(quiet, verbose, as_json)
    with showing(voice) as progress, new_folder(Path(out), overwrite) as folder:
        made = reproduce_study(folder, command_line(ctx.obj or ()), replications, progress)
    paths = reports(out, made.subscription.spec)
    voice.results(lambda: paths, lambda: {"comparison": rows_of(made.comparison), "reports": paths})


@app.command(epilog="Example: cxlink init customers.csv --out spec.toml")
def init(
    table: Table,
    surveys: Annotated[
        str | None, typer.Option("--surveys", help="table of scores, where they stand in one of their own")
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="output file (must not exist)")] = None,
) -> None:
    """Inspect a table and print a starter spec with every guess commented."""
    from shlex import quote

    from cxlink.cohort.addresses import shown
    from cxlink.cohort.starter.starter_spec import starter_spec
    from cxlink.report.words import say

    text = starter_spec(table, surveys)
    if out is None:
        tell(text.removesuffix("\n").split("\n"))
        return
    write_starter(text, out)
    tell([say("terminal.starter", spec=quote(str(out)), table=quote(shown(table)))])


@app.command(epilog="Example: cxlink check customers.csv --spec spec.toml")
@with_flags
def check(table: Table, *, spec: Spec = None, drop_invalid: DropInvalid = False, flags: Any) -> None:
    """Validate a table and print its profile; no model is fitted."""
    from cxlink.cohort.table import read_cohort
    from cxlink.report.profile_lines import profile_lines

    read = spec_for(table, spec, flags)
    with showing() as progress:
        announce(progress, "reading")
        cohort = read_cohort(table, read, drop_invalid)
    tell(profile_lines(cohort))


@app.command(epilog="Example: cxlink fit customers.csv --spec spec.toml --out reports/customers")
@with_flags
def fit(
    ctx: typer.Context,
    table: Table,
    *,
    spec: Spec = None,
    out: FitOut = None,
    drop_invalid: DropInvalid = False,
    overwrite: Overwrite = False,
    quick: Quick = False,
    bayes: Bayes = False,
    sampler: Sampler = None,
    pool: Pool = None,
    notebook: Notebook = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    as_json: Json = False,
    flags: Any,
) -> None:
    """Fit every model that the spec allows, and write estimates and a report to a run folder."""
    from cxlink.bayes.draws.sampling import sampler_named
    from cxlink.runs import new_folder, refuse_existing

    voice = Voice(quiet, verbose, as_json)
    sampler_named(sampler, bayes=bayes)
    flags = quickened(flags) if quick else flags
    read = spec_for(table, spec, flags)
    target = Path(out) if out is not None else Path("reports") / file_name(read.cohort.name)
    refuse_existing(target, overwrite)
    if notebook:
        parameters = {
            "table": table, "spec": spec or "", "flags": flags, "output": str(target), "bayes": bayes,
            "sampler": sampler, "drop_invalid": drop_invalid, "pool": pool or [], "overwrite": overwrite,
        }  # fmt: skip
        _fit_in_a_notebook(parameters, target, read, voice)
        return
    from cxlink import pooling
    from cxlink.cli.closing_lines import closing_lines
    from cxlink.cohort.table import read_cohort
    from cxlink.progress import planned
    from cxlink.runs import write_run

    timer = Timer()
    with showing(voice, ("counting", *planned(read, bayes=bayes), "writing")) as progress:
        announce(progress, "counting")
        cohort = read_cohort(table, read, drop_invalid)
        timer.lap("count")
        analysis = pooling.pool(cohort, pool or [], progress, bayes=bayes, sampler=sampler)
        timer.lap("analyse")
        announce(progress, "writing")
        with new_folder(target, overwrite) as folder:
            write_run(analysis.results, folder, command=command_line(ctx.obj or ()), timings=timer.laps)
    paths = reports(target, read)
    voice.results(
        lambda: [*closing_lines(analysis.results), *paths],
        lambda: {
            "cohort": read.cohort.name, "models": read.analysis.models, "folder": str(target),
            "estimates": rows_of(analysis.headline()), "reports": paths,
        },
    )  # fmt: skip


def _fit_in_a_notebook(parameters: dict[str, Any], target: Path, spec: "CohortSpec", voice: Voice) -> None:
    from cxlink.notebook import run_notebook

    with showing(voice) as progress:
        announce(progress, "notebook")
        run_notebook(parameters, target.with_name(f"{target.name}.ipynb"), parameters["overwrite"])
    paths = [f"{target}.ipynb", *reports(target, spec)]
    voice.results(lambda: paths, lambda: {"folder": str(target), "reports": paths})


@app.command(epilog="Example: cxlink value reports/customers --move 1-6:7-8 --cost 10000 --margin 0.3")
def value(
    ctx: typer.Context,
    run: Run,
    *,
    move: Move = None,
    shift: Shift = None,
    fraction: Fraction = 1.0,
    cost: Cost = 0.0,
    causal_share: CausalShare = 0.5,
    margin: Margin = None,
    discount: Discount = None,
    horizon: ValueHorizon = None,
    out: ValueOut = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Estimate the incremental margin of an intervention that improves scores, and where it breaks even."""
    from cxlink.change_runs import write_outcome
    from cxlink.cli.closing_lines import intervention_lines
    from cxlink.runs import new_folder, refuse_existing
    from cxlink.verbs import value_of

    source = Path(run)
    target = Path(out) if out is not None else source.parent / f"{source.name}-value"
    refuse_existing(target, overwrite)
    voice = Voice(quiet, verbose, as_json)
    with showing(voice) as progress:
        announce(progress, "intervention")
        outcome = value_of(
            source, move=move, shift=shift, fraction=fraction, cost=cost, causal_share=causal_share, margin=margin,
            discount=discount, horizon=horizon,
        )  # fmt: skip
        announce(progress, "writing")
        with new_folder(target, overwrite) as folder:
            write_outcome(outcome, folder, command=command_line(ctx.obj or ()))
    paths = reports(target, outcome.spec)
    voice.results(
        lambda: [*intervention_lines(outcome), *paths],
        lambda: {"folder": str(target), "estimates": rows_of(outcome.estimates), "reports": paths},
    )


@app.command(epilog="Example: cxlink compare reports/2024 reports/2025")
def compare(
    ctx: typer.Context,
    runs: Runs,
    *,
    horizon: ComparisonHorizon = None,
    out: Out = "reports/compare",
    overwrite: Overwrite = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Decompose changes between cohorts, and check whether the baseline cohort's model still predicts."""
    from cxlink.change_runs import write_comparison
    from cxlink.cli.closing_lines import comparison_lines
    from cxlink.runs import new_folder, refuse_existing
    from cxlink.verbs import compare_runs

    refuse_existing(Path(out), overwrite)
    voice = Voice(quiet, verbose, as_json)
    with showing(voice) as progress:
        comparison = compare_runs([Path(run) for run in runs], horizon, progress)
        announce(progress, "writing")
        with new_folder(Path(out), overwrite) as folder:
            write_comparison(comparison, folder, command=command_line(ctx.obj or ()))
    paths = reports(out, comparison.spec)
    voice.results(
        lambda: [*comparison_lines(comparison), *paths],
        lambda: {"folder": out, "changes": rows_of(comparison.changes), "reports": paths},
    )


@app.command(epilog="Example: cxlink simulate subscription -n 20000 --out customers.parquet")
def simulate(
    design: Annotated[str, typer.Argument(metavar="DESIGN", help="subscription or transaction")],
    n: Annotated[int, typer.Option("-n", help="number of customers")],
    out: Annotated[str, typer.Option("--out", help="output file, .parquet or .csv (must not exist)")],
    *,
    seed: Annotated[int, typer.Option("--seed", help="seed of the random number generator")] = 20140801,
    scores: Annotated[
        bool, typer.Option("--scores", help="two further scores, which act on nothing beyond the score")
    ] = False,
    waves: Annotated[int, typer.Option("--waves", help="surveys sent to each subscriber (1 to 6)")] = 1,
    accounts: Annotated[
        int | None,
        typer.Option("--accounts", help="accounts whose customers are alike (default: independent)"),
    ] = None,
) -> None:
    """Simulate a cohort with a known truth: FILE, FILE.toml (its spec) and FILE.truth.csv."""
    from cxlink.study.simulated_files import write_simulated

    tell(map(str, write_simulated(design, n, seed, Path(out), scores=scores, waves=waves, accounts=accounts)))


def reports(folder: Path | str, spec: "CohortSpec") -> list[str]:
    """Paths of the report's files, by the formats of the spec."""
    return [f"{folder}/report.{name}" for name in spec.report.formats]


def main() -> None:
    """Run the command line and leave with its status; a signal to end leaves nothing half-written."""
    prepare()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and give its status: 0 done, 1 our fault, 2 the input's, 130 interrupted."""
    return status_of(
        lambda: app(args=arguments, prog_name="cxlink", standalone_mode=False, obj=tuple(arguments)),
        typed=arguments,
    )
