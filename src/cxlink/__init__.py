"""cxlink links customer-experience scores to retention, spend and expected tenure."""

__version__ = "0.1.0"
