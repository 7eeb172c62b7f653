"""The sections that need no results: the task with its picture, the learner with its diagram, the words."""

from collections.abc import Sequence

from lockstep.algorithms.architecture import Architecture
from lockstep.algorithms.diagram import diagram
from lockstep.algorithms.registry import algorithm_of, architecture
from lockstep.analysis.groups import Group
from lockstep.analysis.report.document import Block, Picture, Section, Table, Terms, Text, literal
from lockstep.analysis.report.task import Task
from lockstep.analysis.report.words import GLOSSARY, LESSONS
from lockstep.config.schema import RunConfig

_WAREHOUSE = (
    "Robots drive through a warehouse of shelves. A few shelves are requested at any time. A robot that drives under "
    "a requested shelf, lifts it and carries it to a goal cell earns the team one point, and another shelf is "
    "requested. The delivered shelf stays on the robot: before it can fetch the next one it must put this one down on "
    "a free place."
)
_WAREHOUSE_HARD = (
    "What makes it hard: each robot sees only the cells around it, nobody tells it where requested shelves are, a "
    "loaded robot cannot pass under standing shelves, and nothing at all is earned on the way. A team that acts at "
    "random hardly ever delivers, so at first there is nothing to learn from."
)


def task_section(config: RunConfig, task: Task | None) -> Section:
    """What is to be done, by whom, and what they see."""
    if task is None:
        text = (
            f"{literal(config.env.key)} was not made where this report was written: it is not installed there, or the "
            "run is somebody else's and was not trusted (`lockstep report RUN --trust`). Its shapes are left out."
        )
        return Section("task", "The task", (Text(text),))
    blocks: list[Block] = []
    if task.warehouse is not None:
        blocks += [Text(_WAREHOUSE), Text(_WAREHOUSE_HARD)]
    if task.picture is not None:
        caption = "A fresh warehouse: robots, shelves, requested shelves in their own color, and the goals."
        alt = f"A drawing of {config.env.key} seen from above"
        blocks.append(Picture("task", caption, alt, png=task.picture, max_width="26rem"))
    blocks.append(Table(("", ""), _facts(config, task)))
    return Section("task", "The task", blocks)


def learner_section(groups: Sequence[Group], tasks: Sequence[Task | None]) -> Section:
    """How the team learns, once for every architecture among the groups."""
    blocks: list[Block] = []
    drawn: dict[tuple[Architecture, str], list[str]] = {}
    for group, task in zip(groups, tasks, strict=True):
        if task is not None:
            sizes = architecture(task.spec, group.config)
            picture = diagram(sizes, algorithm_of(group.config).draw_team)
            drawn.setdefault((sizes, picture), []).append(group.name)
    said = dict.fromkeys(_paragraph(group.config) for group in groups)
    blocks += [Text(paragraph) for paragraph in said if paragraph]
    for number, ((sizes, picture), names) in enumerate(drawn.items(), start=1):
        of = f" of {', '.join(literal(name) for name in names)}" if len(drawn) > 1 else ""
        others = "".join(f" and {sizes.parameters(other):,} in the {other}" for other in sizes.beside_agent())
        caption = (
            f"The networks{of} with the sizes that were trained: {sizes.parameters('agent'):,} parameters in the "
            f"agents' shared network{others}. Blue acts and learns; the rest is needed only while learning."
        )
        name = "networks" if len(drawn) == 1 else f"networks-{number}"
        blocks.append(Picture(name, caption, f"Diagram of the networks{of.replace('`', '')}", svg=picture))
    updates: dict[str, list[str]] = {}
    for group in groups:
        updates.setdefault(algorithm_of(group.config).update(group.config), []).append(literal(group.name))
    for sentence, names in updates.items():
        blocks.append(Text(sentence if len(updates) == 1 else f"{', '.join(names)}: {sentence}", quiet=True))
    return Section("learner", "How the team learns", blocks)


def glossary_section(groups: Sequence[Group]) -> Section:
    """The words of the field, and those of the algorithms that were trained."""
    terms = dict(GLOSSARY)
    for group in groups:
        terms |= algorithm_of(group.config).words
    return Section("glossary", "Words", (Terms(tuple(terms.items())),))


def lessons_section() -> Section:
    return Section("lessons", "Lessons", tuple(Text(f"**{head}** {body}") for head, body in LESSONS))


def _facts(config: RunConfig, task: Task) -> list[tuple[str, str]]:
    spec, rules = task.spec, task.warehouse
    rows = [
        ("Environment", literal(config.env.key)),
        ("Agents", f"{spec.num_agents}"),
        ("Steps in an episode", f"{spec.time_limit}"),
        ("Each agent sees", f"{spec.obs_dim} numbers a step"),
        ("Each agent can do", f"{spec.num_actions} things"),
        ("The state holds", f"{spec.state_dim} numbers, seen only while learning"),
    ]
    if rules is not None:
        floor = rules.floor
        view = 2 * rules.sensor_range + 1
        rows[3] = ("Each robot sees", f"{view} × {view} cells around it: {spec.obs_dim} numbers a step")
        rows[4] = ("Each robot can", "wait, drive forward, turn left, turn right, lift or put down a shelf")
        rows.insert(2, ("Floor", f"{floor.height} × {floor.width} cells, {len(floor.shelf_cells)} shelves"))
        rows.insert(3, ("Requested at a time", f"{rules.request_queue_size} shelves"))
        rows.insert(4, ("Reward", _REWARDS[rules.reward_type]))
    return rows


_REWARDS = {
    "individual": "1 for the robot that delivers; the team's reward is their sum",
    "global": "1 for every robot at each delivery; the team's reward is their sum",
    "two_stage": "0.5 for delivering a shelf and 0.5 for bringing it back",
}


def _paragraph(config: RunConfig) -> str:
    """What is said of the algorithm, and whose the agents' parameters are."""
    said = algorithm_of(config).paragraph
    return f"{said} All agents share one network's weights." if said else ""
