"""Responses of models as they are recorded, and as a replay gives them again."""

from __future__ import annotations

import json

from agents import ModelResponse, Usage
from agents.run_internal.model_retry import apply_retry_attempt_usage
from agents.testing import assistant_message
from openai.types.responses import Response, ResponseOutputMessage

from timestep.durable.journal_row import RecordedStep
from timestep.durable.recorded_response import completed_event, recorded_response, replayed_response, response_of


def test_a_replay_gives_all_that_the_sdk_keeps_of_a_response() -> None:
    used = Usage(requests=1, input_tokens=3, output_tokens=4, total_tokens=7)
    response = ModelResponse([assistant_message("Hi.")], used, "resp_1", "req_1", raw_usage={"input_tokens": 3})
    recorded = json.loads(json.dumps(recorded_response(response, failed_attempts=1)))
    replayed = replayed_response(RecordedStep("model:0.1", "model", "completed", "A", "f", 1, recorded, None))
    # As the SDK counts an attempt that failed before.
    apply_retry_attempt_usage(used, 1)
    assert (used.requests, len(used.request_usage_entries)) == (2, 2)
    assert replayed == response
    # The last event of a stream tells the same.
    assert response_of(completed_event(replayed).response) == response


def test_a_replay_gives_items_that_leave_out_what_their_type_wants() -> None:
    loose = ResponseOutputMessage.model_construct(id="m", content=[], role="assistant", status=None, type="message")
    response = ModelResponse([loose], Usage(), None)
    recorded = json.loads(json.dumps(recorded_response(response, failed_attempts=0)))
    replayed = replayed_response(RecordedStep("model:0.1", "model", "completed", "A", "f", 1, recorded, None))
    assert replayed == response


def test_a_streamed_response_without_usage_counts_as_in_the_sdk() -> None:
    response = Response.model_construct(id="resp_1", output=[], usage=None)
    assert response_of(response).usage.requests == 0
    setattr(response, "_agents_sdk_request_completed_without_usage", True)  # noqa: B010 -- not declared by the client
    assert response_of(response).usage.requests == 1
