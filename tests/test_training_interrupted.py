import signal

import pytest

from cpose.errors import TrainingInterruptedError


@pytest.mark.parametrize(('number', 'code'), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_message_and_exit_code(number, code):
    error = TrainingInterruptedError(number, 7, 'work/iter_7.pth')
    assert error.exit_code == code
    assert str(error) == 'Training stopped after iteration 7, saved work/iter_7.pth'
