"""Test cases in Django's own style; tests/test_tools/test_runner.py runs them with its runner."""
