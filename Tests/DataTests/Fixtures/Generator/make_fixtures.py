"""Makes the files of this folder with Pillow 13.0.0: python make_fixtures.py [FOLDER_OF_ORIGINAL_IMAGES]

primitives.json   lines, arcs, rotated tiles and blurs, each drawn alone, with the MD5 digest of the pixels
glyphs.json       the digest of every character's coverage on its tile
scenes.json       whole images as lists of what they show; scene-N.png is what Pillow makes of each
statistics.json   what the original system's images measure (only with the folder, which has a manifest.jsonl)
"""

import hashlib
import json
import math
import pathlib
import random
import sys

from PIL import Image, ImageDraw, ImageFilter, ImageFont, __version__

assert __version__ == "13.0.0", __version__
HERE = pathlib.Path(__file__).parent
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"
WIDTH, HEIGHT = 200, 60
CHARACTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-*=?"
uniform = random.randint


def digest(image):
    return hashlib.md5(image.tobytes()).hexdigest()


def pattern(width, height, channels):
    """Bytes that the tests compute in the same way."""
    state, values = 1, bytearray()
    for _ in range(width * height * channels):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return bytes(values)


def lines():
    cases = []
    for width in (1, 2, 3, 4, 5):
        for _ in range(120):
            ends = [uniform(0, WIDTH), uniform(0, HEIGHT), uniform(0, WIDTH), uniform(0, HEIGHT)]
            cases.append(ends + [width])
        # Short, flat and steep ones, and ones that leave the image.
        for dx in range(-3, 4):
            for dy in range(-3, 4):
                cases.append([100, 30, 100 + dx, 30 + dy, width])
        for dx, dy in ((40, 1), (40, -1), (1, 20), (-1, 20), (0, 25), (45, 0), (90, 2), (2, 28), (30, 30)):
            cases.append([100, 30, 100 + dx, 30 + dy, width])
            cases.append([100, 30, 100 - dx, 30 - dy, width])
            cases.append([100 + 2 * dx, 30 + 2 * dy, 100 - 2 * dx, 30 - 2 * dy, width])
    result = []
    for case in cases:
        image = Image.new("L", (WIDTH, HEIGHT))
        ImageDraw.Draw(image).line(case[:4], fill=255, width=case[4])
        result.append({"line": case, "md5": digest(image)})
    return result


