import pytest

from cpose.files.frame_names import list_videos, split_frame_name


@pytest.mark.parametrize(
    ('path', 'expected'),
    [
        ('a/000012.png', ('a', 12)),
        ('a/clip_3.jpg', ('a/clip', 3)),
        ('a/b/clip-2-007.png', ('a/b/clip-2', 7)),
        ('photo.png', ('photo', -1)),
        ('a/0.png', ('a', 0)),
    ],
)
def test_names(path, expected):
    assert split_frame_name(path) == expected


def test_frames_are_ordered_by_number():
    paths = ['a/f10.png', 'b/1.png', 'a/f9.png', 'a/f2.png', 'b/0.png']
    assert list_videos(paths) == {'a/f': [3, 2, 0], 'b': [4, 1]}
