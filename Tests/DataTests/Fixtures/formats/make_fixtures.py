"""Makes the JPEG, GIF and BMP fixtures; run in this folder with Pillow 13.0.0 and numpy 2.4.6.

formats.json holds what Pillow sees in each file: `rgb` (the first frame, blended with white) as base64, and `tolerance`,
by how much a decoder may differ: 0 where the format is lossless, 2 for JPEG, 1 for 16-bit BMP (whose 5 bits are stretched to 8).
"""

import base64
import io
import json
import struct

import numpy as np
from PIL import Image, ImageDraw

random = np.random.default_rng(5)
WIDTH, HEIGHT = 37, 23
noise = Image.fromarray(random.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8))
y, x = np.mgrid[0:60, 0:120]
picture = Image.fromarray(np.stack([x * 2, y * 4, 255 - x - y], -1).astype(np.uint8))
draw = ImageDraw.Draw(picture)
draw.text((15, 12), "x7Kp", fill=(200, 0, 0), font_size=34)
for colour in ((0, 120, 0), (255, 255, 0), (0, 0, 90)):
    draw.line([int(v) for v in random.integers(0, 60, 4) * [2, 1, 2, 1]], fill=colour, width=2)
index = []


def shown(data):
    image = Image.open(io.BytesIO(data)).convert("RGBA")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return np.array(white)


def add(name, data, tolerance=0):
    with open(name, "wb") as file:
        file.write(data)
    rgb = shown(data)
    index.append({"file": name, "width": rgb.shape[1], "height": rgb.shape[0], "tolerance": tolerance,
                  "rgb": base64.b64encode(rgb.tobytes()).decode()})


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bmp(width, height, bits, rows, compression=0, masks=b"", palette=b""):
    offset = 14 + 40 + len(masks) + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(rows), 2835, 2835,
                         len(palette) // 4, 0)
    return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + header + masks + palette + rows


add("colour-444.jpg", saved(picture, "JPEG", quality=95, subsampling=0), 2)
add("colour-420.jpg", saved(picture, "JPEG", quality=75, subsampling=2), 2)
add("progressive.jpeg", saved(picture, "JPEG", quality=85, progressive=True), 2)
add("gray.jpg", saved(picture.convert("L"), "JPEG", quality=90), 2)

frames = [Image.fromarray(random.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)).quantize(16) for _ in range(3)]
add("animated.gif", saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50, loop=0))
add("transparent.gif", saved(noise.quantize(31), "GIF", transparency=5))
add("palette.gif", saved(noise.quantize(256), "GIF"))
add("interlaced.gif", saved(picture.quantize(8), "GIF", interlace=1))
add("gray.gif", saved(noise.convert("L"), "GIF"))

add("colour-24.bmp", saved(noise, "BMP"))
add("palette-8.bmp", saved(noise.quantize(200), "BMP"))
add("gray-8.bmp", saved(noise.convert("L"), "BMP"))
add("black-white-1.bmp", saved(noise.convert("1"), "BMP"))
rows = random.integers(0, 256, (HEIGHT, (WIDTH * 3 + 3) // 4 * 4)).astype(np.uint8)
add("top-down.bmp", bmp(WIDTH, -HEIGHT, 24, rows.tobytes()))
# The fourth byte is no alpha in these files.
rows = random.integers(0, 256, (HEIGHT, WIDTH * 4)).astype(np.uint8)
rows[:, 3::4] = 0
add("colour-32.bmp", bmp(WIDTH, HEIGHT, 32, rows.tobytes()))
rows = random.integers(0, 65536, (HEIGHT, WIDTH + 1)).astype("<u2")
add("colour-16.bmp", bmp(WIDTH, HEIGHT, 16, rows.tobytes()), 1)
# Run lengths: per row 20 and 17 pixels, then the end of the row; then the end of the image.
palette = random.integers(0, 256, (16, 4)).astype(np.uint8)
palette[:, 3] = 0
rows = b"".join(bytes([20, n % 16, 17, (n + 3) % 16, 0, 0]) for n in range(HEIGHT)) + b"\0\1"
add("run-lengths.bmp", bmp(WIDTH, HEIGHT, 8, rows, compression=1, palette=palette.tobytes()))
rows = b"".join(bytes([20, n % 16, 17, (n + 3) % 16, 0, 0 if n < HEIGHT - 1 else 1]) for n in range(HEIGHT))
add("run-lengths-short.bmp", bmp(WIDTH, HEIGHT, 8, rows, compression=1, palette=palette.tobytes()))

with open("formats.json", "w") as file:
    json.dump(index, file, indent=0)
