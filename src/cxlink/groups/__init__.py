"""Who is compared, and over which mix of customers."""
