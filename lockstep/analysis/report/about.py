"""The sections that need no results: the task with its picture, the learner with its diagram, the words."""

from collections.abc import Sequence

from lockstep.analysis.groups import Group
from lockstep.analysis.report.architecture import Architecture, architecture
from lockstep.analysis.report.diagram import diagram
from lockstep.analysis.report.document import Block, Picture, Section, Table, Terms, Text, literal
from lockstep.analysis.report.task import Task
from lockstep.analysis.report.words import GLOSSARY, LESSONS
from lockstep.config.schema import RunConfig

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
        text = f"{literal(config.env.key)} is not installed where this report was written, so its shapes are left out."
        return Section("task", "The task", (Text(text),))
    blocks: list[Block] = [Text(paragraph) for paragraph in task.about.paragraphs]
    if task.picture is not None:
        alt = f"A drawing of {config.env.key} seen from above"
        blocks.append(Picture("task", task.about.caption, alt, png=task.picture, max_width="26rem"))
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
    spec, about = task.spec, task.about
    (sees, seen), (can, actions) = about.sees, about.can
    return [
        ("Environment", literal(config.env.key)),
        ("Agents", f"{spec.num_agents}"),
        *about.rows,
        ("Steps in an episode", f"{spec.time_limit}"),
        (sees, f"{seen}: {spec.obs_dim} numbers a step" if seen else f"{spec.obs_dim} numbers a step"),
        (can, actions or f"{spec.num_actions} things"),
        ("The mixer sees", f"{spec.state_dim} numbers, while learning"),
    ]


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
