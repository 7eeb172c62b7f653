"""Search chooses the settings of a sweep's next cells by what came of the cells before.

`request` is what somebody asks for, `space` the settings that may be chosen and `goal` what they are judged by;
`samplers` choose, from nothing but what the folder holds, so a search that was killed chooses the same again; `trials`
puts the cells of a choice together, `planner` decides which come next and which are not worth finishing, `command` does
it, `display` shows how it goes and `report` what came out.
"""
