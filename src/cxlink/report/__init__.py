"""Estimates become pictures and a PDF."""
