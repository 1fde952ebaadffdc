"""Estimates of customers who are clustered: their intervals, and how far a cluster's customers are alike."""
