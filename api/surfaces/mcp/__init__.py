"""Parley's tools, offered to clients of the Model Context Protocol over streamable HTTP (`/mcp`).

`routes` says who may ask, `bridge` has the official package's server answer, `offer` is what it is asked about. All but
`envelope` import that package, which takes seconds: only where `PARLEY_MCP` is on.
"""
