"""Report writes the report of one run or several: what was asked, what came of it, how sure that is, what to try next.

`build` puts the parts together, `results` has the numbers, `document` the blocks that they are told in, `html` and
`markdown` write them.
"""
