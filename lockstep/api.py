"""What a Python program does with Lockstep: train, judge, load a team, film it. The command line does the same.

from lockstep import evaluate, load_team, train

run = train("smoke", "seed=2")
print(evaluate(run, episodes=200).mean)
run.film("team.gif")

team = load_team(run)
env = team.make_env(num_envs=1, seed=7)
obs = env.reset()
ended = False
while not ended:
    step = env.step(team.act(obs, env.available_actions()))
    obs, ended = step.obs, bool((step.terminated | step.truncated).all())
"""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, overload

import numpy as np
from rich.console import Console

from lockstep.acting.policy import Policy
from lockstep.analysis.report.build import build_report, default_out, write_report
from lockstep.arrays import Actions, Mask, Obs
from lockstep.config.load import dump_toml, load_config, validated, with_changes
from lockstep.config.schema import EnvConfig, RunConfig
from lockstep.config.words import parse_words
from lockstep.doctor import findings
from lockstep.envs.onset_memory import fresh_onset, with_onsets
from lockstep.envs.protocol import Onset, VectorEnv
from lockstep.envs.registry import make_env
from lockstep.errors import UserError
from lockstep.experience.evaluate import Choice, Evaluation
from lockstep.formats import counted
from lockstep.runs.directory import RunDirectory
from lockstep.runs.reader import RunReader
from lockstep.runs.rows import Rows
from lockstep.show import film
from lockstep.spec import EnvSpec
from lockstep.sweeps.command import local_engine, work_here
from lockstep.sweeps.folder import Standing, SweepFolder
from lockstep.sweeps.local import jobs_of
from lockstep.sweeps.planning import plan_sweep
from lockstep.sweeps.request import read_request
from lockstep.sweeps.search.command import open_search, plan_search, search_here
from lockstep.sweeps.search.request import SearchRequest
from lockstep.sweeps.search.trials import SearchTrial, best_trial, trials_of
from lockstep.teams.judge import Engine, evaluate_run
from lockstep.teams.play import play, play_best
from lockstep.training import command
from lockstep.training.checkpoints.checkpoint import BEST, load_policy


class Run:
    """A training's folder: what was asked for, what came of it, and what can be done with it.

    name: a path, the beginning of a run's name in `runs/`, or "latest". Raises UserError where there is no such run.
    """

    def __init__(self, name: str | Path) -> None:
        self._reader = RunReader.find(str(name))
        self.path = self._reader.directory.path

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @property
    def config(self) -> RunConfig:
        """All of its settings."""
        return load_config(str(self._reader.directory.config))

    @property
    def status(self) -> str:
        """How it stands: running, finished, solved, interrupted, failed, died, or unknown."""
        self._reader.refresh()
        return self._reader.standing

    @property
    def metrics(self) -> Rows:
        """What training wrote so far: `run.metrics["loss"]` is an array. `lockstep.runs.metrics` explains the names."""
        self._reader.refresh()
        return self._reader.metrics

    @property
    def evaluations(self) -> Rows:
        """What evaluations wrote so far: `run.evaluations["test_return_mean"]` is an array."""
        self._reader.refresh()
        return self._reader.evaluations

    def resume(self, *overrides: str, progress: bool = False, changed: bool = False) -> "Run":
        """Train on from the last checkpoint, bit for bit. overrides: a new end, such as "t_max=60e6".

        changed: go on although config.toml was changed since; the run is then another one from there on.
        """
        command.resume(self._reader.directory, overrides, quiet=not progress, changed=changed)
        return self

    def make_env(self, num_envs: int = 1, seed: int = 0, **options: Any) -> VectorEnv:
        """The world that it was trained in, with `num_envs` lanes; lane i draws from `seed + i`.

        options: as in `lockstep.make_vec`, for example engine="official".
        """
        return make_env(self.config.env, num_envs, seed, **options)

    def film(self, out: str | Path, *, seed: int = 1, episodes: int = 1, checkpoint: str = BEST) -> Path:
        """Film the team into NAME.gif, NAME.mp4, a page NAME.html, or a folder of PNGs. Returns the path."""
        film.check_request(Path(out), "light")
        film.write(play(str(self.path), episodes=episodes, seed=seed, checkpoint=checkpoint), Path(out))
        return Path(out)

    def report(self, out: str | Path | None = None) -> Path:
        """Write its report, by default inside its folder. Returns the path of the HTML file."""
        self._reader.refresh()
        document = build_report(
            [self._reader], None, examine=findings, replay=lambda reader: play_best(reader.directory)
        )
        return write_report(document, default_out([self._reader]) if out is None else Path(out))[0]


