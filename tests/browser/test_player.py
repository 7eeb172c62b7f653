"""The replay player in a real browser, from a file, offline."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lockstep.acting.policy import RandomPolicy
from lockstep.algorithms.registry import build
from lockstep.analysis.report.build import build_report
from lockstep.analysis.report.html import to_html
from lockstep.config.presets import smoke
from lockstep.drawing.palette import THEMES
from lockstep.drawing.stamps import FLASH_FRAMES
from lockstep.envs import family
from lockstep.envs.family import WorldFamily, WorldOptions, register
from lockstep.envs.foraging.moment import FieldMoment
from lockstep.envs.foraging.scene import ForagingScene
from lockstep.envs.particles.plane import ParticleScene
from lockstep.envs.particles.scene import PlaneScene
from lockstep.envs.protocol import VectorEnv
from lockstep.envs.registry import make_env, make_vec
from lockstep.envs.rware.scene import WarehouseScene
from lockstep.envs.rware.snapshot import Robot
from lockstep.envs.scene import Event, OwnPictures, Scene
from lockstep.networks.greedy_policy import GreedyPolicy
from lockstep.runs.reader import RunReader
from lockstep.show import player
from lockstep.show.film import frames, write
from lockstep.show.recording import Recording, Step
from lockstep.teams.record import Player, record_episode
from tests.envs.rware.scenes import scene
from tests.show.live.recorded import recorded_run

OpenPage = Callable[..., Any]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of two episodes of 40 steps: a QMIX team that has learnt nothing, and a random one."""
    config = smoke()
    env = make_env(config.env, 1, 3, engine="official")
    learner = build(env.spec, config)
    team = Player(GreedyPolicy(learner.actor, env.spec, config.network), "untrained", learner.thoughts)
    random = Player(RandomPolicy(5, np.random.default_rng(3)), "random")
    path = tmp_path_factory.mktemp("player") / "demo.html"
    path.write_text(player.page([record_episode(env, team, 3), record_episode(env, random, 4)]))
    return path.as_uri()


def status(page: Any) -> str:
    return str(page.locator("output").inner_text())


def wait_for(page: Any, text: str) -> None:
    page.wait_for_function("text => document.querySelector('output').textContent.includes(text)", arg=text)


def color_at(page: Any, x: float, y: float) -> list[int]:
    """The floor's color at a place given in cells."""
    script = """([x, y]) => { const canvas = document.querySelector('canvas.floor');
      const cell = canvas.width / (5 + 2 * SCENES.rware.MARGIN);
      const [across, down] = [(x + SCENES.rware.MARGIN) * cell, (y + SCENES.rware.MARGIN) * cell];
      return Array.from(canvas.getContext('2d').getImageData(across, down, 1, 1).data).slice(0, 3); }"""
    return list(page.evaluate(script, [x, y]))


