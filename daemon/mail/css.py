"""As much of CSS as it takes to tell what a reader of a mail does not see; the tree is walked elsewhere."""

import re
from collections.abc import Callable, Iterator, Mapping

Style = Mapping[str, str]
Colour = tuple[int, int, int]

LARGEST_SHEET = 100_000
MOST_RULES = 2_000
COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
BRACE = re.compile(r"[{}]")
# A tag, a class, an id, or a tag with one of these. Whatever else a selector may be is not understood.
SELECTOR = re.compile(r"[a-z][a-z0-9]*|[a-z0-9]*[.#][\w-]+", re.IGNORECASE)
NUMBER = re.compile(r"\s*(-?(?:\d++(?:\.\d*+)?|\.\d++))\s*([a-z%]*)", re.IGNORECASE)
SHORTHAND_SIZE = re.compile(r"(?:^|\s)((?:\d++(?:\.\d*+)?|\.\d++)(?:px|pt|em|rem|%)?)(?=[\s/]|$)", re.IGNORECASE)
# In pixels; hidden preheaders are set in one pixel or none.
SMALLEST_FONT = 2.0
PIXELS = {"px": 1.0, "": 1.0, "pt": 4 / 3, "rem": 16.0}
FAR = -300.0
FAINTEST = 0.05
# How far two colours may be apart in each of red, green and blue and still not be told apart by a reader.
SAME_COLOUR = 10
COLOURS: dict[str, Colour] = {
    "white": (255, 255, 255), "snow": (255, 250, 250), "ivory": (255, 255, 240), "whitesmoke": (245, 245, 245),
    "black": (0, 0, 0), "red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0),
    "gray": (128, 128, 128), "grey": (128, 128, 128), "silver": (192, 192, 192), "navy": (0, 0, 128),
    "green": (0, 128, 0), "maroon": (128, 0, 0), "purple": (128, 0, 128), "teal": (0, 128, 128), "olive": (128, 128, 0),
}  # fmt: skip
HEX = re.compile(r"#([0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE)
RGB = re.compile(r"rgba?\(\s*(\d{1,3})\s*[, ]\s*(\d{1,3})\s*[, ]\s*(\d{1,3})", re.IGNORECASE)
CLEAR = re.compile(
    r"transparent|rgba\((?:(?:[^(),]*,){3}|[^()/]*/)\s*0*+(?:\.0*+)?%?\s*\)|#(?:[0-9a-f]{3}0|[0-9a-f]{6}00)\b",
    re.IGNORECASE,
)


def declarations(text: str) -> dict[str, str]:
    """Read ``property: value`` pairs; the last one counts, unless an earlier one is important (CSS Cascade, 6)."""
    found: dict[str, str] = {}
    for pair in text.split(";"):
        name, _, value = pair.partition(":")
        name = name.strip().lower()
        if not found.get(name, "").endswith("!important") or value.endswith("!important"):
            found[name] = " ".join(value.lower().split()).replace("! important", "!important")
    return found


def merged(styles: list[Style]) -> Style:
    """Lay the styles over each other, the inline one last; what is important stays."""
    result: dict[str, str] = {}
    for style in styles:
        for name, value in style.items():
            if not result.get(name, "").endswith("!important") or value.endswith("!important"):
                result[name] = value
    return result


def sheet(css: str) -> tuple[dict[str, Style], bool]:
    """Read the rules with simple selectors; say also whether a rule that is not understood paints a background.

    What stands in ``@media`` and its like holds on some screens only, and is ignored, as are states like ``:hover``.
    """
    rules: dict[str, Style] = {}
    painted = False
    for count, (selectors, body) in enumerate(_blocks(COMMENT.sub("", css[:LARGEST_SHEET]))):
        if count == MOST_RULES:
            return rules, True
        style = declarations(body)
        for selector in (part.strip() for part in selectors.split(",")):
            if SELECTOR.fullmatch(selector):
                rules[selector.lower()] = merged([rules.get(selector.lower(), {}), style])
            elif ":" not in selector:
                painted = painted or any(name.startswith("background") for name in style)
    return rules, painted


def _blocks(css: str) -> Iterator[tuple[str, str]]:
    """Give selectors and body of each outer block; one that holds blocks itself belongs to an at-rule."""
    depth, begun, opened = 0, 0, 0
    css += "}"  # a block that is left open ends with the sheet (CSS Syntax, 5.4)
    for brace in BRACE.finditer(css):
        if brace[0] == "{":
            depth += 1
            opened = brace.end() if depth == 1 else opened
        elif depth:
            depth -= 1
            if not depth:
                selectors = css[begun : opened - 1].rpartition(";")[2].strip()
                if not selectors.startswith("@"):
                    yield selectors, css[opened : brace.start()]
                begun = brace.end()


def number(value: str) -> float | None:
    """Give the number that a value begins with, whatever its unit."""
    found = NUMBER.match(value)
    return float(found[1]) if found else None


def font_size(style: Style, inherited: float) -> float:
    """Give the size in pixels; what is relative refers to the size around it."""
    shorthand = SHORTHAND_SIZE.search(style.get("font", ""))
    found = NUMBER.match(style.get("font-size", "") or (shorthand[1] if shorthand else ""))
    if found is None:
        return 16.0 if style.get("font-size", "").endswith(("small", "large", "medium")) else inherited
    size, unit = float(found[1]), found[2]
    if unit in ("em", "%"):
        return size * inherited / (100 if unit == "%" else 1)
    return size * PIXELS.get(unit, 16.0)


def colour(value: str) -> Colour | None:
    """Read a colour; None for one that is written in another way."""
    if found := RGB.search(value):
        return int(found[1]), int(found[2]), int(found[3])
    if found := HEX.search(value):
        digits = "".join(digit * (2 if len(found[1]) == len("rgb") else 1) for digit in found[1])
        return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
    return next((COLOURS[word] for word in re.findall(r"[a-z]+", value) if word in COLOURS), None)


def is_clear(value: str) -> bool:
    """Say whether text of this colour is transparent."""
    return CLEAR.match(value) is not None


def same_colour(one: Colour, other: Colour) -> bool:
    """Say whether a reader could not tell the two apart."""
    return all(abs(a - b) <= SAME_COLOUR for a, b in zip(one, other, strict=True))


def hiding(style: Style) -> str:
    """Say by which property an element is hidden with all that is within it; empty where it is shown."""
    return next((name for name, hides in HIDING if hides(style)), "")


def _has(name: str, value: str) -> Callable[[Style], bool]:
    return lambda style: style.get(name, "").startswith(value)


def _most(name: str, most: float) -> Callable[[Style], bool]:
    def hides(style: Style) -> bool:
        found = number(style.get(name, ""))
        return found is not None and found <= most

    return hides


def _clipped(name: str) -> Callable[[Style], bool]:
    """Tell a box of a pixel or none, which hides what is in it only where it does not let it overflow."""
    small = _most(name, 1)
    return lambda style: "hidden" in style.get("overflow", "") and small(style) and "%" not in style[name]


HIDING: tuple[tuple[str, Callable[[Style], bool]], ...] = (
    ("display", _has("display", "none")),
    ("mso-hide", _has("mso-hide", "all")),
    ("opacity", _most("opacity", FAINTEST)),
    ("max-height", _most("max-height", 0)),
    ("max-width", _most("max-width", 0)),
    ("height", _clipped("height")),
    ("width", _clipped("width")),
    ("clip", _has("clip", "rect(0")),
    ("transform", _has("transform", "scale(0)")),
    *((name, _most(name, FAR)) for name in ("text-indent", "left", "top", "margin-left", "margin-top")),
)
