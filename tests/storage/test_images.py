"""Pictures made smaller: of every kind that is read, and nothing of what is made to harm."""

import random
import struct
import sys
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageFile

from mongo_contrib.storage import images
from mongo_contrib.storage.exceptions import NoPicture
from mongo_contrib.storage.images import (
    FORMATS,
    MOST_PIXELS,
    MOST_PIXELS_OF_SCANS,
    MOST_SCANS,
    lacking,
    scans,
    smaller,
)

RED, BLUE = (200, 10, 20), (10, 20, 200)
ORIENTATION, GPS = 0x0112, 0x8825


def encoded(image, format, **options):
    out = BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def opened(data):
    return Image.open(BytesIO(data))


def colour(data, place=(0.5, 0.5)):
    """The colour of a picture at a place, which is part of width and height."""
    image = opened(data).convert("RGBA")
    return image.getpixel(
        tuple(int(part * size) for part, size in zip(place, image.size, strict=True))
    )


def near(found, wanted):
    return all(abs(one - other) < 24 for one, other in zip(found, wanted, strict=False))


@pytest.mark.parametrize("format", FORMATS.values())
def test_every_format_that_is_read(format):
    if format == "AVIF":
        from PIL import features

        if not features.check("avif"):
            pytest.skip("this Pillow has no AVIF")
    made = smaller(encoded(Image.new("RGB", (400, 200), RED), format), (100, 100))
    assert opened(made).format == "WEBP"
    assert opened(made).size == (100, 50)
    assert near(colour(made), RED)


@pytest.mark.parametrize("format", ["TIFF", "ICO", "PPM", "TGA", "EPS", "PDF", "PCX"])
def test_other_decoders_are_not_asked(format):
    with pytest.raises(NoPicture):
        smaller(encoded(Image.new("RGB", (40, 20), RED), format), (10, 10))


@pytest.mark.parametrize(
    ("size", "made"),
    [
        ((400, 200), (100, 50)),
        ((200, 400), (50, 100)),
        ((30, 20), (30, 20)),  # never enlarged
        ((1, 1), (1, 1)),
        ((1, 5000), (1, 100)),
        ((5000, 1), (100, 1)),
    ],
)
def test_it_fits(size, made):
    assert opened(smaller(encoded(Image.new("RGB", size), "PNG"), (100, 100))).size == made


def test_the_box_is_not_a_square():
    picture = encoded(Image.new("RGB", (400, 400)), "PNG")
    assert opened(smaller(picture, (300, 50))).size == (50, 50)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_it_stands_upright(format, orientation):
    """The left edge of a picture that lies in the file as the camera was held is red."""
    upright = Image.new("RGB", (400, 200), BLUE)
    upright.paste(RED, (0, 0, 100, 200))
    # What turns each of these upright again, the other way round.
    turned = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }[orientation]
    stored = upright
    for each in turned:
        stored = stored.transpose(each)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    made = smaller(encoded(stored, format, exif=exif), (100, 100))
    assert opened(made).size == (100, 50)
    assert near(colour(made, (0.05, 0.5)), RED)
    assert near(colour(made, (0.9, 0.5)), BLUE)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_where_it_was_taken_is_nobodys_business(format):
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    exif.get_ifd(GPS)[1] = "N"
    options = {"exif": exif, "icc_profile": b"a profile"}
    stored = encoded(Image.new("RGB", (40, 20), RED), format, **options)
    assert b"A camera" in stored
    made = smaller(stored, (20, 20))
    assert not opened(made).getexif()
    for part in (b"A camera", b"EXIF", b"ICCP", b"XMP", b"a profile"):
        assert part not in made


KINDS = {
    "RGBA": (Image.new("RGBA", (40, 20), (0, 0, 0, 0)), {}, 0),
    "LA": (Image.new("LA", (40, 20), (0, 0)), {}, 0),
    "palette": (Image.new("RGB", (40, 20), RED).quantize(8), {}, 255),
    "transparent palette": (Image.new("RGB", (40, 20)).quantize(8), {"transparency": 0}, 0),
    "transparent colour": (Image.new("RGB", (40, 20), RED), {"transparency": RED}, 0),
    "transparent grey": (Image.new("L", (40, 20), 9), {"transparency": 9}, 0),
    "bits": (Image.new("1", (40, 20), 1), {}, 255),
    "grey": (Image.new("L", (40, 20), 9), {}, 255),
}


@pytest.mark.parametrize("kind", KINDS)
def test_transparency_is_kept(kind):
    image, options, alpha = KINDS[kind]
    assert colour(smaller(encoded(image, "PNG", **options), (20, 20)))[3] == alpha


def test_16_bits_are_not_cut_off():
    made = smaller(encoded(Image.new("I;16", (40, 20), 40_000), "PNG"), (20, 20))
    assert near(colour(made), (156, 156, 156))


def test_colours_of_print():
    made = smaller(encoded(Image.new("CMYK", (40, 20), (0, 255, 255, 0)), "JPEG"), (20, 20))
    assert near(colour(made), (255, 0, 0))


def test_of_an_animation_it_is_the_first_picture():
    frames = [Image.new("RGB", (40, 20), each) for each in (RED, BLUE)]
    for format in ("GIF", "WEBP", "PNG"):
        moving = encoded(frames[0], format, save_all=True, append_images=frames[1:])
        assert opened(moving).n_frames == 2
        made = smaller(moving, (20, 20))
        assert near(colour(made), RED)
        assert getattr(opened(made), "n_frames", 1) == 1