class Team:
    """A trained team that plays step by step, and the world that it was trained in.

    It remembers what its networks must, and what its world would have remembered for it (env.remember_onset): one
    episode of every lane. So it plays in `make_env`'s lanes, and as well in those of `make_vec`, in Gymnasium's or
    PettingZoo's face of the same world, and on robots.
    """

    def __init__(self, policy: Policy, spec: EnvSpec, env_steps: int, task: EnvConfig) -> None:
        self.policy = policy
        self.spec = spec
        """Of the world that it was trained in."""
        self.env_steps = env_steps
        """How long it was trained."""
        self.task = task
        remembered = fresh_onset(spec, task.remember_onset, 1).noted[0, 0].size if task.remember_onset else 0
        self.own_numbers = spec.obs_dim - remembered
        """What an agent sees by itself, without what its world remembers for it."""
        self.reset()

    def make_env(self, num_envs: int = 1, seed: int = 0, **options: Any) -> VectorEnv:
        """The world that it was trained in, with `num_envs` lanes; lane i draws from `seed + i`.

        options: as in `lockstep.make_vec`, for example engine="official".
        """
        return make_env(self.task, num_envs, seed, **options)

    def reset(self, lanes: Mask | None = None) -> None:
        """Forget the last episode: the next observation is the first of a new one.

        lanes: (num_envs,) bool, those in which one begins; None: all, and there may be another number of them.
        """
        if lanes is None or self._last_actions is None:
            self._memory: Any = None
            self._last_actions: Actions | None = None
            self._onset: Onset | None = None
            return
        self._last_actions[lanes] = -1
        if self._memory is not None:
            self._memory[lanes] = 0.0
        if self._onset is not None:
            self._onset.was_on[lanes] = False

    @overload
    def act(self, obs: Obs, available: Mask | None = None) -> Actions: ...

    @overload
    def act(self, obs: tuple[Any, ...], available: tuple[Any, ...] | None = None) -> tuple[int, ...]: ...

    @overload
    def act(self, obs: Mapping[str, Any], available: Mapping[str, Any] | None = None) -> dict[str, int]: ...

    def act(self, obs: Any, available: Any = None) -> Any:
        """Choose every agent's action, greedily.

        obs: (num_envs, agents, obs_dim), or (agents, obs_dim) of a single lane; or of a single lane as Gymnasium has
        it, a tuple with an entry for every agent, or as PettingZoo has it, a mapping by agent
        available: alike, (num_envs, agents, actions); None: every action is
        returns (num_envs, agents), or (agents,), int64; or a tuple or mapping of numbers, as `obs` was one

        Raises UserError for observations of another world or another number of lanes than since the last `reset`.
        """
        if isinstance(obs, Mapping):
            allowed = None if available is None else tuple(available[name] for name in obs)
            return dict(zip(obs, self.act(tuple(obs.values()), allowed), strict=True))
        if isinstance(obs, tuple | list):
            mask = None if available is None else np.stack(available).astype(bool)
            return tuple(self.act(np.stack(obs), mask).tolist())
        single = obs.ndim == 2
        if single:
            obs, available = obs[None], None if available is None else available[None]
        seen = self._seen(np.asarray(obs, dtype=np.float32))
        if self._last_actions is None:
            self._last_actions = np.full(obs.shape[:2], -1, dtype=np.int64)
        actions, self._memory = self.policy.act(seen, available, self._last_actions, self._memory)
        self._last_actions = actions
        return actions[0] if single else actions

    def _seen(self, obs: Obs) -> Obs:
        """What the networks see, (lanes, agents, obs_dim), after a look at whether it is of this world."""
        agents, sizes = self.spec.num_agents, (self.own_numbers, self.spec.obs_dim)
        if obs.ndim != 3 or obs.shape[1] != agents or obs.shape[2] not in sizes:
            raise UserError(
                f"This team has {counted(agents, 'agent')} that see {counted(self.own_numbers, 'number')} each in "
                f"{self.spec.key}, and was shown {obs.shape} (lanes, agents, numbers). team.make_env() makes the world "
                "that it was trained in."
            )
        if self._last_actions is not None and len(obs) != len(self._last_actions):
            raise UserError(
                f"This team plays {counted(len(self._last_actions), 'lane')}, and was shown {len(obs)}. Call "
                "team.reset() where new episodes begin."
            )
        if obs.shape[2] == self.spec.obs_dim:
            return obs
        if self._onset is None:
            self._onset = fresh_onset(self.spec, self.task.remember_onset, len(obs))
        return with_onsets(obs, self._onset)


