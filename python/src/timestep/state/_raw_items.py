"""Conversation items: the TypeScript SDK's protocol items to and from what goes over the wire.

The Python SDK keeps items as the Responses API has them; the TypeScript SDK has its own protocol. The rules
are those of the TypeScript SDK's own converter (`agents-openai/dist/openaiResponsesConverter.mjs`): what it
would send for an item is what the item is in Python.
"""

from __future__ import annotations

from collections.abc import Callable

from ._json import At, JsonObject
from ._raw_fields import caller_of, extras_of, item_id, required_id
from ._raw_hosted import to_python_hosted_call
from ._raw_messages import input_file, input_image, to_python_message

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
        return to_python_message(item)
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


def _function_call(item: At) -> JsonObject:
    item.object("type", "id", "callId", "name", "namespace", "arguments", "status", "caller", "providerData")
    namespace = item.get("namespace")
    status = item.get("status")
    return {
        "type": "function_call",
        **item_id(item),
        "call_id": item.need("callId").text(),
        "name": item.need("name").text(),
        "arguments": item.need("arguments").text(),
        **({"status": status.text()} if status is not None else {}),
        **({"namespace": namespace.text()} if namespace is not None else {}),
        **caller_of(item),
        **extras_of(item, "id", "type", "name", "call_id", "arguments", "status", "namespace", "caller"),
    }


def _function_call_result(item: At) -> JsonObject:
    item.object("type", "id", "callId", "name", "namespace", "status", "caller", "output", "providerData")
    item.need("name").text()
    return {
        "type": "function_call_output",
        **item_id(item),
        "call_id": item.need("callId").text(),
        "output": _call_output(item.need("output")),
        "status": item.need("status").one_of("in_progress", "completed", "incomplete"),
        **caller_of(item),
        **extras_of(item, "type", "id", "call_id", "output", "status", "namespace", "caller"),
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
    return input_image(part, default_detail=None) if kind == "input_image" else input_file(part)


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
    extras = extras_of(item, "id", "type", "summary")
    raw = item.get("rawContent")
    if raw is not None and "content" not in extras:
        extras["content"] = [{"type": "reasoning_text", "text": part.need("text").text()} for part in raw.list()]
    return {
        "type": "reasoning",
        "id": required_id(item),
        "summary": [
            {"type": "summary_text", "text": part.need("text").text(), **extras_of(part, "type", "text")}
            for part in item.need("content").list()
        ],
        **extras,
    }


def _compaction(item: At) -> JsonObject:
    item.object("type", "id", "encrypted_content", "created_by", "providerData")
    return {
        "type": "compaction",
        **item_id(item),
        "encrypted_content": item.need("encrypted_content").text(),
    }


def _unknown(item: At) -> JsonObject:
    """What is not part of the protocol is passed on as it is."""
    item.object("type", "id", "providerData")
    data = item.get("providerData")
    return {**(data.object() if data is not None else {}), **item_id(item)}


_CONVERTERS: dict[str, Callable[[At], JsonObject]] = {
    "function_call": _function_call,
    "function_call_result": _function_call_result,
    "reasoning": _reasoning,
    "compaction": _compaction,
    "hosted_tool_call": to_python_hosted_call,
    "unknown": _unknown,
}
