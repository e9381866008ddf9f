"""A backbone that lives outside of cpose."""
