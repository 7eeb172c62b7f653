"""The limits that the verdicts before a run rest on: where, in the calibration's tuning half, learning was last seen.

docs/doctor.md says how they were set and how well they judge the other half.
"""

MIN_REWARDING = 5.0
"""Rewarding episodes in the whole run, found without having learnt anything."""
MIN_REWARDING_A_ROUND = 0.05
"""Rewarding episodes in a collection that is studied by itself. Not calibrated: a sixth of what the published on-policy
trainings begin with on rware-tiny-2ag, which learn."""
MIN_STUDIED = 300.0
"""Times that an update looks at a reward."""
MIN_MOVEMENT = 0.3
"""lr times updates."""
MAX_LR = 0.05
MIN_REACH = 1.0
"""Deliveries over which the news of a reward can travel back while targets are renewed."""
MIN_WORTH = 0.02
"""Of a reward, one delivery earlier: gamma ** steps."""
