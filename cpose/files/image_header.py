"""What the first bytes of a picture say: format, size, turn, depth. Nothing is decoded."""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

JPEG_START = b'\xff\xd8'
JPEG_END = b'\xff\xd9'
START_OF_SCAN, START_OF_FRAMES, RESTART_INTERVAL = 0xDA, range(0xC0, 0xD0), 0xDD
NO_FRAMES = (0xC4, 0xC8, 0xCC)
"""Markers in the range of frames that mean tables."""
PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
BARE_MARKERS = (0x01, *range(0xD0, 0xD9))
EXIF = b'Exif\x00\x00'
EXIF_MARKER = 0xE1
TIFF = 'TIFF'
PNG_START = b'\x89PNG\r\n\x1a\n'
NETPBM = re.compile(rb'P[1-6]\s+(?:#[^\n]*\n\s*)*(\d{1,10})\s+(?:#[^\n]*\n\s*)*(\d{1,10})\s')

WIDTH_TAG, HEIGHT_TAG, BITS_TAG, ORIENTATION_TAG, SAMPLE_FORMAT_TAG = 256, 257, 258, 274, 339
FLOAT_SAMPLES = 3
TIFF_TYPES = {1: 'B', 3: 'H', 4: 'L', 16: 'Q'}
MOST_TAGS = 4096

READ = 'JPEG, PNG, WebP, TIFF and BMP'
OTHER_FORMATS = (
    (re.compile(rb'....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)', re.DOTALL), 'a HEIC photograph'),
    (re.compile(rb'....ftyp(?!avi[fs])', re.DOTALL), 'a video'),
    (re.compile(rb'\x00\x00\x00\x0cJXL |\xff\x0a'), 'JPEG XL'),
    (re.compile(rb'8BPS'), 'a Photoshop file'),
    (re.compile(rb'%PDF'), 'a PDF'),
    (re.compile(rb'v/1\x01'), 'OpenEXR'),
    (re.compile(rb'#\?RADIANCE|#\?RGBE'), 'a Radiance HDR picture'),
    (re.compile(rb'\x93NUMPY'), 'an array of NumPy'),
    (re.compile(rb'PK\x03\x04|\x1f\x8b|Rar!|7z\xbc\xaf'), 'an archive'),
    (re.compile(rb'version https://git-lfs'), 'a pointer of Git LFS, not the file itself'),
    (re.compile(rb'\s*<(\?xml|!doctype|html|svg)', re.IGNORECASE), 'a web page or SVG'),
    (re.compile(rb'\s*[{\[]\s*["{\[]'), 'JSON'),
)
"""Files with the name of a picture that OpenCV does not read, by how they begin."""


@dataclass(frozen=True)
class ImageHeader:
    """What a picture says of itself.

    Attributes:
        format: Its name, with what is special about it.
        image_wh: Width and height of the stored pixels; (0, 0) where it is no picture.
        bits: Bits of a sample, as it is stored.
        orientation: Of EXIF: 1 as stored, 3 turned by half, 6 and 8 by a quarter, others mirrored.
        problem: Why it cannot be read, if that can be seen.
    """

    format: str
    image_wh: tuple[int, int] = (0, 0)
    bits: int = 8
    orientation: int = 1
    problem: str = ''

    @property
    def is_turned_by_quarter(self) -> bool:
        """Whether upright pixels have width and height exchanged."""
        return self.orientation in range(5, 9)


def read_image_header(content: bytes) -> ImageHeader | None:
    """Return what a file says of its picture, None if it is of no known kind or cut off."""
    try:
        for start, read in READERS.items():
            if content.startswith(start):
                return read(content)
        if content[4:12] in (b'ftypavif', b'ftypavis'):
            return _read_avif(content)
    except (struct.error, IndexError):
        return None
    found = NETPBM.match(content[:1024])
    if found:
        return ImageHeader('Netpbm', (int(found[1]), int(found[2])))
    for pattern, name in OTHER_FORMATS:
        if pattern.match(content[:64]):
            return ImageHeader(name, problem=f'it is {name}. Read are {READ}')
    return None


