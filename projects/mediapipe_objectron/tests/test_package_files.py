import pytest
from mediapipe_objectron.package_files import ASSETS, DETECTOR, LABELS, read_package, unpack_assets

from cpose.errors import CheckpointError

CUP = 'object_detection_3d_cup.tflite'
NPM = 'npm pack @mediapipe/objectron@0.4.1675468480'


class TestReadPackage:
    def check(self, path):
        files = read_package(path, [CUP])
        assert files[CUP] == b'network of cup'
        assert files[DETECTOR] == b'the detector'
        assert files[LABELS].decode().splitlines()[5] == 'Footwear'
        assert 'README.md' not in files

    def test_archive(self, pack, package_files):
        self.check(pack(package_files()))

    def test_folder(self, tmp_path, package_files):
        for name, content in package_files().items():
            (tmp_path / name).write_bytes(content)
        self.check(tmp_path / ASSETS)

    def refuse(self, path, says):
        with pytest.raises(CheckpointError) as caught:
            read_package(path, [CUP])
        assert says in caught.value.problem
        assert caught.value.place.path == path
        assert NPM in caught.value.advice[0]

    def test_no_file(self, tmp_path):
        self.refuse(tmp_path / 'a.tgz', 'is no file')

    def test_other_version(self, pack, package_files):
        path = pack(package_files(version='0.3.1'))
        self.refuse(path, 'objectron 0.3.1, but @mediapipe/objectron 0.4.1675468480 is needed')

    def test_other_package(self, pack, package_files):
        self.refuse(pack(package_files(name='left-pad')), 'is left-pad 0')

    def test_manifest_without_version(self, pack, package_files):
        self.refuse(pack({**package_files(), 'package.json': b'{}'}), 'package.json that cannot')

    def test_network_missing(self, pack, package_files):
        files = package_files()
        del files[CUP]
        self.refuse(pack(files), f'has no {CUP}')

    @pytest.mark.parametrize('length', [0, 5, 200])
    def test_cut_off(self, pack, package_files, length):
        path = pack(package_files())
        path.write_bytes(path.read_bytes()[:length])
        self.refuse(path, 'is damaged or no archive of npm')

    def test_data_cut_off(self, pack, package_files):
        self.refuse(pack({**package_files(), ASSETS: b'short'}), 'which has 5')


class TestUnpackAssets:
    @pytest.mark.parametrize(
        ('loader', 'says'),
        [
            ('', 'holds no list'),
            ('loadPackage({"files": [{"filename": "/a"}]});', 'cannot be read'),
            ('loadPackage({"files": [{"filename": "/a", "start": 4, "end": 2}]});', '4 to 2'),
            ('loadPackage({"files": [{"filename": "/a", "start": 0, "end": 1}]});', 'names no'),
        ],
    )
    def test_refusals(self, loader, says):
        with pytest.raises(ValueError, match=says):
            unpack_assets(loader, b'data')
