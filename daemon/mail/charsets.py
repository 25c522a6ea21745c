"""Bytes to text: charsets as mail names them, real and invented."""

import codecs

# Codecs that are no charsets of mail: they make lone surrogates, or take a time that grows with the square of the text.
NO_CHARSETS = frozenset({"unicode_escape", "raw_unicode_escape", "punycode", "idna", "undefined", "utf-7"})
# What a mail calls by the name of a charset is mostly its larger sibling (WHATWG Encoding Standard, 4.2): the curly
# quotation marks of "iso-8859-1" would otherwise be read as control characters, and dropped.
LARGER = {
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}


def as_text(piece: bytes | str, charset: str | None) -> str:
    """Decode with the charset where it is one, else as UTF-8; lone surrogates never get through."""
    if isinstance(piece, bytes):
        piece = _decoded(piece, charset)
    return piece.encode("utf-8", "replace").decode("utf-8")


def _decoded(piece: bytes, charset: str | None) -> str:
    """Without a charset, or with ASCII that is none, UTF-8 is tried, then the commonest of the old ones."""
    name = _charset(charset)
    if name != "ascii":
        return piece.decode(name, "replace")
    try:
        return piece.decode("utf-8-sig")
    except UnicodeDecodeError:
        return piece.decode("cp1252", "replace")


def _charset(name: str | None) -> str:
    try:
        known = codecs.lookup(name or "ascii").name
        b"a".decode(known, "ignore")
    except (LookupError, ValueError, TypeError):
        return "utf-8"
    return "utf-8" if known.replace("-", "_") in NO_CHARSETS or known in NO_CHARSETS else LARGER.get(known, known)
