"""The processor of this machine, as Linux describes it."""

import re
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def processor_field(name: str) -> str | None:
    """Return a field of the first processor, such as `model name`, or None where Linux names none."""
    try:
        found = re.search(rf"^{name}\s*: (.*)$", CPUINFO.read_text("utf-8"), re.MULTILINE)
    except OSError:
        return None
    return found[1] if found else None


def processor_flags() -> frozenset[str]:
    """Return the features of an x86-64 processor by Linux's names, such as `avx2`; none of another processor."""
    return frozenset((processor_field("flags") or "").split())
