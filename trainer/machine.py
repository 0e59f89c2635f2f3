"""What is set once per process before training: threads, denormals, the memory allocator."""

from __future__ import annotations

import ctypes
import os
import sys

import torch

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_TOP_PAD_BYTES = 512 * 1024 * 1024


def prepare(threads: int | None = None) -> None:
    """Make this process ready to train with ``threads`` CPU threads, or as many as there are cores."""
    torch.set_num_threads(threads or os.cpu_count() or 1)
    torch.set_flush_denormal(True)
    keep_memory()


def keep_memory() -> bool:
    """Tell glibc's allocator to keep freed memory; return whether it did.

    By default every activation of some megabytes is mapped anew and given back in each step, and the page faults cost
    more than a third of the time. Measured on two Zen 3 cores, training ResNet18 in float32, batch 64: 73 to 119
    images/s at 32 x 32, 47 to 60 at 48 x 48.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library than glibc
        return False
    options = {_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: -1, _M_TOP_PAD: _TOP_PAD_BYTES}
    return sum(int(mallopt(option, value)) for option, value in options.items()) == len(options)
