"""Rows become counts: rules checked, periods worked out, equal customers added up."""
