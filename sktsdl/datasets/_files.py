"""Files that are read from a local folder, or downloaded into it."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

TEXTS = {
    "data_home": """\
data_home : path or None, default=None
    The local folder. None takes the environment variable ``SKTSDL_DATA`` or, if it is
    not set, scikit-learn's data folder (`sklearn.datasets.get_data_home`)."""
}


@dataclass(frozen=True)
class SourceFile:
    """A file of a data set.

    Parameters
    ----------
    name : str
        Where it lies in the local folder.
    url : str
        Where it is downloaded from.
    sha256 : str
        Its checksum.
    """

    name: str
    url: str
    sha256: str

    def in_folder(self, data_home: str | os.PathLike[str] | None) -> Path:
        """Return the path of the local file, which is downloaded if it is not there.

        Raises
        ------
        OSError
            If the file is not there and cannot be downloaded.
        ValueError
            If the file has another checksum than expected.
        """
        if data_home is None:
            from sklearn.datasets import get_data_home  # slow, and needed here only

            data_home = os.environ.get("SKTSDL_DATA") or get_data_home()
        path = Path(data_home).expanduser() / self.name
        if path.exists():
            self._check(path.read_bytes(), path)
        else:
            self._download(path)
        return path

    def _download(self, path: Path) -> None:
        try:
            with urlopen(self.url, timeout=60) as response:
                content = response.read()
        except OSError as error:
            raise OSError(
                f"{path} is not there and cannot be downloaded ({error}): download "
                f"{self.url} on a machine with a network, as {self.name} in a folder, "
                "and give this folder as `data_home` or in the environment variable "
                "SKTSDL_DATA."
            ) from error
        self._check(content, self.url)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_bytes(content)
        part.replace(path)

    def _check(self, content: bytes, source: str | os.PathLike[str]) -> None:
        found = hashlib.sha256(content).hexdigest()
        if found != self.sha256:
            raise ValueError(
                f"{source} is not the file expected (SHA-256 {found}, not "
                f"{self.sha256}): remove it to download {self.url} again."
            )
