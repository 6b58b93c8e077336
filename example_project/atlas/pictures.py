"""Drawn skylines, so that a fresh Atlas has photos to show; each city's name decides its own."""

import random
from io import BytesIO

from django.core.files.base import ContentFile
from PIL import Image, ImageDraw

SIZE = (1200, 675)
SKIES = [
    ((24, 31, 71), (226, 116, 92)),
    ((43, 88, 145), (250, 214, 165)),
    ((20, 60, 80), (180, 220, 210)),
    ((60, 30, 90), (240, 160, 170)),
]


def skyline(name):
    """Return a JPEG file: the city called `name` in the evening, always the same one."""
    chance = random.Random(name)
    image = Image.new("RGB", SIZE)
    draw = ImageDraw.Draw(image)
    width, height = SIZE
    high, low = chance.choice(SKIES)
    for y in range(height):
        draw.line([(0, y), (width, y)], fill=mix(high, low, y / height))
    x, y, r = chance.randrange(200, 1000), chance.randrange(120, 320), chance.randrange(40, 80)
    draw.ellipse([x - r, y - r, x + r, y + r], fill=mix(low, (255, 255, 255), 0.6))
    for layer in range(3):
        wall = mix(low, (18, 20, 34), 0.45 + 0.27 * layer)
        x = -chance.randrange(60)
        while x < width:
            w = chance.randrange(40, 110)
            h = chance.randrange(90, 420 - 90 * layer)
            draw.rectangle([x, height - h, x + w, height], fill=wall)
            if layer == 2:
                windows(draw, chance, x, height - h, w, h)
            x += w + chance.randrange(0, 14)
    out = BytesIO()
    image.save(out, "JPEG", quality=85)
    return ContentFile(out.getvalue(), name="skyline.jpg")


def windows(draw, chance, left, top, width, height):
    for y in range(top + 12, top + height - 8, 22):
        for x in range(left + 9, left + width - 12, 17):
            if chance.random() < 0.35:
                draw.rectangle([x, y, x + 6, y + 9], fill=(255, 214, 130))


def mix(start, end, part):
    return tuple(round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
