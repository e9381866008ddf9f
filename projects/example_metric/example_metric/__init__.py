"""A metric that lives outside of cpose."""
