"""Resumable uploads over HTTP by the tus protocol, and the form field and widget that use them.

The protocol is that of https://tus.io/protocols/resumable-upload, version 1.0.0.
"""
