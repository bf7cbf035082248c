"""Values as people read them."""

from __future__ import annotations

import os


def age(seconds: float) -> str:
    """A duration in its two largest units: '45s', '3m 10s', '2h 5m', '4d 1h'."""
    whole = int(seconds)
    for size, unit, smaller, letter in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size}{unit} {whole % size // smaller}{letter}"
    return f"{whole}s"


def byte_count(size: int) -> str:
    """A number of bytes: '312 B', '4.5 KiB', '1.2 GiB'."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def path_text(path: bytes) -> str:
    """A path for a line of text: control characters are escaped, other bytes stay as they are."""
    text = os.fsdecode(path)
    if text.isprintable() or not any(ord(letter) < 32 or letter == "\x7f" for letter in text):
        return text
    return "".join(letter if ord(letter) >= 32 and letter != "\x7f" else f"\\{ord(letter):03o}" for letter in text)
