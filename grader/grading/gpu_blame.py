"""Blame for GPU errors: a full GPU is the student's, a lost one is the grader's.

A notebook's errors are the student's word. That memory was full costs points by itself, so the word is taken for an
explanation; that the GPU was lost would make it our error, so we look ourselves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from grader.errors import InfrastructureError, SubmissionError
from grader.execution.gpu_slots import Held
from grader.execution.limit_hits import fills_a_gpu, loses_a_gpu
from grader.execution.run import Execution
from grader.judging.probe import Answers
from grader.messages import Message
from grader.records import Limit

HINT = Message(
    "The memory of the GPU was full: take smaller batches, work under torch.no_grad() where nothing is trained, "
    "and move results to the CPU."
)


def settle(
    execution: Execution, answers: Answers, held: Held, trial: Callable[[], str]
) -> tuple[Execution, Answers]:
    """Note on a run that a GPU was full; find out whether one was lost.

    Args:
        execution: the run.
        answers: what the entry points answered.
        held: the GPUs that the run had.
        trial: says why a GPU does not work, or "".

    Returns:
        The run, with the limit that an entry point hit; and the answers: an entry point that filled the GPU is told what to
        do about it.

    Raises:
        InfrastructureError: a GPU was lost, or was full while others were on it, too: another try decides.
    """
    if not held.devices:
        return execution, answers
    errors = {name: answer for name, answer in answers.items() if isinstance(answer, SubmissionError)}
    error_texts = [*(cell.said for cell in execution.failed), *(error.said for error in errors.values())]
    # The words alone decide nothing, since a notebook may raise them at will: they make us look.
    if any(loses_a_gpu(text) for text in error_texts):
        problem = held.problem() or ("" if held.declared else trial())
        if problem:
            held.avoid()
            raise InfrastructureError(f"the GPU was lost: {problem}", "`pawgrade doctor` shows the GPUs.")
    full = {
        name: SubmissionError(error.message, HINT, error.raised, error.said)
        for name, error in errors.items()
        if fills_a_gpu(error.raised, error.said)
    }
    # Others may have filled it. The next try has it alone (`submission._run`).
    if (full or execution.gpu_full) and held.shared:
        raise InfrastructureError("the memory of a GPU was full while other kernels were on it, too.")
    # None: no cell hit it, an entry point did.
    if full and Limit.MEMORY not in execution.hits:
        execution = replace(execution, hits={**execution.hits, Limit.MEMORY: None}, gpu_full=True)
    return execution, {**answers, **full}
