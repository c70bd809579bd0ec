"""The native modules, one of each C file in `media/native`; everything else stands in pyproject.toml.

Each is built against CPython's limited API, so that one file serves Python 3.11 and all later ones, and is optional:
where it cannot be compiled, Parley runs on the Python twins (`media.native`). Each says in `SOURCE` of what it was
compiled, so that one that is older than the Python that calls it is not used.
"""

import zlib
from pathlib import Path

from setuptools import Extension, setup

FOLDER = Path("media/native")
HEADERS = sorted(str(path) for path in FOLDER.glob("*.h"))


def source(path: Path) -> str:
    """By which a module tells what it was compiled of (`media.native.source`)."""
    return str(zlib.crc32(b"".join(Path(one).read_bytes() for one in (path, *HEADERS))) & 0x7FFFFFFF)


setup(
    ext_modules=[
        Extension(
            f"media.native.{path.stem}",
            sources=[str(path)],
            depends=HEADERS,
            define_macros=[("Py_LIMITED_API", "0x030B0000"), ("SOURCE", source(path))],
            # No -ffast-math: what the twin computes is what is to be computed.
            extra_compile_args=["-std=c11", "-O3", "-fvisibility=hidden", "-Wall", "-Wextra"],
            libraries=["m"],
            py_limited_api=True,
            optional=True,
        )
        for path in sorted(FOLDER.glob("*.c"))
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
