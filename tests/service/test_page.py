"""The page and its files are served under a strict policy and load nothing from elsewhere."""

import re
from pathlib import Path

import pytest

from service.http.hooks.headers import PAGE_POLICY
from tests.servers import ROOT, Service

PAGE = ROOT / "service" / "static" / "page"
FILES = sorted(PAGE.iterdir())


def test_the_page_is_served_under_its_policy(service: Service) -> None:
    """`/` is the page, with the content security policy of pages."""
    answer = service.get("/")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"] == PAGE_POLICY


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_part_is_served(service: Service, path: Path) -> None:
    """Each file of the page has a media type that browsers accept, and is revalidated."""
    answer = service.get(f"/static/page/{path.name}")
    kinds = {".js": "javascript", ".css": "css", ".html": "html", ".svg": "svg"}
    assert kinds[path.suffix] in answer.headers["content-type"]
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.body == path.read_bytes()


def test_a_missing_part_is_a_problem(service: Service) -> None:
    """A path that is no file of the page, or leaves its folder, is a 404."""
    for name in ("nothing.js", "..%2Fdocs.css", "../docs.css"):
        assert service.get(f"/static/page/{name}").status == 404


def test_nothing_is_inline_or_from_elsewhere() -> None:
    """The page has no inline script or style and no address of another host."""
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", html)
    for path in FILES:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"(^|\s)//\s", "", text)


def test_the_page_links_to_what_lies_beside_it(service: Service) -> None:
    """No link of the page begins with a slash, so that a proxy may offer the page below a prefix."""
    links = re.findall(r"(?:href|src)=\"(.*?)\"", service.get("/").body.decode())
    assert links
    for link in links:
        assert not link.startswith("/")
        assert service.get(f"/{link}").status == 200


def test_every_imported_module_is_there() -> None:
    """Each module of the page imports only names that another module of the page exports."""
    for path in PAGE.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        for names, module in re.findall(r"import (.+?) from \"(.+?)\"", text):
            imported = (PAGE / module).read_text(encoding="utf-8")
            for name in re.findall(r"[$\w]+", names.split("{")[1]) if "{" in names else []:
                pattern = rf"export (async )?(const|function\*?|class) {re.escape(name)}\W"
                assert re.search(pattern, imported), f"{path.name}: {name}"
