"""Publishing: a version is complete or absent, and no number is used twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import model_store
from model_store import (
    Manifest,
    ModelDescription,
    ModelNotFound,
    ModelStore,
    UnpublishableFolder,
)
from tests.places import Place

IN_A_FOLDER = pytest.mark.parametrize("store", ["folder"], indirect=True)
ON_S3 = pytest.mark.parametrize("store", ["s3"], indirect=True)

PUBLISH = """
import sys
from pathlib import Path
from model_store import ModelDescription, ModelStore

root, folder, description, times = sys.argv[1:5]
store = ModelStore(root)
for _ in range(int(times)):
    made = store.publish("abc", Path(folder), ModelDescription.model_validate_json(description))
    print(made.version)
"""

# In a folder: audit hooks see each file before Python opens or renames the file.
DIE = """
import os, signal, sys

def die(event, arguments):
    if event == sys.argv[5] and sys.argv[6] in str(arguments[0]):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
"""

# On S3: botocore sends every request through this method.
DIE_ON_S3 = """
import os, signal, sys
from aiobotocore.client import AioBaseClient

send = AioBaseClient._make_api_call

async def die(self, operation, parameters):
    if operation == "PutObject" and parameters["Key"].endswith(sys.argv[5]):
        os.kill(os.getpid(), signal.SIGKILL)
    return await send(self, operation, parameters)

AioBaseClient._make_api_call = die
"""


def publisher(
    script: str, store: ModelStore, folder: Path, description: ModelDescription, *more: str
) -> subprocess.Popen[str]:
    """Start another process that publishes the folder."""
    arguments = [store.root, str(folder), description.model_dump_json(), *more]
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | {"PYTHONPATH": str(Path(model_store.__file__).parents[1])},
        stdout=subprocess.PIPE,
        text=True,
    )


@IN_A_FOLDER
@pytest.mark.parametrize(
    "moment",
    [
        ("open", "models/abc/1/card.md"),
        ("open", "models/abc/1/model.onnx"),
        ("open", "models/abc/1/.manifest.json"),
        ("os.rename", "models/abc/1/.manifest.json"),
    ],
    ids=["before the first file", "between files", "before the manifest", "before its rename"],
)
def test_a_publisher_killed_in_a_folder(
    moment: tuple[str, str],
    store: ModelStore,
    place: Place,
    folder: Path,
    description: ModelDescription,
) -> None:
    """A publisher killed at any moment leaves no version, and the number is not used again."""
    killed(publisher(DIE + PUBLISH, store, folder, description, "1", *moment))
    assert_only_the_next_version_exists(store, place, folder, description)


@ON_S3
@pytest.mark.parametrize("moment", ["1/card.md", "1/model.onnx", "1/manifest.json"])
def test_a_publisher_killed_on_s3(
    moment: str,
    store: ModelStore,
    place: Place,
    folder: Path,
    description: ModelDescription,
) -> None:
    """A publisher killed on S3 leaves no version, and the number is not used again."""
    killed(publisher(DIE_ON_S3 + PUBLISH, store, folder, description, "1", moment))
    assert_only_the_next_version_exists(store, place, folder, description)


def killed(process: subprocess.Popen[str]) -> None:
    with process:
        process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL


def assert_only_the_next_version_exists(
    store: ModelStore, place: Place, folder: Path, description: ModelDescription
) -> None:
    assert place.exists("abc/1")
    assert store.names() == []
    assert store.versions("abc") == []
    with pytest.raises(ModelNotFound):
        store.resolve("abc")
    with pytest.raises(ModelNotFound):
        store.open("abc", 1)

    assert store.publish("abc", folder, description).version == 2
    assert store.versions("abc") == [2]
    assert store.open("abc", 2).manifest.version == 2


def test_publishers_at_once_get_versions_of_their_own(
    store: ModelStore,
    folder: Path,
    description: ModelDescription,
    publish: Callable[[str], Manifest],
) -> None:
    """Concurrent publishers use every number exactly once."""
    others = [publisher(PUBLISH, store, folder, description, "5") for _ in range(2)]
    with ThreadPoolExecutor(4) as pool:
        numbers = [made.version for made in pool.map(publish, ["abc"] * 10)]
    for process in others:
        with process:
            numbers += map(int, process.communicate(timeout=60)[0].split())
        assert process.returncode == 0
    assert sorted(numbers) == store.versions("abc") == list(range(1, 21))
    for version in numbers:
        store.open("abc", version)


def test_equal_files_have_one_digest(folder: Path, publish: Callable[[str], Manifest]) -> None:
    """The digest depends on the files and on nothing else."""
    first, second = publish("abc"), publish("other")
    assert first.digest == second.digest
    (folder / "card.md").write_text("Another model.", encoding="utf-8")
    assert publish("abc").digest != first.digest


@IN_A_FOLDER
def test_a_failed_publisher_cleans_up(
    store: ModelStore,
    place: Place,
    folder: Path,
    description: ModelDescription,
    publish: Callable[[str], Manifest],
) -> None:
    """A failed copy leaves no files, and the number is not used again."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
    ignore = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    quiet = "import os; os.dup2(os.open(os.devnull, os.O_WRONLY), 2)\n"
    with publisher(limit + ignore + quiet + PUBLISH, store, folder, description, "1") as process:
        process.communicate(timeout=60)
    assert process.returncode == 1
    assert place.below("abc/1") == set()
    assert publish("abc").version == 2


def test_what_cannot_be_published(
    store: ModelStore, place: Place, folder: Path, tmp_path: Path, description: ModelDescription
) -> None:
    """A missing or empty folder, a link, a pipe and a second manifest are refused before any write."""

    def refused(source: Path, message: str) -> None:
        with pytest.raises(UnpublishableFolder, match=message):
            store.publish("abc", source, description)
        assert not place.exists()

    refused(tmp_path / "nowhere", "nowhere is not a folder")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "is empty: write the model's files there first")
    odd = folder / "odd"
    odd.symlink_to(folder / "card.md")
    refused(folder, "odd is not a regular file")
    odd.unlink()
    os.mkfifo(odd)
    refused(folder, "odd is not a regular file")
    odd.unlink()
    (folder / "manifest.json").write_text("{}", encoding="utf-8")
    refused(folder, r"holds 'manifest\.json': give it another name")


@IN_A_FOLDER
def test_others_may_read_what_was_published(
    store: ModelStore, publish: Callable[[str], Manifest]
) -> None:
    """The manifest has the permissions of any new file, so that another user can serve the version."""
    publish("abc")
    folder = Path(store.root, "abc", "1")
    assert (folder / "manifest.json").stat().st_mode == (folder / "card.md").stat().st_mode
