"""What else could explain the headline."""
