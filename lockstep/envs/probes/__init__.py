"""Tiny worlds with known answers: games.py has them, family.py says how they are named."""

from lockstep.envs.probes.games import PROBES, Coin, Probe

__all__ = ["PROBES", "Coin", "Probe"]
