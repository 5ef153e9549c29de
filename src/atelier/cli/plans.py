"""`atelier plans`: those of the settings."""

from __future__ import annotations

import typer

from atelier.cli.database import settings_here
from atelier.cli.printing import Json, print_json, show

app = typer.Typer(help="Plans: they stand in atelier.toml.", no_args_is_help=True)


@app.callback()
def _plans() -> None:
    pass


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the plans, with their limits. They are changed in atelier.toml."""
    from atelier.state.limits import shown

    plans = settings_here().plans
    if as_json:
        print_json({name: plan.model_dump(exclude_none=True) for name, plan in plans.items()})
        return
    rows = [
        {
            "plan": name,
            "limits": "; ".join(_words(shown(rule)) for rule in plan.limits) or "those of every tenant",
            "cache": "yes" if plan.cache else "no",
            "retention_days": plan.retention_days or "as the settings say",
            "loras": "as the settings say" if plan.loras is None else ", ".join(plan.loras) or "none",
        }
        for name, plan in plans.items()
    ]
    show(rows, as_json=False, empty="The settings have no plans.")


def _words(rule: dict[str, object]) -> str:
    return " ".join(f"{name}={value}" for name, value in rule.items() if value is not None)
