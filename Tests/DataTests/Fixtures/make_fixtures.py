"""Makes the fixtures of the data tests; run in this folder with Pillow 13.0.0 and numpy 2.4.6.

png/      PNG files of every colour type, bit depth and interlacing, written here chunk by chunk after the PNG
          specification, and files written by Pillow. png.json holds what they show: `rgb` (blended with white) and
          `gray` as base64. The values follow from the samples that were written; wherever Pillow can read the type, this
          script checks that Pillow agrees.
resize/   Images and what Pillow's LANCZOS makes of them; resize.json lists them.
"""

import base64
import io
import json
import os
import struct
import zlib

import numpy as np
from PIL import Image

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def paeth(a, b, c):
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def filtered(rows, pixel_bytes):
    """Each packed row with filter type 0, 1, 2, 3, 4, 0, ..."""
    out = bytearray()
    above = bytes(len(rows[0])) if rows else b""
    for number, row in enumerate(rows):
        kind = number % 5
        out.append(kind)
        for i, x in enumerate(row):
            a = row[i - pixel_bytes] if i >= pixel_bytes else 0
            b = above[i]
            c = above[i - pixel_bytes] if i >= pixel_bytes else 0
            out.append((x - [0, a, b, (a + b) // 2, paeth(a, b, c)][kind]) & 255)
        above = row
    return bytes(out)


def packed(samples, depth):
    """Rows of [h, w, c] samples as bytes."""
    rows = []
    for row in samples.reshape(samples.shape[0], -1):
        if depth == 16:
            rows.append(b"".join(struct.pack(">H", v) for v in row))
        else:
            bits = "".join(format(v, f"0{depth}b") for v in row)
            bits += "0" * (-len(bits) % 8)
            rows.append(bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)))
    return rows


def png(samples, color, depth, interlaced=False, palette=None, trns=None, extra=b"", parts=1):
    height, width, channels = samples.shape
    pixel_bytes = max(1, channels * depth // 8)
    if interlaced:
        data = b""
        for x, y, dx, dy in ADAM7:
            part = samples[y::dy, x::dx]
            if part.size:
                data += filtered(packed(part, depth), pixel_bytes)
    else:
        data = filtered(packed(samples, depth), pixel_bytes)
    body = zlib.compress(data)
    out = b"\x89PNG\r\n\x1a\n"
    out += chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced)))
    out += extra
    if palette is not None:
        out += chunk(b"PLTE", palette.astype(np.uint8).tobytes())
    if trns is not None:
        out += chunk(b"tRNS", trns)
    step = -(-len(body) // parts)
    for start in range(0, len(body), step):
        out += chunk(b"IDAT", body[start : start + step])
    return out + chunk(b"IEND", b"")


def shown(samples, color, depth, palette=None, trns=None):
    """RGB and gray of the samples by the specification; 16-bit samples keep their high byte."""
    alpha = np.full(samples.shape[:2], 255, np.int64)
    values = samples.astype(np.int64)

    def eight(v):
        return v >> 8 if depth == 16 else v * 255 // (2**depth - 1)

    if color == 3:
        index = values[..., 0]
        if trns is not None:
            table = np.full(256, 255, np.int64)
            table[: len(trns)] = list(trns)
            alpha = table[index]
        base = palette.astype(np.int64)[index]
    else:
        kept = values[..., :3] if color in (2, 6) else values[..., :1]
        if color in (4, 6):
            alpha = eight(values[..., -1])
        elif trns is not None:
            key = np.frombuffer(trns, ">u2").astype(np.int64)
            alpha = np.where((kept == key).all(-1), 0, 255)
        base = eight(kept)
    # round to nearest, as Pillow's paste with a mask does
    blended = (base * alpha[..., None] + 255 * (255 - alpha[..., None]) + 127) // 255
    rgb = np.repeat(blended, 3, -1) if blended.shape[-1] == 1 else blended
    rgb = rgb.astype(np.uint8)
    return rgb, np.array(Image.fromarray(rgb).convert("L"))


def by_pillow(data):
    image = Image.open(io.BytesIO(data)).convert("RGBA")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return np.array(white)


def encoded(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def png_fixtures():
    os.makedirs("png", exist_ok=True)
    random = np.random.default_rng(1)
    width, height = 13, 9
    index = []

    def add(name, data, rgb, gray, pillow_differs=False):
        agrees = np.array_equal(by_pillow(data), rgb)
        if agrees == pillow_differs:
            raise SystemExit(f"{name}: Pillow agrees: {agrees}, expected otherwise")
        with open(f"png/{name}.png", "wb") as file:
            file.write(data)
        index.append(
            {"file": f"{name}.png", "width": rgb.shape[1], "height": rgb.shape[0], "rgb": encoded(rgb),
             "gray": encoded(gray)})

    palette_of = {d: random.integers(0, 256, (2**d, 3)) for d in (1, 2, 4, 8)}
    kinds = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16),
             (6, 8), (6, 16)]
    names = {0: "gray", 2: "rgb", 3: "palette", 4: "gray-alpha", 6: "rgba"}
    for color, depth in kinds:
        for interlaced in (False, True):
            samples = random.integers(0, 2**depth, (height, width, CHANNELS[color]))
            palette = palette_of[depth] if color == 3 else None
            data = png(samples, color, depth, interlaced, palette)
            name = f"{names[color]}{depth}" + ("-interlaced" if interlaced else "")
            # Pillow clips 16-bit gray at 255 instead of scaling it.
            differs = (color, depth) == (0, 16)
            add(name, data, *shown(samples, color, depth, palette), pillow_differs=differs)
    for color, depth in kinds:
        if color in (4, 6):
            continue
        samples = random.integers(0, 2**depth, (height, width, CHANNELS[color]))
        palette = palette_of[depth] if color == 3 else None
        if color == 3:
            trns = bytes(random.integers(0, 256, max(1, 2**depth - 1)).tolist())
        else:
            trns = b"".join(struct.pack(">H", v) for v in samples[4, 5])
        data = png(samples, color, depth, False, palette, trns)
        # Pillow compares the colour that tRNS names with the scaled or shortened samples.
        differs = (color, depth) in PILLOW_TRNS_DIFFERS
        add(f"{names[color]}{depth}-trns", data, *shown(samples, color, depth, palette, trns), pillow_differs=differs)

    samples = random.integers(0, 256, (height, width, 3))
    for name, extra in {
        "gamma": chunk(b"gAMA", struct.pack(">I", 100000)),
        "text": chunk(b"tEXt", b"Comment\0a text") + chunk(b"prVt", b"private chunk"),
    }.items():
        add(name, png(samples, 2, 8, extra=extra), *shown(samples, 2, 8))
    add("many-idat", png(samples, 2, 8, parts=40), *shown(samples, 2, 8))
    one = random.integers(0, 256, (1, 1, 3))
    add("one-pixel-interlaced", png(one, 2, 8, True), *shown(one, 2, 8))

    rgb = random.integers(0, 256, (height, width, 3)).astype(np.uint8)
    picture = Image.fromarray(rgb)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        buffer = io.BytesIO()
        picture.convert(mode).save(buffer, "PNG")
        expected = np.array(picture.convert(mode).convert("RGB"))
        add(f"pillow-{mode.lower()}", buffer.getvalue(), expected, np.array(Image.fromarray(expected).convert("L")))
    with open("png.json", "w") as file:
        json.dump(index, file, indent=0)
    # every alpha over every value
    v, a = np.meshgrid(np.arange(256), np.arange(256))
    ours = (v * a + 255 * (255 - a) + 127) // 255
    image = Image.fromarray(np.stack([v, v, v, a], -1).astype(np.uint8))
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    over = np.array(Image.alpha_composite(white, image))[..., 0]
    print("alpha_composite differs from paste in", int((over != ours).sum()), "of 65536 values by at most",
          int(np.abs(over.astype(int) - ours).max()))


