"""Messages and their parts: the TypeScript SDK's protocol to what goes over the wire."""

from __future__ import annotations

import re

from ._json import At, JsonObject
from ._raw_fields import extras_of, item_id, required_id

_INLINE = re.compile(r"[A-Za-z0-9+/=]+")


def to_python_message(item: At) -> JsonObject:
    """What a message is in Python."""
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
        **item_id(item),
        "role": role,
        "content": translated,
        **extras_of(item, "type", "id", "role", "content", "phase"),
    }


def _assistant(item: At) -> JsonObject:
    phase = item.get("phase")
    status = item.need("status").one_of("in_progress", "completed", "incomplete")
    extras = extras_of(item, "type", "id", "role", "content", "status")
    if phase is not None:
        extras["phase"] = phase.one_of("commentary", "final_answer")
    return {
        "type": "message",
        "id": required_id(item),
        "role": "assistant",
        "content": [_output_part(part) for part in item.need("content").list()],
        "status": status,
        **extras,
    }


def _output_part(part: At) -> JsonObject:
    kind = part.need("type").text()
    if kind == "output_text":
        part.object("type", "text", "providerData")
        extras = extras_of(part, "type", "text")
        annotations = extras.pop("annotations", None)
        return {
            "type": "output_text",
            "text": part.need("text").text(),
            "annotations": annotations if isinstance(annotations, list) else [],
            **extras,
        }
    if kind == "refusal":
        part.object("type", "refusal", "providerData")
        extras = extras_of(part, "type", "refusal")
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
            **extras_of(part, "type", "text"),
        }
    if kind == "input_image":
        return input_image(part)
    if kind == "input_file":
        return input_file(part)
    part.fail("unsupported_item", f"A message of the user holds {kind!r}, which only one language has")


def input_image(part: At, default_detail: str | None = "auto") -> JsonObject:
    """What an image in an input is in Python."""
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
        **extras_of(part, "type", "detail", "image_url", "file_id"),
    }


def input_file(part: At) -> JsonObject:
    """What a file in an input is in Python."""
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
        **extras_of(part, "type", "file_data", "file_url", "file_id", "filename"),
    }


def _cache_breakpoint(part: At) -> JsonObject:
    breakpoint_ = part.get("promptCacheBreakpoint")
    return {} if breakpoint_ is None else {"prompt_cache_breakpoint": breakpoint_.object("mode")}
