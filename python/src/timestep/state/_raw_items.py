"""Conversation items: the TypeScript SDK's protocol items to and from what goes over the wire.

The Python SDK keeps items as the Responses API has them; the TypeScript SDK has its own protocol. The rules
are those of the TypeScript SDK's own converter (`agents-openai/dist/openaiResponsesConverter.mjs`): what it
would send for an item is what the item is in Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ._json import At, JsonObject

JS_PLACEHOLDER_ID = "FAKE_ID"
PY_PLACEHOLDER_ID = "__fake_id__"
"""What each SDK calls an item to which the provider gave no id; the other would send it to the API."""

_CAPITAL = re.compile(r"([A-Z])")
_INLINE = re.compile(r"[A-Za-z0-9+/=]+")
_REFUSED = {
    "computer_call": "a call of a computer tool",
    "computer_call_result": "the result of a computer tool",
    "shell_call": "a call of a shell tool",
    "shell_call_output": "the result of a shell tool",
    "apply_patch_call": "a call of a patch tool",
    "apply_patch_call_output": "the result of a patch tool",
    "tool_search_call": "a tool search",
    "tool_search_output": "the result of a tool search",
    "program": "a program",
    "program_output": "the result of a program",
}


def to_python_item(item: At) -> JsonObject:
    """What a protocol item of the TypeScript SDK is in Python.

    Raises:
        StateTranslationError: `unsupported_item` for items of tools that only one SDK has.
    """
    kind = item.get("type")
    if kind is None or kind.value == "message":
        return _message(item)
    name = kind.text()
    convert = _CONVERTERS.get(name)
    if convert is not None:
        return convert(item)
    if name in _REFUSED:
        item.fail(
            "unsupported_item",
            f"The conversation holds {_REFUSED[name]}, which cannot be carried over. "
            "Resume in the language that saved it",
        )
    kind.malformed("a known type of item")


def _message(item: At) -> JsonObject:
    item.object("type", "id", "role", "content", "status", "phase", "providerData")
    role = item.need("role").one_of("user", "assistant", "system")
    if role == "assistant":
        return _assistant(item)
    content = item.need("content")
    translated: object
    if isinstance(content.value, str):
        translated = content.value
    elif role == "system":
        content.malformed("a text")
    else:
        translated = [_input_part(part) for part in content.list()]
    return {
        **({"type": "message"} if item.get("type") else {}),
        **_id(item),
        "role": role,
        "content": translated,
        **_extras(item, "type", "id", "role", "content", "phase"),
    }


def _assistant(item: At) -> JsonObject:
    phase = item.get("phase")
    status = item.need("status").one_of("in_progress", "completed", "incomplete")
    extras = _extras(item, "type", "id", "role", "content", "status")
    if phase is not None:
        extras["phase"] = phase.one_of("commentary", "final_answer")
    return {
        "type": "message",
        "id": _required_id(item),
        "role": "assistant",
        "content": [_output_part(part) for part in item.need("content").list()],
        "status": status,
        **extras,
    }


def _output_part(part: At) -> JsonObject:
    kind = part.need("type").text()
    if kind == "output_text":
        part.object("type", "text", "providerData")
        extras = _extras(part, "type", "text")
        annotations = extras.pop("annotations", None)
        return {
            "type": "output_text",
            "text": part.need("text").text(),
            "annotations": annotations if isinstance(annotations, list) else [],
            **extras,
        }
    if kind == "refusal":
        part.object("type", "refusal", "providerData")
        extras = _extras(part, "type", "refusal")
        return {"type": "refusal", "refusal": part.need("refusal").text(), **extras}
    part.fail("unsupported_item", f"A message of the model holds {kind!r}, which only one language has")


def _input_part(part: At) -> JsonObject:
    kind = part.need("type").text()
    if kind == "input_text":
        part.object("type", "text", "providerData", "promptCacheBreakpoint")
        return {
            "type": kind,
            "text": part.need("text").text(),
            **_cache_breakpoint(part),
            **_extras(part, "type", "text"),
        }
    if kind == "input_image":
        return _input_image(part)
    if kind == "input_file":
        return _input_file(part)
    part.fail("unsupported_item", f"A message of the user holds {kind!r}, which only one language has")


def _input_image(part: At, default_detail: str | None = "auto") -> JsonObject:
    part.object("type", "image", "detail", "providerData", "promptCacheBreakpoint")
    detail = part.get("detail")
    translated: JsonObject = {"type": "input_image"}
    if detail is not None or default_detail is not None:
        translated["detail"] = detail.text() if detail is not None else default_detail
    image = part.get("image")
    if image is not None and isinstance(image.value, str):
        translated["image_url"] = image.value
    elif image is not None:
        image.object("id")
        translated["file_id"] = image.need("id").text()
    return {
        **translated,
        **_cache_breakpoint(part),
        **_extras(part, "type", "detail", "image_url", "file_id"),
    }


def _input_file(part: At) -> JsonObject:
    part.object("type", "file", "filename", "providerData", "promptCacheBreakpoint")
    translated: JsonObject = {"type": "input_file"}
    file = part.get("file")
    if file is not None and isinstance(file.value, str):
        text = file.value.strip()
        is_data = text.startswith("data:") or _INLINE.fullmatch(text) is not None
        translated["file_data" if is_data else "file_url"] = text
    elif file is not None and file.get("id") is not None:
        file.object("id")
        translated["file_id"] = file.need("id").text()
    elif file is not None:
        file.object("url")
        translated["file_url"] = file.need("url").text()
    filename = part.get("filename")
    if filename is not None:
        translated["filename"] = filename.text()
    return {
        **translated,
        **_cache_breakpoint(part),
        **_extras(part, "type", "file_data", "file_url", "file_id", "filename"),
    }


def _cache_breakpoint(part: At) -> JsonObject:
    breakpoint_ = part.get("promptCacheBreakpoint")
    return {} if breakpoint_ is None else {"prompt_cache_breakpoint": breakpoint_.object("mode")}


def _function_call(item: At) -> JsonObject:
    item.object("type", "id", "callId", "name", "namespace", "arguments", "status", "caller", "providerData")
    namespace = item.get("namespace")
    status = item.get("status")
    return {
        "type": "function_call",
        **_id(item),
        "call_id": item.need("callId").text(),
        "name": item.need("name").text(),
        "arguments": item.need("arguments").text(),
        **({"status": status.text()} if status is not None else {}),
        **({"namespace": namespace.text()} if namespace is not None else {}),
        **_caller(item),
        **_extras(item, "id", "type", "name", "call_id", "arguments", "status", "namespace", "caller"),
    }


def _function_call_result(item: At) -> JsonObject:
    item.object("type", "id", "callId", "name", "namespace", "status", "caller", "output", "providerData")
    item.need("name").text()
    return {
        "type": "function_call_output",
        **_id(item),
        "call_id": item.need("callId").text(),
        "output": _call_output(item.need("output")),
        "status": item.need("status").one_of("in_progress", "completed", "incomplete"),
        **_caller(item),
        **_extras(item, "type", "id", "call_id", "output", "status", "namespace", "caller"),
    }


def _call_output(output: At) -> object:
    if isinstance(output.value, str):
        return output.value
    if isinstance(output.value, list):
        return [_call_output_part(part) for part in output.list()]
    kind = output.need("type").text()
    if kind == "text":
        output.object("type", "text", "providerData")
        return output.need("text").text()
    if kind == "image":
        return [_legacy_image(output)]
    if kind == "file":
        return [_legacy_file(output)]
    output.malformed("the output of a tool")


def _call_output_part(part: At) -> JsonObject:
    kind = part.need("type").one_of("input_text", "input_image", "input_file")
    if kind == "input_text":
        return {"type": kind, "text": part.need("text").text()}
    return _input_image(part, default_detail=None) if kind == "input_image" else _input_file(part)


def _legacy_image(output: At) -> JsonObject:
    output.object("type", "image", "detail", "providerData")
    image = output.get("image")
    detail = output.get("detail")
    translated: JsonObject = {"type": "input_image"}
    if detail is not None:
        translated["detail"] = detail.text()
    if image is None:
        return translated
    if isinstance(image.value, str):
        return {**translated, "image_url": image.value}
    url, file_id = image.get("url"), image.get("fileId") or image.get("id")
    if url is not None:
        return {**translated, "image_url": url.text()}
    if file_id is not None:
        return {**translated, "file_id": file_id.text()}
    return {**translated, "image_url": _inline(image, "image/png")}


def _legacy_file(output: At) -> JsonObject:
    output.object("type", "file", "providerData")
    file = output.need("file")
    translated: JsonObject = {"type": "input_file"}
    if isinstance(file.value, str):
        is_url = file.value.startswith(("http://", "https://"))
        return {**translated, "file_url" if is_url else "file_data": file.value}
    filename = file.get("filename")
    if filename is not None:
        translated["filename"] = filename.text()
    url, file_id = file.get("url"), file.get("fileId") or file.get("id")
    if url is not None:
        return {**translated, "file_url": url.text()}
    if file_id is not None:
        return {**translated, "file_id": file_id.text()}
    return {**translated, "file_data": _inline(file, "text/plain")}


def _inline(holder: At, default_type: str) -> str:
    data = holder.need("data").text()
    media_type = holder.get("mediaType")
    if data.startswith("data:"):
        return data
    return f"data:{media_type.text() if media_type else default_type};base64,{data}"


def _reasoning(item: At) -> JsonObject:
    item.object("type", "id", "content", "rawContent", "providerData")
    extras = _extras(item, "id", "type", "summary")
    raw = item.get("rawContent")
    if raw is not None and "content" not in extras:
        extras["content"] = [{"type": "reasoning_text", "text": part.need("text").text()} for part in raw.list()]
    return {
        "type": "reasoning",
        "id": _required_id(item),
        "summary": [
            {"type": "summary_text", "text": part.need("text").text(), **_extras(part, "type", "text")}
            for part in item.need("content").list()
        ],
        **extras,
    }


def _compaction(item: At) -> JsonObject:
    item.object("type", "id", "encrypted_content", "created_by", "providerData")
    return {
        "type": "compaction",
        **_id(item),
        "encrypted_content": item.need("encrypted_content").text(),
    }


_HOSTED = {
    "web_search_call": "web_search_call",
    "web_search": "web_search_call",
    "file_search_call": "file_search_call",
    "file_search": "file_search_call",
    "code_interpreter_call": "code_interpreter_call",
    "code_interpreter": "code_interpreter_call",
    "image_generation_call": "image_generation_call",
    "image_generation": "image_generation_call",
    "mcp_list_tools": "mcp_list_tools",
    "mcp_approval_request": "mcp_approval_request",
    "mcp_approval_response": "mcp_approval_response",
    "mcp_call": "mcp_call",
}
"""The kinds of calls that run at the provider, with the names that older versions gave them."""


def hosted_kind(item: At) -> str | None:
    """What a hosted call is on the wire, or None when it is not one that is known."""
    data = item.get("providerData")
    named = data.get("type") if data is not None else None
    name = named.value if named is not None else item.need("name").value
    return _HOSTED.get(name) if isinstance(name, str) else None


def _hosted_tool_call(item: At) -> JsonObject:
    item.object("type", "id", "name", "arguments", "status", "output", "caller", "providerData")
    kind = hosted_kind(item)
    if kind is None:
        item.fail(
            "unsupported_item",
            f"The conversation holds a hosted call of an unknown kind, {item.need('name').value!r}",
        )
    entry = _extras(item, "type")
    output = item.get("output")
    status = item.get("status")
    if kind == "image_generation_call":
        entry["result"] = output.text() if output is not None else entry.get("result")
    elif kind == "mcp_call" and output is not None:
        entry["output"] = output.text()
    if kind not in _UNSTATED and status is not None:
        entry["status"] = status.text()
    if kind != "mcp_approval_response":
        entry.setdefault("id", _required_id(item))
    return {**entry, "type": kind, **_caller(item)}


_UNSTATED = ("mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_call")


def _unknown(item: At) -> JsonObject:
    """What is not part of the protocol is passed on as it is."""
    item.object("type", "id", "providerData")
    data = item.get("providerData")
    return {**(data.object() if data is not None else {}), **_id(item)}


_CONVERTERS: dict[str, Callable[[At], JsonObject]] = {
    "function_call": _function_call,
    "function_call_result": _function_call_result,
    "reasoning": _reasoning,
    "compaction": _compaction,
    "hosted_tool_call": _hosted_tool_call,
    "unknown": _unknown,
}


def _id(item: At) -> JsonObject:
    """The id, when the provider gave one."""
    found = item.get("id")
    if found is None:
        return {}
    text = found.text()
    return {"id": PY_PLACEHOLDER_ID if text == JS_PLACEHOLDER_ID else text}


def _required_id(item: At) -> object:
    return _id(item).get("id", PY_PLACEHOLDER_ID)


def _caller(item: At) -> JsonObject:
    caller = item.get("caller")
    if caller is None:
        return {}
    if caller.need("type").value != "direct":
        caller.fail("unsupported_item", "The conversation holds a call made by a program")
    return {"caller": {"type": "direct"}}


def _extras(item: At, *reserved: str) -> JsonObject:
    """What only the provider knows, under the provider's own names."""
    data = item.get("providerData")
    if data is None:
        return {}
    renamed = {_snake(key): _snake_keys(value) for key, value in data.object().items()}
    return {key: value for key, value in renamed.items() if key not in reserved and key != "created_by"}


def _snake_keys(value: object) -> object:
    """Snake case for keys, but not inside arrays: exactly what the TypeScript SDK does when it sends."""
    if isinstance(value, dict):
        return {_snake(key): _snake_keys(entry) for key, entry in value.items()}
    return value


def _snake(key: str) -> str:
    return _CAPITAL.sub(r"_\1", key).lower()
