"""Names of the rows about several scores in the metrics table."""

VARIABLE = "driver"
"""What the metrics table calls the variable whose categories are the scores."""
GAINS = {"retention": "driver_retention_gain", "spend": "driver_spend_gain"}
SHARES = {"retention": "driver_retention_share", "spend": "driver_spend_share"}
CONTRASTS = {"retention": "driver_retention_contrast", "spend": "driver_spend_contrast"}
MEAN = "driver_mean"
