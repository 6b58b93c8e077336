"""Pictures made smaller, by Pillow (the extra `images`): bytes in, bytes out.

The bytes may be anybody's. So a header that claims more than the bounds is refused before
anything is decoded, only decoders of formats that are in use in the web are asked, and what one of
them stumbles over is no picture.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

from .exceptions import NoPicture

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "CONTENT_TYPE",
    "FORMATS",
    "LARGEST_FILE",
    "MOST_PIXELS",
    "MOST_PIXELS_OF_SCANS",
    "lacking",
    "smaller",
]

#: The formats that are read, as Pillow names them, with the types that they are told by.
FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/gif": "GIF",
    "image/webp": "WEBP",
    "image/avif": "AVIF",
    "image/bmp": "BMP",
}

#: The format that is written: every browser has it, it is small, and has transparency.
CONTENT_TYPE = "image/webp"
QUALITY = 80

#: Bytes of the largest original. The pictures of a good camera have 30 MB.
LARGEST_FILE = 48 * 1024 * 1024

#: Of the largest original of each format, width times height: measured, what decodes one takes
#: 200 MB. JPEG is decoded at an eighth of its size; one in several scans (progressive) is not
#: before all of them are in memory. For WebP and AVIF libraries keep the picture twice.
MOST_PIXELS = {
    "JPEG": 50_000_000,
    "PNG": 20_000_000,
    "GIF": 20_000_000,
    "BMP": 20_000_000,
    "WEBP": 12_500_000,
    "AVIF": 12_500_000,
}
MOST_PIXELS_OF_SCANS = 25_000_000

#: Scans of a JPEG. Ten are usual, and each takes time for all pixels, though it has few bytes.
MOST_SCANS = 64
#: Segments of a JPEG, of which metadata in parts of 64 KB take the most.
MOST_SEGMENTS = 10_000

# What begins a segment of a JPEG or ends it all (ITU-T T.81, section B.1.1): not those that
# stand for themselves inside of a scan, and no escaped byte of it.
_MARKER = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])")
_START, _END, _SCAN = b"\xd8", b"\xd9", b"\xda"

# EXIF's number for how the camera was held, and those of its values for which width is height.
ORIENTATION = 0x0112
LYING = (5, 6, 7, 8)


def smaller(data: bytes, size: tuple[int, int]) -> bytes:
    """The picture in WebP, as large as fits into `size` (width, height), and never enlarged.

    It stands upright and has no metadata: no camera, no place. Of an animation it is the first
    picture. NoPicture, which says why, for what is none or is out of bounds.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as exc:
        raise ImproperlyConfigured(f"Thumbnails can't be made: {lacking()}") from exc
    Image.init()
    formats = [each for each in FORMATS.values() if each in Image.OPEN]
    try:
        with Image.open(BytesIO(data), formats=formats) as image:
            width, height = image.size
            most = _most_pixels(image.format, data)
            if width * height > most:
                raise NoPicture(f"A picture of {width} x {height} pixels has more than {most:,}.")
            lying = image.getexif().get(ORIENTATION) in LYING
            box = size[::-1] if lying else size
            image.draft("RGB", (box[0] * 2, box[1] * 2))  # JPEG decodes an eighth as cheaply
            found = _plain(image)
            found.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
            found.getexif()[ORIENTATION] = image.getexif().get(ORIENTATION, 1)
            found = ImageOps.exif_transpose(found)
            found.info = {}  # some of which would be written
            out = BytesIO()
            found.save(out, "WEBP", quality=QUALITY)
            return out.getvalue()
    except NoPicture:
        raise
    except Exception as exc:
        # What decoders raise of bytes that are damaged, or made to harm, is written down nowhere.
        raise NoPicture(f"The picture can't be read: {type(exc).__name__}: {exc}") from exc


def lacking() -> str | None:
    """What has to be installed before thumbnails can be made; None if nothing has."""
    try:
        from PIL import features
    except ImportError:
        return "Pillow is not installed, which is django-mongo-contrib[images]."
    return None if features.check("webp") else "this Pillow was built without WebP."


def _most_pixels(format: str | None, data: bytes) -> int:
    """How many pixels a picture of this format may have; NoPicture for a JPEG made to harm."""
    if format not in MOST_PIXELS:  # the plug-in of several pictures in one JPEG calls it MPO
        format = "JPEG"
    if format != "JPEG" or scans(data) < 2:
        return MOST_PIXELS[format]
    return MOST_PIXELS_OF_SCANS


def scans(data: bytes) -> int:
    """The number of scans of a JPEG's first picture; NoPicture if that is out of bounds.

    What lies in metadata, and behind the picture as films of phones do, does not count.
    """
    found = segments = at = 0
    while marker := _MARKER.search(data, at):
        at, kind = marker.end(), marker[1]
        if kind == _END:
            break
        found += kind == _SCAN
        segments += 1
        if found > MOST_SCANS or segments > MOST_SEGMENTS:
            raise NoPicture(
                f"A JPEG of more than {MOST_SCANS} scans or {MOST_SEGMENTS:,} segments."
            )
        if kind == _START:
            continue
        # A length counts itself. Decoders take one that is shorter than itself for an empty one.
        at += max(2, int.from_bytes(data[at : at + 2], "big"))
    return found


def _plain(image: Image.Image) -> Image.Image:
    """The picture in colours or in grey, with transparency if it has any."""
    if image.mode in ("RGB", "RGBA", "L", "LA"):
        # Of these, too, one colour may be transparent.
        return image.convert("RGBA") if "transparency" in image.info else image
    if image.mode.startswith("I"):  # 16 bits
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