def jpeg_segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of the content of each segment of a JPEG, up to its first scan.

    Raises:
        struct.error: If it is cut off.
    """
    position = 2
    while position < len(content) and content[position] == 0xFF:
        marker = content[position + 1]
        if marker == 0xFF or marker in BARE_MARKERS:
            position += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from('>H', content, position + 2)
        yield marker, position + 4, position + 2 + length
        if marker == START_OF_SCAN:
            return
        position += 2 + length


def _read_jpeg(content: bytes) -> ImageHeader | None:
    header, orientation = None, 1
    for marker, start, end in jpeg_segments(content):
        if marker in START_OF_FRAMES and marker not in NO_FRAMES:
            bits, height, width = struct.unpack_from('>BHH', content, start)
            header = ImageHeader('JPEG', (width, height), bits)
            if bits != 8:
                header = replace(header, problem=f'it has {bits} bits per sample, not 8')
        elif marker == EXIF_MARKER and content[start : start + 6] == EXIF:
            orientation = _read_orientation(content[start + 6 : end])
    return header and replace(header, orientation=orientation)


MOST_CHUNK = 1 << 26
"""Bytes of a part of a PNG that decoders may make room for before they see that it is not there."""


def _read_png(content: bytes) -> ImageHeader:
    width, height, bits = struct.unpack_from('>IIB', content, 16)
    header, position = ImageHeader('PNG', (width, height), bits), 8
    while position + 8 <= len(content):
        (length,) = struct.unpack_from('>I', content, position)
        name, data = content[position + 4 : position + 8], position + 8
        if length > MOST_CHUNK and data + length > len(content):
            return replace(header, problem='a part of it claims to be longer than the file')
        if name == b'eXIf':
            turn = _read_orientation(content[data : data + length])
            return replace(header, orientation=turn)
        position = data + length + 4
    return header


def _read_bmp(content: bytes) -> ImageHeader:
    (size,) = struct.unpack_from('<I', content, 14)
    width, height = struct.unpack_from('<HH' if size == 12 else '<ii', content, 18)
    return ImageHeader('BMP', (abs(width), abs(height)))


def _read_gif(content: bytes) -> ImageHeader:
    return ImageHeader('GIF', struct.unpack_from('<HH', content, 6))


def _read_webp(content: bytes) -> ImageHeader | None:
    kind = content[12:16]
    if content[8:12] != b'WEBP':
        return None
    if kind == b'VP8 ':
        width, height = struct.unpack_from('<HH', content, 26)
        return ImageHeader('WebP', (width & 0x3FFF, height & 0x3FFF))
    if kind == b'VP8L':
        (sides,) = struct.unpack_from('<I', content, 21)
        return ImageHeader('WebP', ((sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1))
    low_w, high_w, low_h, high_h = struct.unpack_from('<HBHB', content, 24)
    header = ImageHeader('WebP', ((high_w << 16 | low_w) + 1, (high_h << 16 | low_h) + 1))
    position = 12
    while position + 8 <= len(content):
        (length,) = struct.unpack_from('<I', content, position + 4)
        if content[position : position + 4] == b'EXIF':
            exif = content[position + 8 : position + 8 + length].removeprefix(EXIF)
            header = replace(header, orientation=_read_orientation(exif))
        position += 8 + length + length % 2
    return header


def _read_jpeg2000(content: bytes) -> ImageHeader | None:
    start = content.find(b'\xff\x4f\xff\x51')
    if start < 0:
        return None
    right, bottom, left, top = struct.unpack_from('>IIII', content, start + 8)
    return ImageHeader('JPEG 2000', (max(right - left, 0), max(bottom - top, 0)))


def _read_avif(content: bytes) -> ImageHeader | None:
    sizes = [
        struct.unpack_from('>II', content, found.end() + 4)
        for found in re.finditer(b'ispe', content[:65536])
    ]
    return ImageHeader('AVIF', max(sizes, key=lambda wh: wh[0] * wh[1])) if sizes else None


def _read_tiff(content: bytes) -> ImageHeader | None:
    tags = _tiff_tags(content)
    if WIDTH_TAG not in tags or HEIGHT_TAG not in tags:
        return None
    bits, samples = tags.get(BITS_TAG, 1), tags.get(SAMPLE_FORMAT_TAG, 1)
    header = ImageHeader(
        TIFF,
        (tags[WIDTH_TAG], tags[HEIGHT_TAG]),
        bits,
        orientation=_valid_orientation(tags),
    )
    if samples == FLOAT_SAMPLES:
        return replace(
            header,
            problem=f'its pixels are floating-point numbers of {bits} bits, whose brightness is '
            'not defined',
        )
    if bits > 16:
        return replace(header, problem=f'it has {bits} bits per sample, not 8 or 16')
    return header


def _read_orientation(exif: bytes) -> int:
    """Return the orientation in the data of EXIF, 1 if there is none."""
    try:
        return _valid_orientation(_tiff_tags(exif))
    except (struct.error, IndexError):
        return 1


def _valid_orientation(tags: Mapping[int, int]) -> int:
    orientation = tags.get(ORIENTATION_TAG, 1)
    return orientation if orientation in range(1, 9) else 1


def _tiff_tags(content: bytes) -> dict[int, int]:
    """Return the first number of each tag of the first directory.

    Raises:
        struct.error: If it is cut off.
    """
    order = {b'II': '<', b'MM': '>'}.get(content[:2])
    if order is None:
        return {}
    is_big = struct.unpack_from(f'{order}H', content, 2)[0] == 43
    entry, count_type, offset_type = (20, 'Q', 'Q') if is_big else (12, 'H', 'L')
    (start,) = struct.unpack_from(order + offset_type, content, 8 if is_big else 4)
    (count,) = struct.unpack_from(order + count_type, content, start)
    start += struct.calcsize(order + count_type)
    tags = {}
    for place in range(start, start + entry * min(count, MOST_TAGS), entry):
        tag, kind, length = struct.unpack_from(f'{order}HH{offset_type}', content, place)
        letter = TIFF_TYPES.get(kind)
        if letter is None:
            continue
        data = place + (12 if is_big else 8)
        if length * struct.calcsize(order + letter) > entry - (12 if is_big else 8):
            (data,) = struct.unpack_from(order + offset_type, content, data)
        (tags[tag],) = struct.unpack_from(order + letter, content, data)
    return tags


READERS = {
    JPEG_START: _read_jpeg,
    PNG_START: _read_png,
    b'BM': _read_bmp,
    b'GIF8': _read_gif,
    b'RIFF': _read_webp,
    b'II*\x00': _read_tiff,
    b'MM\x00*': _read_tiff,
    b'II+\x00': _read_tiff,
    b'MM\x00+': _read_tiff,
    b'\x00\x00\x00\x0cjP  ': _read_jpeg2000,
    b'\xff\x4f\xff\x51': _read_jpeg2000,
}
