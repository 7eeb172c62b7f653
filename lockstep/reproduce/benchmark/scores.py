"""What came of every cell: by Lockstep's protocol and as the paper counts, in one row of numbers."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from lockstep.reproduce.benchmark.plan import Place
from lockstep.reproduce.benchmark.recipes import Reading
from lockstep.runs.headline import Score, evaluation_scores, judged_scores
from lockstep.runs.reader import RunReader
from lockstep.sweeps.folder import Cell, Standing


@dataclass(frozen=True)
class CellScore:
    """One training. None where it has not come that far."""

    task: str
    algorithm: str
    reading: Reading
    seed: int
    standing: Standing
    env_steps: int
    minutes: float
    """Of training, on one core."""
    greedy: float | None
    """Mean return of the best policy on fresh episodes, acting greedily, on the official package: our protocol."""
    greedy_std: float | None
    """Over episodes."""
    sampled: float | None
    """The same where it draws its actions; of policies alone."""
    episodes: int
    """Fresh ones, of each of the two."""
    highest: float | None
    """The highest mean return of all evaluations in training: the paper's protocol. It flatters."""
    evaluations: int
    cell: int
    run: str

    @property
    def place(self) -> Place:
        return Place(self.task, self.algorithm, self.reading)


def cell_score(cell: Cell, place: Place, standing: Standing, record: RunReader) -> CellScore:
    """The row of a cell. record: what its run has written so far."""
    tested = evaluation_scores(record) if record.config_or_none() is not None else []
    judged: dict[str, Score] = {}
    for score in [*judged_scores(record), *judged_scores(record, otherwise=True)]:
        judged.setdefault(score.choice, score)
    greedy, sampled = judged.get("greedy"), judged.get("sampled")
    return CellScore(
        task=place.task,
        algorithm=place.algorithm,
        reading=place.reading,
        seed=cell.config.seed,
        standing=standing,
        env_steps=record.env_steps,
        minutes=round(record.wall_seconds / 60, 2),
        greedy=None if greedy is None else greedy.mean,
        greedy_std=None if greedy is None else greedy.std,
        sampled=None if sampled is None else sampled.mean,
        episodes=0 if greedy is None else greedy.episodes,
        highest=max((score.mean for score, _ in tested), default=None),
        evaluations=len(tested),
        cell=cell.number,
        run=cell.run.path.name,
    )


def csv_text(scores: Sequence[CellScore]) -> str:
    """All of them as a table with a line of names."""
    stream = io.StringIO()
    names = [field.name for field in fields(CellScore)]
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([["" if (v := getattr(score, name)) is None else v for name in names] for score in scores])
    return stream.getvalue()


@dataclass(frozen=True)
class Finished:
    """The finished cells by row and column."""

    scores: Mapping[Place, tuple[CellScore, ...]]

    @classmethod
    def of(cls, scores: Sequence[CellScore]) -> "Finished":
        found: dict[Place, list[CellScore]] = {}
        for score in scores:
            if score.standing == "finished" and score.greedy is not None:
                found.setdefault(score.place, []).append(score)
        return cls({place: tuple(members) for place, members in found.items()})

    def greedy(self, place: Place) -> list[float]:
        """A number for each seed, by our protocol."""
        return [score.greedy for score in self.scores.get(place, ()) if score.greedy is not None]

    def highest(self, place: Place) -> list[float]:
        """A number for each seed, as the paper counts."""
        return [score.highest for score in self.scores.get(place, ()) if score.highest is not None]

    def minutes(self, place: Place) -> list[float]:
        """How long each seed was trained."""
        return [score.minutes for score in self.scores.get(place, ())]
