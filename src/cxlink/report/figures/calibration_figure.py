"""The figure of the backtest: survival predicted from earlier periods against observed."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlink.report.figures import drawing
from cxlink.report.format import units
from cxlink.report.words import say

_MARKS = ("o", "s", "^", "D", "v")


def backtest_calibration(
    predictions: pd.DataFrame, weights: Mapping[str, float], unit: str, *, simulated: bool = False,
    ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Draw retention to the end of follow-up: predicted from each origin against observed, by score.

    Small grey dots are single families; large ones their mixture, from the worst score (warm) to the best (dark), of
    a size by customers. On the diagonal the prediction was right.

    Parameters
    ----------
    predictions : DataFrame
        ``adjusted, kind, origin, level, predicted, observed, n``; adjusted ones where there are any.
    weights : mapping of str to float
        Of each kind in the mixture; empty where there are no weights.
    unit : str
        Of time.
    simulated : bool
        Whether to mark the figure so.
    ax : Axes, optional
        Where to draw; a figure of its own by default.
    """
    known = one_adjustment(predictions)
    mixed = mixture(known, weights)
    with drawing.canvas(ax, (3.3, 3.0)) as axes:
        axes.plot([0, 100], [0, 100], color=drawing.GREY, lw=0.8, zorder=0)
        axes.plot(100 * known["predicted"], 100 * known["observed"], "o", ms=1.6, color="#a8a8a8", zorder=1)
        colors = drawing.score_colors(int(known["level"].max()) + 1 if len(known) else 1)
        for mark, (origin, points) in zip(_MARKS, mixed.groupby("origin"), strict=False):
            size = 8 + 40 * points["n"] / mixed["n"].max()
            axes.scatter(
                100 * points["predicted"], 100 * points["observed"], s=size, marker=mark, lw=0.4, zorder=2,
                c=[colors[int(level)] for level in points["level"]], edgecolors="white", alpha=0.9,
            )  # fmt: skip
            axes.plot(
                [],
                [],
                mark,
                ms=4,
                color=drawing.GREY,
                label=say("figures.from_origin", unit=units(unit, 1), origin=origin),
            )
        least = 100 * float(known[["predicted", "observed"]].min().min()) if len(known) else 0.0
        low = max(0.0, np.floor((least - 2) / 10) * 10)
        axes.set_xlim(low, 100)
        axes.set_ylim(low, 100)
        axes.grid(visible=True, axis="both")
        drawing.label_axes(axes, say("figures.predicted_retention"), say("figures.observed_retention"))
        if len(mixed):
            axes.legend(loc="lower right", fontsize=6.5, handletextpad=0.1, borderaxespad=0.1)
        drawing.mark_simulated(axes, simulated)
        return axes


def one_adjustment(predictions: pd.DataFrame) -> pd.DataFrame:
    """Keep what adjusted fits predicted, where there are any."""
    kind = "standardised" if (predictions["adjusted"] == "standardised").any() else "no"
    return predictions[predictions["adjusted"] == kind]


def mixture(predictions: pd.DataFrame, weights: Mapping[str, float]) -> pd.DataFrame:
    """What the weighted mixture of the kinds predicted, by origin and level.

    Weights are of the kinds that were fitted from an origin, and sum to 1 there.

    Returns
    -------
    DataFrame
        ``origin, level, predicted, observed, n``; empty where no weight is positive.
    """
    share = predictions["kind"].map(weights).fillna(0.0).astype(float)
    kept = predictions.assign(share=share, part=share * predictions["predicted"])[share > 0]
    grouped = kept.groupby(["origin", "level"], as_index=False)
    total = grouped[["share", "part"]].sum()
    first = grouped[["observed", "n"]].first()
    return first.assign(predicted=total["part"] / total["share"])
