"""A logger of one's own: every evaluation becomes a line of returns.csv in the run's folder.

    lockstep train smoke 'logging.loggers=["examples.own_logger:ReturnsFile"]'

from the folder above this one. A run that is stopped and resumed has the same lines as one that was not: `rewind` drops
those that will be told again.
"""

from lockstep import RunConfig, SilentLogger
from lockstep.runs.directory import RunDirectory, write_atomically
from lockstep.runs.loggers import Row

HEADER = "env_steps,test_return_mean"


class ReturnsFile(SilentLogger):
    """Writes returns.csv."""

    def begin(self, config: RunConfig, run: RunDirectory) -> None:
        self.path = run.path / "returns.csv"
        self.lines = self.path.read_text().splitlines() if self.path.exists() else [HEADER]

    def rewind(self, env_steps: int) -> None:
        self.lines = [HEADER, *(line for line in self.lines[1:] if int(line.partition(",")[0]) <= env_steps)]
        self.write()

    def evaluation(self, row: Row) -> None:
        self.lines.append(f"{row['env_steps']},{row['test_return_mean']}")
        self.write()

    def write(self) -> None:
        """Replace the file: it holds the old lines or the new, never a part."""
        write_atomically(self.path, "\n".join(self.lines) + "\n")
