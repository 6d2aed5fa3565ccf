"""The report is one harmless, whole, accessible page, whatever the logs hold."""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from enricher.errors import OutputError
from enricher.report import html
from enricher.report.html import CONTENT_SECURITY_POLICY, render, write_report
from enricher.report.parts import Inputs
from enricher.report.summary import ScanSummary

MakeSummary = Callable[..., ScanSummary]

TAGS = set(
    re.findall(
        r"\w+",
        """
        html head meta title style body a header p h1 time nav main dl div dt dd section h2 ol li
        strong table thead tbody tr th td span details summary h3 ul figure figcaption picture
        source img blockquote code footer
        """,
    )
)
ATTRIBUTES = set(
    re.findall(
        r"\S+",
        """
        lang charset http-equiv content name class href id aria-label role scope data-label media
        srcset src alt tabindex open
        """,
    )
)
VOID = {"meta", "img", "source"}


class Page(HTMLParser):
    """Collects what a browser would build, and complains where tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.comments: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def values(self, name: str) -> list[str]:
        return [value for _, attribute, value in self.attributes if attribute == name]


def assert_harmless(page: Page) -> None:
    assert set(page.tags) <= TAGS
    assert {name for _, name, _ in page.attributes} <= ATTRIBUTES
    assert page.open == []
    assert page.comments == []
    assert all(link.startswith("#") for link in page.values("href"))
    images = page.values("src") + page.values("srcset")
    assert all(re.fullmatch(r"data:image/svg\+xml;base64,[A-Za-z0-9+/=]+", i) for i in images)
    text = "".join(page.text) + "".join(value for _, _, value in page.attributes)
    assert all(char.isprintable() or char == "\n" for char in text)


@pytest.fixture(scope="module")
def page(make_summary: MakeSummary) -> Page:
    return Page(render(make_summary()))


def test_a_hostile_summary_makes_a_harmless_page(make_hostile_summary: MakeSummary) -> None:
    text = render(make_hostile_summary())
    page = Page(text)
    assert_harmless(page)
    assert "<script" not in text.lower()
    assert "javascript:" not in " ".join(page.values("href") + page.values("src"))
    assert len(text) < 8_000_000


def test_hostile_text_is_shown_as_it_stands(make_hostile_summary: MakeSummary) -> None:
    page = Page(render(make_hostile_summary()))
    shown = "".join(page.text)
    assert "<script>document.title='owned'</script>" in shown
    assert "{{ 1337*7919 }}{% for x in y %}" in shown
    assert "\\x1b]0;title\\x07" in shown
    assert "exe.\\u202egpj" in shown
    assert "10587703" not in shown


def test_the_structure_does_not_depend_on_the_text(make_hostile_summary: MakeSummary) -> None:
    usual = Page(render(make_hostile_summary(["plain"])))
    hostile = Page(render(make_hostile_summary(["</td></tr><h1>x</h1><script>1</script>"])))
    assert usual.tags == hostile.tags


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.text(st.characters(), max_size=80), min_size=1, max_size=8))
def test_whatever_stands_in_a_log_is_only_text(
    make_hostile_summary: MakeSummary, texts: list[str]
) -> None:
    with patch.object(html, "draw", return_value=[]):  # slow, and tested beside
        assert_harmless(Page(render(make_hostile_summary(texts, alerts=4))))


def test_the_policy_forbids_scripts_and_anything_from_outside(page: Page) -> None:
    policy = page.values("content")[0]
    assert policy == CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in policy
    assert "img-src data:" in policy
    assert "script-src" not in policy


def test_the_usual_page_is_whole(page: Page) -> None:
    assert_harmless(page)
    text = " ".join(page.text)
    assert "42 alerts from 24 sources in 1,271,183 scored records." in text
    assert "Look first at" in text
    assert "812,004" in text
    assert "17 more alerts" in text
    assert page.tags["figure"] == 4


def test_the_page_is_accessible(page: Page) -> None:
    assert ("html", "lang", "en") in page.attributes
    assert page.tags["h1"] == 1
    assert page.tags["main"] == 1
    alts = page.values("alt")
    assert len(alts) == page.tags["img"]
    assert all(len(alt) > 30 for alt in alts)
    assert page.tags["th"] == len(
        [1 for tag, name, _ in page.attributes if (tag, name) == ("th", "scope")]
    )
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.values("href")} <= set(ids)


def luminance(color: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("block", [0, 1], ids=["light", "dark"])
def test_text_has_enough_contrast(block: int) -> None:
    style = Path(html.__file__).with_name("templates").joinpath("report.css.j2").read_text()
    colors = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", style.split(":root {")[block + 1]))
    pairs = [("text", "page"), ("text", "card"), ("soft", "page"), ("soft", "card")]
    pairs += [("soft", "head"), ("accent", "page")]
    pairs += [(level, f"{level}-bg") for level in ("high", "medium", "low", "info")]
    pairs += [("text", "medium-bg"), ("text", "info-bg")]
    for front, back in pairs:
        light, dark = sorted([luminance(colors[front]), luminance(colors[back])], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, back)


def test_an_empty_scan_makes_a_page_too(make_summary: MakeSummary) -> None:
    summary = make_summary(alerts=0)
    summary.kinds, summary.inputs, summary.outputs = {}, Inputs(), {}
    summary.flow_start = summary.flow_end = None
    summary.timeline.records, summary.timeline.alerts = [], {}
    page = Page(render(summary))
    assert_harmless(page)
    assert "No records were read." in " ".join(page.text)
    assert page.tags["figure"] == 0


def test_the_same_summary_makes_the_same_page(make_summary: MakeSummary) -> None:
    assert render(make_summary()) == render(make_summary())


def test_the_page_is_written_whole_or_not_at_all(make_summary: MakeSummary, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_report(make_summary(alerts=2), path)
    assert path.read_text(encoding="utf-8").endswith("</html>")
    with pytest.raises(OutputError, match="could not be written"):
        write_report(make_summary(alerts=2), tmp_path / "missing" / "report.html")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_images_are_drawn_for_light_and_dark_pages(page: Page) -> None:
    light, dark = page.values("src"), page.values("srcset")
    assert len(light) == len(dark) == 4
    for address in light + dark:
        image = base64.b64decode(address.partition(",")[2])
        assert image.startswith(b"<?xml")
        assert b"<script" not in image
        assert b"<text" not in image
