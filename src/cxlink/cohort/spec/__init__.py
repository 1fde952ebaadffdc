"""What the user says of a table."""
