"""The sections that need no results: the task with its picture, the learner with its diagram, the words."""

from collections.abc import Sequence

from lockstep.config.schema import RunConfig
from lockstep.runs.groups import Group
from lockstep.runs.report.architecture import Architecture, architecture
from lockstep.runs.report.diagram import diagram
from lockstep.runs.report.document import Block, Picture, Section, Table, Terms, Text, literal
from lockstep.runs.report.task import Task
from lockstep.runs.report.words import GLOSSARY, LESSONS

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
_QMIX = (
    "**QMIX** learns one value for the whole team and splits it so that every agent can act by itself. Each agent has "
    "a small network that values its own actions from what it alone sees; all agents share the network's weights. "
    "While learning, a **mixer** turns the values of the chosen actions into the team's value Q_tot. Its weights are "
    "made by other networks from the state, and are never negative: a choice that is better for one agent's value is "
    "never worse for the team's. So each agent may simply take its own best action, with no mixer and no messages, "
    "and the team's value is as high as it can be (Rashid et al. 2018)."
)
_VDN = (
    "**VDN** values the team as the plain sum of the agents' values (Sunehag et al. 2018). Each agent has a small "
    "network that values its own actions from what it alone sees; all agents share its weights. Since a sum grows "
    "with each of its parts, every agent may take its own best action."
)
_IQL = (
    "**IQL** lets every agent learn by itself from the team's reward, as if the others were part of the world (Tan "
    "1993). All agents share one network's weights. It is the baseline that QMIX and VDN are measured against."
)
_LEARNS = {"qmix": _QMIX, "vdn": _VDN, "iql": _IQL}


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
    drawn: dict[Architecture, list[str]] = {}
    for group, task in zip(groups, tasks, strict=True):
        if task is not None:
            drawn.setdefault(architecture(group.config, task.spec), []).append(group.name)
    algorithms = list(dict.fromkeys(group.config.algorithm.name for group in groups))
    blocks += [Text(_LEARNS[name]) for name in algorithms]
    for number, (sizes, names) in enumerate(drawn.items(), start=1):
        of = f" of {', '.join(literal(name) for name in names)}" if len(drawn) > 1 else ""
        caption = (
            f"The networks{of} with the sizes that were trained: {sizes.agent_parameters:,} parameters in the agents' "
            f"shared network{f' and {sizes.mixer_parameters:,} in the mixer' if sizes.mixer else ''}. Blue acts and "
            "learns; the rest is needed only while learning."
        )
        name = "networks" if len(drawn) == 1 else f"networks-{number}"
        blocks.append(Picture(name, caption, f"Diagram of the networks{of.replace('`', '')}", svg=diagram(sizes)))
    said: dict[str, list[str]] = {}
    for group in groups:
        said.setdefault(_update_sentence(group.config), []).append(literal(group.name))
    for sentence, names in said.items():
        blocks.append(Text(sentence if len(said) == 1 else f"{', '.join(names)}: {sentence}", quiet=True))
    return Section("learner", "How the team learns", blocks)


def glossary_section() -> Section:
    return Section("glossary", "Words", (Terms(tuple(GLOSSARY.items())),))


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
        ("The mixer sees", f"{spec.state_dim} numbers, while learning"),
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


def _update_sentence(config: RunConfig) -> str:
    algorithm, replay = config.algorithm, config.replay
    target = (
        f"{algorithm.n_step}-step returns"
        if algorithm.n_step > 1
        else f"Peng's Q(λ) with λ = {algorithm.td_lambda:g}"
        if algorithm.td_lambda > 0
        else "one step of reward and the value of what follows"
    )
    studied = (
        f"{replay.batch_size} {'episodes' if not replay.segment_steps else f'pieces of {replay.segment_steps} steps'}"
    )
    follow = (
        f"copied every {algorithm.target_sync_updates} updates"
        if algorithm.target_sync_updates
        else f"moved {algorithm.target_tau:g} of the way after every update"
    )
    return (
        f"One update studies {studied} from the replay. Targets: {target}, discount {algorithm.gamma:g}, valued by "
        f"target networks that are {follow}."
    )
