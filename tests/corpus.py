"""Makes the pictures that tests read: plain, odd, broken and hostile ones."""

from __future__ import annotations

import io
import os
import socket
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

QUARTERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))
"""Colours of `quarters`: top left, top right, bottom left, bottom right."""


def solid(colour: Any = (200, 40, 80), size: tuple[int, int] = (32, 32), mode: str = "RGB"):
    """Return a picture of one colour; size is (width, height)."""
    return Image.new(mode, size, colour)


def quarters(width: int = 32, height: int = 16) -> Image.Image:
    """Return a picture with a colour in each quarter."""
    image = Image.new("RGB", (width, height))
    boxes = ((0, 0), (width // 2, 0), (0, height // 2), (width // 2, height // 2))
    for colour, corner in zip(QUARTERS, boxes, strict=True):
        image.paste(colour, (*corner, corner[0] + width // 2, corner[1] + height // 2))
    return image


def noise(seed: int = 0, size: tuple[int, int] = (40, 40)) -> Image.Image:
    """Return a picture of noise, which no two seeds share."""
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(values)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """Return a picture as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(
    width: int, height: int, bits: int, colour_type: int, rows: bytes, extra: bytes = b""
) -> bytes:
    """Return a PNG of given filtered rows: for what Pillow cannot write, and for lies."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + pixels + chunk(b"IEND", b"")


def sixteen_bit_rgb(value: tuple[int, int, int], side: int = 8) -> bytes:
    """Return a 16-bit RGB PNG of one colour."""
    row = b"\0" + struct.pack(">3H", *value) * side
    return raw_png(side, side, 16, 2, row * side)


def bomb() -> bytes:
    """Return a small PNG that says it is 50000x50000."""
    return raw_png(50000, 50000, 8, 2, b"\0" * 100)


def text_bomb() -> bytes:
    """Return a small PNG whose text chunks hold 200 MB each."""
    packed = zlib.compress(b"\0" * 200_000_000, 9)
    chunks = chunk(b"zTXt", b"a\0\0" + packed) * 2
    return raw_png(16, 16, 8, 2, (b"\0" * 49) * 16, chunks)


def swapped_profile() -> bytes:
    """Return an ICC profile like sRGB with red and green changed over."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", data[128:132])[0]
    for i in range(count):
        at = 132 + 12 * i
        name = bytes(data[at : at + 4])
        data[at : at + 4] = {b"rXYZ": b"gXYZ", b"gXYZ": b"rXYZ"}.get(name, name)
    where = bytes(data).find("sRGB".encode("utf-16-be"))
    data[where : where + 8] = "Test".encode("utf-16-be")
    return bytes(data)


def linear_profile() -> bytes:
    """Return an ICC profile named sRGB whose curves are straight lines."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack(">I", data[128:132])[0]
    for i in range(count):
        name, at, size = struct.unpack(">4sII", data[132 + 12 * i : 144 + 12 * i])
        if name in (b"rTRC", b"gTRC", b"bTRC"):
            curve = b"curv" + b"\0" * 8  # no points: the identity
            data[at : at + size] = curve.ljust(size, b"\0")
            data[140 + 12 * i : 144 + 12 * i] = struct.pack(">I", len(curve))
    return bytes(data)


HTML = b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>\n'
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\nshowpage\n"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 200


def broken_files() -> dict[str, tuple[bytes, str]]:
    """Return name -> (content, reason) of files that a survey or a decoder refuses."""
    png, jpeg = encoded(noise(1), "PNG"), encoded(noise(1), "JPEG")
    files = {
        "empty.png": (b"", "empty"),
        "zeros.jpg": (b"\0" * 5000, "not a picture, it is filled with zeros"),
        "html.jpg": (HTML, "not a picture, it is HTML"),
        "text.png": (b"hello, I am no picture", "not a picture"),
        "vector.png": (SVG, "unsupported: SVG, save it as PNG or JPEG"),
        "eps.png": (EPS, "unsupported: EPS, save it as PNG or JPEG"),
        "pdf.png": (PDF, "unsupported: PDF, save it as PNG or JPEG"),
        "photoshop.jpg": (
            b"8BPS\0\1" + b"\0" * 60,
            "unsupported: Photoshop, save it as PNG or JPEG",
        ),
        "video.jpg": (
            b"\0\0\0\x18ftypmp42" + b"\0" * 60,
            "unsupported: video, save it as PNG or JPEG",
        ),
        "camera.nef": (
            encoded(noise(2), "TIFF"),
            "unsupported: camera raw, save it as PNG or JPEG",
        ),
        "bomb.png": (bomb(), "too large: 50000x50000 px, at most 100 megapixels are read"),
        "dot.png": (
            encoded(solid(size=(1, 1)), "PNG"),
            "too small: 1x1 px, and each side needs 8",
        ),
        "line.png": (
            encoded(solid(size=(1, 4000)), "PNG"),
            "too small: 1x4000 px, and each side needs 8",
        ),
        "faded.jpg": (
            jpeg[: len(jpeg) // 2] + b"\0" * 3000,
            "truncated: its end is filled with zeros",
        ),
        "crc.png": (png[:20] + b"\xff" + png[21:], "damaged"),
    }
    for share in (3, 20, 50, 90):
        files[f"cut{share}.png"] = (png[: len(png) * share // 100], "truncated")
        files[f"cut{share}.jpg"] = (jpeg[: len(jpeg) * share // 100], "truncated")
    return files


def hostile_entries(folder: Path) -> None:
    """Make what must neither hang nor loop: FIFO, socket, links of every kind."""
    os.mkfifo(folder / "fifo.png")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(folder / "socket.png"))
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "nowhere.png").symlink_to("missing.png")
    (folder / "device.png").symlink_to("/dev/zero")
    (folder / "around").symlink_to(folder, target_is_directory=True)


def save(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files into a folder, made where it is missing, and return it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def pictures(folder: Path, count: int, size: tuple[int, int] = (24, 24)) -> Path:
    """Write different PNG pictures p000.png, p001.png ... and return the folder."""
    return save(folder, {f"p{i:03}.png": encoded(noise(i, size), "PNG") for i in range(count)})
