"""The sections about metrics."""
