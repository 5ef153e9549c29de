"""Make .venv and install Atelier into it: what `make serve` and `make test` do first. Needs Python 3.11 alone.

    python3 scripts/setup.py [--test]

ATELIER_TORCH chooses the build of PyTorch: `cpu` (small, for machines without a GPU), `cuda` (several gigabytes), or
`auto`, the default: what the package index gives, with a word of warning where that would be wasted.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".atelier-ready"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
TORCH = "torch==2.13.0"
PINNED = ("chatterbox-tts", "s3tokenizer")
PAUSE_SECONDS = 10

WASTE = """
This machine has no NVIDIA GPU, and the package index offers PyTorch with CUDA: about 3 GB that it cannot use.
To take PyTorch's CPU wheels instead (about 200 MB, from download.pytorch.org), stop now and type:

    ATELIER_TORCH=cpu make serve
"""


def main() -> None:
    wanted = "test" if "--test" in sys.argv[1:] else "all"
    if is_ready(wanted):
        return
    check_python()
    make_environment()
    install_torch()
    install_atelier(wanted)
    STAMP.write_text(fingerprint(wanted))


def fingerprint(wanted: str) -> str:
    """Changes when what is to be installed does."""
    texts = [(ROOT / name).read_text() for name in ("pyproject.toml", "constraints.txt")]
    return json.dumps([wanted, torch_choice(), *texts])


def torch_choice() -> str:
    choice = os.environ.get("ATELIER_TORCH", "auto")
    if choice not in {"auto", "cpu", "cuda"}:
        fail(f"ATELIER_TORCH is {choice!r}; it can be cpu, cuda or auto.")
    return choice


def is_ready(wanted: str) -> bool:
    # What tests need includes what serving needs.
    return STAMP.is_file() and STAMP.read_text() in {fingerprint(wanted), fingerprint("test")}


def check_python() -> None:
    if not (3, 11) <= sys.version_info[:2] < (3, 14):
        fail(f"Atelier needs Python 3.11, 3.12 or 3.13; python3 is {sys.version.split()[0]}.")
    if not PYTHON.exists():
        missing = subprocess.run([sys.executable, "-c", "import ensurepip, venv"], capture_output=True, check=False)
        if missing.returncode:
            fail("Python's venv module is missing. On Debian type: apt install python3-venv")


def make_environment() -> None:
    if PYTHON.exists():
        return
    say("Making the environment in .venv …")
    try:
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(VENV, ignore_errors=True)
        fail(f"The environment could not be made in {VENV}; is the folder writable?")
    pip("install", "--upgrade", "pip>=25")


def install_torch() -> None:
    """First and by itself, so that nothing else decides which build comes."""
    choice = torch_choice()
    if choice == "cpu" and sys.platform == "linux":  # elsewhere every wheel is a CPU one
        # Only torch itself is asked of that index; what it needs comes with the rest.
        pip("install", "--no-deps", f"{TORCH}+cpu", "--extra-index-url", CPU_INDEX)
        return
    if choice == "cuda" and is_cpu_build():
        pip("uninstall", "--yes", "torch")
    if choice == "auto" and not has_gpu() and would_bring_cuda():
        say(WASTE)
        if sys.stdin.isatty():
            say(f"Going on with the large one in {PAUSE_SECONDS} s; Ctrl-C stops.")
            time.sleep(PAUSE_SECONDS)
        else:
            say("Going on with the large one.")
    pip("install", TORCH)


def is_cpu_build() -> bool:
    """Whether a CPU build is installed: its version would satisfy pip, which then changes nothing."""
    code = "from importlib.metadata import version; print(version('torch'))"
    asked = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=False)
    return asked.stdout.strip().endswith("+cpu")


def has_gpu() -> bool:
    if shutil.which("nvidia-smi") is None:
        return False
    return subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=False).returncode == 0


def would_bring_cuda() -> bool:
    """Asks pip which wheel it would take, and that wheel's metadata what it needs."""
    command = [PYTHON, "-m", "pip", "install", "--dry-run", "--no-deps", "--quiet", "--report", "-", TORCH]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    if asked.returncode:
        fail(f"pip cannot find {TORCH} for this machine:\n{asked.stderr.strip()[-600:]}")
    chosen = json.loads(asked.stdout)["install"]
    needs = [need for item in chosen for need in item["metadata"].get("requires_dist", [])]
    return any(need.startswith(("nvidia-", "cuda-")) for need in needs)


def install_atelier(wanted: str) -> None:
    say("Installing Atelier and the libraries of its engines …")
    extras = "all,xtts,chatterbox,int8,test,deploy" if wanted == "test" else "all"
    pip("install", "--editable", f"{ROOT}[{extras}]", "--constraint", ROOT / "constraints.txt")
    if wanted == "test":  # pip would take older releases of half the rest for them, or refuse
        pip("install", "--no-deps", *PINNED, "--constraint", ROOT / "constraints.txt")


def pip(*arguments: str | Path) -> None:
    done = subprocess.run([PYTHON, "-m", "pip", "--quiet", *arguments], check=False)
    if done.returncode:
        fail("The installation did not succeed; pip says why above. Once it is mended, type the same again.")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fail(text: str) -> None:
    sys.exit(f"setup: {text}")


if __name__ == "__main__":
    main()
