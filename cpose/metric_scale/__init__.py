"""Sizes and distances in metres for poses whose unit of length is unknown."""