def train(
    source: RunConfig | str | Path = "smoke", *overrides: str, out: str | Path | None = None, progress: bool = False
) -> Run:
    """Train a team, and confirm it where there is an official package to do it on. Returns the run.

    source: a configuration, a preset's name, or a TOML file. overrides: as on the command line, "lr=1e-3".
    out: the run's folder, which must be new or empty; None: runs/NAME-sSEED-TIME. progress: show how it goes.
    Raises UserError for whatever cannot work, before anything is written.
    """
    if isinstance(source, RunConfig):
        config = validated(with_changes(source.model_dump(), parse_words(overrides)))
        name = "run"
    else:
        config, name = load_config(str(source), overrides), Path(source).stem
    config = command.prepare(config, lambda sentence: warnings.warn(sentence, stacklevel=3))
    directory = RunDirectory.create(None if out is None else Path(out), name, config.seed, dump_toml(config))
    command.train(config, directory, quiet=not progress)
    return Run(directory.path)


class Sweep:
    """Many runs in one folder. Made by `sweep`, or from the folder of one that is there."""

    def __init__(self, path: str | Path) -> None:
        self._folder = SweepFolder.open(Path(path))
        self.path = self._folder.path

    def __repr__(self) -> str:
        return f"Sweep({str(self.path)!r})"

    @property
    def runs(self) -> list[Run]:
        """The runs that have begun, in the order of their cells."""
        return [Run(cell.run.path) for cell in self._folder.cells if cell.run.config.is_file()]

    @property
    def standings(self) -> dict[int, Standing]:
        """How every cell stands, by its number: finished, running, unfinished, waiting, or set aside."""
        return {cell.number: self._folder.history(cell).standing for cell in self._folder.cells}

    def work(self, at_once: int | None = None, threads: int = 1, *, progress: bool = False) -> "Sweep":
        """Do what is left of it here. at_once: cells at a time; None: as many as there are cores for.

        threads: of each cell, where its settings leave that open. A cell that is set aside stops no other. Raises
        KeyboardInterrupt when it is interrupted: everything is saved then, and the next call goes on.
        """
        _, interrupted_by = work_here(
            self._folder, local_engine(at_once, threads), threads, Console(quiet=not progress)
        )
        if interrupted_by is not None:
            raise KeyboardInterrupt
        return self


