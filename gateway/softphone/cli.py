"""The arguments of `parley phone`: every command of the shelf `commands`."""

from __future__ import annotations

import argparse
from importlib import import_module
from types import ModuleType

from gateway import plugins
from gateway.softphone import commands

__all__ = ["define", "run"]


def define(parser: argparse.ArgumentParser) -> None:
    """Adds a subcommand for each."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name in plugins.names(commands.__name__):
        module = _command(name)
        module.define(
            actions.add_parser(
                name,
                help=module.SUMMARY,
                description=module.__doc__,
                formatter_class=argparse.RawDescriptionHelpFormatter,
            )
        )


def run(options: argparse.Namespace) -> int:
    """The exit code of the command that was chosen. Raises ConfigError."""
    code: int = _command(options.action).run(options)
    return code


def _command(name: str) -> ModuleType:
    return import_module(f"{commands.__name__}.{name}")
