"""The pages for people: the console at `/`, and the API reference at `/docs` with its own copy of Swagger UI."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import StaticFiles

CONSOLE = Path(__file__).parent / "console"

CONSOLE_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Swagger UI starts from a script in its page and styles itself as it goes.
DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"
)


def add_pages(app: FastAPI) -> None:
    """Mount the console and the reference on `app`."""
    app.mount("/console", StaticFiles(directory=CONSOLE), name="console")
    app.mount("/docs/assets", StaticFiles(directory=_swagger_ui()), name="docs-assets")
    app.add_api_route("/", _console, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_api_route("/docs", _docs, methods=["GET", "HEAD"], include_in_schema=False)


def _swagger_ui() -> Path:
    """Where fastapi-offline keeps its copy of Swagger UI; the package itself is not needed and not imported."""
    spec = find_spec("fastapi_offline")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "static"


async def _console() -> Response:
    headers = {"content-security-policy": CONSOLE_POLICY, "cache-control": "no-cache"}
    return FileResponse(CONSOLE / "index.html", media_type="text/html", headers=headers)


async def _docs(request: Request) -> HTMLResponse:
    page = get_swagger_ui_html(
        openapi_url=request.scope.get("root_path", "") + "/openapi.json",
        title="Atelier: API reference",
        swagger_js_url="/docs/assets/swagger-ui-bundle.js",
        swagger_css_url="/docs/assets/swagger-ui.css",
        swagger_favicon_url="/console/icon.svg",
    )
    page.headers["content-security-policy"] = DOCS_POLICY
    return page
