"""Configs: find, inherit, override, check."""
