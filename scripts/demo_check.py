"""Start Atlas as `make demo` does, use it as a person would, restart it, and say what was found.

Exits 1 at the first thing that is wrong. Whatever happens, no process and no data stays behind.
"""

from __future__ import annotations

import contextlib
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from browser import Browser, Page
from demo_process import PASSWORD, Atlas, Wrong, expect, report


def main() -> int:
    started = time.monotonic()
    data = Path(tempfile.mkdtemp(prefix="atlas-check-"))
    atlas = Atlas(data)
    # An end by SIGTERM (a time limit of CI) has to clean up like any other.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # A shell that runs us in the background has Ctrl-C ignored, and Atlas would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with atlas.running("from nothing"):
            kept = visit(atlas)
        with atlas.running("again, with its data"):
            revisit(atlas, kept)
        atlas.check_nothing_runs()
    except Wrong as error:
        print(f"WRONG: {error}", flush=True)
        atlas.print_log()
        return 1
    finally:
        atlas.clean_up()
    print(f"Everything is right ({time.monotonic() - started:.0f} s).")
    return 0


def visit(atlas: Atlas) -> dict[str, str]:
    """Do all that a newcomer does, and return the paths of what has to be there later."""
    browser = Browser(atlas.root)

    with step("public list and search"):
        page = ok(browser.get("/"))
        expect("Shanghai" in page.text, "The list of cities does not begin with Shanghai.")
        page = ok(browser.get("/", q="münch"))
        expect("Munich" in page.text, "Searching for “münch” does not find Munich.")
        munich = city_path(page, "Munich")
        page = ok(browser.get(city_path(ok(browser.get("/", q="shanghai")), "Shanghai")))
        expect("<figure>" in page.text, "Shanghai's page shows no photo.")
        expect(browser.get("/city/nonsense/").status == 404, "A nonsense address is no 404.")

    with step("log in to the admin"):
        page = ok(browser.get("/admin/"))
        page = browser.submit(page, {"username": "admin", "password": "wrong"})
        expect("errornote" in page.text, "A wrong password is not refused.")
        page = ok(browser.submit(page, {"username": "admin", "password": PASSWORD}))
        expect("Log out" in page.text, "The admin does not let the superuser in.")
        expect(browser.cookie("sessionid") is not None, "There is no session cookie.")

    with step("count, search and filter in the admin"):
        total = count(ok(browser.get("/admin/atlas/city/")), "city")
        expect(total > 5000, f"The admin lists {total} cities; over 5,000 should be loaded.")
        found = count(ok(browser.get("/admin/atlas/city/", q="berl")), "city")
        expect(0 < found < total, f"Searching for “berl” finds {found} of {total} cities.")
        there = {"country__continent__exact": "EU"}
        european = count(ok(browser.get("/admin/atlas/city/", **there)), "city")
        expect(0 < european < total, f"The filter finds {european} European cities of {total}.")
        both = count(ok(browser.get("/admin/atlas/city/", q="berl", **there)), "city")
        expect(0 < both < found, f"Search and filter together find {both}, search alone {found}.")
        large = count(ok(browser.get("/admin/atlas/city/", over="1000000")), "city")
        expect(0 < large < european, f"The filter finds {large} cities over a million.")
        print(f"  {total:,} cities, {european:,} in Europe, {large} over a million")

    with step("edit a city, add a note"):
        change = f"/admin/atlas{munich}change/"
        page = ok(browser.get(change))
        first = inline(page, "note")
        edited = {
            "timezone": "Europe/Berlin (edited)",
            f"{first}-text": "Has a “Viktualienmarkt”.",
        }
        page = ok(browser.submit(page, edited))
        expect("was changed successfully" in page.text, errors("Saving the city", page))
        page = ok(browser.get(change))
        expect("Europe/Berlin (edited)" in page.text, "The edited time zone is not there.")
        expect("Viktualienmarkt" in page.text, "The note is not there.")
        page = ok(browser.get(f"/admin/atlas{munich}history/"))
        expect("Changed" in page.text, "The city's history does not show the change.")

    with step("refuse bad input"):
        page = browser.submit(ok(browser.get(change)), {"name": "", "location": "200, 100"})
        expect("errorlist" in page.text, "A city without a name and off Earth is accepted.")

    with step("upload a photo, download the same bytes"):
        picture = png()
        page = ok(browser.get(change))
        first = inline(page, "photo")
        uploaded = {f"{first}-image": ("münchen.png", picture), f"{first}-caption": "A test chart"}
        page = ok(browser.submit(page, uploaded))
        expect("was changed successfully" in page.text, errors("Uploading a photo", page))
        page = ok(Browser(atlas.root).get(munich))
        photo = re.search(
            r'<a href="([^"]+)"><img src="([^"]+)" alt="A test chart"></a>', page.text
        )
        expect(photo is not None, "The city's page does not show the photo.")
        assert photo is not None
        same_bytes(Browser(atlas.root), photo[1], picture)
        shown = ok(Browser(atlas.root).get(photo[2]))
        expect(shown.content[8:12] == b"WEBP", f"{photo[2]} is no thumbnail.")
        print(f"  {len(picture):,} bytes at {photo[1]}, {len(shown.content):,} on the page")

    with step("files in the admin"):
        files = "/admin/mongo_storage/filedocument/"
        page = ok(browser.get(files))
        expect("thumbnail=small" in page.text, "The list of files shows no previews.")
        listed = re.search(rf'href="({files}[0-9a-f]+/change/)[^"]*">[^<]*nchen', page.text)
        expect(listed is not None, "The list of files lacks the photo.")
        assert listed is not None
        page = ok(browser.get(listed[1]))
        page = ok(browser.submit(page, {}, holding="original_name"))
        expect("was changed successfully" in page.text, errors("Describing a file", page))
        page = ok(browser.get(listed[1]))
        verify = listed[1].replace("change/", "verify/")
        page = ok(browser.request("POST", verify))
        expect("as it was stored" in page.text, "The photo is not what was uploaded.")
        page = ok(browser.get(f"{files}add/"))
        page = ok(browser.submit(page, {"wanted": "drafts/", "content": ("a.txt", b"draft")}))
        expect("was added successfully" in page.text, errors("Adding a file", page))
        page = ok(browser.get("/files/drafts/a.txt"))
        expect(page.content == b"draft", "The file that was added is not served.")

    with step("add and delete a city"):
        page = ok(browser.get("/admin/atlas/city/add/"))
        new = {"name": "Testopolis", "country": "DE", "location": "10.5, 50.5"}
        page = ok(browser.submit(page, new))
        expect("was added successfully" in page.text, errors("Adding a city", page))
        path = city_path(ok(browser.get("/", q="testopolis")), "Testopolis")
        page = ok(browser.get(f"/admin/atlas{path}delete/"))
        page = ok(browser.submit(page, {"post": "yes"}))
        expect("was deleted successfully" in page.text, errors("Deleting a city", page))
        expect(browser.get(path).status == 404, "The deleted city still has a page.")

    with step("API"):
        check_api(atlas, browser, munich)

    with step("log out"):
        ok(browser.submit(ok(browser.get("/admin/")), {}, holding="csrfmiddlewaretoken"))
        page = ok(browser.get("/admin/"))
        expect("/admin/login/" in page.url, "After logging out the admin is still open.")

    return {"munich": munich, "photo": photo[1], "deleted": path, "total": str(total)}


