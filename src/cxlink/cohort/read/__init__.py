"""Tables of any format, read as typed expressions."""
