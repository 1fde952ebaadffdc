"""Proofs that intervals hold the truth; not installed with the package."""
