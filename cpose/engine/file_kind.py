"""What a file is that is no checkpoint, told from its first bytes."""

import re
from pathlib import Path

HEAD = 512
TEXT = re.compile(rb'[\t\n\r\x20-\x7e\x80-\xff]+')
KINDS = (
    (
        re.compile(rb'\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19'),
        'one that is cut off or damaged (copy or download it again)',
    ),
    (
        re.compile(rb'\x08[\x01-\x20][\x12\x1a\x22\x2a\x32\x3a\x42]'),
        'an ONNX file (it holds a network to run; weights come from the .pth it was exported from)',
    ),
    (re.compile(rb'version https://git-lfs'), 'a pointer of Git LFS (fetch it: git lfs pull)'),
    (re.compile(rb'\s*<(!doctype|html|\?xml)', re.IGNORECASE), 'a web page (download it again)'),
    (re.compile(rb'\x89PNG|\xff\xd8\xff|BM'), 'an image'),
    (re.compile(rb'ptrt|ftrt'), 'a TensorRT engine'),
)
"""First bytes of a file to what it is; the first is how torch.save begins without an archive."""


def describe_kind(path: Path) -> str:
    """Say what a file is instead of a checkpoint; an empty string if that is not known."""
    with path.open('rb') as file:
        head = file.read(HEAD)
    kind = next((name for pattern, name in KINDS if pattern.match(head)), '')
    return kind or ('a text file' if TEXT.fullmatch(head) else '')
