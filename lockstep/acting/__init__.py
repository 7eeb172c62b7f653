"""Acting decides what agents do: a policy's preferences, and the plan by which training departs from them.

`policy` is what plays, trained or not; `forward` an agent's network for one observation at a time, compiled;
`exploration` the plan of forced actions, drawn before the steps; `schedules` how a number falls over env steps.
"""
