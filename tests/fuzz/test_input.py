"""Whatever is typed, written into a file or found in a folder: an answer or a sentence. Never a traceback, a hang, or a
file outside.

    LOCKSTEP_FUZZ_CASES=5000 python -m pytest tests/fuzz     the long job; without it a few hundred cases
"""

import copy
import hashlib
import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import tomli_w
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockstep import api, trust
from lockstep.cli import app, main
from lockstep.config.epymarl import EPYMARL
from lockstep.config.knobs import flat, knobs
from lockstep.config.load import load_config
from lockstep.config.presets import PRESETS
from lockstep.doctor import findings
from lockstep.errors import UserError
from lockstep.reproduce.plan import resumed_plan
from lockstep.runs.directory import RunDirectory
from lockstep.show.live.folder import Folder
from lockstep.training.checkpoints.checkpoint import read_team
from lockstep.training.checkpoints.tensor_files import tensor_bytes
from lockstep.training.command import check
from tests.training.faults import NOT_PLAIN, TINY, put

CASES = int(os.environ.get("LOCKSTEP_FUZZ_CASES", "240"))
LONGEST_SECONDS = 120
ANSWERS = {0, 1, 2}


def cases(share: float) -> settings:
    """Settings of one kind of input, which gets this share of all cases."""
    return settings(
        max_examples=max(round(CASES * share), 1),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize="LOCKSTEP_FUZZ_CASES" not in os.environ,  # the gate judges the change, not the dice
        print_blob=True,
    )


