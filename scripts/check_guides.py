"""Check the guides: links, `atelier` commands, `make` targets, settings, PowerShell. Status 1 with what is wrong.

python scripts/check_guides.py [FOLDER]
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import tree_sitter_powershell
import typer
from tree_sitter import Language, Node, Parser
from typer.main import get_command

from atelier.cli.root import app
from atelier.settings import known_variables

ROOT = Path(__file__).resolve().parent.parent
UsageError = typer.BadParameter.__mro__[1]  # typer names it nowhere itself
LEFT_OUT = {".venv", ".git", "node_modules", "build", "data"}
"""Folders of others' pages."""

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCE = re.compile(r"^ *```(\w*)[^\n]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
TARGET = re.compile(r"(?:^|[`;&(] ?|\s&& )make ([a-z][a-z-]*)\b", re.MULTILINE)
VARIABLE = re.compile(r"\bATELIER_[A-Z0-9_]*[A-Z0-9]\b")
COMMAND = re.compile(
    r"(?:^|[|;&(`] *|-- |ai-gateway )\s*"  # where a command begins, also one for a container
    r"(?:[A-Z_]+=(?:'[^']*'|\"[^\"]*\"|[^\s'\"])* )*"  # variables for it alone
    r"(?:\.venv/bin/)?atelier\s+([a-z].*)"
)
SHELLS = {"sh", "bash", "console", "powershell"}
UNFINISHED = re.compile(r"^Missing|requires an argument")
OPERATORS = re.compile(r"^(?:[|&;<>()]+|\d?>.*|#.*|2>&1)$")


def main() -> None:
    root = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT
    problems = [*guides(root), *scripts(root)]
    if problems:
        sys.exit("\n".join(problems))


def guides(root: Path) -> Iterator[str]:
    """What is wrong with the pages below `root`, a line each."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in pages(root):
        text, name = page.read_text(encoding="utf-8"), page.relative_to(root)
        for problem in (*links(page, text), *commands(text), *make_targets(text, targets), *variables(text)):
            yield f"{name}: {problem}"


def pages(root: Path) -> list[Path]:
    found = []
    for folder, inner, files in os.walk(root):
        inner[:] = sorted(set(inner) - LEFT_OUT)
        found += [Path(folder) / file for file in sorted(files) if file.endswith(".md")]
    return found


def links(page: Path, text: str) -> Iterator[str]:
    """Files that are not there, and headings that no page has. Other sites are not asked."""
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            yield f"there is no {target}"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text(encoding="utf-8")):
            yield f"no heading is called {target}"


def anchors(text: str) -> set[str]:
    """As GitHub names them."""
    headings = (re.sub(r"[^\w\- ]", "", title.strip().lower()) for title in HEADING.findall(FENCE.sub("", text)))
    return {heading.replace(" ", "-") for heading in headings}


def commands(text: str) -> Iterator[str]:
    """`atelier …` in code, as the real command would read it."""
    for line, is_whole in code(text):
        for found in COMMAND.findall(line):
            problem = refused(words(found))
            if problem and (is_whole or not UNFINISHED.search(problem)):
                yield f"atelier {found.strip()[:60]}: {problem}"


def code(text: str) -> Iterator[tuple[str, bool]]:
    """Lines of shell blocks, each joined with those that it goes on in; and spans, which may leave out arguments."""
    for language, block in FENCE.findall(text):
        if language in SHELLS:
            for line in re.sub(r"\\\n\s*", " ", block).splitlines():
                yield line.partition(" # ")[0], True
    for span in SPAN.findall(FENCE.sub("", text)):
        if span.startswith(("atelier ", ".venv/bin/atelier ")):
            yield span, False


def words(found: str) -> list[str]:
    """Up to the end of the command."""
    lexer = shlex.shlex(found, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, "#"
    kept = []
    try:
        for word in lexer:
            if OPERATORS.match(word):
                break
            kept.append(word)
    except ValueError:  # a quotation that another one holds, such as "$(atelier token)"
        kept = [word.strip("\"')") for word in found.split()]
    return [word for word in kept if word.strip("…")]


def refused(given: list[str]) -> str | None:
    """Why the command would not take these words; None where it would."""
    command = get_command(app)
    while given and not given[0].startswith("-") and (known := getattr(command, "commands", None)):
        if given[0] not in known:
            return f"there is no command {given[0]!r}"
        command, given = known[given[0]], given[1:]
    try:
        command.make_context("atelier", given)
    except typer.Exit:  # --help
        return None
    except UsageError as problem:
        return problem.format_message()
    return None


def make_targets(text: str, known: set[str]) -> Iterator[str]:
    in_code = "\n".join([*(block for _, block in FENCE.findall(text)), *(f"`{s}`" for s in SPAN.findall(text))])
    for target in sorted(set(TARGET.findall(in_code)) - known):
        yield f"there is no target: make {target}"


def variables(text: str) -> Iterator[str]:
    for name in sorted(set(VARIABLE.findall(text)) - known_variables() - {"ATELIER_X"}):
        yield f"there is no setting {name}"


def scripts(root: Path) -> Iterator[str]:
    """Where PowerShell would not understand one of its scripts."""
    parser = Parser(Language(tree_sitter_powershell.language()))
    for file in sorted((root / "scripts").glob("*.ps1")):
        tree = parser.parse(file.read_bytes())
        for node in mistakes(tree.root_node):
            yield f"{file.relative_to(root)}:{node.start_point.row + 1}: PowerShell cannot read this"


def mistakes(node: Node) -> Iterator[Node]:
    if node.type == "ERROR" or node.is_missing:
        yield node
    else:
        for child in node.children:
            if child.has_error:
                yield from mistakes(child)


if __name__ == "__main__":
    main()
