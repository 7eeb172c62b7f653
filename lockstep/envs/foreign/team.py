"""One environment of somebody else as arrays of fixed shape: agents that differ are padded, those gone are masked."""

from collections.abc import Collection, Hashable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockstep.arrays import Mask
from lockstep.envs.foreign.answers import Answer, by_agent, infos_by_agent, rewards_by_agent
from lockstep.envs.foreign.choices import Choices
from lockstep.envs.foreign.endings import Told, understand_ending
from lockstep.envs.foreign.faces import Face, caller, face_of
from lockstep.envs.foreign.features import MASKS, STATES, Features, Sent
from lockstep.envs.foreign.limits import holders, moved
from lockstep.envs.foreign.remarks import Remarks, UnreadableError
from lockstep.errors import UserError
from lockstep.formats import counted
from lockstep.spec import FLAG_BITS, EnvSpec

MASK_CALLS = ("get_avail_actions",)
STATE_CALLS = ("state", "get_state")
EVERYBODY = "the team"


class ForeignStep(NamedTuple):
    """What one step of one environment returns: N agents, O features, A actions, S numbers of its own state."""

    obs: NDArray[np.float32]
    """(N, O); zeros behind a shorter observation, and for agents that are not there"""
    available: Mask
    """(N, A); an agent that is not there can only take action 0, which is not passed on"""
    reward: NDArray[np.float32]
    """(N,)"""
    terminated: bool
    truncated: bool
    state: NDArray[np.float32]
    """(S,); empty unless it was asked for"""


