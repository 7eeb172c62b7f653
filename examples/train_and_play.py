"""Train a team, judge it, play it step by step, and film it.

python examples/train_and_play.py              half a minute; writes team.gif
"""

from lockstep import evaluate, load_team, train

run = train("smoke", "seed=2")
print(f"{evaluate(run, episodes=200).mean:.2f} shelves an episode, {run}")

team = load_team(run)
env = team.make_env(num_envs=1, seed=7)
obs, ended, earned = env.reset(), False, 0.0
while not ended:
    step = env.step(team.act(obs, env.available_actions()))
    obs, ended, earned = step.obs, bool((step.terminated | step.truncated).all()), earned + float(step.reward.sum())
print(f"{earned:.0f} of them in the episode of seed 7")

run.film("team.gif", seed=7)
