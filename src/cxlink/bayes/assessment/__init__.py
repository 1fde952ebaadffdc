"""Whether a posterior can be relied on."""
