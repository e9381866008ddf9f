"""A data source that lives outside of cpose."""
