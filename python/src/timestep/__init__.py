"""Durable OpenAI Agents on Postgres alone: run an agent, pause it for an approval, save it, and resume it in
another process, today or next week, in Python or in TypeScript.

```python
from agents import Agent
from timestep import run_agent

agent = Agent(name="Assistant", instructions="Be brief.", model="gpt-4.1")
result = await run_agent(agent, "What's 2+2?")
print(result.final_output)
```
"""

from .database.database_error import DatabaseError
from .durable.errors import (
    AgentNameConflictError,
    AgentNotRegisteredError,
    ApprovalReusedError,
    ContextNotSerializableError,
    OtherLanguageError,
    RunConflictError,
    RunDivergedError,
    RunNotFoundError,
    UnsupportedToolError,
)
from .durable.registry import register_agent
from .durable.tool_call import ToolCall, at_most_once, tool_call, transactional
from .errors import TimestepError
from .model.multi_model_provider import MultiModelProvider, UnknownModelPrefixError
from .model.multi_model_provider_map import MultiModelProviderMap
from .model.ollama_model_provider import MissingApiKeyError, OllamaModelProvider
from .run.consume_result import consume_result
from .run.run_agent import default_result_processor, run_agent
from .session.database_session import DatabaseSession
from .state._losses import TranslationLoss
from .state.run_state_errors import (
    RunStateConflictError,
    RunStateGraphError,
    RunStateMalformedError,
    RunStateNotFoundError,
)
from .state.run_state_store import RunStateStore
from .state.translation_error import StateTranslationError
from .tool.web_search import web_search
from .workflows.cancel_run import cancel_run
from .workflows.configure_dbos import configure_dbos
from .workflows.create_scheduled_agent_workflow import create_scheduled_agent_workflow
from .workflows.decide import DecideResult, Decision, decide
from .workflows.errors import (
    DBOSConfiguredLateError,
    DecisionConflictError,
    InterruptionNotFoundError,
    QueueNotFoundError,
    ScheduleNotFoundError,
    SessionNotDurableError,
    ToolCallNotSettledError,
)
from .workflows.launch_dbos import ensure_dbos_launched, hand_over, shutdown_dbos
from .workflows.queue_agent_workflow import AgentWorkflowHandle, queue_agent_workflow
from .workflows.run_agent_workflow import run_agent_workflow
from .workflows.run_events import RunEvent, read_run_events
from .workflows.run_info import RunInfo, get_run, list_runs
from .workflows.runs import AgentWorkflowResult, Interruption, RunUsage, UnknownToolCall, list_interruptions
from .workflows.schedules import (
    ScheduleInfo,
    list_scheduled_agent_workflows,
    pause_scheduled_agent_workflow,
    remove_scheduled_agent_workflow,
    resume_scheduled_agent_workflow,
)
from .workflows.settle_tool_call import settle_tool_call

__all__ = [
    "AgentNameConflictError",
    "AgentNotRegisteredError",
    "AgentWorkflowHandle",
    "AgentWorkflowResult",
    "ApprovalReusedError",
    "ContextNotSerializableError",
    "DBOSConfiguredLateError",
    "DatabaseError",
    "DatabaseSession",
    "DecideResult",
    "Decision",
    "DecisionConflictError",
    "Interruption",
    "InterruptionNotFoundError",
    "MissingApiKeyError",
    "MultiModelProvider",
    "MultiModelProviderMap",
    "OllamaModelProvider",
    "OtherLanguageError",
    "QueueNotFoundError",
    "RunConflictError",
    "RunDivergedError",
    "RunEvent",
    "RunInfo",
    "RunNotFoundError",
    "RunStateConflictError",
    "RunStateGraphError",
    "RunStateMalformedError",
    "RunStateNotFoundError",
    "RunStateStore",
    "RunUsage",
    "ScheduleInfo",
    "ScheduleNotFoundError",
    "SessionNotDurableError",
    "StateTranslationError",
    "TimestepError",
    "ToolCall",
    "ToolCallNotSettledError",
    "TranslationLoss",
    "UnknownModelPrefixError",
    "UnknownToolCall",
    "UnsupportedToolError",
    "at_most_once",
    "cancel_run",
    "configure_dbos",
    "consume_result",
    "create_scheduled_agent_workflow",
    "decide",
    "default_result_processor",
    "ensure_dbos_launched",
    "get_run",
    "hand_over",
    "list_interruptions",
    "list_runs",
    "list_scheduled_agent_workflows",
    "pause_scheduled_agent_workflow",
    "queue_agent_workflow",
    "read_run_events",
    "register_agent",
    "remove_scheduled_agent_workflow",
    "resume_scheduled_agent_workflow",
    "run_agent",
    "run_agent_workflow",
    "settle_tool_call",
    "shutdown_dbos",
    "tool_call",
    "transactional",
    "web_search",
]
