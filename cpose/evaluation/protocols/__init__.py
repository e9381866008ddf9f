"""Rules of evaluation: which predictions count, what they match and how errors are measured."""
