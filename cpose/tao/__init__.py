"""Specs, file names and formats of NVIDIA TAO's CenterPose, translated at the border."""

TASKS = ('train', 'evaluate', 'inference', 'export', 'gen_trt_engine')
"""What TAO can do with a spec; each task has a section of its name in the spec."""

SEARCH = 'automl'
"""The command that searches over trainings, its section of the spec and its folder of results."""
BEST_MODEL = 'best_model.pth'
"""Link to the weights of a search's best trial."""
SECRET = 'encryption_key'
"""The key of a spec whose value no file and no message shows."""
