"""Which of several scores tells: gains in prediction, Shapley values, and partial contrasts."""
