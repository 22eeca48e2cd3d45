"""Makes the files of this folder with the Python package captcha 0.7.1 and Pillow 13.0.0: python make_fixtures.py

scenes.json       images as lists of what they show; scene-N.png is what the package draws when its random numbers are these
steps.json        what Pillow's SMOOTH filter and bicubic resizing make of a pattern, as MD5 digests and as pixels
statistics.json   what images of the package measure, each with random contents
"""

import base64
import hashlib
import json
import math
import pathlib
import random

import captcha.image
from PIL import Image, ImageFilter, __version__

assert __version__ == "13.0.0", __version__
HERE = pathlib.Path(__file__).parent
SIZES = (42, 50, 56)
DIGITS_AND_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Draws:
    """Takes the place of the module `secrets` and keeps what it gave."""

    def __init__(self, seed):
        self.random, self.log = random.Random(seed), []

    def keep(self, value):
        self.log.append(value)
        return value

    def randbelow(self, count):
        return self.keep(self.random.randrange(count))

    def randbits(self, bits):
        return self.keep(self.random.getrandbits(bits))

    def choice(self, values):
        return values[self.keep(self.random.randrange(len(values)))]


def scene(number, text, width, height):
    draws = captcha.image.secrets = Draws(number)
    generator = captcha.image.ImageCaptcha(width, height)
    drawn = []
    plain = generator._draw_character

    def noted(character, draw, color):
        start = len(draws.log)
        image = plain(character, draw, color)
        face, shift, _, *fractions = draws.log[start:]
        angle, a, b, *corners = [value / 2**32 for value in fractions]
        size = SIZES[face]
        _, _, w, h = draw.multiline_textbbox((1, 1), character, font=generator.truefonts[face])
        dx, dy = w * a * (0.3 - 0.1) + 0.1, h * b * (0.3 - 0.2) + 0.2
        warp = [int(c * (d + d) - d) for c, d in zip(corners, (dx, dy, dx, dy))]
        drawn.append({"character": character, "size": size, "shift": shift, "angle": -30 + angle * 60, "warp": warp,
                      "width": image.width})
        return image

    generator._draw_character = noted
    image = generator.generate_image(text)
    log = draws.log
    # generate_image draws the background's colour, the opacity, then the text's colour.
    background, opacity, color = log[:3], log[3], log[4:7]
    curve, dots = log[-6:], log[-66:-6]
    text_width = sum(item["width"] for item in drawn)
    x = int(int(text_width / len(text)) * 0.1)
    for item, gap in zip(drawn, log[-66 - len(drawn):-66]):
        item["x"] = x
        x += item.pop("width") - gap
    fifth_x, fifth_y = width // 5, height // 5
    x1, x2, y1 = curve[0], curve[1] + fifth_x, curve[2] + fifth_y
    y2, end, start = curve[3] + y1, curve[4] + 160, curve[5]
    image.save(HERE / f"scene-{number}.png", optimize=True)
    return {
        "width": width, "height": height, "background": [238 + v for v in background], "color": [10 + v for v in color],
        "opacity": 220 + opacity, "text": drawn, "textWidth": text_width,
        "dots": [dots[i:i + 2] for i in range(0, 60, 2)], "arc": [x1, y1, x2, y2, start, end - start],
    }


def pattern(width, height, channels):
    """Bytes that the tests compute in the same way."""
    state, values = 1, bytearray()
    for _ in range(width * height * channels):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return bytes(values)


def steps():
    smoothed, narrowed = [], []
    for width, height in ((200, 60), (61, 20), (3, 3), (2, 5), (5, 2), (4, 3)):
        image = Image.frombytes("RGB", (width, height), pattern(width, height, 3))
        digest = hashlib.md5(image.filter(ImageFilter.SMOOTH).tobytes()).hexdigest()
        smoothed.append({"width": width, "height": height, "md5": digest})
    for width, target in ((61, 60), (83, 60), (120, 60), (171, 60), (311, 100)):
        image = Image.frombytes("RGB", (width, 7), pattern(width, 7, 3)).resize((target, 7))
        pixels = base64.b64encode(image.tobytes()).decode()
        narrowed.append({"width": width, "height": 7, "target": target, "pixels": pixels})
    return {"smoothed": smoothed, "narrowed": narrowed}


def measures(image):
    """Quantities that do not depend on what is written."""
    gray = image.convert("L")
    values = list(gray.tobytes())
    width = image.width
    mean = sum(values) / len(values)
    background = max(set(values), key=values.count)
    across = [abs(a - b) for i, (a, b) in enumerate(zip(values, values[1:])) if (i + 1) % width]
    down = [abs(a - b) for a, b in zip(values, values[width:])]
    columns = [any(abs(v - background) > 20 for v in values[x::width]) for x in range(width)]
    return {
        "brightness": mean,
        "contrast": math.sqrt(sum((v - mean) ** 2 for v in values) / len(values)),
        "ink": sum(abs(v - background) > 20 for v in values) / len(values),
        "edges across": sum(across) / len(across),
        "edges down": sum(down) / len(down),
        "columns": sum(columns) / width,
        "colors": len(set(zip(*[iter(image.tobytes())] * 3))),
    }


def statistics(count=1000):
    import secrets
    captcha.image.secrets = secrets
    generator = captcha.image.ImageCaptcha(200, 60)
    chooser, rows = random.Random(7), []
    for _ in range(count):
        text = "".join(chooser.choice(DIGITS_AND_LETTERS) for _ in range(chooser.randint(4, 8)))
        rows.append(measures(generator.generate_image(text)))
    result = {}
    for key in rows[0]:
        column = [row[key] for row in rows]
        mean = sum(column) / count
        variance = sum((v - mean) ** 2 for v in column) / (count - 1)
        result[key] = {"mean": round(mean, 5), "error": round(math.sqrt(variance / count), 5)}
    return result


def write(name, value):
    (HERE / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    texts = [("aB3x", 200, 60), ("WMQ80kgj", 200, 60), ("7Gjy", 160, 60), ("19-4=?", 200, 60), ("ilI1wm", 300, 40)]
    write("scenes.json", [scene(number, *item) for number, item in enumerate(texts)])
    write("steps.json", steps())
    write("statistics.json", statistics())