class ForeignEnv:
    """An environment of several agents with few actions, whatever its author's habits are.

    What they leave open is decided here or in the modules beside, and said in `remarks`. Raises UserError for spaces
    that cannot be learnt here, and, when it is played, for what is no observation, reward, mask or flag.
    """

    def __init__(self, key: str, env: Any, time_limit: int | None, *, own_state: bool = False) -> None:
        self.key, self.env, self.remarks = key, env, Remarks()
        self._face: Face = face_of(key, env, self.remarks)
        self.agents = self._face.agents
        self.names = tuple(map(str, self.agents))
        pairs = [self._face.spaces(agent) for agent in self.agents]
        self._choices = [Choices(key, name, space) for name, (_, space) in zip(self.names, pairs, strict=True)]
        self._features = [Features(key, name, space) for name, (space, _) in zip(self.names, pairs, strict=True)]
        limit, self._own_limits = self._limits(time_limit)
        num_features = max(one.count for one in self._features)
        self._here: frozenset[Hashable] = frozenset()
        self._steps = 0
        self._own_state = 0
        self.spec = EnvSpec(
            key=key,
            num_agents=len(self.agents),
            obs_dim=num_features,
            num_actions=max(one.count for one in self._choices),
            time_limit=limit,
            obs_bits=_bits(self._features, num_features),
            own_state_dim=self._measured_state() if own_state else 0,
        )
        self._own_state = self.spec.own_state_dim
        self._explain_spaces()

    def reset(self, seed: int | None) -> ForeignStep:
        """A new episode; with a seed its random stream starts anew."""
        self._steps = 0
        try:
            answer = self._face.reset(seed, self.remarks)
            seen = by_agent("observations", answer.seen, self.agents)
            self._here = frozenset(agent for agent in self.agents if seen.get(agent) is not None)
        except UnreadableError as error:
            raise self._unreadable(EVERYBODY, error) from error
        if not self._here:
            raise self._unreadable(EVERYBODY, UnreadableError("nobody was sent an observation"))
        return self._read(seen, answer, False, False)

    def step(self, actions: NDArray[np.integer[Any]]) -> ForeignStep:
        """actions: (N,). Those of agents that have left are ignored."""
        chosen = {
            agent: choices.told(int(action))
            for agent, choices, action in zip(self.agents, self._choices, actions, strict=True)
            if agent in self._here
        }
        self._steps += 1
        try:
            answer = self._face.step(chosen, self.remarks)
            seen = by_agent("observations", answer.seen, self.agents)
            own, common = infos_by_agent(answer.infos, self.agents)
            told = Told(answer.terminated, answer.truncated, self._face.present(), [common, *own.values()])
            ending = understand_ending(
                told, list(chosen), self._steps, self.spec.time_limit, self._own_limits, self.remarks
            )
        except UnreadableError as error:
            raise self._unreadable(EVERYBODY, error) from error
        silent = [agent for agent in ending.here if seen.get(agent) is None]
        if silent:
            self.remarks.say("turns", "An agent that is sent no observation is not asked for an action.")
        self._here = ending.here.difference(silent)
        if ending.here and not self._here:
            raise self._unreadable(EVERYBODY, UnreadableError("nobody was sent an observation, and it is not over"))
        return self._read(seen, answer, ending.terminated, ending.truncated)

    @property
    def moment(self) -> str:
        """Where the episode stands, in words."""
        return f"step {self._steps}" if self._steps else "the first observation of an episode"

    def picture(self) -> NDArray[np.uint8]:
        """(height, width, 3) RGB. Raises UserError where the environment gives none."""
        try:
            picture = self.env.render()
        except Exception as error:  # whatever somebody else's drawing raises, without a display for instance
            raise UserError(f"{self.spec.key} cannot draw itself here: {type(error).__name__}: {error}") from error
        if not isinstance(picture, np.ndarray) or picture.ndim != 3 or picture.shape[-1] != 3:
            raise UserError(f"{self.spec.key} gives no rgb_array picture, so it cannot be shown.")
        return picture.astype(np.uint8)

    def close(self) -> None:
        """Close windows and files, if there are any."""
        closing = getattr(self.env, "close", None)
        if callable(closing):
            closing()

    def _read(self, seen: Mapping[Hashable, Any], answer: Answer, terminated: bool, truncated: bool) -> ForeignStep:
        """What came, as arrays; a sentence where it is none."""
        spec, over = self.spec, terminated or truncated
        obs = np.zeros((spec.num_agents, spec.obs_dim), dtype=np.float32)
        available = np.zeros((spec.num_agents, spec.num_actions), dtype=bool)
        name = EVERYBODY
        try:
            own, common = infos_by_agent(answer.infos, self.agents)
            masks = self._masks(common)
            sent = {
                agent: one.sent(seen[agent])
                for agent, one in zip(self.agents, self._features, strict=True)
                if seen.get(agent) is not None
            }
            reward = np.zeros(spec.num_agents, dtype=np.float32)
            if self._steps:
                name = EVERYBODY
                earned = rewards_by_agent(answer.rewards, self.agents, self.remarks)
            for number, agent in enumerate(self.agents):
                name = self.names[number]
                if agent in sent:
                    self._features[number].write(sent[agent].content, obs[number], self.remarks)
                if self._steps and agent in earned:
                    reward[number] = _number(earned[agent])
                if agent in self._here and not over:
                    info = own.get(agent, {})
                    mask = _first_of(MASKS, info, masks.get(agent, sent[agent].mask))
                    available[number, : self._choices[number].count] = self._allowed(number, mask)
                else:
                    available[number, 0] = True
            name = EVERYBODY
            state = self._state(common, own, sent) if self._own_state else np.empty(0, np.float32)
        except UnreadableError as error:
            raise self._unreadable(name, error) from error
        return ForeignStep(obs, available, reward, terminated, truncated, state)

    def _allowed(self, number: int, mask: Any) -> Any:
        """What an agent that is there may do."""
        if mask is None:
            return True
        allowed = self._choices[number].mask(mask)
        if not allowed.any():
            raise UnreadableError("its mask allows no action at all, where at least one is expected")
        return allowed

    def _masks(self, common: Mapping[str, Any]) -> Mapping[Hashable, Any]:
        """Rows for agents from the infos for all, or from a call."""
        for name in MASKS:
            if common.get(name) is not None:
                self.remarks.say("masks", f"What is allowed is read from the infos' {name}.")
                return self._mask_rows(common[name])
        call = caller(self.env, MASK_CALLS)
        if call is None:
            return {}
        self.remarks.say("masks", f"What is allowed is asked of {MASK_CALLS[0]}().")
        return self._mask_rows(call())

    def _mask_rows(self, value: Any) -> Mapping[Hashable, Any]:
        if len(self.agents) == 1 and not isinstance(value, Mapping) and np.ndim(value) == 1:
            return {self.agents[0]: value}
        return by_agent("masks", value, self.agents)

    def _state(
        self, common: Mapping[str, Any], own: Mapping[Hashable, Mapping[str, Any]], sent: Mapping[Hashable, Sent]
    ) -> NDArray[np.float32]:
        """The world's own state, as numbers, from the first place that has one."""
        value = _first_of(STATES, common, None)
        source = "the infos"
        if value is None:
            value, source = (
                next((one.state for one in sent.values() if one.state is not None), None),
                "the observations",
            )
        if value is None:
            value = next((state for info in own.values() if (state := _first_of(STATES, info, None)) is not None), None)
            source = "an agent's infos"
        if value is None and (call := caller(self.env, STATE_CALLS)) is not None:
            with suppress(NotImplementedError):  # PettingZoo's way to say that there is none
                value, source = call(), f"{getattr(call, '__name__', 'state')}()"
        if value is None:
            raise UnreadableError(
                "it has no state of its own: no state() or get_state(), and none in the infos or observations; leave "
                "env.state at joined"
            )
        self.remarks.say("own state", f"The mixer sees the world's own state, from {source}.")
        try:
            numbers = np.asarray(value, dtype=np.float32).ravel()
        except (TypeError, ValueError):
            raise UnreadableError(f"its state is {type(value).__name__}, not an array of numbers") from None
        if not np.isfinite(numbers).all():
            raise UnreadableError("its state holds numbers that are not finite")
        if self._own_state not in (len(numbers), -1):
            raise UnreadableError(
                f"its state has {counted(len(numbers), 'number')}, where {self._own_state} are expected"
            )
        return numbers

    def _measured_state(self) -> int:
        """How many numbers the state has, which only an episode's beginning tells."""
        answer = self._face.reset(0, self.remarks)
        try:
            seen = by_agent("observations", answer.seen, self.agents)
            own, common = infos_by_agent(answer.infos, self.agents)
            sent = {agent: one.sent(seen.get(agent)) for agent, one in zip(self.agents, self._features, strict=True)}
            self._own_state = -1
            return len(self._state(common, own, sent))
        except UnreadableError as error:
            raise self._unreadable(EVERYBODY, error) from error

    def _limits(self, time_limit: int | None) -> tuple[int, Collection[int]]:
        """Steps after which an episode is cut, and those after which the world says that it ends by itself."""
        found = holders(self.env)
        own = min((holder.limit for holder in found), default=None)
        if own is None and time_limit is None:
            raise UserError(
                f"{self.key} does not say how many steps an episode may last; set env.time_limit, for example "
                "env.time_limit=500."
            )
        if time_limit is None or own is None or time_limit <= own:
            if own is not None:
                names = " and ".join(dict.fromkeys(holder.name for holder in found if holder.limit == own))
                self.remarks.say("own limit", f"The world's own limit is {counted(own, 'step')} ({names}).")
            limit = time_limit or own
            assert limit is not None
            return limit, {holder.limit for holder in found}
        shorter = [holder for holder in found if holder.limit < time_limit]
        if all([moved(holder, time_limit) for holder in shorter]):  # noqa: C419, all of them are moved
            names = " and ".join(dict.fromkeys(holder.name for holder in shorter))
            self.remarks.say(
                "own limit", f"The world's own limit of {counted(own, 'step')} ({names}) was raised to {time_limit}."
            )
            return time_limit, {time_limit, *(holder.limit for holder in shorter)}
        self.remarks.say(
            "own limit",
            f"env.time_limit={time_limit} is above the world's own limit of {counted(own, 'step')}, which cannot be "
            f"raised from here: {own} counts.",
            doubtful=True,
        )
        return own, {own}

    def _explain_spaces(self) -> None:
        for choices, name in zip(self._choices, self.names, strict=True):
            if choices.is_compound:
                sizes = " x ".join(map(str, choices.sizes))
                self.remarks.say(
                    "actions",
                    f"{name} makes {len(choices.sizes)} choices at once; they are one of {sizes} = {choices.count} "
                    "here, the last changing fastest.",
                )
        for features in self._features:
            if features.order:
                self.remarks.say("observations", f"{features.agent} sees, in this order: {features.order}.")

    def _unreadable(self, who: str, error: UnreadableError) -> UserError:
        return UserError(f"{self.key}, {self.moment}, {who}: {error}.")


def _bits(features: Sequence[Features], num_features: int) -> tuple[int, ...]:
    """Storage width of every feature, the widest that any agent needs there."""
    widths = np.full(num_features, FLAG_BITS)
    for one in features:
        np.maximum(widths[: one.count], one.bits, out=widths[: one.count])
    return tuple(int(width) for width in widths)


def _number(value: Any) -> float:
    """A reward. Raises UnreadableError for what is no finite number."""
    try:
        number = float(np.asarray(value).item())
    except (TypeError, ValueError):
        raise UnreadableError(f"its reward is {value!r}, not one number") from None
    if not np.isfinite(number):
        raise UnreadableError(f"its reward is {number}, not a finite number")
    return number


def _first_of(names: Collection[str], info: Mapping[str, Any], otherwise: Any) -> Any:
    """The value of the first of these names that there is."""
    return next((info[name] for name in names if info.get(name) is not None), otherwise)