def arcs():
    cases = []
    for width in (1, 2, 3):
        for index in range(150):
            y0, y1 = sorted((uniform(0, HEIGHT), uniform(0, HEIGHT)))
            box = [uniform(0, WIDTH // 2), y0, uniform(WIDTH // 2, WIDTH), y1]
            if index % 3 == 0:
                x0, x1 = sorted((uniform(80, 120), uniform(80, 120)))
                box = [x0, y0, x1, y1]
            cases.append(box + [uniform(0, 359), uniform(30, 120) if index % 2 else uniform(1, 359), width])
        for start in range(0, 360, 45):
            for extent in (45, 90, 180, 270):
                cases.append([20, 5, 180, 55, start, extent, width])
                cases.append([85, 2, 110, 58, start, extent, width])
    result = []
    for case in cases:
        image = Image.new("L", (WIDTH, HEIGHT))
        ImageDraw.Draw(image).arc(case[:4], case[4], case[4] + case[5], fill=255, width=case[6])
        result.append({"arc": case, "md5": digest(image)})
    return result


def rotations():
    """A tile of one colour whose alpha channel is the pattern, rotated and pasted partly outside."""
    tile = Image.new("RGBA", (50, 70), (200, 30, 90, 255))
    tile.putalpha(Image.frombytes("L", (50, 70), pattern(50, 70, 1)))
    result = []
    for angle in range(-30, 31):
        turned = tile.rotate(angle, expand=True)
        image = Image.new("RGB", (WIDTH, HEIGHT), (250, 240, 231))
        for x, y in ((60, -12), (-20, 10), (170, -30)):
            image.paste(turned, (x, y), turned)
        result.append({"angle": angle, "width": turned.width, "height": turned.height, "md5": digest(image)})
    return result


def blurs():
    result = []
    for width, height in ((WIDTH, HEIGHT), (7, 5), (2, 2), (1, 3), (3, 1)):
        image = Image.frombytes("RGB", (width, height), pattern(width, height, 3))
        for radius in (0.3, 0.34, 0.41, 0.5, 0.5732, 0.66, 0.7, 1.0, 1.39, 1.41, 1.5, 2.0, 2.3, 3.07, 4.5, 7.168):
            blurred = image.filter(ImageFilter.GaussianBlur(radius))
            result.append({"width": width, "height": height, "radius": radius, "md5": digest(blurred)})
    return result


def tile(character, size):
    image = Image.new("RGBA", (50, 70), (0, 0, 0, 0))
    font = ImageFont.truetype(FONT, size)
    ImageDraw.Draw(image).text((10, 15), character, font=font, fill=(0, 0, 0, 255))
    return image


def glyphs():
    result = []
    for character in CHARACTERS:
        for size in range(33, 40):
            alpha = tile(character, size).getchannel("A")
            result.append({"character": character, "size": size, "md5": digest(alpha)})
    return result


def color(low, high):
    return [uniform(low, high) for _ in range(3)]


def scene(text, blur):
    def line(widths, low, high):
        ends = [uniform(0, WIDTH), uniform(0, HEIGHT), uniform(0, WIDTH), uniform(0, HEIGHT)]
        return {"line": ends + [uniform(*widths)], "color": color(low, high)}

    characters = []
    for index, character in enumerate(text):
        angle = uniform(-30, 30)
        height = Image.new("L", (50, 70)).rotate(angle, expand=True).height
        characters.append({
            "character": character, "size": uniform(33, 39), "angle": angle,
            "x": 20 + index * (160 // (len(text) + 1)) + uniform(-3, 3), "y": (60 - height) // 2 + uniform(-5, 5),
            "color": color(20, 100),
        })
    arcs = []
    for _ in range(3):
        y0, y1 = sorted((uniform(0, HEIGHT), uniform(0, HEIGHT)))
        box = [uniform(0, WIDTH // 2), y0, uniform(WIDTH // 2, WIDTH), y1]
        arcs.append({"arc": box + [uniform(0, 359), uniform(30, 120), uniform(1, 2)], "color": color(100, 190)})
    return {
        "background": color(230, 255),
        "below": [line((1, 2), 100, 200) for _ in range(8)],
        "dots": [{"place": [uniform(0, WIDTH), uniform(0, HEIGHT)], "color": color(150, 255)} for _ in range(120)],
        "text": characters,
        "above": [line((1, 3), 80, 180) for _ in range(8)],
        "curves": arcs,
        "blur": blur,
    }


def paint(scene):
    image = Image.new("RGB", (WIDTH, HEIGHT), tuple(scene["background"]))
    draw = ImageDraw.Draw(image)
    for stroke in scene["below"]:
        draw.line(stroke["line"][:4], fill=tuple(stroke["color"]), width=stroke["line"][4])
    for dot in scene["dots"]:
        draw.point(dot["place"], fill=tuple(dot["color"]))
    for item in scene["text"]:
        upright = Image.new("RGBA", (50, 70), (0, 0, 0, 0))
        font = ImageFont.truetype(FONT, item["size"])
        ImageDraw.Draw(upright).text((10, 15), item["character"], font=font, fill=(*item["color"], 255))
        turned = upright.rotate(item["angle"], expand=True)
        image.paste(turned, (item["x"], item["y"]), turned)
    for stroke in scene["above"]:
        draw.line(stroke["line"][:4], fill=tuple(stroke["color"]), width=stroke["line"][4])
    for curve in scene["curves"]:
        box, start, extent, width = curve["arc"][:4], *curve["arc"][4:]
        draw.arc(box, start, start + extent, fill=tuple(curve["color"]), width=width)
    if scene["blur"] > 0:
        image = image.filter(ImageFilter.GaussianBlur(scene["blur"]))
    return image


def statistics(folder):
    """Mean and standard error over the images of each type."""
    rows = {}
    for text in (folder / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(text)
        image = Image.open(folder / entry["file"]).convert("RGB")
        gray = image.convert("L")
        values = list(gray.tobytes())
        mean = sum(values) / len(values)
        steps = [abs(a - b) for i, (a, b) in enumerate(zip(values, values[1:])) if (i + 1) % WIDTH]
        rows.setdefault(entry["type"], []).append({
            "brightness": mean,
            "contrast": math.sqrt(sum((v - mean) ** 2 for v in values) / len(values)),
            "ink": sum(v < 110 for v in values) / len(values),
            "edges": sum(steps) / len(steps),
            "blurred": float(len(set(zip(*[iter(image.tobytes())] * 3))) > 2200),
        })
    result = {}
    for type_, measured in rows.items():
        result[type_] = {}
        for key in measured[0]:
            column = [row[key] for row in measured]
            mean = sum(column) / len(column)
            variance = sum((v - mean) ** 2 for v in column) / (len(column) - 1)
            result[type_][key] = {"mean": round(mean, 5), "error": round(math.sqrt(variance / len(column)), 5)}
    return result


def write(name, value):
    (HERE / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    random.seed(20)
    write("primitives.json", {"lines": lines(), "arcs": arcs(), "rotations": rotations(), "blurs": blurs()})
    write("glyphs.json", glyphs())
    scenes = [scene("aB3x", 0), scene("WMQ80kg", 0), scene("7Gjy", 0.62), scene("19-4=?", 0)]
    write("scenes.json", scenes)
    for index, value in enumerate(scenes):
        paint(value).save(HERE / f"scene-{index}.png", optimize=True)
    if len(sys.argv) > 1:
        write("statistics.json", statistics(pathlib.Path(sys.argv[1])))
