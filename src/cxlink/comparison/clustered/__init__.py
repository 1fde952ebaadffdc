"""Cohorts whose customers are in clusters: their noise over buckets, and buckets drawn for two cohorts together."""
