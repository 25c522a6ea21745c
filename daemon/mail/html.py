"""HTML to the text that a reader sees, and what was hidden from that reader. The one adapter of selectolax."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from daemon.mail import css

LARGEST_HTML = 300_000
# The HTML library is quadratic in nesting: 20,000 levels take 0.7 s, 100,000 take 19 (measured).
MOST_TAGS = 20_000
OPENING_TAG = re.compile(r"<[^/!]")
LONGEST_SAMPLE = 120
LONGEST_ALT = 200
LONGEST_LINK = 300
# The text of a link that shows an address is a few pieces: more are not joined, so that nested links cost nothing.
MOST_PIECES = 12
DEEPEST_QUOTE = 5
SHOWN_ADDRESS = re.compile(r"(?:https?://)?((?:[\w-]+\.)+[^\W\d_]{2,})(?::\d+)?(?:[/?#]\S*)?", re.IGNORECASE)
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
QUOTE_OPENS, QUOTE_CLOSES = "\x0e", "\x0f"
MARK = re.compile(f"([{QUOTE_OPENS}{QUOTE_CLOSES}])")
SILENT_TAGS = frozenset(
    {
        "script", "style", "head", "title", "template", "noscript", "svg", "math", "object", "iframe", "audio",
        "video", "canvas", "datalist",
    }
)  # fmt: skip
BLOCK_TAGS = frozenset(
    {"p", "div", "tr", "table", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr", "pre"}
)
CELL_TAGS = frozenset({"td", "th"})
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})


@dataclass(frozen=True)
class Rendering:
    """The text that is seen, and one line for each kind of hiding that had a text, with a sample of it."""

    text: str
    hidden: tuple[str, ...] = ()


class _State(NamedTuple):
    """What an element takes over from those around it. ``ground`` is None where the background is not known."""

    concealed: str = ""
    size: float = 16.0
    invisible: bool = False
    colour: css.Colour | None = None
    clear: bool = False
    ground: css.Colour | None = css.COLOURS["white"]
    literal: bool = False

    @property
    def hidden_by(self) -> str:
        """Name the property that hides the text here; empty where it is seen."""
        if self.concealed or self.invisible:
            return self.concealed or "visibility"
        if self.size < css.SMALLEST_FONT:
            return "font-size"
        same = self.colour and self.ground and css.same_colour(self.colour, self.ground)
        return "color" if self.clear or same else ""


class _Link(NamedTuple):
    """The end of a link: where its text begins among the words, and where it leads."""

    begin: int
    host: str


def visible(html: str, *, headings: bool = False) -> Rendering:
    """Give the text that a reader of the HTML sees, with what was hidden from that reader.

    Quoted blocks begin with ``> ``, as in plain text. An image is its description, and a link whose text names
    another host than it leads to says so. Where they are wanted, headings begin with as many ``#`` as their level.
    """
    tree = LexborHTMLParser(_bounded(html[:LARGEST_HTML]))
    if tree.body is None:
        return Rendering("")
    page = _Page(*_sheet(tree), headings=headings)
    page.walk(tree.body)
    return Rendering(_lines("".join(page.words)), tuple(page.hidden()))


def is_too_large(html: str) -> bool:
    """Say whether a part of the HTML is left out for its size."""
    return len(html) > LARGEST_HTML or len(_bounded(html)) < len(html)


def _bounded(html: str) -> str:
    """Cut before the tag that is one too many."""
    tags = OPENING_TAG.finditer(html)
    too_many = next(itertools.islice(tags, MOST_TAGS, None), None)
    return html[: too_many.start()] if too_many else html


def _sheet(tree: LexborHTMLParser) -> tuple[dict[str, css.Style], bool]:
    texts = (child.text_content or "" for node in tree.css("style") for child in node.iter(include_text=True))
    return css.sheet("\n".join(texts))


def _lines(text: str) -> str:
    """Fold blanks within each line, and put ``>`` before those of quoted blocks."""
    depth = 0
    lines = []
    for piece in MARK.split(text):
        if piece in (QUOTE_OPENS, QUOTE_CLOSES):
            depth += 1 if piece == QUOTE_OPENS else -1
        else:
            prefix = "> " * min(depth, DEEPEST_QUOTE)
            lines += [f"{prefix}{' '.join(line.split())}" for line in piece.split("\n")]
    return "\n".join(lines)


@dataclass
class _Page:
    """One walk through a document."""

    rules: dict[str, css.Style]
    painted: bool
    headings: bool = False
    words: list[str] = field(default_factory=list)
    samples: dict[str, str] = field(default_factory=dict)
    styles: dict[str, css.Style] = field(default_factory=dict)
    pending: list[tuple[LexborNode | _Link | str, _State]] = field(default_factory=list)

    def walk(self, root: LexborNode) -> None:
        """Walk without recursion: mails nest elements deeper than Python's stack."""
        self.pending.append((root, _State(ground=None) if self.painted else _State()))
        while self.pending:
            node, state = self.pending.pop()
            if isinstance(node, str):
                self.words.append(node)
            elif isinstance(node, _Link):
                self._close(node)
            elif node.is_text_node:
                self._say(node.text_content or "", state)
            elif node.tag not in SILENT_TAGS:
                self._enter(node, state)

    def hidden(self) -> Iterator[str]:
        """Give a line for each kind of hiding that had a text."""
        for name, sample in self.samples.items():
            if words := " ".join(sample.split()):
                yield f'hidden in the HTML by {name}: "{words[:LONGEST_SAMPLE]}"'

    def _say(self, text: str, state: _State) -> None:
        text = CONTROL.sub("", text)
        if name := state.hidden_by:
            sample = self.samples.get(name, "")
            if len(sample) < LONGEST_SAMPLE:
                self.samples[name] = f"{sample} {text[:LONGEST_SAMPLE].strip()}".lstrip()
        else:
            self.words.append(text if state.literal else " ".join(text.split("\n")))

    def _enter(self, node: LexborNode, state: _State) -> None:
        attributes = node.attributes
        if attributes or self.rules:
            state = _within(state, attributes, self._style(node.tag or "", attributes))
        self._begin(node, attributes, state)
        if node.tag == "pre":
            state = state._replace(literal=True)
        self.pending.extend((child, state) for child in reversed(list(node.iter(include_text=True))))

    def _begin(self, node: LexborNode, attributes: dict[str, str | None], state: _State) -> None:
        """Write what an element begins with, and keep what it ends with for later."""
        tag = node.tag
        if tag == "br":
            self.words.append("\n")
        elif tag == "img":
            self._say(_described(attributes), state)
        elif tag == "a":
            self.pending.append((_Link(len(self.words), _host(attributes.get("href") or "")), state))
        elif tag in CELL_TAGS:
            self.pending.append((" ", state))
        elif tag == "blockquote" and not state.hidden_by:
            self.words.append(QUOTE_OPENS)
            self.pending.append((QUOTE_CLOSES, state))
        elif tag in BLOCK_TAGS:
            is_heading = self.headings and tag in HEADINGS and not state.hidden_by
            self.words.append(f"\n{'#' * int(tag[1])} " if is_heading else "\n")
            self.pending.append(("\n", state))

    def _close(self, link: _Link) -> None:
        """Say where a link leads, where its text names another host."""
        pieces = self.words[link.begin :] if len(self.words) - link.begin <= MOST_PIECES else []
        shown = SHOWN_ADDRESS.fullmatch("".join(pieces)[:LONGEST_LINK].strip())
        if shown and link.host and shown[1].lower().removeprefix("www.") != link.host.removeprefix("www."):
            self.words.append(f" (links to {link.host})")

    def _style(self, tag: str, attributes: dict[str, str | None]) -> css.Style:
        """Lay the rules of tag, classes and id under the style of the element itself."""
        found = [style for name in _selectors(tag, attributes) if (style := self.rules.get(name))] if self.rules else []
        written = attributes.get("style") or ""
        if written not in self.styles:
            self.styles[written] = css.declarations(written)
        return css.merged([*found, self.styles[written]]) if found else self.styles[written]


