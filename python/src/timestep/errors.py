"""The errors that callers of this package are meant to catch."""

from __future__ import annotations


class TimestepError(Exception):
    """The base of every error that callers of this package are meant to catch.

    A caller's mistake (a wrong type, a number out of range) is a `TypeError` or a `ValueError`
    instead, and errors of the Agents SDK pass through unchanged.
    """

    code: str
    """A stable, lower-case identifier of the condition, for programs to compare."""