def sweep(
    source: str | Path,
    *overrides: str,
    out: str | Path | None = None,
    at_once: int | None = None,
    threads: int = 1,
    progress: bool = False,
) -> Sweep:
    """Train every combination of the values that are given, and return the sweep.

    source: a preset's name, a configuration's TOML file, or a sweep's. overrides: as on the command line, each with one
    value or several, "seed=1..5". out: the sweep's folder; the same sweep in the same folder goes on. The rest is as in
    `Sweep.work`. Raises UserError for whatever cannot work, before anything is written.
    """
    request = read_request(str(source), overrides)
    folder = None if out is None else Path(out)
    planned = plan_sweep(request, folder, lambda sentence: warnings.warn(sentence, stacklevel=3))
    return Sweep(planned.path).work(at_once, threads, progress=progress)


class Search(Sweep):
    """A sweep whose cells are chosen one after the other. Made by `search`, or from the folder of one that is there."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        self._folder = open_search(self.path, None)

    def __repr__(self) -> str:
        return f"Search({str(self.path)!r})"

    @property
    def trials(self) -> list[SearchTrial]:
        """What has been chosen so far, and what came of it: `chosen`, `value`, `values` of its seeds, `standing`."""
        return trials_of(jobs_of(self._folder), SearchRequest.of(self._folder).goal)

    @property
    def best(self) -> SearchTrial | None:
        """The complete trial that is worth most; None before there is one."""
        return best_trial(self.trials)

    def work(self, at_once: int | None = None, threads: int = 1, *, progress: bool = False) -> "Search":
        """Train what is left of it here, as `Sweep.work` does."""
        console = Console(quiet=not progress)
        _, interrupted_by = search_here(self._folder, local_engine(at_once, threads), threads, console)
        if interrupted_by is not None:
            raise KeyboardInterrupt
        return self


def search(
    source: str | Path,
    *words: str,
    trials: int = 50,
    seeds: int = 1,
    goal: str = "test_return",
    within: str | None = None,
    sampler: str = "tpe",
    sampler_seed: int = 1,
    prune: bool = True,
    out: str | Path | None = None,
    at_once: int | None = None,
    threads: int = 1,
    progress: bool = False,
) -> Search:
    """Look for good settings, each trial chosen by what came of those before, and return the search.

    source: a preset's name or a configuration's TOML file. words: as on the command line, "lr=1e-4..3e-3:log". goal:
    "test_return", by which a run is worth its best policy's mean return; or a number, by which it is worth minus the
    logarithm of the seconds after which its test return exceeded that. within: training time of each run, "90s".
    out: the search's folder; the same search in the same folder goes on. The rest is as in `Sweep.work`. Raises
    UserError for whatever cannot work, before anything is written.
    """
    request = SearchRequest(str(source), words, trials, seeds, sampler, goal, within, sampler_seed, prune)
    folder = None if out is None else Path(out)
    planned = plan_search(request, folder, lambda sentence: warnings.warn(sentence, stacklevel=3))
    return Search(planned.path).work(at_once, threads, progress=progress)


def evaluate(
    run: Run | str | Path,
    episodes: int = 100,
    engine: Engine = "lockstep",
    checkpoint: str = BEST,
    choice: Choice | None = None,
) -> Evaluation:
    """Play episodes of a run's team on seeds that nothing was trained or chosen on.

    engine: "official" plays on the package itself. checkpoint: best, latest, or a number of env steps. choice: greedy,
    or sampled: actions drawn by the chances that a policy gives them; by default what `[evaluation]` says.
    """
    return evaluate_run(_directory(run), episodes, engine, checkpoint, choice=choice).evaluation


def load_team(run: Run | str | Path, checkpoint: str = BEST) -> Team:
    """A run's team, ready to play, and its world. checkpoint: best, latest, or a number of env steps."""
    directory = _directory(run)
    return Team(*load_policy(directory, checkpoint), load_config(str(directory.config)).env)


def _directory(run: Run | str | Path) -> RunDirectory:
    return RunDirectory.find(str(run.path if isinstance(run, Run) else run))
