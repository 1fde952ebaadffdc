"""Informative censoring: retention weighted by what is no stratum, the customers' other scores."""
