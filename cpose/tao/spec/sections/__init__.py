"""The sections of a TAO spec, one class each."""
