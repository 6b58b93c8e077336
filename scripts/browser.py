"""A small browser without windows: cookies, redirects, forms filled in as the page has them."""

from __future__ import annotations

import json
import uuid
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener


class Browser:
    """An HTTP client with a session of its own; every answer is a Page, also a 403."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.cookies = CookieJar()
        # No proxy: what we talk to runs on this machine.
        self.opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(self.cookies))

    def get(self, path: str, **query: str) -> Page:
        return self.request("GET", path + (f"?{urlencode(query)}" if query else ""))

    def post(self, path: str, body: bytes, content_type: str) -> Page:
        return self.request("POST", path, body, content_type)

    def request(self, method: str, path: str, body: bytes | None = None, type: str = "") -> Page:
        headers = {"Content-Type": type} if type else {}
        token = self.cookie("csrftoken")
        if token and method != "GET":
            headers["X-CSRFToken"] = token
        url = urljoin(self.root, path)
        request = Request(url, data=body, method=method, headers=headers)
        try:
            answer = self.opener.open(request, timeout=60)
        except HTTPError as error:
            answer = error
        with answer:
            return Page(answer.status, answer.geturl(), answer.headers, answer.read())

    def submit(self, page: Page, changes: dict[str, Any], *, holding: str = "") -> Page:
        """Send the form of `page` that has a field called `holding`, with some values changed.

        A value None leaves the field out, as an unticked box; a pair `(file name, bytes)` is an
        upload.
        """
        form = page.form(holding or next(iter(changes)))
        fields = {**form.fields, **changes}
        body, content_type = multipart(fields)
        return self.post(urljoin(page.url, form.action), body, content_type)

    def send_json(self, method: str, path: str, data: Any) -> Page:
        return self.request(method, path, json.dumps(data).encode(), "application/json")

    def cookie(self, name: str) -> str | None:
        return next((cookie.value for cookie in self.cookies if cookie.name == name), None)


class Page:
    def __init__(self, status: int, url: str, headers: Any, content: bytes) -> None:
        self.status, self.url, self.headers, self.content = status, url, headers, content

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)

    def form(self, holding: str) -> Form:
        parser = Forms()
        parser.feed(self.text)
        for form in parser.forms:
            if holding in form.names:
                return form
        raise LookupError(f"{self.url} has no form with a field {holding!r}.")


class Form:
    def __init__(self, action: str) -> None:
        self.action = action
        self.fields: dict[str, Any] = {}
        self.names: set[str] = set()


class Forms(HTMLParser):
    """Collect a page's forms with what a browser would send for them, buttons apart."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.form: Form | None = None
        self.select: str | None = None
        self.textarea: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = dict(attrs)
        if tag == "form":
            self.form = Form(at.get("action") or "")
            self.forms.append(self.form)
        if self.form is None:
            return
        name = at.get("name")
        if tag in {"input", "select", "textarea", "button"} and name:
            self.form.names.add(name)
        if tag == "input" and name:
            kind = at.get("type") or "text"
            chosen = kind not in {"checkbox", "radio"} or "checked" in at
            if chosen and kind not in {"submit", "button", "image", "file"}:
                self.form.fields[name] = at.get("value") or ""
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in at:
            self.form.fields[self.select] = at.get("value") or ""
        elif tag == "textarea" and name:
            self.textarea = name
            self.form.fields[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.form = None
        elif tag == "select":
            self.select = None
        elif tag == "textarea" and self.form and self.textarea:
            # The line break after the opening tag is markup, not content.
            text = self.form.fields[self.textarea]
            self.form.fields[self.textarea] = text.removeprefix("\r\n").removeprefix("\n")
            self.textarea = None

    def handle_data(self, data: str) -> None:
        if self.form and self.textarea:
            self.form.fields[self.textarea] += data


def multipart(fields: dict[str, Any]) -> tuple[bytes, str]:
    """Return a multipart/form-data body of the fields, and its content type."""
    boundary = uuid.uuid4().hex
    parts = []
    for name, value in fields.items():
        if value is None:
            continue
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, tuple):
            file_name, content = value
            head += f'; filename="{file_name}"\r\nContent-Type: application/octet-stream'
        else:
            content = str(value).encode()
        parts.append(head.encode() + b"\r\n\r\n" + content + b"\r\n")
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"
