"""What a spec can be used for: one file per task, each on top of `cpose.apis`."""
