"""What a User-Agent header says of browser and system, in words; needs the extra `devices`.

The only module that imports ua-parser. Its rules are loaded when first asked for.
"""

from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any

__all__ = ["device_name", "is_installed"]

# The rules copy some of what they find out of the header.
_LONGEST = 100

_BROWSERS = {
    "Mobile Safari UI/WKWebView": "Safari",
    "Chrome Mobile WebView": "Chrome",
    "IE": "Internet Explorer",
}
#: That a browser runs on a telephone shows in the name of the system.
_SAID_BY_SYSTEM = {"Mobile", "iOS"}
_SYSTEMS = {"Mac OS X": "macOS"}
#: The rules have one name for all systems of Apple's hand-held devices.
_HANDHELD = ("iPad", "iPhone")


def is_installed() -> bool:
    """Whether ua-parser 1.0 or newer is there; loads nothing."""
    # The package of the rules, which older ones have inside.
    return find_spec("ua_parser_builtins") is not None


@lru_cache(maxsize=256)
def device_name(user_agent: str) -> str | None:
    """Browser and system: "Firefox on Ubuntu", "Safari on iPhone", "curl".

    None where neither is known, or ua-parser is not installed. Give it no more than a few hundred
    characters: hundreds of regular expressions look at them.
    """
    parse = _parser()
    if parse is None:
        return None
    found = parse(user_agent)
    browser = found.user_agent and _browser(found.user_agent.family)
    system = found.os and _system(found.os.family, user_agent)
    return " on ".join(filter(None, (browser, system)))[:_LONGEST] or None


@cache
def _parser() -> Any:
    if not is_installed():
        return None
    from ua_parser import BasicResolver, Domain, Parser, load_lazy_builtins

    # Lazily compiled, and without its cache of 2,000 headers: rules for the models of devices,
    # which are most of them, are never asked for here.
    parser = Parser(BasicResolver(load_lazy_builtins()))
    return lambda user_agent: parser(user_agent, Domain.USER_AGENT | Domain.OS)


def _browser(family: str) -> str:
    words = [word for word in family.split() if word not in _SAID_BY_SYSTEM]
    return _BROWSERS.get(family) or " ".join(words)


def _system(family: str, user_agent: str) -> str:
    if family == "iOS":
        return next((name for name in _HANDHELD if name in user_agent), family)
    return _SYSTEMS.get(family, family)
