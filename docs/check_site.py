"""Open every page of the site in Chromium, and report what is broken.

    python docs/check_site.py docs/_build/html [--pictures FOLDER]

Errors in the console, requests that leave the machine, missing pictures, links to pages
or places that do not exist, pages that are wider than the screen, and a search that
does not find what it must.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urldefrag

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {1280: 900, 390: 844}
SEARCHES = {"known future": "docs/known_ahead.html"}

LINKS = "[...document.querySelectorAll('a[href]')].map(a => a.href)"
PLACES = "[...document.querySelectorAll('[id]')].map(e => e.id)"
MISSING = """[...document.images].filter(i => !(i.complete && i.naturalWidth))
    .map(i => i.src)"""
LOAD = """[...document.images].forEach(i => { i.loading = 'eager' });
    Promise.all([...document.images].map(i => i.decode().catch(() => 0)))"""
WIDTH = "document.documentElement.scrollWidth"
WIDE = """[...document.querySelectorAll('.bd-article *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 3).map(e => e.tagName + ' ' + e.className)"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def check(browser: Browser, root: Path, site: str, pictures: Path | None) -> list[str]:
    """Return a line for each thing that is broken."""
    names = sorted(str(p.relative_to(root)) for p in root.rglob("*.html"))
    names = [name for name in names if not name.startswith("_static/")]
    found: list[str] = []
    links: dict[str, set[str]] = {}
    places: dict[str, set[str]] = {}
    page, name = browser.new_page(), ""
    page.on(
        "console",
        lambda m: (
            found.append(f"{name}: console: {m.text}")
            if m.type in ("error", "warning")
            else None
        ),
    )
    page.on("pageerror", lambda error: found.append(f"{name}: script: {error}"))
    page.on(
        "request",
        lambda r: (
            None
            if r.url.startswith((site, "data:"))
            else found.append(f"{name}: needs {r.url}")
        ),
    )
    for name in names:
        if name == "index.html":  # redirects
            continue
        page.goto(f"{site}/{name}")
        page.evaluate(LOAD)
        found += [f"{name}: no picture {src}" for src in page.evaluate(MISSING)]
        links[name] = set(page.evaluate(LINKS))
        places[name] = set(page.evaluate(PLACES))
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            if (wide := page.evaluate(WIDTH)) > width:
                elements = "; ".join(page.evaluate(WIDE))
                found.append(f"{name}: {wide} wide at {width}: {elements}")
            if pictures is not None:
                file = pictures / f"{name.replace('/', '-')}-{width}.png"
                page.screenshot(path=file)
    print(f"{len(names)} pages at {' and '.join(map(str, SIZES))} pixels")
    return found + list(broken(links, places, root, site))


def broken(
    links: dict[str, set[str]], places: dict[str, set[str]], root: Path, site: str
) -> Iterator[str]:
    count = 0
    for name, targets in links.items():
        for target in sorted(targets):
            if not target.startswith(site):
                continue
            count += 1
            url, place = urldefrag(target)
            path = unquote(url.removeprefix(site).lstrip("/").split("?")[0])
            if not (root / path).exists():
                yield f"{name}: link to {path}, which does not exist"
            elif place and path in places and unquote(place) not in places[path]:
                yield f"{name}: link to {path}, which has no #{place}"
    print(f"{count} links inside")


def check_search(page: Page, site: str) -> Iterator[str]:
    for words, wanted in SEARCHES.items():
        page.goto(f"{site}/search.html?q={words.replace(' ', '+')}")
        page.wait_for_selector(".search-summary", timeout=20_000)
        page.wait_for_function("!document.querySelector('#search-progress .dots')")
        page.wait_for_timeout(2_000)
        results = page.evaluate(
            "[...document.querySelectorAll('#search-results ul.search > li > a')]"
            ".map(a => new URL(a.href).pathname.slice(1))"
        )
        print(f"{len(results)} results of the search for {words!r}")
        if wanted not in results:
            yield f"the search for {words!r} does not find {wanted}: {results[:5]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of pages")
    arguments = parser.parse_args()
    if arguments.pictures:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
    handler = partial(Quiet, directory=str(arguments.root))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    site = f"http://127.0.0.1:{server.server_port}"
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        found = check(browser, arguments.root, site, arguments.pictures)
        found += check_search(browser.new_page(), site)
        browser.close()
    print("\n".join(found) or "nothing is broken")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
