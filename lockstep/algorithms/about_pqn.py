"""PQN-VDN and PQN-QMIX as entries of the table."""

from lockstep.algorithms.about_q_learning import (
    LISTEN_TO_ALL,
    METRICS,
    MIXED,
    MIXER,
    NETWORKS,
    WORDS,
    draw_mixing_network,
    draw_sum,
    entry,
    target_words,
)
from lockstep.algorithms.algorithm import Algorithm, Credit, Proof
from lockstep.algorithms.diagram import DrawTeam
from lockstep.config.schema import PQNConfig, PQNQMIXConfig, RunConfig

COIN = "is what was just played enough, with nothing to follow?"


def _update(config: RunConfig) -> str:
    """See `Algorithm.update`."""
    algorithm = config.algorithm
    assert isinstance(algorithm, PQNConfig)
    parts, times = algorithm.minibatches, algorithm.epochs
    studied = "all" if parts == 1 else f"one of {parts} equal parts"
    return (
        f"One update studies {studied} of the episodes just played, which are gone "
        f"through {'once' if times == 1 else f'{times} times'} and forgotten. Targets: "
        f"{target_words(algorithm.td_lambda)}, discount {algorithm.gamma:g}, valued by the same networks."
    )


def _credit(config: RunConfig) -> Credit:
    """See `Algorithm.credit`."""
    algorithm = config.algorithm
    assert isinstance(algorithm, PQNConfig)
    return Credit(1.0, 1.0 / max(1.0 - algorithm.td_lambda, 1e-3))


def _pqn(name: str, section: type[PQNConfig], title: str, said: str, draw_team: DrawTeam) -> Algorithm:
    return entry(
        name,
        section,
        title=title,
        feed="fresh",
        paragraph=(
            f"**{title}** is Q-learning without a memory and without target networks: it studies what was just played, "
            "a few times over, towards returns that the networks themselves promise, and layer norm in the agents' "
            f"networks keeps their values from running away (Gallici et al. 2024). {NETWORKS}; {said}."
        ),
        update=_update,
        credit=_credit,
        draw_team=draw_team,
        words={**WORDS, **MIXER, "layer norm": "Brings what a layer makes to mean 0 and variance 1."},
        metrics=(*METRICS, MIXED),
        hints=LISTEN_TO_ALL if section is PQNQMIXConfig else {},
        proofs=(Proof("probe-coin", COIN, 1.0, 60),),
    )


PQN_VDN = _pqn("pqn_vdn", PQNConfig, "PQN-VDN", "the team's value is their plain sum", draw_sum)
PQN_QMIX = _pqn(
    "pqn_qmix", PQNQMIXConfig, "PQN-QMIX", "QMIX's mixer makes the team's value of them", draw_mixing_network
)
