"""Which files a checkout shows otherwise than the object database has them, by the rules of convert.c in git.

A conversion is asked of git itself; here is decided only for which paths it has to be asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from git_vibe.git.repository import Config

ATTRIBUTES = ("text", "crlf", "eol", "ident", "filter", "working-tree-encoding")
LFS = "lfs"

_SETTINGS = ("core.autocrlf", "core.eol", "core.attributesfile", "lfs.storage", "vibe.filters", "vibe.lfs")
_OFF = ("unset", "unspecified", "")
_TEXT = ("set", "unset", "input", "auto")
_MATTERS = re.compile(rb"eol=crlf|ident|filter=|working-tree-encoding=")
_MATTERS_WITH_CRLF = re.compile(_MATTERS.pattern + rb"|text|crlf")
_UTF8 = ("utf-8", "utf8")

Values = Mapping[str, str]
"""Attributes of one path by name: 'set', 'unset' or a text; what is unspecified is not there."""


class Rules:
    """What configuration says about conversion."""

    def __init__(self, config: Config) -> None:
        self.enabled = config.boolean("vibe.filters", default=True)
        self.resolves_lfs = self.enabled and config.boolean("vibe.lfs", default=True)
        automatic = (config.text("core.autocrlf") or "").lower()
        self.converts_all = self.enabled and automatic != "input" and config.boolean("core.autocrlf", default=False)
        is_default = (config.text("core.eol") or "").lower() == "crlf"
        self._crlf = self.converts_all or (is_default and automatic != "input")
        self._drivers = _smudging_drivers(config)
        self.settings = {
            **{key: config.text(key) for key in _SETTINGS if config.text(key) is not None},
            **config.below("filter."),
        }

    def may_change(self, values: Values) -> bool:
        """Whether a checkout may write other bytes than the blob has for a file with these attributes."""
        return (
            values.get("filter", "") in self._drivers
            or values.get("ident") == "set"
            or _encoding(values) not in (*_OFF, "set", *_UTF8)
            or self._gets_crlf(values)
        )

    def may_matter(self, attributes: bytes) -> bool:
        """Whether files with attributes, whose content this is, may have any that changes what a checkout writes."""
        pattern = _MATTERS_WITH_CRLF if self._crlf else _MATTERS
        return self.converts_all or pattern.search(attributes) is not None

    def _gets_crlf(self, values: Values) -> bool:
        text = next((values[key] for key in ("text", "crlf") if values.get(key) in _TEXT), None)
        if text == "unset":
            return False
        if (eol := values.get("eol")) in ("crlf", "lf"):
            return eol == "crlf"
        return self.converts_all if text is None else self._crlf and text != "input"


def is_lfs(values: Values) -> bool:
    """Whether a file with these attributes may be a pointer of Git LFS."""
    return values.get("filter") == LFS


def _encoding(values: Values) -> str:
    return values.get("working-tree-encoding", "").lower()


def _smudging_drivers(config: Config) -> set[str]:
    """Names of the filter drivers a checkout runs, or fails without; that of Git LFS is not asked."""
    variables = (key.removeprefix("filter.").rpartition(".") for key in config.below("filter."))
    return {name for name, _, variable in variables if variable in ("smudge", "process", "required")} - {LFS}
