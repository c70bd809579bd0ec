"""`parley phone`: try the telephone without a carrier, and set one up.

`commands/` holds what can be typed, one file each; `sheets/` what to set up at each carrier."""
