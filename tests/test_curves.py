import matplotlib
import pytest
from PIL import Image

from artgan import files
from artgan.curves import Band, Curves, Mark, draw_curves
from artgan.errors import OutputError
from artgan.panels import Line, Panel, Point


def line(values, attempt=0, start=1, **more):
    points = [Point(attempt, 1000 * (start + i), value) for i, value in enumerate(values)]
    return Line("x", tuple(points), **more)


def drawn(path, *panels, **more):
    """Return the picture that panels make."""
    draw_curves(path / "curves.png", Curves("00001-cats", panels, **more))
    with Image.open(path / "curves.png") as picture:
        picture.load()
        return picture.convert("RGB")


def has(picture, colour):
    """Return whether a colour, of any part of the picture, is there as it is."""
    wanted = tuple(bytes.fromhex(colour))
    return any(found == wanted for _, found in picture.getcolors(2**24))


def test_it_is_1200_wide_and_grows_with_its_panels(tmp_path):
    one = drawn(tmp_path, Panel("a", (line([1.0, 2.0, 1.5]),)))
    two = drawn(tmp_path, *[Panel("a", (line([1.0, 2.0, 1.5]),))] * 2)
    assert one.width == two.width == 1200
    assert two.height - one.height == pytest.approx(146, abs=1)


def test_a_single_point_is_seen(tmp_path):
    assert has(drawn(tmp_path, Panel("a", (line([0.5]),))), "2f6db3")


def test_what_is_not_finite_is_left_out(tmp_path):
    nan, inf = float("nan"), float("inf")
    plain = drawn(tmp_path, Panel("a", (line([1.0]), line([2.0], floor=None))))
    points = (Point(0, 500, nan), Point(0, 1000, 1.0), Point(0, 1000, -inf))
    marred = Panel("a", (Line("x", points), line([2.0])))
    assert drawn(tmp_path, marred).tobytes() == plain.tobytes()


@pytest.mark.parametrize(
    "values",
    [
        [0.0, 0.0],
        [1e300, 1.0, 1e-300],
        [-1e6, 1.0, 2.0, 1.0],
        [1e-9, 1.0, 30.0],
        [5.0],
        [float("nan")],
        [],
    ],
)
def test_any_values_can_be_drawn(tmp_path, values):
    for log in (False, True):
        assert drawn(tmp_path, Panel("a", (line(values),), log=log)).width == 1200


def test_nothing_at_all_is_an_empty_page(tmp_path):
    assert drawn(tmp_path).width == 1200


def test_what_was_taken_back_is_paler(tmp_path):
    went = line([1.0, 2.0, 3.0, 4.0]).points
    again = line([9.0, 9.0], attempt=1, start=3).points
    straight = drawn(tmp_path, Panel("a", (Line("x", went),)))
    parted = drawn(tmp_path, Panel("a", (Line("x", (*went, *again)),)))
    pale = "a2bddc"  # 0.45 of the line's colour on white
    assert not has(straight, pale)
    assert has(parted, pale)


def test_states_and_actions_are_shown(tmp_path):
    panel = Panel("a", (line([1.0] * 9),))
    plain = drawn(tmp_path, panel)
    bands = (Band(0, 0, 5000, "learning", good=True), Band(0, 5000, 9000, "sad"))
    told = drawn(tmp_path, panel, bands=bands, marks=(Mark(6000, "sad: it was; cheered up"),))
    assert has(told, "bfe0c4")
    assert has(told, "f0b43c")
    assert not has(plain, "f0b43c")
    assert told.height > plain.height


def test_many_actions_do_not_grow_without_end(tmp_path):
    panel = Panel("a", (line([1.0] * 9),))
    marks = tuple(Mark(100 * i, "sad: " + "it was " * 40) for i in range(80))
    bands = tuple(Band(i, 0, 1000, f"state {i}") for i in range(30))
    assert drawn(tmp_path, panel, marks=marks, bands=bands).height < 900


def test_foreign_names_are_drawn_as_they_are(tmp_path):
    panel = Panel("$\\frac{_\x1b", (Line("_x$^", (Point(0, 1, 1.0),)),))
    draw_curves(tmp_path / "c.png", Curves("$\\bad{ \u4f60", (panel,)))
    assert (tmp_path / "c.png").exists()


def test_settings_of_matplotlib_neither_matter_nor_change(tmp_path, monkeypatch):
    panel = Panel("a", (line([1.0, 2.0]),))
    plain = drawn(tmp_path, panel)
    monkeypatch.setitem(matplotlib.rcParams, "lines.linewidth", 20.0)
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 30.0)
    monkeypatch.setitem(matplotlib.rcParams, "axes.facecolor", "black")
    assert drawn(tmp_path, panel).tobytes() == plain.tobytes()
    assert matplotlib.rcParams["font.size"] == 30.0


def test_the_same_curves_are_the_same_bytes(tmp_path):
    curves = Curves("a", (Panel("a", (line([1.0, 2.0], floor=0.5),)),))
    for name in ("a.png", "b.png"):
        draw_curves(tmp_path / name, curves)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "curves.png"
    path.write_bytes(b"old")

    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "create", full)
    with pytest.raises(OutputError, match="no space is left"):
        draw_curves(path, Curves("a", (Panel("a", (line([1.0]),)),)))
    assert path.read_bytes() == b"old"
