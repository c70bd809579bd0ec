"""The native modules, one of each C file in `media/native`; everything else stands in pyproject.toml.

Each is built against CPython's limited API, so that one file serves Python 3.11 and all later ones, and is optional:
where it cannot be compiled, Parley runs on the Python twins (`media.native`).
"""

from pathlib import Path

from setuptools import Extension, setup

FOLDER = Path("media/native")
HEADERS = sorted(str(path) for path in FOLDER.glob("*.h"))

setup(
    ext_modules=[
        Extension(
            f"media.native.{path.stem}",
            sources=[str(path)],
            depends=HEADERS,
            define_macros=[("Py_LIMITED_API", "0x030B0000")],
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