def check_api(atlas: Atlas, browser: Browser, munich: str) -> None:
    anonymous = Browser(atlas.root)
    cities = ok(anonymous.get("/api/cities/")).json()
    expect(cities["count"] > 5000, f"The API counts {cities['count']} cities.")
    german = ok(anonymous.get("/api/cities/", country="DE")).json()
    expect(0 < german["count"] < cities["count"], f"?country=DE finds {german['count']}.")
    expect(all(c["country"] == "DE" for c in german["results"]), "?country=DE lists others too.")
    detail = ok(anonymous.get(f"/api/cities/{munich.split('/')[2]}/")).json()
    expect(detail["name"] == "Munich", f"Munich is called {detail['name']} by the API.")
    new = {"code": "XX", "name": "Nowhere", "continent": "EU"}
    status = anonymous.send_json("POST", "/api/countries/", new).status
    expect(status in {401, 403}, f"Anonymous people may create countries (status {status}).")
    status = browser.send_json("POST", "/api/countries/", new).status
    expect(status == 201, f"The superuser may not create a country (status {status}).")
    status = browser.send_json("POST", "/api/countries/", new).status
    expect(status == 400, f"The same country twice gives status {status}, not 400.")
    status = browser.request("DELETE", "/api/countries/XX/").status
    expect(status == 204, f"Deleting the country gives status {status}, not 204.")
    page = Browser(atlas.root).request("GET", "/api/cities/?format=api")
    expect("<html" in page.text and page.status == 200, "The API cannot be browsed.")


