"""The bytes of a mail as they are kept: compressed, and addressed by the SHA-256 of the plain bytes."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import zstandard

# Measured on generated mail: 0.46 of its size at 200 MB/s; zlib gives 0.45 at 41 MB/s, at its fastest 0.47 at 68 MB/s.
LEVEL = 1
LONGEST_HEADER = 262_144
ZLIB = b"\x78"


@dataclass(frozen=True)
class Packed:
    """A mail ready to be kept; ``size`` is that of the plain bytes."""

    sha256: str
    size: int
    packed: bytes


def pack(raw: bytes) -> Packed:
    """Compress and address a mail."""
    return next(pack_all([raw]))


def pack_all(mails: Iterable[bytes]) -> Iterator[Packed]:
    """Compress and address mails with one compressor: to make one takes a fifth of the time of its work (measured)."""
    compressor = zstandard.ZstdCompressor(level=LEVEL)
    for raw in mails:
        yield Packed(hashlib.sha256(raw).hexdigest(), len(raw), compressor.compress(raw))


def unpack(packed: bytes) -> bytes:
    """Give the plain bytes back; the first schema packed with zlib."""
    return zlib.decompress(packed) if packed.startswith(ZLIB) else zstandard.ZstdDecompressor().decompress(packed)


def header_of(raw: bytes) -> bytes:
    """Give the header alone, with the empty line behind it; of one without end, no more than a header can have."""
    return raw[:LONGEST_HEADER].replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n\n"


def body_of(raw: bytes) -> bytes:
    """Give what stands behind the header: of two copies of a mail, only the header's trace of the way differs."""
    return raw.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
