"""The entry point `papermill.engine`: `papermill --engine pawgrade in.ipynb out.ipynb`.

papermill loads its engines while it is itself being imported. So nothing here may import papermill before it is used,
directly or through a module of ours; whoever is imported first, the other is then complete.
"""

from __future__ import annotations

from typing import Any


class PawgradeEngine:
    """papermill's `Engine`, in effect: grades with `run=`, and without it runs a notebook as papermill does."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        """Run a notebook; `options["run"]` makes it a grading run."""
        if options.get("run") is not None:
            from grader.execution.engine import GradingEngine

            return GradingEngine.execute_notebook(nb, kernel_name, *arguments, **options)
        from grader.execution.stock_engine import StockEngine

        options.pop("run", None)
        return StockEngine.execute_notebook(nb, kernel_name, *arguments, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:  # noqa: ANN401 - papermill's own types
        """Return the name of the notebook's kernel."""
        from papermill.utils import nb_kernel_name

        return str(nb_kernel_name(nb, name))

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:  # noqa: ANN401 - papermill's own types
        """Return the notebook's language."""
        from papermill.utils import nb_language

        return str(nb_language(nb, language))
