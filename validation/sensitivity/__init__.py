"""What else could explain it: proofs of the bounds of confounding and of censoring, and of simultaneous intervals."""