def test_it_plays_to_the_end_and_starts_over(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    assert status(page).startswith("step 0 of 40")
    page.locator(".speed").select_option("32")
    page.locator(".play").click()
    wait_for(page, "step 40 of 40")
    page.locator(".play").click()
    page.wait_for_function("() => !document.querySelector('output').textContent.startsWith('step 40')")


def test_the_demo_begins_by_itself_but_not_where_less_motion_is_wanted(tmp_path: Path, open_page: OpenPage) -> None:
    planes = tuple(ParticleScene(((0.0, 0.0),), ((0.5, 0.5),)) for _ in range(101))
    recording = Recording("particles", "a team", 1, PlaneScene(), planes, (Step((0,), (0.0,)),) * 100)
    path = tmp_path / "demo.html"
    write([recording], path, playing=True)
    still = open_page(path.as_uri(), reduced_motion="reduce")
    moving = open_page(path.as_uri(), reduced_motion="no-preference")
    moving.wait_for_function("() => !document.querySelector('output').textContent.startsWith('step 0 ')")
    assert status(still).startswith("step 0 of 100")


def test_the_canvas_shows_the_floor(address: str, open_page: OpenPage) -> None:
    page = open_page(address, color_scheme="light")
    theme = THEMES["light"]

    def rgb(color: str) -> list[int]:
        return list(bytes.fromhex(color[1:]))

    assert color_at(page, 2.5, 4.13) == rgb(theme.goal)
    assert color_at(page, 0.5, 0.5) == rgb(theme.floor)
    page.keyboard.press("l")
    assert color_at(page, 0.5, 0.5) == rgb(THEMES["dark"].floor)


def test_the_timeline_scrubs(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    box = page.locator(".timeline").bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    assert status(page).startswith("step 20 of 40")
    page.mouse.move(box["x"] + box["width"] + 50, box["y"] + 20)
    page.mouse.up()
    assert status(page).startswith("step 40 of 40")
    page.mouse.move(box["x"] + 8, box["y"] + 20)
    assert status(page).startswith("step 40 of 40")  # the button is up


def test_a_clicked_robot_tells_what_it_sees_expects_and_weighs(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    place = page.evaluate(
        """() => { const canvas = document.querySelector('canvas.floor').getBoundingClientRect();
        const text = document.scripts[document.scripts.length - 1].textContent;
        const [x, y] = JSON.parse(text.match(/"robots":(\\[\\[.*?\\]\\])/)[1])[0];
        const cell = canvas.width / (5 + 2 * SCENES.rware.MARGIN);
        const middle = SCENES.rware.MARGIN + 0.5;
        return [canvas.x + (x + middle) * cell, canvas.y + (y + middle) * cell]; }"""
    )
    assert not page.locator(".mind").is_visible()
    page.mouse.click(*place)
    assert "Robot 1, heading" in page.locator(".doing").inner_text()
    assert "3 × 3 cells" in page.locator(".sight-text").inner_text()
    bars = page.locator(".bars.q li")
    assert bars.count() == 5
    assert page.locator(".bars.q li.chosen").count() == 1
    assert page.locator(".bars.w li").count() == 2
    before = bars.all_inner_texts()
    page.keyboard.press("PageDown")
    assert bars.all_inner_texts() != before
    assert "the team's" in page.locator(".meaning").inner_text()
    drawn = page.evaluate(
        "() => new Set(document.querySelector('.sight').getContext('2d').getImageData(0, 0, 132, 132).data).size"
    )
    assert drawn > 4


def test_everything_works_by_keyboard(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    for key, expected in [
        ("ArrowRight", 1),
        ("PageDown", 11),
        ("ArrowLeft", 10),
        ("End", 40),
        ("PageUp", 30),
        ("Home", 0),
    ]:
        page.keyboard.press(key)
        assert status(page).startswith(f"step {expected} of 40")
    page.keyboard.press("2")
    assert "Robot 2" in page.locator(".doing").inner_text()
    page.keyboard.press("Escape")
    assert not page.locator(".mind").is_visible()
    page.keyboard.press("+")
    assert page.locator(".speed").input_value() == "16"
    page.keyboard.press("Space")
    page.wait_for_function("() => !document.querySelector('output').textContent.startsWith('step 0')")
    page.keyboard.press("Space")
    stopped = status(page)
    page.wait_for_timeout(300)
    assert status(page) == stopped
    assert page.locator(".timeline").get_attribute("aria-valuenow") == stopped.split()[1]


def test_another_episode_is_chosen(address: str, open_page: OpenPage) -> None:
    page = open_page(address)
    page.keyboard.press("1")
    page.locator(".episode").select_option("1")
    assert "random" in page.locator(".who").inner_text()
    assert "no values to show" in page.locator(".none").inner_text()
    assert not page.locator(".bars.q").is_visible()


def test_a_narrow_screen_shows_all_without_sideways_scrolling(address: str, open_page: OpenPage) -> None:
    page = open_page(address, viewport={"width": 360, "height": 740}, has_touch=True)
    page.locator(".robots button").first.tap()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 360
    for selector in (".floor", ".timeline", ".play", ".bars.q"):
        assert page.locator(selector).is_visible()
    assert page.locator(".floor").bounding_box()["width"] > 250


def test_a_world_of_pictures_plays_too(tmp_path: Path, open_page: OpenPage) -> None:
    pictures = tuple(np.full((30, 40, 3), 40 * number, dtype=np.uint8) for number in range(4))
    recording = Recording("a world", "a team", 1, OwnPictures(), pictures, (Step((0,), (1.0,)),) * 3)
    path = tmp_path / "pictures.html"
    path.write_text(player.page([recording]))
    page = open_page(path.as_uri())
    page.keyboard.press("End")
    wait_for(page, "step 3 of 3 · return 3")
    page.wait_for_function(
        "() => document.querySelector('canvas.floor').getContext('2d').getImageData(9, 9, 1, 1).data[0] === 120"
    )
    assert not page.locator("aside").is_visible()


def test_particles_play_and_tell_what_they_expect(tmp_path: Path, open_page: OpenPage) -> None:
    planes = tuple(ParticleScene(((0.0, step / 4), (0.5, 0.5)), ((0.0, 1.0), (-0.5, -0.5))) for step in range(5))
    step = Step((4, 0), (-0.5, -0.5), (), ((0.0, 0.1, 0.2, 0.3, 0.4), (0.4, 0.3, 0.2, 0.1, 0.0)), (0.7, 0.3), 1.5)
    recording = Recording("particles", "a team", 1, PlaneScene(), planes, (step,) * 4)
    path = tmp_path / "particles.html"
    path.write_text(player.page([recording]))
    page = open_page(path.as_uri(), color_scheme="light")
    middle = """([x, y]) => { const canvas = document.querySelector('canvas.floor'), side = canvas.width / 2.5;
      const [across, down] = [(1.25 + x) * side, (1.25 - y) * side];
      return Array.from(canvas.getContext('2d').getImageData(across, down, 1, 1).data).slice(0, 3); }"""
    color = list(bytes.fromhex(THEMES["light"].robots[0][1:]))
    assert page.evaluate(middle, [0.0, 0.0]) == color
    page.keyboard.press("End")
    wait_for(page, "step 4 of 4")
    assert page.evaluate(middle, [0.0, 0.9]) == color
    page.keyboard.press("1")
    assert "Agent 1, next: " not in page.locator(".doing").inner_text()  # the episode is over
    page.keyboard.press("Home")
    assert page.locator(".doing").inner_text() == "Agent 1, next: up"
    assert page.locator(".bars.q li.chosen").inner_text().split() == ["up", "0.40"]
    assert not page.locator(".sees").is_visible()


def test_obstacles_hunters_and_words_are_drawn_as_in_films(tmp_path: Path, open_page: OpenPage) -> None:
    plane = ParticleScene(
        ((0.0, 0.0), (0.1, 0.0)), ((-0.8, 0.0),), (0.075, 0.05), (0,), (), obstacle_size=0.2, words=("B", "")
    )
    steps = (Step((4,), (-0.5,)),) * 2
    path = tmp_path / "tag.html"
    path.write_text(player.page([Recording("particles", "a team", 1, PlaneScene(), (plane,) * 3, steps)]))
    page = open_page(path.as_uri(), color_scheme="light")
    at = """([x, y]) => { const canvas = document.querySelector('canvas.floor'), side = canvas.width / 2.5;
      const [across, down] = [(1.25 + x) * side, (1.25 - y) * side];
      return Array.from(canvas.getContext('2d').getImageData(across, down, 1, 1).data).slice(0, 3); }"""
    colors = THEMES["light"]
    shown = {"shelf": [-0.8, 0.15], "flash": [0.1 + 0.1, 0.0], "conflict": [-0.085, 0.0]}
    for name, place in shown.items():
        assert page.evaluate(at, place) == list(bytes.fromhex(getattr(colors, name)[1:])), name
    dark = """() => { const canvas = document.querySelector('canvas.floor'), side = canvas.width / 2.5;
      const box = [(1.25 - 0.1) * side, (1.25 - 0.28) * side, 0.2 * side, 0.16 * side];
      const { data } = canvas.getContext('2d').getImageData(...box);
      return data.some((part, n) => n % 4 === 0 && part < 120); }"""
    assert page.evaluate(dark), "a word stands above who says it"
    page.locator("canvas.floor").click(position={"x": 1, "y": 1})
    assert "Agent 2" not in page.locator(".doing").inner_text(), "of the others nothing is told"


def test_fields_play_and_say_who_stands_beside_food(tmp_path: Path, open_page: OpenPage) -> None:
    """Two load the food between them; then it is gone, and its ring is seen."""
    players, levels = ((2, 1), (2, 3)), (1, 2)
    moments = (FieldMoment(5, 5, players, levels, (((2, 2), 3),), 3, 0), FieldMoment(5, 5, players, levels, (), 3, 1))
    steps = (Step((5, 5), (1 / 3, 2 / 3), (Event("meal", 0, (1, 2)), Event("meal", 1, (3, 2)))),)
    path = tmp_path / "field.html"
    path.write_text(player.page([Recording("foraging", "a team", 1, ForagingScene(1), moments, steps)]))
    page = open_page(path.as_uri(), color_scheme="light")
    page.keyboard.press("1")
    assert page.locator(".doing").inner_text() == "Player 1, level 1, beside food of level 3, next: load"
    assert "3 × 3 cells" in page.locator(".sight-text").inner_text()
    page.keyboard.press("End")
    wait_for(page, "step 1 of 1 · return 1")
    assert page.locator(".doing").inner_text() == "Player 1, level 1"


def test_it_plays_inside_a_report(tmp_path: Path, open_page: OpenPage) -> None:
    record = RunReader.open(recorded_run(tmp_path / "run").path)
    (tmp_path / "report.html").write_text(to_html(build_report([record])))
    page = open_page((tmp_path / "report.html").as_uri())
    page.locator("iframe").scroll_into_view_if_needed()
    inside = page.frame_locator("iframe")
    inside.locator(".timeline").press("End")
    assert inside.locator("output").inner_text().startswith("step 40 of 40")
    inside.locator(".robots button").first.click()
    assert inside.locator(".doing").inner_text().startswith("Robot 1, heading")


def test_a_delivery_flashes_on_the_page_as_long_as_in_a_film(tmp_path: Path, open_page: OpenPage) -> None:
    """The ring is there in the frame of the delivery and in as many after it, fading; then it is gone."""
    still = tuple(scene([Robot(1, 2, 1, 0, False)]) for _ in range(FLASH_FRAMES + 3))
    steps = (Step((0,), (1.0,), (Event("delivery", 0, (1, 2)),)), *(Step((0,), (0.0,)),) * (FLASH_FRAMES + 1))
    recording = Recording("rware-test", "a team", 1, WarehouseScene(), still, steps)
    filmed = [np.asarray(picture)[:-40] for picture in frames(recording)]
    path = tmp_path / "flash.html"
    path.write_text(player.page([recording]))
    page = open_page(path.as_uri())
    seen = []
    for _ in still:
        seen.append(page.evaluate("() => document.querySelector('canvas.floor').toDataURL()"))
        page.keyboard.press("ArrowRight")
    shining = [FLASH_FRAMES >= number >= 1 for number in range(len(still))]
    assert [picture != seen[0] for picture in seen] == shining
    assert [not np.array_equal(picture, filmed[0]) for picture in filmed] == shining


class Beam(Scene):
    """A bar whose length is the step, drawn by a script of its own."""

    def moment(self, world: int, lane: int) -> int:
        return world

    def told(self, moments: Sequence[int]) -> dict[str, Any]:
        return {"kind": "beams", "lengths": list(moments)}


class Beams(WorldFamily):
    name = "beams"

    def make(self, key: str, num_envs: int, seed: int, options: WorldOptions) -> VectorEnv:
        return make_vec("probe-coin", num_envs, seed)

    def script(self) -> str:
        return """SCENES.beams = class extends Scene {
          extent() { return [4, 1]; }
          bounds() { return [20, 100]; }
          get agent() { return "beam"; }
          paint(position) {
            this.pen.fillStyle = this.theme.robots[0];
            this.pen.fillRect(0, 0, this.cell * this.recording.lengths[Math.round(position)], this.cell);
          } };"""


def test_a_family_draws_its_worlds_by_a_script_of_its_own(
    tmp_path: Path, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family, "_registered", [])
    register(Beams())
    step = Step((0,), (1.0,), (Event("spark", 0, (0, 0)),), ((0.5, 0.1),))
    path = tmp_path / "beams.html"
    path.write_text(player.page([Recording("beams/1", "a team", 1, Beam(), (0, 1, 2, 3), (step,) * 3)]))
    page = open_page(path.as_uri(), color_scheme="light")
    script = """part => { const canvas = document.querySelector('canvas.floor');
      const x = Math.round(canvas.width * part);
      return Array.from(canvas.getContext('2d').getImageData(x, 5, 1, 1).data).slice(0, 3); }"""
    color = list(bytes.fromhex(THEMES["light"].robots[0][1:]))
    assert page.evaluate(script, 0.6) != color
    page.keyboard.press("End")
    assert page.evaluate(script, 0.6) == color
    page.keyboard.press("1")
    assert page.locator(".doing").inner_text() == "Beam 1"


def test_a_world_of_text_is_written_on_the_canvas(tmp_path: Path, open_page: OpenPage) -> None:
    class Words(Scene):
        def moment(self, world: str, lane: int) -> str:
            return world

        def text(self, moments: Sequence[str], number: int, theme: str) -> str:
            return moments[number]

    path = tmp_path / "text.html"
    path.write_text(player.page([Recording("words", "a team", 1, Words(), ("  ", "█ "), (Step((0,), (0.0,)),))]))
    page = open_page(path.as_uri(), color_scheme="light")
    script = """() => { const canvas = document.querySelector('canvas.floor');
      return Array.from(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.slice()).some(
        (value, index) => index % 4 === 0 && value < 100 && value > 0); }"""
    assert not page.evaluate(script)
    page.keyboard.press("End")
    assert page.evaluate(script)
