import torch

from cpose.codecs.targets import select_candidates


def test_each_object_gets_its_row():
    batch, rows, objects = 2, 3, 4
    number = torch.arange(batch * rows * objects).view(batch, rows, objects)
    targets = {
        'labels': torch.zeros(batch, objects),
        'center_index': number,
        'keypoint_offset': number[..., None, None].expand(-1, -1, -1, 8, 2),
    }
    chosen = torch.tensor([[0, 1, 2, 0], [2, 2, 1, 0]])
    selected = select_candidates(targets, chosen)
    expected = [[0, 5, 10, 3], [20, 21, 18, 15]]
    assert selected['center_index'].tolist() == [[expected[0]], [expected[1]]]
    assert selected['keypoint_offset'].shape == (2, 1, 4, 8, 2)
    assert selected['keypoint_offset'][:, 0, :, 3, 1].tolist() == expected
    assert selected['labels'] is targets['labels']
