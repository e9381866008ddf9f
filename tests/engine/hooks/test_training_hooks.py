from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset

from cpose.engine.hooks.training_hooks import DatasetEpochHook


class Epochs(Dataset):
    def __init__(self):
        self.epochs = []

    def __len__(self):
        return 3

    def set_epoch(self, epoch):
        self.epochs.append(epoch)


class Runner:
    epoch = 5

    def __init__(self, dataset):
        self.train_dataloader = DataLoader(dataset)


def test_wrapped_data_sets_are_told():
    first, second = Epochs(), Epochs()
    dataset = ConcatDataset([Subset(first, [0]), ConcatDataset([second])])
    DatasetEpochHook().before_train_epoch(Runner(dataset))
    assert first.epochs == second.epochs == [5]


def test_data_without_epochs_is_fine():
    DatasetEpochHook().before_train_epoch(Runner([1, 2]))


def test_every_epoch_is_told(build_runner):
    runner = build_runner()
    told = []
    runner.train_dataloader.dataset.set_epoch = told.append
    runner.train()
    assert told == [0, 1, 2]