def revisit(atlas: Atlas, kept: dict[str, str]) -> None:
    with step("everything is still there"):
        browser = Browser(atlas.root)
        page = ok(browser.get(kept["munich"]))
        for text in ("Europe/Berlin (edited)", "Viktualienmarkt", "A test chart"):
            expect(text in page.text, f"After the restart “{text}” is gone.")
        same_bytes(browser, kept["photo"], png())
        expect(browser.get(kept["deleted"]).status == 404, "A deleted city is back.")
        page = browser.submit(browser.get("/admin/"), {"username": "admin", "password": PASSWORD})
        expect("Log out" in ok(page).text, "The superuser is gone.")
        total = count(ok(browser.get("/admin/atlas/city/")), "city")
        expect(str(total) == kept["total"], f"{total} cities instead of {kept['total']}.")


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    except (OSError, LookupError, ValueError) as error:
        raise Wrong(f"{name}: {error}") from error
    report(name, began)


def ok(page: Page) -> Page:
    if page.status != 200:
        raise Wrong(f"{page.url} gives status {page.status}, not 200:\n{page.text[:2000]}")
    return page


def errors(what: str, page: Page) -> str:
    found = re.findall(r'<ul class="errorlist[^>]*>(.*?)</ul>', page.text, re.DOTALL)
    return f"{what} failed: {found or page.text[:500]}"


def city_path(page: Page, name: str) -> str:
    """Return the path of the page of the city called `name`, from a list that shows it."""
    found = re.search(rf'href="(/city/[0-9a-f]+/)">{re.escape(name)}</a>', page.text)
    if found is None:
        raise Wrong(f"{page.url} shows no link to {name}.")
    return found[1]


def count(page: Page, name: str) -> int:
    """Return the number of results at the foot of an admin list."""
    found = re.search(rf"([\d,]+)\s+(?:{name}|cities)\b", page.text)
    if found is None:
        raise Wrong(f"{page.url} does not say how many results it has.")
    return int(found[1].replace(",", ""))


def inline(page: Page, model: str) -> str:
    """Return the prefix of the first empty form of an inline, such as `photos-0`."""
    for prefix, initial in re.findall(r'name="([\w-]+)-INITIAL_FORMS" value="(\d+)"', page.text):
        if model in prefix:
            return f"{prefix}-{initial}"
    raise Wrong(f"{page.url} has no inline of {model}s.")


def same_bytes(browser: Browser, path: str, content: bytes) -> None:
    page = ok(browser.get(quote(path, safe="/%?=&")))
    expect(page.content == content, f"{path} gives {len(page.content)} other bytes.")


def png() -> bytes:
    """Return a PNG of more than one GridFS chunk, always the same."""
    import random
    from io import BytesIO

    from PIL import Image

    image = Image.frombytes("RGB", (400, 400), random.Random(4).randbytes(3 * 400 * 400))
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main())
