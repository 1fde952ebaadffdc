"""Every proof, in the order in which they are made."""

from validation.change_proof import CHANGES
from validation.cluster_proof import CLUSTERS
from validation.contrast_proof import CONTRAST_PROOF
from validation.driver_proof import DRIVERS
from validation.extrapolation.curve_proof import CURVE_PROOF
from validation.extrapolation.early_proof import EARLY_PROOF
from validation.extrapolation.law_proof import LAW_PROOF
from validation.extrapolation.study_proof import STUDY
from validation.falling_proof import FALLING
from validation.gain_proof import GAIN_PROOF
from validation.interval_proof import INTERVALS
from validation.journey_proof import JOURNEY
from validation.metric_proof import METRICS
from validation.old_model_proof import OLD_MODEL
from validation.posterior_proof import POSTERIORS
from validation.printed.break_even_proof import BREAK_EVEN
from validation.printed.printed_proof import PRINTED_PROOF
from validation.process import Proof
from validation.sensitivity.censoring_proof import CENSORED
from validation.sensitivity.confounding_proof import CONFOUNDING
from validation.sensitivity.simultaneous_proof import SIMULTANEOUS_PROOF
from validation.tenure_proof import TENURE
from validation.wave_proof import WAVES_PROOF

PROOFS: dict[str, Proof] = {
    proof.name: proof
    for proof in (
        INTERVALS,
        TENURE,
        STUDY,
        LAW_PROOF,
        CURVE_PROOF,
        EARLY_PROOF,
        METRICS,
        DRIVERS,
        JOURNEY,
        CONTRAST_PROOF,
        GAIN_PROOF,
        POSTERIORS,
        CHANGES,
        OLD_MODEL,
        FALLING,
        WAVES_PROOF,
        PRINTED_PROOF,
        BREAK_EVEN,
        CLUSTERS,
        CONFOUNDING,
        SIMULTANEOUS_PROOF,
        CENSORED,
    )
}
