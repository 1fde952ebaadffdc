"""Estimands of posteriors."""
