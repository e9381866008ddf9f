"""MediaPipe's Objectron models as a runtime of cpose."""
