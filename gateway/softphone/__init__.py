"""`parley phone`: try the telephone without a carrier, and set one up.

`commands/` holds what can be typed, one file each; `lines/` what each carrier says and takes, one file each. What to
set up in its console is in `gateway/checks/sheets`. One call: who holds the telephone (`caller`), what the carrier
plays (`player`) and what it all came to (`course`) are pure; `call`, `stream` and `asking` are the shell round them.
"""
