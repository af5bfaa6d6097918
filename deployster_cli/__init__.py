"""Deployster puts a version of a service into production on a fleet cluster or on one machine."""

__version__ = "0.1.0"
