"""Test tools for projects that use mongo_contrib, and for our own suite.

``CaptureCommands``, ``assert_num_commands`` and ``MongoTestMixin`` count what code sends to the
server. With pytest, the plugin adds the fixtures ``assert_num_commands`` and
``capture_commands`` and the mark ``needs("text_index")``.
"""

from mongo_contrib.test.commands import CaptureCommands, MongoTestMixin, assert_num_commands
from mongo_contrib.test.server import describe_server

__all__ = ["CaptureCommands", "MongoTestMixin", "assert_num_commands", "describe_server"]
