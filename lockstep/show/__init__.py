"""Show holds every way to look at a team: films, a page that plays and answers, the live page, text in a terminal.

All of them read one `recording`, which needs no network: what is shown is recorded first.
"""
