"""The words of the field for somebody who meets them here for the first time, and what experience taught."""

GLOSSARY = {
    "agent": "One robot. It sees only its surroundings and chooses one action a step.",
    "episode": "One game from a fresh warehouse to its last step. Training plays many thousands.",
    "env step": "One step of one warehouse: every agent acts once. All are counted, random ones too.",
    "reward": "What a step earns: 1 when a requested shelf reaches a goal, else 0. The team's is the agents' sum.",
    "return": "The sum of the rewards of an episode. In the warehouse: shelves delivered by the whole team.",
    "sparse reward": "A reward that random play hardly ever meets, so that at first there is nothing to learn from.",
    "policy": "What decides which action to take. Greedy: always the action with the highest value.",
    "test return": "The mean return of greedy episodes that nothing is learnt from, on seeds never trained on.",
    "discount (gamma)": "How much a reward one step later is worth now. 0.99 looks about 100 steps ahead.",
    "epsilon": "The chance that training takes a random action instead of the greedy one. Without it nothing is found.",
    "annealing": "Lowering epsilon step by step. Too early, and the team stops looking before it has found anything.",
    "replay": "The memory of past episodes. Every update studies a batch drawn from it.",
    "batch": "The episodes that one update studies together. Larger ones are slower and less noisy.",
    "update": "One small change of the network's weights towards its targets (a gradient step).",
    "loss": "How wrong the networks are, as the updates measure it. It may rise while the team improves.",
    "state": "All that the agents see together. It is read only while learning.",
    "seed": "The number from which everything random in a run follows. Same seed, same run.",
    "IQM": "Interquartile mean: the mean of the middle half of the seeds. Less moved by one lucky or unlucky seed.",
    "95 % interval": "The range in which the IQM would lie in 95 of 100 repetitions with seeds drawn like these "
    "(bootstrap). With three seeds it is little more than their range.",
    "checkpoint": "A snapshot of the whole run on disk, from which it continues or is judged.",
    "official package": "`rware`, which the task comes from. Lockstep's simulator plays the same game; final numbers "
    "are judged on the package itself.",
}

LESSONS = (
    (
        "A flat line at zero is the normal beginning.",
        "A random team delivers one shelf in about 30,000 steps. Until rewards have been met often enough, no "
        "learner has anything to learn from. Whether they will be can be computed before the run.",
    ),
    (
        "Keep exploring until rewards have been found.",
        "With epsilon at its floor after 50,000 steps, a run has seen one or two rewards in all. Annealing over "
        "millions of steps, a random warm-up, or exploration that holds a direction find hundreds.",
    ),
    (
        "Remember what was rare.",
        "A memory of the last 5,000 episodes forgets the few that earned something. A longer one, or a second memory "
        "for rewarding episodes, keeps them.",
    ),
    (
        "Count updates, not only steps.",
        "Collecting more episodes for every update is faster to run and learns less from each step. Two runs with the "
        "same number of steps may differ a hundredfold in updates.",
    ),
    (
        "One seed is an anecdote.",
        "Seeds of one configuration differ by minutes and by whole deliveries. Compare several, and show all of them.",
    ),
    (
        "Judge on episodes that chose nothing.",
        "The best of many evaluations is partly luck. The best policy is therefore judged again on new episodes, on "
        "the official package.",
    ),
)
