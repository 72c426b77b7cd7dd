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
from .workflows.decide import DecideResult, Decision, decide
from .workflows.errors import (
    DecisionConflictError,
    InterruptionNotFoundError,
    QueueNotFoundError,
    RunConflictError,
    RunNotFoundError,
    SessionNotDurableError,
)
from .workflows.queue_agent_workflow import AgentWorkflowHandle, queue_agent_workflow
from .workflows.runs import AgentWorkflowResult, Interruption, list_interruptions

__all__ = [
    "AgentWorkflowHandle",
    "AgentWorkflowResult",
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
    "QueueNotFoundError",
    "RunConflictError",
    "RunNotFoundError",
    "RunStateConflictError",
    "RunStateGraphError",
    "RunStateMalformedError",
    "RunStateNotFoundError",
    "RunStateStore",
    "SessionNotDurableError",
    "StateTranslationError",
    "TimestepError",
    "TranslationLoss",
    "UnknownModelPrefixError",
    "consume_result",
    "decide",
    "default_result_processor",
    "list_interruptions",
    "queue_agent_workflow",
    "run_agent",
    "web_search",
]
