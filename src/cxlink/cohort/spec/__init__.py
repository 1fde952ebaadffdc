"""The spec: the user's description of a table."""
