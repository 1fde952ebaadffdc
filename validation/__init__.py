"""The proofs that intervals hold the truth: simulated cohorts with a known truth, drawn as counts, tallied and judged.

``python -m validation [NAME…]``, which ``make coverage`` calls. Not installed with the package.
"""
