"""A starter spec, guessed from what the columns of a table are called and hold."""
