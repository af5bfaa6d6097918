"""Deployster puts a version of a service into production on a fleet cluster or on one machine."""

__version__ = "1.0.0"
