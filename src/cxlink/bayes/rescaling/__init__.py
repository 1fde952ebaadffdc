"""Draws of clustered customers, rescaled to the covariance that their buckets show."""