# Made to harm


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *more, pixels=b"\0" * 1_000_000):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [(b"IHDR", header), *more, (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize(
    ("width", "height"),
    [
        (100_000, 100_000),
        (2**31 - 1, 2**31 - 1),
        (11_000, 11_000),  # of which Pillow only warns
        (4_500, 4_500),
        (1, MOST_PIXELS["PNG"] + 1),
        (0, 0),
    ],
)
def test_a_header_that_claims_too_much_is_believed_and_refused(width, height, monkeypatch):
    """Nothing is decoded: that is what takes the memory."""
    decoded = []
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda image: decoded.append(image.size))
    with pytest.raises(NoPicture):
        smaller(png(width, height), (10, 10))
    assert decoded == []


def test_every_format_has_a_bound():
    """What one takes has been measured: bytes for each pixel, that come to 200 MB."""
    assert set(MOST_PIXELS) == set(FORMATS.values())
    measured = {"PNG": 9.6, "GIF": 5, "BMP": 4, "WEBP": 16, "AVIF": 12}
    for format, taken in measured.items():
        assert MOST_PIXELS[format] * taken <= 200_000_000


@pytest.mark.parametrize("format", ["GIF", "BMP", "WEBP"])
def test_the_bound_of_each_format(format, monkeypatch):
    picture = encoded(Image.new("RGB", (40, 20), RED), format)
    monkeypatch.setitem(MOST_PIXELS, format, 800)
    assert smaller(picture, (10, 10))
    monkeypatch.setitem(MOST_PIXELS, format, 799)
    with pytest.raises(NoPicture, match="40 x 20 pixels has more than 799"):
        smaller(picture, (10, 10))


def jpeg(*, progressive=False, more=0, metadata=b"", behind=b""):
    """A JPEG; one of its scans is there so many times more."""
    data = encoded(Image.new("L", (400, 200), 90), "JPEG", progressive=progressive)
    first = data.index(b"\xff\xda")
    end = data.find(b"\xff\xda", first + 2)
    if progressive:  # the second scan adds to the first: it may come again
        second, end = end, data.index(b"\xff\xda", end + 2)
        data = data[:end] + data[second:end] * more + data[end:]
    if metadata:
        part = struct.pack(">H", len(metadata) + 2) + metadata
        data = data[:2] + b"\xff\xe2" + part + data[2:]
    return data + behind


def test_scans_are_counted():
    assert scans(jpeg()) == 1
    some = scans(jpeg(progressive=True))
    assert some > 2
    assert scans(jpeg(progressive=True, more=5)) == some + 5
    assert scans(b"") == scans(b"\xff") == scans(b"\xff\xda") - 1 == 0
    # Filled up, with markers in the middle of a scan, and a length that is none.
    assert scans(b"\xff\xd8\xff\xff\xff\xda\0\2ab\xff\0\xff\xd0\xff\xda\0\0\xff\xda") == 3


def test_a_jpeg_has_so_many_scans():
    """Each takes the time of all pixels, and may have next to no bytes."""
    some = scans(jpeg(progressive=True))
    assert smaller(jpeg(progressive=True, more=MOST_SCANS - some), (10, 10))
    for more in (MOST_SCANS - some + 1, 5_000):
        with pytest.raises(NoPicture, match="scans"):
            smaller(jpeg(progressive=True, more=more), (10, 10))
    for segment in (b"\xff\xfe\0\2", b"\xff\xd8"):
        with pytest.raises(NoPicture, match="segments"):
            scans(b"\xff\xd8" + segment * 20_000)


def test_what_is_no_scan_of_the_picture_counts_for_none():
    """Profiles and small pictures in metadata, and the film behind one that was taken moving."""
    noise = b"\xff\xda\0\2" * 200
    assert smaller(jpeg(metadata=noise, behind=noise), (10, 10))


def test_a_jpeg_of_scans_has_a_bound_of_its_own(monkeypatch):
    monkeypatch.setattr(images, "MOST_PIXELS_OF_SCANS", 79_999)
    assert MOST_PIXELS["JPEG"] > MOST_PIXELS_OF_SCANS
    assert smaller(jpeg(), (10, 10))
    with pytest.raises(NoPicture, match="79,999"):
        smaller(jpeg(progressive=True), (10, 10))


HOSTILE = {
    "nothing": b"",
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "a script that begins as a picture": b"GIF89a=1;alert(1)//",
    "a text of a gigabyte": png(9, 9, (b"zTXt", b"k\0\0" + zlib.compress(b"\0" * 50_000_000))),
    "no end": png(9, 9)[:40],
    "too few pixels": png(900, 900, pixels=b"\0" * 10),
    "no pixels": b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)),
    "cut": encoded(Image.effect_noise((300, 300), 90), "JPEG")[:3000],
    "bmp": b"BM"
    + struct.pack("<IHHIIiiHHIIiiII", 60, 0, 0, 54, 40, -5, 2**31 - 1, 1, 24, *[0] * 6),
    "webp": b"RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff",
    "exif": b"\xff\xd8\xff\xe1\xff\xffExif\0\0MM\0*" + b"\xff" * 600,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_made_to_harm_is_no_picture(name):
    with pytest.raises(NoPicture):
        smaller(HOSTILE[name], (10, 10))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
def test_damage_anywhere_is_no_picture_or_a_picture(format):
    chance = random.Random(7)
    sound = encoded(Image.effect_noise((60, 60), 90).convert("RGB"), format)
    for _ in range(60):
        data = bytearray(sound)
        for _ in range(chance.randrange(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            made = smaller(bytes(data), (10, 10))
        except NoPicture:
            continue
        assert opened(made).format == "WEBP"


def test_what_has_to_be_installed(monkeypatch):
    from django.core.exceptions import ImproperlyConfigured

    assert lacking() is None
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "django-mongo-contrib[images]" in lacking()
    with pytest.raises(ImproperlyConfigured, match="Pillow is not installed"):
        smaller(b"", (10, 10))
