"""Errors of an additive model of clustered customers: the moves of its coefficients when a bucket is left out.

Each move is one Newton step from the estimate with the information of the others, −(J − J_b)⁻¹·u_b, and (G − 1)/G times
the sum of the moves' outer products is the covariance (Bell & McCaffrey 2002, Survey Methodology 28:169–181, their
CR3), as in the additive models of retention and of spend.
"""

from dataclasses import dataclass

import numpy as np

from cxlink.cohort.count.clusters import BUCKETS
from cxlink.groups.effective_buckets import effective_of
from cxlink.metrics.drivers.joint_cells import Design


@dataclass(frozen=True, slots=True, eq=False)
class CellScores:
    """What joint cells contribute to a model's scores.

    Attributes
    ----------
    cell, bucket : int ndarray of shape (n_cells,)
        Row of the design of each cell, and the bucket of its customers.
    residual, information : ndarray of shape (n_cells,)
        Sums of the slopes of the customers' log-likelihood in the linear predictor, and of its curvature.
    variance : ndarray of shape (n_cells,)
        Sums of what independent customers would add to the variance of ``residual`` by the model.
    """

    cell: np.ndarray
    bucket: np.ndarray
    residual: np.ndarray
    information: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class BucketMoves:
    """Moves of the constant and the terms that are kept, by bucket.

    Attributes
    ----------
    moves : ndarray of shape (n_terms, n_buckets)
        Of the buckets with customers.
    bread : ndarray of shape (n_terms, n_terms)
        The inverse of the information.
    columns : ndarray of shape (n_rows, n_terms)
        Of the design.
    scores : CellScores
        What they are made of.
    """

    moves: np.ndarray
    bread: np.ndarray
    columns: np.ndarray
    scores: CellScores

    @property
    def covariance(self) -> np.ndarray:
        """Of the constant and the terms."""
        n_buckets = self.moves.shape[1]
        covariance: np.ndarray = self.moves @ self.moves.T * (n_buckets - 1) / max(n_buckets, 1)
        return covariance

    def effective(self, gradient: np.ndarray) -> float:
        """Buckets that a combination of the terms stands on, each of the weight of its influences' model variance."""
        influence = (self.columns @ (self.bread @ gradient))[self.scores.cell]
        return effective_of(np.bincount(self.scores.bucket, self.scores.variance * influence**2, BUCKETS))


def bucket_moves(design: Design, kept: np.ndarray, scores: CellScores) -> BucketMoves:
    """Leave out one bucket at a time.

    Parameters
    ----------
    design : Design
        Of the model.
    kept : int ndarray
        Positions of its terms that do not follow from those before them.
    scores : CellScores
        Of its joint cells.
    """
    x = np.column_stack([np.ones(len(design.matrix)), design.matrix[:, kept]])
    whole = x.T @ (design.add_up(scores.information)[:, None] * x)
    moves = []
    for bucket in np.unique(scores.bucket[scores.variance > 0]):
        at = np.flatnonzero(scores.bucket == bucket)
        rows, row = np.unique(scores.cell[at], return_inverse=True)
        mine = x[rows]
        own = np.bincount(row, scores.information[at], len(rows))
        left = whole - mine.T @ (own[:, None] * mine)
        gradient = np.bincount(row, scores.residual[at], len(rows)) @ mine
        moves.append(np.linalg.lstsq(left, -gradient, rcond=1e-10)[0])
    return BucketMoves(
        np.array(moves).reshape(-1, x.shape[1]).T, np.linalg.pinv(whole, hermitian=True), x, scores
    )
