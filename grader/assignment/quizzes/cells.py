"""The cells of a quiz: a Markdown cell and a code line for each question, and the function that is asked for the answers.

What of a quiz's notebook a drawing decides stands in cells of known ids: `q1-text` and `q1` for each question, `answers`, where the
drawing is named, and `quiz-code`. Everything else is the author's.
"""

from __future__ import annotations

import ast
import copy

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

from grader.assignment.quizzes.drawing import Drawing, DrawnQuestion

ENTRY_POINT = "quiz"  # the function that the locked cell defines; its notebook has the questions
ANSWERS, CODE = "answers", "quiz-code"
# Put together: no file that students install has the line itself, so that a test can look for solutions by it.
BEGIN, END = (f"### {word} SOLUTION" for word in ("BEGIN", "END"))
_ANSWERS = """\
drawing = {number}  # of your questions and letters: leave this line as it is
answer = {{}}"""
_CODE = '''\
def quiz():
    """Return the number of the drawing, then of each answer: 1 for A, 2 for B; 0 for what is no letter of that question."""
    numbers = [drawing]
    for name, letters in {letters}.items():
        letter = str(answer.get(name, "")).strip().upper()
        numbers.append(list(letters).index(letter) + 1 if letter in list(letters) else 0)
    return numbers'''


def question_text(drawn: DrawnQuestion, number: int, count: int) -> str:
    """Return the Markdown of a question: a heading to jump to, the question, and a list with a letter before each option."""
    options = [
        f"- **{letter}.** {option.text}" for letter, option in zip(drawn.letters, drawn.options, strict=True)
    ]
    return "\n".join([f"### Question {number} of {count}", "", drawn.question.text, "", *options])


def drawn_cells(drawing: Drawing, *, solved: bool) -> dict[str, str]:
    """Return the sources of the cells that a drawing decides, by their ids.

    Args:
        drawing: what one student gets.
        solved: whether the answers stand in them, between nbgrader's marks, as in a source notebook.
    """
    count = len(drawing.questions)
    letters = {name: drawn.letters for name, drawn in zip(drawing.names, drawing.questions, strict=True)}
    sources = {ANSWERS: _ANSWERS.format(number=drawing.number), CODE: _CODE.format(letters=letters)}
    for number, (name, drawn) in enumerate(zip(drawing.names, drawing.questions, strict=True), 1):
        sources[f"{name}-text"] = question_text(drawn, number, count)
        first, last = ", ".join(drawn.letters[:-1]), drawn.letters[-1]
        sources[name] = f'answer["{name}"] = ""  # {first} or {last}'
        if solved:
            letter = drawn.letters[drawn.right - 1]
            sources[name] += f'\n{BEGIN}\nanswer["{name}"] = "{letter}"\n{END}'
    return sources


def new_cells(drawing: Drawing) -> list[NotebookNode]:
    """Return the cells of a source notebook that a drawing decides, in their order, with nbgrader's metadata."""
    sources = drawn_cells(drawing, solved=True)
    cells = [new_code_cell(sources[ANSWERS], id=ANSWERS)]
    for name in drawing.names:
        text, line = f"{name}-text", sources[name]
        cells.append(new_markdown_cell(sources[text], id=text, metadata=_marks(text, locked=True)))
        cells.append(new_code_cell(line, id=name, metadata=_marks(name, locked=False)))
    cells.append(new_code_cell(sources[CODE], id=CODE, metadata=_marks(CODE, locked=True)))
    return cells


def filled(notebook: NotebookNode, drawing: Drawing, *, solved: bool = False) -> NotebookNode:
    """Return a quiz's notebook with the questions and letters of a drawing.

    Args:
        notebook: a source or release of the quiz, whichever drawing it has.
        drawing: of as many questions as the notebook has.
        solved: whether the answers stand in it.

    Raises:
        ValueError: it lacks a cell that the drawing decides; names its id.
    """
    sources = drawn_cells(drawing, solved=solved)
    result = copy.deepcopy(notebook)
    for cell in result.cells:
        source = sources.pop(cell.get("id", ""), None)
        cell.source = cell.source if source is None else source
    if sources:
        raise ValueError(next(iter(sources)))
    return result


def drawing_number(notebook: NotebookNode) -> int | None:
    """Return the number of the drawing that a notebook names; None where it names none."""
    source = next((cell.source for cell in notebook.cells if cell.get("id") == ANSWERS), "")
    try:
        body = ast.parse(source).body[:1]
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what a student made of it
        return None
    match body:
        case [ast.Assign(targets=[ast.Name(id="drawing")], value=ast.Constant(value=int(number)))]:
            return number
    return None


def _marks(name: str, *, locked: bool) -> NotebookNode:
    marks = {"grade": False, "grade_id": name, "locked": locked, "schema_version": 3}
    return nbformat.from_dict({"nbgrader": {**marks, "solution": not locked, "task": False}})
