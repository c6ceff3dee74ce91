"""Canvas' flat names are read: who, late or not, which hand-in, which file."""

from __future__ import annotations

from grader.collecting import canvas
from tests.support.handed_in import members_of

EXPECTED = {"cat_lab.ipynb", "notes.txt"}


def test_a_hand_in_is_its_users_and_has_no_time() -> None:
    members = members_of(
        {
            "exampleada_12345_67890_cat_lab.ipynb": "{}",
            "exampleada_12345_67891_notes.txt": "",
            "b_7_8_x.ipynb": "",
        }
    )

    ada, bo = canvas.read(members, EXPECTED).hand_ins

    assert canvas.fits(members)
    assert list(ada.files) == ["cat_lab.ipynb", "notes.txt"]
    assert ada.files["cat_lab.ipynb"].modified is None
    assert ada.sender.keys == (("canvas_id", "12345"),)
    assert ada.sender.made_id == "exampleada-12345"
    assert (ada.number, bo.number) == (67891, 8)


def test_late_is_a_note_and_no_name_of_a_student() -> None:
    (hand_in,) = canvas.read(
        members_of({"exampleada_LATE_12345_67890_cat_lab.ipynb": "{}"}), EXPECTED
    ).hand_ins

    assert hand_in.notes == ("late, as Canvas says",)
    assert hand_in.sender.made_id == "exampleada-12345"


def test_the_number_that_canvas_adds_goes_where_the_name_is_then_the_assignments() -> None:
    contents = canvas.read(
        members_of({"a_1_2_cat_lab-1.ipynb": "", "b_3_4_week-3.ipynb": "", "a_1_3_notes-12.txt": ""}),
        EXPECTED,
    )

    assert [list(hand_in.files) for hand_in in contents.hand_ins] == [
        ["cat_lab.ipynb", "notes.txt"],
        ["week-3.ipynb"],
    ]


def test_of_two_hand_ins_the_one_with_the_greater_number_counts() -> None:
    for names in (
        ("a_1_9_cat_lab-1.ipynb", "a_1_10_cat_lab-2.ipynb"),
        ("a_1_10_cat_lab-2.ipynb", "a_1_9_cat_lab-1.ipynb"),
    ):
        contents = canvas.read(members_of(dict.fromkeys(names, "{}")), EXPECTED)

        (hand_in,) = contents.hand_ins
        assert str(hand_in.files["cat_lab.ipynb"].path) == "a_1_10_cat_lab-2.ipynb"
        assert [aside.path for aside in contents.asides] == ["a_1_9_cat_lab-1.ipynb"]
        assert "handed in again" in contents.asides[0].why


def test_typed_text_is_said_and_other_names_are_somebodys_work() -> None:
    contents = canvas.read(members_of({"exampleada_12345_text.html": "", "cat_lab.ipynb": ""}), EXPECTED)

    assert [(aside.path, aside.work) for aside in contents.asides] == [
        ("exampleada_12345_text.html", False),
        ("cat_lab.ipynb", True),
    ]


def test_a_file_in_a_folder_was_not_named_by_canvas() -> None:
    members = members_of({"exampleada_1_2_a.ipynb": "", "x/examplebo_3_4_b.ipynb": ""})

    contents = canvas.read(members, EXPECTED)

    assert [hand_in.sender.keys for hand_in in contents.hand_ins] == [(("canvas_id", "1"),)]
    assert not canvas.fits(members_of({"s1/a_1_2_b.ipynb": "", "s2/c_3_4_d.ipynb": ""}))


def test_one_file_of_such_a_name_is_no_archive_of_canvas() -> None:
    assert not canvas.fits(members_of({"s1/a_1_2_b.ipynb": "", "s2/x.ipynb": "", "s3/y.ipynb": ""}))
    assert not canvas.fits(())
