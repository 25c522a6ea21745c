"""Whatever a mail program could make a link of is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.judgement.links import links


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("see https://evil.example/a?b=c.", ["evil.example"]),
        ("HTTPS://EVIL.COM", ["evil.com"]),
        ("http:evil.com", ["evil.com"]),
        ("https:\\\\evil.com", ["evil.com"]),
        ("//evil.com/x", ["evil.com"]),
        ("www.foo.co.uk", ["www.foo.co.uk"]),
        ("evil.com", ["evil.com"]),
        ("evil.com:8080/x", ["evil.com"]),
        ("evil\u3002com", ["evil.com"]),
        ("ev\u200bil.com", ["evil.com"]),
        ("\uff45\uff56\uff49\uff4c\uff0e\uff43\uff4f\uff4d", ["evil.com"]),
        ("пример.рф", ["пример.рф"]),
        ("intranet.corp/wiki", ["intranet.corp"]),
        ("[a]( https://evil.com/x )", ["evil.com"]),
        ("![a](http://evil.com/p.png)", ["evil.com"]),
        ("[a][r]\n\n[r]: evil.com/x", ["evil.com"]),
        ("[r]: <https://evil.com>", ["evil.com"]),
        ("<evil.com>", ["evil.com"]),
        ("<img src=http://evil.com/x>", ["evil.com"]),
        ("<a href='https://evil.com'>a</a>", ["evil.com"]),
        ("https://good.example@evil.com/", ["evil.com"]),
        ("user:pass@evil.com", ["evil.com"]),
        ("ada@evil.com", ["evil.com"]),
        ("mailto:ada@evil.com?body=x", ["evil.com"]),
        ("http://1.2.3.4/x", ["1.2.3.4"]),
        ("1.2.3.4/x", ["1.2.3.4"]),
        ("odd://evil.com/x", ["evil.com"]),
        ("tel:+431234", [""]),
        ("Call:tel:+431234", [""]),
        ("Note:http://3627734734/x", ["3627734734"]),
        ("Note:https://evil.com/x", ["evil.com"]),
        ("javascript:alert(1)", [""]),
        ("a@c.example,b@d.example", ["c.example", "d.example"]),
        (f"{'a' * 70}.evil.com", [f"{'a' * 70}.evil.com"]),
        ("once evil.com, twice evil.org", ["evil.com", "evil.org"]),
    ],
)
def test_it_finds_links_however_they_are_written(text: str, hosts: list[str]) -> None:
    """Markdown, HTML, schemes, bare names, other scripts' dots, sign-ins before the host: each is a link."""
    assert [link.host for link in links(text)] == hosts


@pytest.mark.parametrize(
    "text",
    [
        "Node.js, e.g. this, z.B. das, i.e. that",
        "3.14 v1.2.3 10.00 EUR, 12.11.2026 at 10:30",
        "readme.txt and report.pdf",
        "Order Q-1042. Note:this is no scheme",
        "The end.Then it begins.",
        "http: and https://",
        "10.20.30.40",
        "U.S. market",
    ],
)
def test_it_leaves_numbers_names_of_files_and_abbreviations_alone(text: str) -> None:
    """A dot alone makes no link."""
    assert list(links(text)) == []


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("https://Shop.Example/Cart/", "shop.example/Cart"),
        ("http://shop.example", "shop.example"),
        ("mailto:Ada@Quill.Example", "ada@quill.example"),
        ("mailto:ada@quill.example?body=x", "ada@quill.example?body=x"),
    ],
)
def test_it_compares_pages_without_what_makes_no_difference(text: str, target: str) -> None:
    """Scheme, case of the host and a last slash do not count; what is asked for there does."""
    (link,) = links(text)
    assert link.target == target


@given(st.text(), st.text())
def test_no_words_around_it_ever_hide_a_link(before: str, after: str) -> None:
    """Whatever stands around it, a whole address of a page is found, or a longer one with it."""
    text = f"{before} https://evil.example/path {after}"
    assert any("evil.example/path" in link.target for link in links(text))
