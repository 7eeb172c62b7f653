"""Website makes the documentation's site: `python -m website` reads docs/ and the code, and writes build/site.

`pages` says which pages there are and where a link between two files leads on the site; `reference` writes the pages
that the code tells of itself; `notebook` runs the lessons that are notebooks; `check` follows every link of what came
out. `zensical.toml` has the order of the pages, `theme` their looks. Zensical turns all of it into HTML that needs no
network and no server.
"""
