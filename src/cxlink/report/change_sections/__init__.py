"""The reports of a comparison and of an intervention."""
