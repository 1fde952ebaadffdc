"""Results become documents."""
