"""Makes the fonts of this folder, each odd in one way.

pip install fonttools; python make_fixtures.py
"""
import os

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen


def box(right):
    pen = TTGlyphPen(None)
    if right:
        pen.moveTo((0, 0))
        pen.lineTo((0, 700))
        pen.lineTo((right, 700))
        pen.lineTo((right, 0))
        pen.closePath()
    return pen.glyph()


def make(name, right, advance, ascender, descender):
    names = [".notdef"] + ["g%d" % code for code in range(32, 127)]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({code: "g%d" % code for code in range(32, 127)})
    font.setupGlyf({glyph: box(0 if glyph == "g32" else right) for glyph in names})
    font.setupHorizontalMetrics({glyph: (advance, 0) for glyph in names})
    font.setupHorizontalHeader(ascent=ascender, descent=descender)
    font.setupNameTable({"familyName": name, "styleName": "Regular"})
    font.setupOS2(sTypoAscender=ascender, usWinAscent=max(0, ascender), usWinDescent=abs(descender))
    font.setupPost()
    font.save(os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".ttf"))


make("blank", 0, 0, 800, -200)
make("negative-ascender", 400, 500, -30000, -32000)
make("wide-advance", 400, 30000, 800, -200)