@contextmanager
def limited() -> Iterator[None]:
    """A case that takes too long fails."""

    def hang(number: int, frame: Any) -> None:
        raise AssertionError(f"still not done after {LONGEST_SECONDS} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(LONGEST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class Sandbox:
    """A folder with something precious in it, an empty one to work in, and a run to be damaged."""

    def __init__(self, root: Path, run: Path) -> None:
        self.root, self.template = root, run
        self.here, self.out, self.run = root / "here", root / "out", root / "here" / "runs" / "victim"
        self.here.mkdir()
        (root / "elsewhere").mkdir()
        (root / "elsewhere" / "private.txt").write_text("private")
        (root / "precious.txt").write_text("precious")
        (self.here / "thesis.tex").write_text("precious")

    def fresh(self) -> Path:
        """The run as it was, and no output."""
        for path in (self.here / "runs", self.out):
            shutil.rmtree(path, ignore_errors=True)
        self.out.mkdir()
        shutil.copytree(self.template, self.run, symlinks=True)
        return self.run

    def outside(self) -> dict[str, str]:
        """Everything but the run and the output."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            if not path.is_relative_to(self.run) and not path.is_relative_to(self.out):
                found[str(path)] = path.read_text(errors="replace") if path.is_file() else ""
        return found

    def ask(self, arguments: list[str], capsys: Any) -> int:
        """The command's answer. Fails on a traceback (an exception), a hang, or a file outside."""
        before = self.outside()
        with limited():
            code = main(arguments)
        err = capsys.readouterr().err
        assert code in ANSWERS, (code, err)
        assert "Traceback" not in err
        if code == 2:
            said = [line for line in err.splitlines() if not line.startswith("Compiling ")]
            assert said[0].startswith(("lockstep: ", "Usage: ")), err
        assert self.outside() == before
        return code


@pytest.fixture(scope="module")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny run, whole."""
    run = tmp_path_factory.mktemp("template") / "run"
    assert main(["train", "smoke", *TINY, "t_max=160", "log_interval=40", "--no-doctor", "-q", "--out", str(run)]) == 0
    return run


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, finished_run: Path) -> Iterator[Sandbox]:
    made = Sandbox(tmp_path_factory.mktemp("sandbox"), finished_run)
    before = Path.cwd()
    os.chdir(made.here)
    try:
        yield made
    finally:
        os.chdir(before)


# What people, and those who wish them ill, might type.

TEXTS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
    st.sampled_from(
        ["", " ", "-", "--", "=", "../..", "/", "/dev/null", "~", "nan", "inf", "-inf", "None", "true", "é" * 300]
    ),
    st.sampled_from(
        ["1e400", "-1", "0", "0x10", "1_000", "9" * 30, "9" * 5000, "[" * 2000, "{}", "[1, 2]", '"', "🤖", "\u202e"]
    ),
)
NUMBERS = st.one_of(
    st.integers(), st.integers(-2, 3), st.floats(), st.sampled_from([10**9, 10**18, 2**63, 10**40, -(10**30), 1e-300])
)
SETTINGS = st.sampled_from(
    [*knobs(), *EPYMARL, "env.arguments.layout", "env.arguments.n_agents", "env_args.sensor_range"]
)
WORDS = st.one_of(
    st.builds("{}={}".format, SETTINGS, st.one_of(TEXTS, NUMBERS)),
    st.builds("{}={}".format, st.one_of(SETTINGS, TEXTS), TEXTS),
    TEXTS,
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.booleans(), st.none(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=5,
)
# fmt: off
OPTIONS = st.sampled_from([
    "--out", "--episodes", "--engine", "--checkpoint", "--json", "--help", "-h", "-q", "--metric", "--over",
    "--title", "--format", "--seed", "--keys", "--step", "--theme", "--scale", "--fps", "--policy", "--fix",
    "--no-doctor", "--version", "--nonsense", "--steps", "--rounds", "--kills", "--time-limit",
])
# fmt: on
NO_OUT = OPTIONS.filter(lambda option: option not in ("--out", "--fix"))


def resolves(config: Any) -> None:
    """A configuration that is valid must be one that can be begun, or be refused in a sentence."""
    with limited(), suppress(UserError):
        check(config)


@cases(0.3)
@given(preset=st.sampled_from(sorted(PRESETS)), words=st.lists(WORDS, min_size=1, max_size=4))
def test_override_words(sandbox: Sandbox, capsys: Any, preset: str, words: list[str]) -> None:
    words = [word for word in words if not word.startswith("-")]
    if sandbox.ask(["config", preset, *words], capsys) == 0:
        resolves(load_config(preset, words))


@st.composite
def configurations(draw: Any) -> bytes:
    """A TOML file: one that is valid with some settings changed, added, doubled or cut off; or rubbish."""
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return bytes(draw(st.binary(max_size=200)))
    if kind == 1:
        return str(draw(TEXTS)).encode(errors="replace")
    if kind == 2:
        return bytes(draw(st.sampled_from([b"", b"a = ", b"a."])) + b"[" * draw(st.integers(1, 5000)))
    values = load_config(draw(st.sampled_from(sorted(PRESETS)))).model_dump(exclude_none=True)
    for _ in range(draw(st.integers(1, 3))):
        section = draw(st.sampled_from(sorted(values)))
        if isinstance(values[section], dict) and values[section] and draw(st.booleans()):
            values[section][draw(st.sampled_from(sorted(values[section])))] = draw(VALUES)
        else:
            values[draw(st.one_of(st.just(section), TEXTS))] = draw(VALUES)
    try:
        text = tomli_w.dumps(values)
    except (TypeError, ValueError, RecursionError):
        text = "seed = 1\nseed = 2\n"
    if kind == 3:
        text += draw(st.sampled_from(["seed = 3\n", "[env]\n", text]))
    content = text.encode(errors="replace")
    return bytes(content[: draw(st.integers(0, len(content)))] if kind == 4 else content)


@cases(0.2)
@given(content=configurations())
def test_toml_files(sandbox: Sandbox, capsys: Any, content: bytes) -> None:
    sandbox.fresh()
    file = sandbox.out / "mine.toml"
    file.write_bytes(content)
    if sandbox.ask(["config", str(file)], capsys) == 0:
        resolves(load_config(str(file)))


VERBS = [str(command.name or getattr(command.callback, "__name__", "")) for command in app.registered_commands]
LONG = ("watch", "demo", "reproduce", "verify", "bench", "selftest", "train", "sweep", "search")
QUICK = [verb for verb in VERBS if verb not in LONG]


@st.composite
def command_lines(draw: Any) -> list[str]:
    """A verb with arguments that fit, nearly fit, or not at all. Long ones get a first word that they refuse."""
    verb = draw(st.one_of(st.sampled_from(VERBS), TEXTS))
    rest = draw(
        st.lists(st.one_of(NO_OUT, TEXTS, st.just("runs/victim"), st.just("latest"), NUMBERS.map(str)), max_size=4)
    )
    if verb in QUICK:
        first = draw(st.lists(st.sampled_from(["victim", "latest", "smoke", "runs/victim/config.toml"]), max_size=1))
        return [verb, *first, *rest, *(["--out", "OUT"] if verb in ("plot", "report", "export", "render") else [])]
    return [verb, "!" + draw(TEXTS), *rest]


@cases(0.2)
@given(arguments=command_lines())
def test_command_lines(sandbox: Sandbox, capsys: Any, arguments: list[str]) -> None:
    sandbox.fresh()
    suffix = {"plot": ".svg", "report": ".html", "render": ".gif"}.get(arguments[0], "")
    arguments = [str(sandbox.out / f"made{suffix}") if word == "OUT" else word for word in arguments]
    if arguments[0] == "doctor" and {"smoke", "--probe"} & set(arguments):  # plays and learns for seconds
        arguments = ["doctor", "victim", *arguments[2:]]
    sandbox.ask(arguments, capsys)


# What a run directory may look like when it comes from a crash, a colleague or a stranger.

READERS = (
    ["runs"],
    ["runs", "--json"],
    ["resume", "victim", "-q"],
    ["resume", "victim", "-q"],
    ["evaluate", "victim", "--episodes", "5"],
    ["evaluate", "victim", "--episodes", "5", "--checkpoint", "latest", "--json"],
    ["doctor", "victim"],
    ["config", "runs/victim"],
    ["plot", "victim", "--out", "OUT.svg"],
    ["export", "victim", "--out", "OUT"],
    ["render", "victim", "--out", "OUT.gif"],
    ["report", "victim", "--out", "OUT.html"],
    ["watch", "victim", "--terminal"],
)


def _as_a_run(run: Path) -> None:
    found = api.Run(run)
    assert found.status
    found.metrics.names()
    found.evaluations.names()
    assert found.config


def _as_a_page(run: Path) -> None:
    folder = Folder(run.parent, findings=lambda record: [finding.row() for finding in findings(record)])
    folder.summaries()
    folder.facts(run.name)
    folder.changes(run.name, {})
    folder.findings_of(run.name)
    folder.film(run.name, 0)


def _as_a_team(run: Path) -> None:
    api.load_team(run)


def _as_a_saved_team(run: Path) -> None:
    read_team(RunDirectory(run), "latest")


def _as_a_reproduction(run: Path) -> None:
    if not os.path.lexists(run / "plan.json"):
        (run / "plan.json").write_text('{"experiment": "week2"}')
    resumed_plan(run, {"experiment": "week2"}).cells(run)


LOOKS = (_as_a_run, _as_a_page, _as_a_team, _as_a_saved_team, _as_a_reproduction)
"""What programs and pages ask of a run's folder, besides the verbs."""


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to everything in nested data."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [path, *(way for key, value in inner for way in leaves(value, (*path, key)))]


def changed(draw: Any, tree: Any, values: st.SearchStrategy[Any]) -> Any:
    """Nested data with one field missing, wrong, added or renamed."""
    tree = copy.deepcopy(tree)
    way = draw(st.sampled_from(leaves(tree)))
    if not way:
        return draw(values)
    place = tree
    for key in way[:-1]:
        place = place[key]
    how = draw(st.sampled_from(["drop", "replace", "replace", "rename"]))
    if how == "replace" or isinstance(place, list):
        place[way[-1]] = draw(values)
    else:
        value = place.pop(way[-1])
        if how == "rename":
            place[draw(TEXTS)] = value
    return tree


def dumped(draw: Any, tree: Any) -> str:
    """JSON, now and then with a field twice or numbers that JSON does not have."""
    text = json.dumps(tree)
    if isinstance(tree, dict) and tree and draw(st.integers(0, 4)) == 0:
        text = (
            text[:-1] + ", " + json.dumps(draw(st.sampled_from(sorted(tree)))) + ": " + json.dumps(draw(VALUES)) + "}"
        )
    return text


PLACES = [
    ".lock",
    "judgements.jsonl",
    ".run.json.writing",
    ".metrics.jsonl.writing",
    "diagnostics",
    "media",
    "report.html",
    "report.md",
    "plots",
    "checkpoints/replay/.writing",
    "checkpoints/.best.writing",
    "checkpoints/.best.replaced",
    "checkpoints/000000000200",
]

LOOKED_FOR = ("run.json", "events.out.tfevents.9.lockstep", "media/film.html", "media/film.gif", "plan.json")

TENSORS = st.sampled_from(
    [
        torch.zeros(0),
        torch.tensor(float("nan")),
        torch.zeros(3, 4, dtype=torch.int64),
        torch.full((8,), 1e38),
        torch.zeros(1).expand(10**12),
        torch.arange(2.0, dtype=torch.float64),
    ]
)


@st.composite
def damages(draw: Any) -> Any:
    """A function that damages a run."""
    data = draw(st.data())
    kinds = ["bytes", "bytes", "json", "json", "rows", "tensors", "tensors", "toml", "place", "odd", "odd", "odd"]
    kind = draw(st.sampled_from(kinds))
    return kind, data


def endless(path: Path) -> bool:
    """Whether another damage left something here that this harness must not read to its end either."""
    return path.stat().st_size > 2**24


def _endless_ones(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if Path(folder, name).is_file() and endless(Path(folder, name))]


def damage(run: Path, kind: str, data: Any, precious: Path) -> str:
    """Damage `run`. Returns what was done, for the reader of a failure."""
    draw = data.draw
    files = sorted(path for path in run.rglob("*") if path.is_file() and not path.is_symlink() and not endless(path))
    if kind == "json":
        victim = draw(st.sampled_from([path for path in files if path.suffix == ".json"]))
        victim.write_text(dumped(draw, changed(draw, json.loads(victim.read_text()), VALUES)))
        if draw(st.integers(0, 9)) == 0:
            victim.write_text("[" * 100_000)
    elif kind == "rows":
        victim = draw(st.sampled_from([path for path in files if path.suffix == ".jsonl"]))
        lines = victim.read_text().splitlines()
        index = draw(st.integers(0, len(lines) - 1))
        lines[index] = dumped(draw, changed(draw, json.loads(lines[index]), VALUES))
        victim.write_text("\n".join(lines) + draw(st.sampled_from(["\n", "", "\n{", "\n\n", "\n" + "9" * 5000 + "\n"])))
    elif kind == "toml":
        victim = run / "config.toml"
        victim.write_bytes(draw(configurations()))
    elif kind == "odd":  # anything but a plain file, where one is or will be looked for
        places = [*files, *(run / name for name in (*PLACES, *LOOKED_FOR) if (run / name).parent.is_dir())]
        victim = draw(st.sampled_from(places))
        odd = draw(st.sampled_from(NOT_PLAIN))
        put(odd, victim, precious.with_name("elsewhere"))
        return f"{odd} as {victim}"
    elif kind == "tensors":
        victim = draw(st.sampled_from([path for path in files if path.suffix == ".pt"]))
        tree = changed(draw, torch.load(victim, weights_only=True), st.one_of(VALUES, TENSORS))
        sign(run, victim, tensor_bytes(tree))
    elif kind == "bytes":
        victim = draw(st.sampled_from(files))
        content = bytearray(victim.read_bytes())
        how = draw(st.sampled_from(["cut", "flip", "empty", "append", "zeros"]))
        place = draw(st.integers(0, max(len(content) - 1, 0)))
        if how == "flip" and content:
            content[place] ^= 1 << draw(st.integers(0, 7))
        content = {
            "cut": content[:place],
            "empty": bytearray(),
            "append": content + draw(st.binary(max_size=50)),
            "zeros": bytearray(len(content)),
        }.get(how, content)
        if draw(st.booleans()) and victim.suffix == ".pt":
            sign(run, victim, bytes(content))
        else:
            victim.write_bytes(content)
    else:
        victim = draw(st.sampled_from(sorted(path for path in run.rglob("*"))))
        how = draw(st.sampled_from(["remove", "folder", "link", "loop", "twin", "plant", "plant"]))
        if how == "plant":  # a link where something will be written
            planted = run / draw(st.sampled_from(PLACES))
            if not planted.parent.is_dir() or planted.is_symlink() or planted.exists():
                return "nothing"
            planted.symlink_to(draw(st.sampled_from([precious, precious.with_name("new.txt"), precious.parent])))
            return f"planted {planted}"
        twin = victim.with_name(draw(st.sampled_from(["000000000999", "12x", "é", "-1", "٣"])))
        if how == "twin" and victim.is_dir():
            shutil.copytree(victim, twin, ignore=_endless_ones, dirs_exist_ok=True)
            return f"copied {victim} to {twin}"
        shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
        if how == "folder":
            victim.mkdir()
        elif how in ("link", "loop"):
            victim.symlink_to(precious if how == "link" else victim)
        return f"{how} {victim}"
    return f"{kind} {victim}"


@cases(0.7)
@given(damaged=st.lists(damages(), min_size=1, max_size=3), look=st.sampled_from(LOOKS))
def test_looks_into_run_directories(sandbox: Sandbox, damaged: list[tuple[str, Any]], look: Any) -> None:
    run = sandbox.fresh()
    (run / "media").mkdir(exist_ok=True)
    done = []
    for kind, data in damaged:
        with suppress(Exception):  # whatever it raises where it finds what another damage left
            done.append(damage(run, kind, data, sandbox.root / "precious.txt"))
    before = sandbox.outside()
    try:
        with limited(), suppress(UserError):
            look(run)
    except BaseException:
        print(f"{look.__name__} after: {done}", file=sys.__stderr__)
        raise
    assert sandbox.outside() == before


def sign(run: Path, victim: Path, content: bytes) -> None:
    """Write a file with the checksum that every manifest has for it."""
    old = hashlib.sha256(victim.read_bytes()).hexdigest()
    victim.write_bytes(content)
    for manifest in run.rglob("manifest.json"):
        if not manifest.is_file() or endless(manifest):  # another damage: a pipe, a device, 8 GB of zeros
            continue
        manifest.write_text(manifest.read_text().replace(old, hashlib.sha256(content).hexdigest()))


@cases(0.3)
@given(damaged=damages(), reader=st.sampled_from(READERS))
def test_run_directories(sandbox: Sandbox, capsys: Any, damaged: tuple[str, Any], reader: list[str]) -> None:
    run = sandbox.fresh()
    done = damage(run, *damaged, sandbox.root / "precious.txt")
    arguments = [word.replace("OUT", str(sandbox.out / "made")) for word in reader]
    try:
        total = flat(load_config(str(run)))["training.max_env_steps"]
    except UserError:
        total = 0
    if reader[0] == "resume" and total > 200:
        return  # somebody asked for a long training: that is no hang
    try:
        sandbox.ask(arguments, capsys)
    except BaseException:
        print(f"{reader} after: {done}", file=sys.__stderr__)
        raise


# What a stranger's configuration may name, so that it is run.

CANARY = """
from pathlib import Path
(Path(__file__).parent / "imported").write_text("")
def world(*_, **__): (Path(__file__).parent / "called").write_text("")
parallel_env = canary_v1 = system = world
"""
# fmt: off
KEYS = [
    "canary:world", "canary:system", "canary:canary_v1", "canary", "canary:", ":canary", "canary::world",
    "CANARY:world", "os:system", "builtins:exec", "subprocess:run", "importlib:import_module", "runpy:run_path",
    "webbrowser:open", "torch:load", "numpy:load", "examples.own_world:parallel_env",
    "tests.envs.foreign.games:Unequal",
    "mpe:canary_v1", "mpe:../canary_v1", "mpe:canary/world_v1", "mpe:simple_tag_v3", "pettingzoo:canary/world_v1",
    "pettingzoo:sisl/pursuit_v5", "pz-canary-world-v1", "pz-mpe-simple-tag-v3", "gymnasium:CartPole-v1", "CartPole-v1",
    "GymV26Environment-v0", "lbforaging:Maze-v0", "lbforaging:canary", "rware:canary:world",
    "lockstep/canary:world", "probe-coin:canary", "rware-tiny-2ag-v2:canary", "rware:rware-canary:world",
]
SPELLINGS = ["{}", "{}", "{}", " {}", "{} ", "./{}", "{}\0", "{}\n", "\u202e{}", "pettingzoo:{}", "mpe:{}", "rware:{}"]
ARGUMENTS = st.dictionaries(
    st.sampled_from(["command", "cmd", "args", "source", "name", "path", "path_name", "file", "file_name", "env_id",
                     "url", "shell", "entry_point", "key", "engine", "seed", "workers", "render_mode", "layout", "id"]),
    st.sampled_from(["touch called", "canary", "canary:world", "canary.py", "open('called', 'w')", "/dev/zero", "human",
                     True, 1, -1.5, "file:///canary.py", "{0.__class__}", "%n", "$(touch called)"]),
    max_size=3,
)
LOOKERS = (
    ["evaluate", "victim", "--episodes", "2"], ["evaluate", "victim", "--episodes", "2", "--policy", "random"],
    ["resume", "victim", "-q", "t_max=180"], ["train", "runs/victim/config.toml", "--no-doctor", "-q", "--out", "OUT"],
    ["train", "runs/victim", "-q", "--out", "OUT"], ["doctor", "victim"], ["doctor", "runs/victim/config.toml"],
    ["config", "runs/victim"], ["render", "victim", "--out", "OUT.gif"], ["report", "victim", "--out", "OUT.html"],
    ["export", "victim", "--format", "marl-eval", "--out", "OUT"], ["export", "victim", "--out", "OUT"],
    ["plot", "victim", "--out", "OUT.svg"], ["watch", "victim", "--terminal"], ["runs"], ["runs", "--json"],
)
# fmt: on
STARTS = {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "webbrowser.open"}
started: list[str] = []
sys.addaudithook(lambda event, _: started.append(event) if event in STARTS else None)


@cases(0.5)
@given(
    key=st.sampled_from(KEYS), spelling=st.sampled_from(SPELLINGS), arguments=ARGUMENTS, reader=st.sampled_from(LOOKERS)
)
def test_what_a_configuration_names_is_not_run(
    sandbox: Sandbox, capsys: Any, key: str, spelling: str, arguments: dict[str, Any], reader: list[str]
) -> None:
    run = sandbox.fresh()
    (sandbox.here / "canary.py").write_text(CANARY)
    values = load_config("smoke", TINY).model_dump(exclude_none=True)
    values["env"] |= {"key": spelling.format(key), "arguments": arguments}
    values["training"]["max_env_steps"] = 160
    (run / "config.toml").write_text(tomli_w.dumps(values))
    shutil.rmtree(trust._memory().parent, ignore_errors=True)
    started.clear()
    try:
        sandbox.ask([word.replace("OUT", str(sandbox.out / "made")) for word in reader], capsys)
        assert started == []
        assert "canary" not in sys.modules
    except BaseException:
        print(f"{reader} of {values['env']}", file=sys.__stderr__)
        raise
