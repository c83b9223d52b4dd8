"""A store's files as somebody sees and changes them who has other tools than the store."""

import fsspec


class Place:
    """The root of a store, in a folder or elsewhere; paths are relative to it."""

    def __init__(self, root: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(root, use_listings_cache=False)

    def exists(self, path: str = "") -> bool:
        """Whether there is such a file or folder."""
        return bool(self._files.exists(self._at(path)))

    def below(self, folder: str) -> set[str]:
        """The paths of all files in a folder, relative to it."""
        start = self._at(folder) + "/"
        return {path.removeprefix(start) for path in self._files.find(start)}

    def read(self, path: str) -> bytes:
        """The bytes of a file."""
        content: bytes = self._files.cat_file(self._at(path))
        return content

    def write(self, path: str, content: bytes) -> None:
        """Write a file, and the folders to it."""
        self._files.makedirs(self._at(path).rpartition("/")[0], exist_ok=True)
        self._files.pipe_file(self._at(path), content)

    def damage(self, path: str) -> None:
        """Change one byte and keep the size."""
        content = bytearray(self.read(path))
        content[0] ^= 1
        self.write(path, bytes(content))

    def archive(self, path: str) -> None:
        """Move a file of S3 into the archive, from which the file cannot be read."""
        self._files.pipe_file(self._at(path), self.read(path), StorageClass="GLACIER")

    def copy(self, source: str, target: str) -> None:
        """Copy a folder."""
        for path in self.below(source):
            self.write(f"{target}/{path}", self.read(f"{source}/{path}"))

    def remove(self, path: str) -> None:
        """Remove a file or a folder."""
        self._files.rm(self._at(path), recursive=True)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}".rstrip("/")
