"""The page of `lockstep envs`: how the worlds of every family are named, and how to bring one's own."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lockstep.envs.registry import families

OWN = {
    "layout=@floor.txt": "a warehouse that you drew: x a shelf, . a corridor, g a goal (docs/observations.md)",
    "lockstep doctor env KEY": "how a world is understood, and what it breaks, before anything is trained in it",
    "examples/own_world.py": "an environment of one's own, ready to be changed (docs/learn/own-world.md)",
}


def print_page() -> None:
    """One screen: the families with an example of each way to write a key, and how many there are."""
    console, keys = Console(), 0
    console.print(Text("A world is named by its key: lockstep train report-week1 env.key=KEY\n"))
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for family in families():
        keys += len(family.rows(""))
        for key, written in family.keys.items():
            table.add_row(key, Text(written))
    console.print(table)
    console.print(Text("\nOne of your own:\n"))
    own = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    own.add_column(no_wrap=True, style="bold")
    own.add_column()
    for words, meaning in OWN.items():
        own.add_row(words, Text(meaning))
    console.print(own)
    console.print(Text(f"\nlockstep envs FILTER lists those whose key contains FILTER, of {keys:,}, with their sizes."))
