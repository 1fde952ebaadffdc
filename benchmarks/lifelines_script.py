"""What the same user would write with lifelines: curves by score, a Cox model with its check, a Weibull; their plots.

``python -m benchmarks.lifelines_script [--no-residuals] TABLE SCORE DURATION EVENT FOLDER [COVARIATE ...]``; nothing of
cxlink is in it. Without plots of residuals the check is its tests alone.
"""

import contextlib
import io
import sys
import warnings
from pathlib import Path


def main() -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import pandas as pd
    from lifelines import CoxPHFitter, KaplanMeierFitter, WeibullAFTFitter

    warnings.simplefilter("ignore")
    plots = "--no-residuals" not in sys.argv
    table, score, duration, event, folder, *covariates = [a for a in sys.argv[1:] if a != "--no-residuals"]
    frame = pd.read_parquet(table) if table.endswith(".parquet") else pd.read_csv(table)
    frame = frame[[score, duration, event, *covariates]].dropna(subset=[score])
    frame = frame[frame[duration] > 0]
    figure, axes = plt.subplots()
    for level, part in frame.groupby(score):
        KaplanMeierFitter(label=str(level)).fit(part[duration], part[event]).plot_survival_function(ax=axes)
    figure.savefig(Path(folder) / "curves.pdf")
    rows = pd.get_dummies(frame, columns=covariates, drop_first=True, dtype=float)
    cox = CoxPHFitter().fit(rows, duration, event)
    cox.print_summary()
    with contextlib.redirect_stdout(io.StringIO()):  # its advice
        cox.check_assumptions(rows, p_value_threshold=0.05, show_plots=plots)
    weibull = WeibullAFTFitter().fit(rows, duration, event)
    weibull.print_summary()
    for name, model in (("cox", cox), ("weibull", weibull)):
        figure, axes = plt.subplots()
        model.plot(ax=axes)
        figure.savefig(Path(folder) / f"{name}.pdf")


if __name__ == "__main__":
    main()
