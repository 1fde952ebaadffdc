"""Arguments and options of the commands: their types, names and help texts."""

from typing import Annotated

import typer

Table = Annotated[
    str,
    typer.Argument(
        metavar="TABLE", help="a Parquet, CSV, Arrow or Excel file, a folder or glob of them, or URL::table"
    ),
]
Spec = Annotated[str | None, typer.Option("--spec", help="TOML file that describes the table")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="replace an existing run folder")]
DropInvalid = Annotated[
    bool, typer.Option("--drop-invalid", help="exclude rows that fail a check, and report how many")
]
Out = Annotated[str, typer.Option("--out", help="output folder (must not exist)")]

FitOut = Annotated[
    str | None, typer.Option("--out", help="output folder (must not exist)", show_default="reports/NAME")
]
Quick = Annotated[
    bool,
    typer.Option(
        "--quick",
        help="counts, Kaplan–Meier, means and contrasts on two pages: the same as --models quick",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="print nothing but errors")]
Verbose = Annotated[bool, typer.Option("--verbose", help="log each stage with the time, on standard error")]
Json = Annotated[bool, typer.Option("--json", help="print the main results as JSON on standard output")]
Bayes = Annotated[bool, typer.Option("--bayes", help="also sample the posterior of the Bayesian models")]
Sampler = Annotated[
    str | None,
    typer.Option(
        "--sampler", help="with --bayes: nutpie, or pymc for PyMC's own sampler", show_default="nutpie"
    ),
]
Pool = Annotated[
    list[str] | None,
    typer.Option(
        "--pool",
        help="run folder of an earlier cohort, pooled as a stratum; with --bayes, partially pooled (repeatable)",
    ),
]
Notebook = Annotated[
    bool,
    typer.Option(
        "--notebook", help="run the analysis in a notebook, saved with its output beside the run folder"
    ),
]

Run = Annotated[str, typer.Argument(metavar="RUN", help="run folder of a fit")]
Move = Annotated[
    str | None, typer.Option("--move", help="scores to be shifted and their target, FROM:TO, such as 1-6:7-8")
]
Shift = Annotated[
    int | None, typer.Option("--shift", help="instead of --move: points by which every score improves")
]
Fraction = Annotated[float, typer.Option("--fraction", help="share of these customers whose score improves")]
Cost = Annotated[
    float, typer.Option("--cost", help="total cost of the intervention, in the currency of spend")
]
CausalShare = Annotated[
    float, typer.Option("--causal-share", help="share of the adjusted difference assumed to be causal")
]
Margin = Annotated[
    float | None, typer.Option("--margin", help="margin as a share of spend", show_default="the spec's")
]
Discount = Annotated[
    float | None, typer.Option("--discount", help="annual discount rate", show_default="the spec's")
]
ValueHorizon = Annotated[
    int | None, typer.Option("--horizon", help="horizon of value, in periods", show_default="the spec's")
]
ValueOut = Annotated[
    str | None, typer.Option("--out", help="output folder (must not exist)", show_default="RUN-value")
]

Runs = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="run folders: the baseline cohort, then those compared with it"),
]
ComparisonHorizon = Annotated[
    int | None,
    typer.Option("--horizon", min=1, help="horizon of retention, in periods", show_default="the baseline's"),
]
