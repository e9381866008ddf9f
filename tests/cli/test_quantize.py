import pytest

from cpose.cli.main import main
from cpose.deploy.model_metadata import read_metadata

from ..deploy.small_models import write_small_model


def run(capsys, *words):
    code = main(['quantize', *map(str, words)])
    return code, *capsys.readouterr()


@pytest.mark.slow
def test_int8_from_a_folder(tmp_path, capsys):
    file, out, data = write_small_model(tmp_path / 'a.onnx'), tmp_path / 'b.onnx', tmp_path / 'data'
    assert main(['synth', str(data), '--num', '4', '--size', '64', '64']) == 0
    words = ('--data', data, '--calib-batch-size', 2, '--calib-cache', tmp_path / 'ranges.json')
    code, output, _ = run(capsys, file, '--out', out, *words, '--eval-images', 2)
    assert code == 0
    assert 'ranges.json is new' in output
    assert '2 test images' in output
    assert 'AP50_3DIoU' in output
    assert read_metadata(out).quantize_target == 'ort'
    code, output, _ = run(capsys, file, '--out', out, *words, '--eval-images', 0, '--force')
    assert code == 0
    assert 'Ranges reused' in output
    assert 'AP50_3DIoU' not in output


def test_fp16_below_a_long_name(tmp_path, capsys):
    folder = tmp_path / ('long' * 30)
    folder.mkdir()
    file, out = write_small_model(tmp_path / 'a.onnx'), folder / 'b.onnx'
    code, output, _ = run(capsys, file, '--out', out, '--precision', 'fp16', '--eval-images', 1)
    assert code == 0
    assert 'fp16' in output
    assert f'MB: {out}\n' in output
    assert read_metadata(out).precision == 'fp16'


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('--precision', 'fp16', '--data', '.'), '--data .'),
        (('--precision', 'fp16', '--target', 'ort'), '--target ort'),
        (('--data', 'nowhere'), '--data nowhere'),
        (('--keep-float', 'nothing'), '--keep-float nothing'),
    ],
)
def test_refusals_have_code_2_and_leave_no_file(tmp_path, capsys, words, message):
    file, out = write_small_model(tmp_path / 'a.onnx'), tmp_path / 'b.onnx'
    code, _, error = run(capsys, file, '--out', out, '--eval-images', 0, *words)
    assert code == 2
    assert message in error
    assert [path.name for path in tmp_path.iterdir()] == ['a.onnx']