PILLOW_TRNS_DIFFERS = {(0, 2), (0, 4), (0, 16), (2, 16)}


def resize_fixtures():
    os.makedirs("resize", exist_ok=True)
    random = np.random.default_rng(2)
    y, x = np.mgrid[0:23, 0:37]
    noise = random.integers(0, 256, (23, 37, 3))
    smooth = np.stack([x * 7, y * 11, 255 - x * 3 - y * 5], -1)
    sources = {
        "noise": np.where((x + y)[..., None] % 3 == 0, noise, smooth).astype(np.uint8),
        "black-white": (random.integers(0, 2, (17, 31, 3)) * 255).astype(np.uint8),
        "pixel": np.array([[[10, 200, 77]]], np.uint8),
        "wide": random.integers(0, 256, (40, 121, 3)).astype(np.uint8),
    }
    targets = {
        "noise": [(20, 9), (74, 46), (37, 60), (11, 23), (1, 1), (36, 22), (38, 24), (37, 23)],
        "black-white": [(13, 7), (97, 53), (30, 17)],
        "pixel": [(5, 7)],
        "wide": [(80, 60), (7, 3)],
    }
    index = []
    for name, array in sources.items():
        for mode in ("RGB", "L"):
            source = Image.fromarray(array).convert(mode)
            source_file = f"{name}-{mode.lower()}.png"
            source.save(f"resize/{source_file}")
            for width, height in targets[name]:
                target_file = f"{name}-{mode.lower()}-{width}x{height}.png"
                source.resize((width, height), Image.LANCZOS).save(f"resize/{target_file}")
                index.append({"source": source_file, "target": target_file, "width": width, "height": height})
    with open("resize.json", "w") as file:
        json.dump(index, file, indent=0)


if __name__ == "__main__":
    png_fixtures()
    resize_fixtures()
