"""The one door for pixels."""
