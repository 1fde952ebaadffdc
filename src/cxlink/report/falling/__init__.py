"""A falling score: its section and its figure."""
