"""The real cluster's fixtures, for the tests of this folder."""

from tests.fleet_cluster import cluster, fleet_options

__all__ = ["cluster", "fleet_options"]
