"""From stored documents to the classes that describe them; `manage.py inspectmongo`."""

from .collections import Inspection, inspect
from .source import module_source

__all__ = ["Inspection", "inspect", "module_source"]
