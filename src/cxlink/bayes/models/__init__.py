"""The models, and their densities on counts."""
