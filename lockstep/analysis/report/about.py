"""The sections that need no results: the task with its picture, the learner with its diagram, the words."""

from collections.abc import Sequence

from lockstep.algorithms.architecture import Architecture
from lockstep.algorithms.diagram import diagram
from lockstep.algorithms.registry import algorithm_of, architecture
from lockstep.analysis.groups import Group
from lockstep.analysis.report.document import Block, Picture, Section, Table, Terms, Text, literal
from lockstep.analysis.report.task import ReportedTask
from lockstep.analysis.report.words import GLOSSARY, LESSONS
from lockstep.config.schema import RunConfig
from lockstep.envs.registry import task_name
from lockstep.formats import counted


def task_section(config: RunConfig, task: ReportedTask | None) -> Section:
    """What is to be done, by whom, and what they see."""
    if task is None:
        text = (
            f"{literal(config.env.key)} was not made where this report was written: it is not installed there, or the "
            "run is somebody else's and was not trusted (`lockstep report RUN --trust`). Its shapes are left out."
        )
        return Section("task", "The task", (Text(text),))
    blocks: list[Block] = [Text(paragraph) for paragraph in task.about.paragraphs]
    if task.picture is not None:
        alt = f"A drawing of {task_name(config.env)} seen from above"
        blocks.append(Picture("task", task.about.caption, alt, png=task.picture, max_width="26rem"))
    blocks.append(Table(("", ""), _facts(config, task)))
    return Section("task", "The task", blocks)


def learner_section(groups: Sequence[Group], tasks: Sequence[ReportedTask | None]) -> Section:
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
            f"agents' {_networks(len(sizes.agents))}{others}. Blue acts and learns; the rest is needed only while "
            "learning."
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


def _facts(config: RunConfig, task: ReportedTask) -> list[tuple[str, str]]:
    spec, about = task.spec, task.about
    (sees, seen), (can, actions) = about.sees, about.can
    seen_numbers = f"{counted(spec.obs_dim, 'number')} a step"
    return [
        ("Environment", literal(task_name(config.env))),
        *([("Made from", literal(config.env.key))] if task_name(config.env) != config.env.key else []),
        ("Agents", f"{spec.num_agents}"),
        *about.rows,
        ("Steps in an episode", f"{spec.time_limit}"),
        (sees, f"{seen}: {seen_numbers}" if seen else seen_numbers),
        (can, actions or counted(spec.num_actions, "thing")),
        ("The state holds", f"{counted(spec.state_dim, 'number')}, seen only while learning"),
    ]


def _paragraph(config: RunConfig) -> str:
    """What is said of the algorithm, and whose the agents' parameters are."""
    said, sharing = algorithm_of(config).paragraph, config.network.sharing
    if sharing == "all":
        whose = "All agents share one network's weights."
    elif sharing == "none":
        whose = "Every agent has a network of its own: no two share weights."
    else:
        whose = f"Agents share weights in groups, by number: {', '.join(str(list(group)) for group in sharing)}."
    return f"{said} {whose}" if said else ""


def _networks(count: int) -> str:
    return "shared network" if count == 1 else f"{count} networks"