def _selectors(tag: str, attributes: dict[str, str | None]) -> Iterator[str]:
    """Give the simple selectors that an element answers to, the weakest first."""
    yield tag
    names = [f".{name}" for name in (attributes.get("class") or "").lower().split()[:20]]
    if attributes.get("id"):
        names.append(f"#{attributes['id']}".lower())
    for name in names:
        yield from (name, f"{tag}{name}")


def _within(state: _State, attributes: dict[str, str | None], style: css.Style) -> _State:
    """Give the state inside an element with these attributes and this style."""
    ink = style.get("color") or (attributes.get("color") or "").lower()
    visibility = style.get("visibility", "")
    return state._replace(
        concealed=state.concealed or ("the attribute hidden" if "hidden" in attributes else css.hiding(style)),
        size=css.font_size(style, state.size),
        invisible=visibility.startswith(("hidden", "collapse")) if visibility else state.invisible,
        colour=css.colour(ink) or state.colour,
        clear=css.is_clear(ink) if ink else state.clear,
        ground=_ground(state, attributes, style),
    )


def _ground(state: _State, attributes: dict[str, str | None], style: css.Style) -> css.Colour | None:
    """Give the background; one with an image, or in a notation that is not understood, is not known."""
    values = [style.get(name, "") for name in ("background", "background-color", "background-image")]
    paint = " ".join([*values, (attributes.get("bgcolor") or "").lower()]).strip()
    if "url(" in paint or "gradient" in paint or "background" in attributes:
        return None
    if not paint or css.is_clear(paint) or paint.startswith(("none", "inherit", "initial")):
        return state.ground
    return css.colour(paint)


def _described(attributes: dict[str, str | None]) -> str:
    """Give an image's description; one of a pixel counts openings, and shows nothing."""
    words = " ".join((attributes.get("alt") or "").split())[:LONGEST_ALT]
    tiny = {attributes.get("width"), attributes.get("height")} & {"0", "1"}
    return f"[image: {words}]" if words and not tiny else ""


def _host(link: str) -> str:
    """Give the host that a link leads to, in lower case; empty where it leads to none."""
    try:
        host = urlsplit(link[:LONGEST_LINK].strip()).hostname or ""
    except ValueError:
        return "an address that cannot be read"
    return "".join(host.split())[:100]
