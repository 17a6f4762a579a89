"""Inventories of other sites, kept in a folder; none where no network is."""

from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

SECONDS = 5
HEADER = b"# Sphinx inventory version 2"


def reachable(sites: dict[str, str], folder: Path) -> dict[str, tuple[str, str]]:
    """Return the sites with an inventory, as ``intersphinx_mapping``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, url in sites.items():
        file = folder / f"{name}.inv"
        if file.exists():
            continue
        try:
            with urlopen(url + "objects.inv", timeout=SECONDS) as reply:
                content = reply.read()
        except (URLError, TimeoutError):
            break
        if content.startswith(HEADER):
            file.write_bytes(content)
    found = {name: folder / f"{name}.inv" for name in sites}
    return {n: (sites[n], str(file)) for n, file in found.items() if file.exists()}
