"""A name from a platform is text in a picture, on a terminal and in Markdown, letter by letter."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from flows.markdown import text as as_markdown
from pipelines.cli import console
from pipelines.errors import InputError
from pipelines.jobs.figures import label, panels
from pipelines.plain_text import one_line, visible

NAMES = {
    "formula": "Autumn_$20_to_$90_only",
    "half a formula": "save $x_{",
    "tex": r"\\frac{1}{2} \\textbf{x} $\\badcommand$",
    "rich": "[bold red]Sale[/] [/nothing] [link=x]y[/link] :x: trailing\\\\",
    "escape": "\x1b[2J\x1b]0;title\x07Sale",
    "controls": "a\x00b\x08\x08c\rd\x7fe\x9bf",
    "turned": "\u202egnp.elas\u202c \u2066x\u2069",
    "unseen": "sa\u200ble\ufeff\U000e0041",
    "lines": "first\n# second\u2028third\tfourth",
    "half a character": "a\ud800b",
    "table": "a | b | c\n--|--|--",
    "link": "[here](https://example.com) https://example.com www.example.com <a@example.com>",
    "image": "![x](https://example.com/x.png)",
    "html": "<b onclick='x'>Sale</b> <!-- --> &lt; &amp;",
    "code": "`` ` ``` ~~~ ~~x~~ **b** _i_",
    "mention": "@someone #12",
    "scripts": "متجر 秋の 👩‍👧 Größe",
    "long": "long " * 500,
    "empty": "",
}
ACTING = "\x1b\x00\x07\x08\x9b\r\x7f\u202e\u2066\u200b\ufeff"


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_picture_draws_the_name_as_it_is(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    with (
        warnings.catch_warnings(action="error"),
        panels(path, 1, columns=1, size=(3, 2), title="t", dpi=40) as (axis,),
    ):
        artist = axis.set_title(f"{label(name)}\nHEALTHY", fontsize=7)
        axis.plot([1, 2], [1_000_000, 90_000_000])
    assert artist.get_text().startswith(one_line(name)[:59])
    assert not artist.get_parse_math()
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_terminal_shows_the_name_and_does_nothing_else(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="")
    terminal = Console(file=screen, force_terminal=True, color_system=None, width=4000, emoji=False)
    monkeypatch.setattr(console, "out", terminal)
    monkeypatch.setattr(console, "err", terminal)
    console.print_plainly(name)
    console.print_table(["name"], [[name]])
    console.print_error(InputError(f"the campaign {name} is unknown"), of=name)
    screen.flush()
    screen.seek(0)
    shown = screen.read()
    assert not set(shown) & set(ACTING)
    plain = visible(name).expandtabs(8)
    assert " ".join(shown.split()).startswith(" ".join(plain.split()))
    assert one_line(name).strip() in shown


def rendered(markdown: str) -> str:
    """The letters that GitHub's Markdown shows, with what made it more than letters."""
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    shown = []
    for token in parser.parse(f"- **job**: {markdown}"):
        for child in token.children or ():
            shown.append(child.content if child.type == "text" else f"<{child.type}>")
    return "".join(shown)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_markdown_shows_the_name_letter_by_letter(name: str) -> None:
    shown = rendered(as_markdown(name))
    assert shown == f"<strong_open>job<strong_close>: {one_line(name)}".rstrip(" ")
    assert "https://" not in as_markdown(name)
    assert "www." not in as_markdown(name)


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_any_name_is_text_in_markdown(name: str) -> None:
    shown = rendered(as_markdown(f"x{name}x"))
    assert shown == f"<strong_open>job<strong_close>: x{one_line(name)}x"


@given(st.text())
def test_what_can_be_shown_stays_and_what_acts_is_written_out(name: str) -> None:
    shown = one_line(name)
    shown.encode()
    assert not any(c < " " or c in ACTING for c in shown)
    if name.isprintable():
        assert shown == name
