"""What happens in this process, counted, for `/metrics`: `families` names every figure, `counts` keeps them, and a
`snapshot` is what they are at a moment, to be told or to be added to those of other processes."""
