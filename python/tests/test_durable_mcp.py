"""Durable runs of agents with MCP servers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from agents.mcp import MCPServerSse, MCPServerStreamableHttp
from agents.testing import assistant_message, function_call

from timestep import Decision, decide, queue_agent_workflow, run_agent_workflow
from timestep.durable.create_run import agent_definition
from timestep.workflows import _agent_run

from .durable import scripted_agent, until
from .mcp_server import CountingServer


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CountingServer]:
    """A server that answers."""
    monkeypatch.setattr(_agent_run, "_FIRST_RETRY_SECONDS", 0.05)
    server = CountingServer()
    await server.start()
    yield server
    await server.stop()


async def _until_put_back(uri: str) -> None:
    await until(uri, "select 1 from timestep.runs where run_id = 'run' and workflow_id like '%:t1'")


async def test_a_run_that_has_begun_waits_while_an_mcp_server_is_away(
    uri: str, server: CountingServer, caplog: pytest.LogCaptureFixture
) -> None:
    call = [function_call("count", {"what": "a"}, call_id="1")]
    async with MCPServerStreamableHttp({"url": server.url}, name="counter") as client:
        server.is_away_after_call = True
        agent = scripted_agent(call, [assistant_message("Counted.")], mcp_servers=[client])
        handle = await queue_agent_workflow(agent, "Count.", workflow_id="run")
        await _until_put_back(uri)
        assert 'MCP server "counter" does not list its tools' in caplog.text
        # There is nothing to lose yet.
        new = scripted_agent(call, name="New", mcp_servers=[client])
        assert (await run_agent_workflow(new, "Count.")).status == "failed"
        server.is_away = False
        result = await handle.get_result()
    assert (result.status, result.final_output, result.error) == ("completed", "Counted.", None)
    assert server.calls == ["a"]


async def test_a_paused_run_waits_until_a_closed_mcp_server_is_connected_again(
    uri: str, server: CountingServer
) -> None:
    call = [function_call("count", {"what": "a"}, call_id="1")]
    async with MCPServerStreamableHttp({"url": server.url}, name="counter", require_approval="always") as client:
        agent = scripted_agent(call, [assistant_message("Counted.")], mcp_servers=[client])
        assert (await run_agent_workflow(agent, "Count.", workflow_id="run")).status == "interrupted"
        await server.stop()
        await decide(run_id="run", decisions=[Decision("1", approve=True)])
        await _until_put_back(uri)
        await server.start()
        await client.cleanup()
        await client.connect()
        result = await run_agent_workflow(agent, "Count.", workflow_id="run")
    assert (result.status, result.final_output, result.error) == ("completed", "Counted.", None)
    assert server.calls == ["a"]


def test_no_address_of_a_server_is_recorded_of_which_the_sdk_makes_a_name() -> None:
    url = "https://ada:SECRET@tools.example:8443/SECRET/mcp?k=SECRET"
    servers = [
        MCPServerStreamableHttp({"url": url}),
        MCPServerSse({"url": url}),
        MCPServerSse({"url": "https://SECRET@[bad"}),
        MCPServerSse({"url": url}, name="tools"),
    ]
    definition = json.loads(agent_definition(scripted_agent(mcp_servers=servers)).text)
    assert [agent["mcpServers"] for agent in definition.values()] == [
        ["streamable_http: tools.example:8443", "sse: tools.example:8443", "sse: ", "tools"]
    ]
