"""Pairs of programs of which it is known what changed, and whether the gate says so.

`pair` is the vocabulary, `placement`, `refactoring`, `regression` and `hidden` are the pairs, `building` makes programs of them,
`gating` measures and judges one with the product's own functions, `scoring` holds the verdict against what is known.
"""
