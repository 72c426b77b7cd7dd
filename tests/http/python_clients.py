"""What Python's clients see of served agents: one JSON object of what each conversation came to.

Called with the address, the key, and the names of the agent and of one that takes functions.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import openai

from agents import (
    Agent,
    HostedMCPTool,
    OpenAIConversationsSession,
    OpenAIProvider,
    RunConfig,
    Runner,
    function_tool,
)

URL, KEY, MODEL, TAKES_FUNCTIONS = sys.argv[1:]
LOOK_UP: Any = {
    "type": "function",
    "name": "look_up",
    "description": "Looks something up.",
    "parameters": {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]},
    "strict": False,
}
seen: dict[str, Any] = {}


def openai_client() -> None:
    client = openai.OpenAI(base_url=URL, api_key=KEY, max_retries=0)
    seen["models"] = [model.id for model in client.models.list()]
    first = client.responses.create(model=MODEL, input="Hello")
    seen["create"] = first.output_text
    seen["next"] = client.responses.create(model=MODEL, input="Count.", previous_response_id=first.id).output_text
    with client.responses.stream(model=MODEL, input="What's the weather in Rome?") as stream:
        seen["stream"] = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        seen["streamed"] = [item.type for item in stream.get_final_response().output]

    asked = client.responses.create(model=MODEL, input="pay Bob")
    request = asked.output[0]
    seen["asked"] = [request.type, asked.status]
    answer: Any = {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": True}
    seen["approved"] = client.responses.create(model=MODEL, input=[answer], previous_response_id=asked.id).output_text

    called = client.responses.create(model=TAKES_FUNCTIONS, input="look up alpha", tools=[LOOK_UP])
    call: Any = called.output[0]
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "42"}
    history: Any = [{"role": "user", "content": "look up alpha"}, call, result]
    seen["function"] = client.responses.create(model=TAKES_FUNCTIONS, input=history, tools=[LOOK_UP]).output_text

    background = client.responses.create(model=MODEL, input="one two three", background=True)
    events = list(client.responses.retrieve(background.id, stream=True))
    rest = list(client.responses.retrieve(background.id, stream=True, starting_after=3))
    seen["resumed"] = [event.sequence_number for event in rest] == [e.sequence_number for e in events[4:]]
    seen["polled"] = client.responses.retrieve(background.id).status
    seen["cancelled"] = client.responses.cancel(background.id).status

    conversation = client.conversations.create(items=[{"role": "user", "content": "Hello"}])
    seen["conversation"] = client.responses.create(
        model=MODEL, input="Count.", conversation=conversation.id
    ).output_text
    seen["items"] = len(list(client.conversations.items.list(conversation.id, limit=2)))
    seen["failed"] = client.responses.create(model=MODEL, input="Fail.").status
    try:
        client.responses.retrieve("resp_" + "0" * 32)
    except openai.NotFoundError as error:
        seen["missing"] = error.code
    client.responses.delete(first.id)


async def agents_client() -> None:
    client = openai.AsyncOpenAI(base_url=URL, api_key=KEY, max_retries=0)
    config = RunConfig(model_provider=OpenAIProvider(openai_client=client, use_responses=True), tracing_disabled=True)
    tool = HostedMCPTool(
        tool_config={
            "type": "mcp",
            "server_label": "timestep",
            "server_url": "https://unused.example",
            "require_approval": "always",
        },
        on_approval_request=lambda request: {"approve": json.loads(request.data.arguments)["to"] != "Eve"},
    )
    agent = Agent(name="Caller", model=MODEL, tools=[tool])
    seen["agents"] = (await Runner.run(agent, "Hello", run_config=config)).final_output
    streamed = Runner.run_streamed(agent, "What's the weather in Oslo?", run_config=config)
    async for _event in streamed.stream_events():
        pass
    seen["agents_streamed"] = streamed.final_output
    seen["agents_approved"] = (await Runner.run(agent, "pay Carol", run_config=config)).final_output
    seen["agents_rejected"] = (await Runner.run(agent, "pay Eve", run_config=config)).final_output

    session = OpenAIConversationsSession(openai_client=client)
    await Runner.run(agent, "Hello", session=session, run_config=config)
    seen["agents_session"] = (await Runner.run(agent, "Count.", session=session, run_config=config)).final_output

    @function_tool
    def look_up(key: str) -> str:
        """Looks something up."""
        return f"found {key}"

    caller = Agent(name="Caller", model=TAKES_FUNCTIONS, tools=[look_up])
    seen["agents_function"] = (await Runner.run(caller, "look up Bari", run_config=config)).final_output


openai_client()
asyncio.run(agents_client())
print(json.dumps(seen))
