"""Proofs of what is printed beside the headline: laws that no model holds, their truths by sums, and what is judged."""
