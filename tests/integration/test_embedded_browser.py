"""What a real browser gets from the embedded Neo4j: sapwood's page all, a foreign page nothing."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import async_playwright

from sapwood.servers import launcher_url

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from playwright.async_api import BrowserContext, Page

    from sapwood.servers import Endpoints

    from ..conftest import RunCypher

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 60_000
SPOKE = "!document.getElementById('message').textContent.startsWith('Opening')"
DRAW = """
MATCH (n:Node {project_id: 'PROJECT'})
OPTIONAL MATCH (n)-[edge:PARENT_OF]->(child)
RETURN n, edge, child
"""

# A page that tries what a malicious one would: the query API, and Bolt without a password.
FOREIGN_PAGE = """
<!doctype html><script>
const bytes = (...parts) => new Uint8Array(parts.flat())
const text = value => [0xd1, 0, value.length, ...new TextEncoder().encode(value)]
const framed = body => bytes([body.length >> 8, body.length & 255], body, [0, 0])
async function overHttp(origin) {
  try {
    const answer = await fetch(origin + '/db/neo4j/query/v2', {
      method: 'POST', headers: {'Content-Type': 'application/json'},
      body: JSON.stringify({statement: 'RETURN 1'}),
    })
    return 'read status ' + answer.status
  } catch (error) { return 'blocked' }
}
function overBolt(address) {
  return new Promise(resolve => {
    const wire = new WebSocket(address), answers = []
    wire.binaryType = 'arraybuffer'
    const hello = framed([0xb1, 0x01, 0xa1, ...text('user_agent'), ...text('evil')])
    const logon = framed([0xb1, 0x6a, 0xa1, ...text('scheme'), ...text('none')])
    const offer = [0x60, 0x60, 0xb0, 0x17, 0, 2, 2, 5, ...Array(12).fill(0)]
    wire.onopen = () => wire.send(bytes(offer))
    wire.onmessage = ({data}) => {
      answers.push(...new Uint8Array(data))
      if (answers.length === 4) wire.send(hello), wire.send(logon)
    }
    wire.onerror = wire.onclose = () => resolve(String.fromCharCode(...answers))
    setTimeout(() => wire.close(), 3000)
  })
}
</script>
"""


class _ForeignPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = FOREIGN_PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Keep the tests quiet."""


@pytest.fixture
def foreign_origin() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _ForeignPage) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
async def chromium(tmp_path: Path) -> AsyncIterator[BrowserContext]:
    if not CHROMIUM.exists():  # noqa: ASYNC240 - once, before anything runs
        pytest.skip("Debian's chromium is not installed (apt-get install chromium)")
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path,
            executable_path=CHROMIUM,
            args=list(FLAGS),
            viewport={"width": 1500, "height": 1000},
        )
        context.set_default_timeout(PATIENCE_MS)
        yield context
        await context.close()


@pytest.fixture
def page(chromium: BrowserContext) -> Page:
    return chromium.pages[0]


async def test_a_page_of_another_origin_can_neither_query_nor_log_in(
    servers: Endpoints, page: Page, foreign_origin: str
) -> None:
    assert servers.browser_url is not None
    origin = servers.browser_url.removesuffix("/browser/")
    await page.goto(foreign_origin)
    assert await page.evaluate("origin => overHttp(origin)", origin) == "blocked"
    address = servers.neo4j_uri.replace("bolt:", "ws:")
    answer = str(await page.evaluate("address => overBolt(address)", address))
    assert "Neo.ClientError.Security.Unauthorized" in answer


async def _stored(page: Page) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(await page.evaluate("JSON.stringify(localStorage)"))
    return stored


@pytest.mark.parametrize("password", ["", "wrong"])
async def test_the_launcher_page_stores_nothing_without_the_right_password(
    servers: Endpoints, page: Page, password: str
) -> None:
    address = launcher_url(servers, "MATCH (n) DETACH DELETE n")
    right = servers.neo4j_password.get_secret_value()
    await page.goto(address.replace(f"pw={right}", f"pw={password}"))
    await page.wait_for_function(SPOKE)
    assert "Ask sapwood for a fresh" in await page.inner_text("#message")
    assert urlsplit(page.url).fragment == ""
    assert await _stored(page) == {}


async def test_the_launcher_address_draws_a_coloured_tree_without_a_click(
    servers: Endpoints, page: Page, run_cypher: RunCypher, project_id: str
) -> None:
    await run_cypher(
        """
        UNWIND ['Alive', 'Pruned', 'Complete', 'Failed'] AS status
        MERGE (root:Node:Alive {project_id: $project_id, id: 'root', content: '4 9 10 13'})
        CREATE (root)-[:PARENT_OF {project_id: $project_id, child_id: status}]->
               (n:Node {project_id: $project_id, id: status, content: status})
        SET n:$(status)
        """,
        project_id=project_id,
    )
    outside: list[str] = []
    page.on("response", lambda response: outside.append(urlsplit(response.url).hostname or ""))
    # The Browser takes no parameters; a project id is safe to write in (letters, digits, ._-).
    await page.goto(launcher_url(servers, DRAW.replace("PROJECT", project_id)))
    await page.wait_for_function("document.querySelectorAll('svg g.node').length === 5")
    assert urlsplit(page.url).path == "/browser/"
    assert servers.neo4j_password.get_secret_value() not in page.url
    colours = await page.eval_on_selector_all(
        "svg g.node circle.b-outline", "all => all.map(one => one.getAttribute('fill'))"
    )
    assert sorted(colours) == ["#8CD790", "#8CD790", "#D9DCE1", "#F2877B", "#FFC857"]
    captions = await page.text_content("svg g.layer.nodes")
    assert "4 9 10 13" in " ".join((captions or "").split())
    assert set(outside) == {"127.0.0.1"}
    await run_cypher(
        "MATCH (n:Node {project_id: $project_id}) DETACH DELETE n", project_id=project_id
    )
