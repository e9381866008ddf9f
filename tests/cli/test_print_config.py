from cpose.cli.main import main


def test_shows_the_inheritance(capsys):
    assert (
        main(['print-config', 'dla34_bike', '--cfg-options', 'train_dataloader.batch_size=7']) == 0
    )
    text = capsys.readouterr().out
    values = {}
    exec(compile(text, 'printed', 'exec'), values)
    assert values['train_dataloader']['batch_size'] == 7
    assert values['model']['backbone']['type'] == 'DLA34'
    assert values['optim_wrapper']['optimizer']['type'] == 'Adam'
