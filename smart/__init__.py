"""SMART: faces that nobody has, painted in an artist's manner."""

__version__ = "0.1.0"
