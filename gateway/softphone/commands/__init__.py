"""What can be typed after `parley phone`, one file each.

A command has `SUMMARY` (one line for `--help`), `define(parser)`, which adds its arguments and imports nothing heavy,
and `run(options)`, which does the work and returns the exit code: 0 done, 1 a fault was found, 2 wrong settings or
usage. It may raise ConfigError.
"""
