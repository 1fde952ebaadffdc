"""The sections about posteriors."""
