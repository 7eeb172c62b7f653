from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from lockstep.analysis.plots import (
    Level,
    Line,
    check_suffix,
    line_figure,
    panels_figure,
    save_figure,
    spread,
    to_png,
    to_svg,
)
from lockstep.errors import UserError
from lockstep.formats import axis_label


def figure(label: str = "ours") -> Figure:
    x = np.array([0.0, 1e6, 2e6])
    band = (np.zeros(3), np.ones(3) * 3)
    lines = [Line(label, x, np.array([0.0, 1.0, 2.5]), band), Line("theirs", x, np.zeros(3))]
    levels = [Level(2.5, "solved above")]
    return line_figure(lines, title="Return", subtitle="of episodes", x_label="env steps", levels=levels)


def test_the_same_numbers_give_the_same_bytes() -> None:
    assert to_svg(figure()) == to_svg(figure())


def test_a_png_decodes_at_its_size() -> None:
    with Image.open(BytesIO(to_png(figure(), dots_per_inch=100))) as picture:
        assert picture.size == (720, 390)


def test_levels_and_bands_are_within_the_axes() -> None:
    axes = figure().axes[0]
    bottom, top = axes.get_ylim()
    assert bottom == 0.0
    assert top >= 3.0


def test_empty_and_constant_lines_are_drawn() -> None:
    nothing = Line("nothing", np.empty(0), np.empty(0))
    flat = Line("flat", np.array([5.0]), np.array([0.0]))
    assert "</svg>" in to_svg(line_figure([nothing, flat], title="", subtitle="", x_label=""))


def test_names_are_moved_apart_in_their_order() -> None:
    assert spread([1.0, 0.0, 1.25], 0.5, floor=-9.0) == [0.875, 0.0, 1.375]
    assert spread([0.0, 0.0, 0.0], 1.0, floor=-9.0) == [-1.0, 0.0, 1.0]
    assert spread([0.0, 0.0, 0.0], 1.0, floor=0.0) == [0.0, 1.0, 2.0]
    assert spread([3.0, 0.0, 1.0], 1.0, floor=0.0) == [3.0, 0.0, 1.0]


def test_long_names_stand_below_and_take_no_width() -> None:
    short, long = figure(), figure("ours (key=rware-small-4ag-v2, max_env_steps=60000000)")
    for made in (short, long):
        to_png(made)  # the layout is made when it is drawn
    assert long.axes[0].get_position().width > short.axes[0].get_position().width
    assert [text.get_text()[:6] for text in long.legends[0].get_texts()] == ["ours (", "theirs"]
    assert long.get_figheight() > short.get_figheight()


def test_axis_labels_are_short() -> None:
    assert [axis_label(value) for value in (0, 0.5, 950, 12_500, 20_000_000, -50)] == [
        *("0", "0.5", "950", "12.5k", "20M", "−50")
    ]


def test_the_ending_decides_the_format(tmp_path: Path) -> None:
    for ending, start in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        path = tmp_path / "deep" / f"curve.{ending}"
        save_figure(figure(), path)
        assert path.read_bytes().startswith(start)


def test_another_ending_is_a_sentence() -> None:
    with pytest.raises(UserError, match=r"curve\.jpeg ends in none of \.svg, \.png, \.pdf"):
        check_suffix(Path("curve.jpeg"))


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be written"):
        save_figure(figure(), tmp_path / "file" / "curve.svg")


def test_panels_keep_a_color_for_a_curve_that_is_not_there_yet() -> None:
    """Colors mean the same in every panel, and a panel that has no neighbor leaves no empty frame."""
    x = np.array([0.0, 1.0])
    missing, there, drawn = Line("IQL", np.zeros(0), np.zeros(0)), Line("IQL", x, x), Line("QMIX", x, x)
    made = panels_figure([("first", [missing, drawn]), ("second", [there, drawn])] * 2, x_label="env steps")
    shown = [axes for axes in made.axes if axes.get_visible()]
    colors = [{line.get_label(): line.get_color() for line in axes.get_lines()} for axes in shown]
    assert len(shown) == 4
    assert colors[0]["QMIX"] == colors[1]["QMIX"] != colors[0]["IQL"]
    assert [axes.get_title(loc="left") for axes in shown] == ["first", "second"] * 2
