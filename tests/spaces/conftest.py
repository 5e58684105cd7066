"""Files of a search space in a folder of their own."""

from pathlib import Path

import pytest
from space_files import Files


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)
