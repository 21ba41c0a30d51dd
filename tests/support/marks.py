"""On which systems a test can run: each mark names what is missing."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

posix = pytest.mark.skipif(os.name != "posix", reason="modes, links, pipes and terminals are POSIX's")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc and prctl are Linux'")
root = pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can become another user")
not_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anything")
dev_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
git_lfs = pytest.mark.skipif(shutil.which("git-lfs") is None, reason="Debian package missing: git-lfs")
