"""The one door: every run of a tool goes through `door.ToolRuntime.execute`, whoever asks for it.

`request` says what is asked and what comes of it, `policy` whether it may run, `ledger` that it runs once, `fuse` and
`slots` that a tool in trouble is left alone, `previews` what is kept of it for people to read. `memory` is a ledger
that ends with the process.
"""
