"""HTML to the text that a reader sees, and the names of what was hidden."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mail.html import visible

PATIENCE = 5.0


@pytest.mark.parametrize(
    ("style", "name"),
    [
        ("display:none", "display"),
        ("visibility:hidden", "visibility"),
        ("font-size:0", "font-size"),
        ("font-size:1px", "font-size"),
        ("font:0/0 a", "font-size"),
        ("max-height:0px", "max-height"),
        ("opacity:0", "opacity"),
        ("opacity:.01", "opacity"),
        ("height:0;overflow:hidden", "height"),
        ("width:1px;overflow:hidden", "width"),
        ("position:absolute;left:-9999px", "left"),
        ("position:absolute;top:-999em", "top"),
        ("text-indent:-9999px", "text-indent"),
        ("clip:rect(0,0,0,0)", "clip"),
        ("transform: scale(0)", "transform"),
        ("mso-hide:all", "mso-hide"),
        ("color:#fff", "color"),
        ("color:white", "color"),
        ("color:rgb(250, 250, 250)", "color"),
        ("color:transparent", "color"),
        ("color:rgba(0,0,0,0)", "color"),
        ("color:#333;background:#333333", "color"),
        ("display:none !important;display:block", "display"),
    ],
)
def test_it_names_how_a_text_was_hidden(style: str, name: str) -> None:
    """The reviewer reads by which property, and a sample."""
    assert visible(f'<p>Hi</p><p style="{style}">secret</p>').hidden == (f'hidden in the HTML by {name}: "secret"',)


@pytest.mark.parametrize(
    "style",
    [
        "font-size:0.9em",
        "opacity:0.9",
        "height:0",
        "width:0%;overflow:hidden",
        "left:-10px",
        "color:#777",
        "color:#fff;background:#000",
        "color:#fff;background:url(x.png)",
        "color:#fff;background-image:linear-gradient(red,blue)",
        "background:#fff",
        "color:rgba(0,0,0,0.5)",
        "display:none;display:block",
        "font:bold 13px/20px Arial",
    ],
)
def test_it_shows_what_a_style_does_not_hide(style: str) -> None:
    """What a reader may see is read."""
    assert visible(f'<p style="{style}">Cancel my order.</p>').text.strip() == "Cancel my order."


def test_it_shows_text_whose_size_is_set_again_within_an_element_of_size_zero() -> None:
    """Many layouts set a row to no size, to close gaps, and each cell to its own."""
    row = '<div style="font-size:0"><div style="font-size:13px">Shown</div>gone</div>'
    assert visible(row).text.split() == ["Shown"]


def test_it_shows_text_that_is_made_visible_within_a_hidden_element() -> None:
    """Visibility is inherited, and may be given back (CSS 2.2, 11.2)."""
    assert visible('<p style="visibility:hidden">a<b style="visibility:visible">b</b></p>').text.split() == ["b"]


@pytest.mark.parametrize(
    "ground",
    ['bgcolor="#000000"', 'style="background-color:navy"', 'style="background:url(x)"', 'background="x.png"'],
)
def test_it_shows_light_text_on_an_ancestor_s_dark_ground(ground: str) -> None:
    """The colour of the nearest ground counts, and an image is not known to be white."""
    assert "Light" in visible(f'<table><tr><td {ground}><p style="color:#fff">Light</p></td></tr></table>').text


def test_it_hides_text_in_the_colour_of_an_ancestor_s_ground() -> None:
    """Black on a black cell is as hidden as white on white."""
    assert "dark" not in visible('<table><tr><td bgcolor="#000"><font color="black">dark</font></td></tr></table>').text


@pytest.mark.parametrize(
    ("sheet", "element"),
    [
        (".pre{display:none}", '<p class="a pre">'),
        ("p.pre , b{display:none}", '<p class="pre">'),
        ("#pre{color:#fff}", '<p id="pre">'),
        ("/* .x{} */ @import url(x); .PRE{max-height:0}", '<p class="pre">'),
        ("@media print{.q{color:red}} .pre{opacity:0}", '<p class="pre">'),
        (".pre{display:block} .pre{display:none}", '<p class="pre">'),
        (".pre{display:none", '<p class="pre">'),
    ],
)
def test_it_hides_what_a_sheet_hides(sheet: str, element: str) -> None:
    """Rules for a tag, a class or an id are followed."""
    assert "secret" not in visible(f"<style>{sheet}</style>{element}secret</p>").text


@pytest.mark.parametrize(
    ("sheet", "element"),
    [
        ("@media (max-width:600px){.pre{display:none}}", '<p class="pre">'),
        (".pre{display:none}", '<p class="pre" style="display:block">'),
        (".other{display:none}", '<p class="pre">'),
        ("p.pre{display:none}", '<div class="pre">'),
        ("body{background:#000} .pre{color:#fff}", '<p class="pre">'),
        ("table td{background:#000} .pre{color:#fff}", '<p class="pre">'),
    ],
)
def test_it_shows_what_a_sheet_does_not_surely_hide(sheet: str, element: str) -> None:
    """Rules of some screens only, or overruled, or for others, hide nothing."""
    assert "shown" in visible(f"<style>{sheet}</style><body>{element}shown</p></body>").text


def test_it_gives_one_line_for_each_kind_of_hiding() -> None:
    """A thousand hidden elements do not fill the review."""
    assert len(visible('<p style="display:none">secret</p>' * 1000).hidden) == 1


def test_it_cuts_the_sample_of_what_was_hidden() -> None:
    """The sample is short, however long the hidden text."""
    (line,) = visible(f"<p hidden>{'x' * 5000}</p>").hidden
    assert len(line) < 180


def test_it_names_no_hiding_where_nothing_was_written() -> None:
    """A hidden picture for counting is no hidden text."""
    assert visible('<p style="display:none"> \n <img src="x"></p>').hidden == ()


@pytest.mark.parametrize(
    ("link", "text"),
    [
        ('<a href="https://evil.example/x">www.bank.example</a>', "www.bank.example (links to evil.example)"),
        (
            '<a href="https://evil.example">https://bank.example/a?b</a>',
            "https://bank.example/a?b (links to evil.example)",
        ),
        ('<a href="https://evil.example"><b>bank</b>.example</a>', "bank.example (links to evil.example)"),
        ('<a href="https://bank.example@evil.example">bank.example</a>', "bank.example (links to evil.example)"),
        ('<a href="https://[bad">bank.example</a>', "bank.example (links to an address that cannot be read)"),
        ('<a href="https://bank.example/login">www.Bank.example</a>', "www.Bank.example"),
        ('<a href="https://evil.example">here</a>', "here"),
        ('<a href="mailto:a@bank.example">a@bank.example</a>', "a@bank.example"),
        ("<a>bank.example</a>", "bank.example"),
    ],
)
def test_it_says_where_a_link_leads_that_shows_another_host(link: str, text: str) -> None:
    """A link that names its own host, or none, is its text alone."""
    assert visible(link).text == text


@pytest.mark.parametrize(
    ("image", "text"),
    [
        ('<img alt="Our  new\nprices">', "[image: Our new prices]"),
        ('<img alt="">', ""),
        ("<img>", ""),
        ('<img alt="x" width="1">', ""),
        ('<img alt="x" hidden>', ""),
    ],
)
def test_it_gives_an_image_as_its_description(image: str, text: str) -> None:
    """What a reader sees in its place, where images are not loaded."""
    assert visible(image).text == text


def test_it_marks_quoted_blocks_as_in_plain_text() -> None:
    """Quotes within quotes are marked twice."""
    html = "Yes.<blockquote>Open?<blockquote>When?</blockquote></blockquote>Bye"
    assert [line for line in visible(html).text.split("\n") if line.strip("> ")] == [
        "Yes.", "> Open?", "> > When?", "Bye",
    ]  # fmt: skip


def test_it_keeps_the_lines_of_preformatted_text() -> None:
    """A plain mail that a program wrapped into HTML keeps its lines."""
    assert visible("<pre>One\nTwo</pre>").text.strip() == "One\nTwo"


def test_its_own_marks_cannot_be_written_by_a_mail() -> None:
    """The characters that mark quotes within this module are taken out of what comes in."""
    assert visible("a\x0eb\x0fc &#14;d").text == "abc d"


@pytest.mark.parametrize(
    "html",
    [
        "<blockquote>" * 20_000 + "x",
        "<a href='http://b.example'><table><tr><td>" * 5_000 + "a.example",
        "<style>" + ".a{color:red}" * 20_000 + "</style>x",
        "<style>" + "{" * 290_000,
        "<style>" + "/*" * 140_000,
        f"<p style='font:{'1' * 200_000}x'>x",
        f"<p style='color:rgba(0,0,0,{'0' * 200_000}x'>x",
        f"<p style='{'display:none;' * 20_000}'>x",
        f"<style>.a{{b:c}}</style><p class='{'a ' * 100_000}'>x",
        "<p hidden>x" * 25_000,
        f"<a href='http://b.example'>{'a.' * 140_000}</a>",
        "".join(f"<p style='color:#{number:06x}'>" for number in range(12_000)),
    ],
    ids=[
        "quotes", "links", "rules", "braces", "comments", "size", "zeros", "declarations", "classes", "hidden", "dots",
        "styles",
    ],
)  # fmt: skip
def test_it_reads_hostile_html_within_seconds(html: str) -> None:
    """No notation costs more than its length."""
    begun = time.process_time()
    visible(html)
    assert time.process_time() - begun < PATIENCE


@given(st.text(st.sampled_from("<>/=\"'; :{}.#@pabstyle-none&10,()%!"), max_size=200))
def test_it_never_raises_on_broken_html(html: str) -> None:
    """Whatever stands between angle brackets, a text comes out."""
    assert isinstance(visible(f"<style>{html}</style><p style='{html}'>{html}").text, str)
