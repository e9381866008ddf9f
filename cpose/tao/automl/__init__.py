"""Search of hyper-parameters: every trial is an ordinary training run with its own folder."""
