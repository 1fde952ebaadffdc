"""Every proof, in the order in which they are made."""

from validation.change_proof import CHANGES
from validation.interval_proof import INTERVALS
from validation.posterior_proof import POSTERIORS
from validation.process import Proof
from validation.tenure_proof import TENURE

PROOFS: dict[str, Proof] = {proof.name: proof for proof in (INTERVALS, TENURE, POSTERIORS, CHANGES)}
