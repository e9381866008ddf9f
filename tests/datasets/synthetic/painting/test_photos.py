import numpy as np

from cpose.datasets.synthetic.painting.photos import COUNT, PHOTO, photo_bank, sample_photo


def test_bank_holds_different_pictures():
    bank = photo_bank()
    assert len(bank) == COUNT
    assert all(photo.shape == (PHOTO, PHOTO, 3) and photo.dtype == np.uint8 for photo in bank)
    means = np.array([photo.mean(axis=(0, 1)) for photo in bank])
    assert (means.std(axis=0) > 20).all()


def test_sample_has_the_size_asked_for_and_leaves_the_bank_alone():
    before = [photo.copy() for photo in photo_bank()]
    rng = np.random.default_rng(0)
    photos = [sample_photo(rng, (40, 25)) for _ in range(20)]
    assert all(photo.shape == (25, 40, 3) for photo in photos)
    for photo in photos:
        photo[:] = 0
    for old, new in zip(before, photo_bank(), strict=True):
        np.testing.assert_array_equal(old, new)
