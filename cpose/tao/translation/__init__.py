"""From a TAO spec to a config of this project: one file per part of the config."""
