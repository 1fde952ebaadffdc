"""What customers are worth, and what an intervention is worth."""
