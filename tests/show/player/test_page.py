"""The player's page needs nothing and nobody, and its data cannot break out of it."""

import json
import re

import numpy as np

from lockstep.envs.rware.scene import WarehouseScene
from lockstep.envs.rware.snapshot import Robot
from lockstep.envs.scene import OwnPictures
from lockstep.show import player
from lockstep.show.recording import Recording, Step
from tests.envs.rware.scenes import scene


def recording(policy: str = "a team") -> Recording:
    frames = tuple(scene([Robot(x, 1, 3, 0, False)]) for x in range(3))
    return Recording("rware-test", policy, 1, WarehouseScene(), frames, (Step((1,), (0.0,)),) * 2)


def test_nothing_is_asked_of_anybody() -> None:
    text = player.page([recording()])
    assert "http" not in text.replace("http-equiv", "")
    assert "default-src 'none'" in text
    assert not re.search(r"@[a-z_]+@", text)


def test_a_name_cannot_end_the_script() -> None:
    text = player.page([recording("</script><script>alert(1)</script>")])
    assert "</script><script>alert" not in text
    assert "&lt;/script&gt;" in text.split("</title>")[0]


def test_all_episodes_are_in_it() -> None:
    text = player.page([recording("first"), recording("second")])
    assert '"policy":"first"' in text
    assert '"policy":"second"' in text


def test_pictures_travel_inside() -> None:
    picture = np.zeros((4, 4, 3), dtype=np.uint8)
    drawn = Recording("a world", "a team", 1, OwnPictures(), (picture, picture), (Step((0,), (0.0,)),))
    data = drawn.to_json()
    assert len(data["pictures"]) == 2
    assert data["pictures"][0].startswith("data:image/png;base64,")
    json.dumps(data)
