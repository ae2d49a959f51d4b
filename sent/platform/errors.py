"""Errors that people see.

`code` is the translation key and stable; `message` is English for logs and for callers without a
catalogue; `data` holds the values a translated text needs. Programmer errors stay builtins.

    SentError
    ├── NotFound      it is not there, or not yours to see
    ├── Conflict      somebody else changed it first
    ├── Invalid       what was given cannot be taken; `message` names the place and the cure
    ├── Denied        you may not
    └── Unavailable   a peer does not answer now; trying again later is sensible
"""

from __future__ import annotations


class SentError(Exception):
    """Base of all errors with a code for people (see the module)."""

    exit_code = 1

    def __init__(self, code: str, message: str, **data: object) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.code!r}, {self.message!r})"


class NotFound(SentError):
    """It does not exist, or row-level security hides it."""


class Conflict(SentError):
    """The record changed since it was read."""


class Invalid(SentError):
    """The input cannot be taken."""

    exit_code = 65


class Denied(SentError):
    """The actor lacks a permission, or the credentials are wrong."""

    exit_code = 77


class Unavailable(SentError):
    """A peer (database, broker, provider) does not answer."""

    exit_code = 69
