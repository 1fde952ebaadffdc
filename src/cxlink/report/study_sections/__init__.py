"""The sections about the published study."""
