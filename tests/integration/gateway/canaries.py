"""Texts with values that are found, no two alike, and requests of every protocol with one in every text field."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

# Each value has one of these in it: thousands are looked for in every sink.
_MARKS = re.compile(r"canary\.|\+1 415|u002b1 415|4532015|3704004405|536-\d|sk-proj-|8\.\d+\.\d+\.77|EMP-\d")


@dataclass
class Canaries:
    """Makes texts with values that are found, no two alike, and remembers them."""

    first: int = 4711
    """By which two makers differ."""
    values: list[str] = field(default_factory=list)

    def text(self) -> str:
        """A sentence with one new value of each kind."""
        number = self.first + 37 * len(self.values)
        first, last = divmod(number, 10_000)
        email, phone = f"canary.{number}@corp{number}.example.com", f"+1 415 {200 + first} {last:04d}"
        card, iban = _with_luhn(f"4532015{number:08d}"), _german_iban(370400440532000000 + number)
        ssn, key = f"536-{10 + first}-{last:04d}", f"sk-proj-{number}Zx9QpL7vNw3RtYb6HcKd2MfJ8sGaUe4T"
        ip = f"8.{number // 250 % 250}.{number % 250}.77"
        self.values += [email, phone, card, iban, ssn, key, ip]
        return f"Mail {email}, call {phone}; card {card}, IBAN {iban}, SSN {ssn}, key {key}, seen at {ip}."

    def email(self) -> str:
        """One address alone: a question that near look-ups may answer."""
        self.values.append(f"lone.canary.{self.first + len(self.values)}@example.net")
        return self.values[-1]

    def blocked(self) -> str:
        self.values.append(f"EMP-{100_000 + self.first + len(self.values)}")
        return self.values[-1]

    def found_in(self, text: str) -> list[str]:
        """The values that stand there, in whatever way JSON may have escaped them."""
        if not _MARKS.search(text):
            return []
        plain = text.replace("\\/", "/").replace("\\u0040", "@").replace("\\u002b", "+")
        return [value for value in self.values if value in plain]


def _with_luhn(digits: str) -> str:
    doubled = [2 * int(digit) if place % 2 == 0 else int(digit) for place, digit in enumerate(reversed(digits))]
    return digits + str(-sum(number - 9 if number > 9 else number for number in doubled) % 10)


def _german_iban(account: int) -> str:
    return f"DE{98 - int(f'{account:018d}131400') % 97:02d}{account:018d}"


def chat_body(plant: Canaries) -> dict[str, Any]:
    """A chat completion with a text in every field that holds one."""
    schema = {
        "type": "object",
        "title": plant.text(),
        "description": plant.text(),
        "properties": {
            "to": {"type": "string", "description": plant.text(), "default": plant.text(), "examples": [plant.text()]}
        },
    }
    function = {"name": "send", "description": plant.text(), "parameters": schema}
    arguments = json.dumps({"to": plant.text(), "deep": [{"note": plant.text()}], plant.email(): 1})
    call = {"id": "call_1", "type": "function", "function": {"name": "send", "arguments": arguments}}
    rows = json.dumps({"rows": [plant.text()], "n": [plant.text()]})
    as_object = {"id": "call_2", "type": "function", "function": {"name": "send", "arguments": {"to": plant.text()}}}
    custom = {"id": "call_3", "type": "custom", "custom": {"name": "note", "input": plant.text()}}
    return {
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": plant.text(), "name": plant.email()},
            {"role": "developer", "content": [{"type": "text", "text": plant.text()}]},
            {"role": "user", "content": plant.text(), "name": plant.email()},
            {"role": "assistant", "content": plant.text(), "refusal": plant.text(), "reasoning_content": plant.text()},
            {"role": "assistant", "content": None, "tool_calls": [call, as_object, custom]},
            {"role": "tool", "tool_call_id": "call_1", "content": plant.text()},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": plant.text()}]},
            {
                "role": "tool",
                "tool_call_id": "call_3",
                "content": rows,
            },
            {"role": "assistant", "content": None, "function_call": {"name": "send", "arguments": arguments}},
            {"role": "function", "name": "send", "content": plant.text()},
            {
                "role": "user",
                "content": [{"type": "text", "text": plant.text()}, {"type": "new", "words": plant.text()}],
            },
        ],
        "tools": [
            {"type": "function", "function": function},
            {"type": "custom", "custom": {"name": "note", "description": plant.text()}},
        ],
        "functions": [function],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "description": plant.text(), "schema": {"description": plant.text()}},
        },
        "prediction": {"type": "content", "content": plant.text()},
        "stop": [plant.email()],
        "user": plant.email(),
        "safety_identifier": plant.email(),
        "metadata": {"note": plant.text(), "tags": ["fine", plant.email()], plant.email(): "as a name"},
        "field_of_tomorrow": {"nested": [plant.text()]},
    }


def messages_body(plant: Canaries) -> dict[str, Any]:
    """The same for messages."""
    schema = {"type": "object", "properties": {"to": {"type": "string", "description": plant.text()}}}
    result = [{"type": "text", "text": plant.text()}]
    document = {"type": "text", "media_type": "text/plain", "data": plant.text()}
    return {
        "model": "claude-haiku-4-5",
        "max_tokens": 100,
        "system": [{"type": "text", "text": plant.text(), "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": plant.text()},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": plant.text()},
                    {"type": "text", "text": plant.text()},
                    {
                        "type": "tool_use",
                        "id": "t1",
                        "name": "send",
                        "input": {"to": [plant.text()], "id": plant.email()},
                    },
                    {"type": "tool_use", "id": "t2", "name": "send", "input": {plant.email(): {"type": plant.email()}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": plant.text()},
                    {"type": "tool_result", "tool_use_id": "t2", "content": result},
                    {"type": "document", "source": document, "title": plant.text(), "context": plant.text()},
                    {"type": "search_result", "source": plant.email(), "title": plant.text(), "content": result},
                    {"type": "text", "text": plant.text()},
                ],
            },
        ],
        "tools": [{"name": "send", "description": plant.text(), "input_schema": schema}],
        "stop_sequences": [plant.email()],
        "metadata": {"user_id": plant.email()},
        "field_of_tomorrow": plant.text(),
    }


def count_tokens_body(plant: Canaries) -> dict[str, Any]:
    return {field: value for field, value in messages_body(plant).items() if field != "max_tokens"}


def responses_body(plant: Canaries) -> dict[str, Any]:
    """The same for responses: every kind of item."""
    arguments = json.dumps({"to": plant.text(), plant.email(): [plant.text()]})
    schema = {"type": "object", "properties": {"to": {"type": "string", "enum": [plant.email(), plant.email()]}}}
    said = {
        "type": "output_text",
        "text": plant.text(),
        "annotations": [{"type": "file_path", "filename": plant.email()}],
    }
    return {
        "model": "gpt-4o-mini",
        "instructions": plant.text(),
        "input": [
            {"role": "user", "content": plant.text()},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": plant.text()}]},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [said]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": plant.text()}]},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "send", "arguments": arguments},
            {"type": "function_call_output", "call_id": "c1", "output": plant.text()},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": plant.text()}]},
            {"type": "custom_tool_call", "call_id": "c3", "name": "note", "input": plant.text()},
            {"type": "custom_tool_call_output", "call_id": "c3", "output": plant.text()},
            {
                "type": "local_shell_call",
                "call_id": "c4",
                "action": {"command": ["mail", plant.email()]},
            },
            {
                "type": "shell_call_output",
                "call_id": "c5",
                "output": [{"stdout": plant.text(), "stderr": plant.text()}],
            },
            {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": plant.text()}},
            {"type": "mcp_call", "id": "m1", "name": "find", "arguments": arguments, "output": plant.text()},
            {"type": "code_interpreter_call", "id": "ci_1", "code": plant.text(), "outputs": [{"logs": plant.text()}]},
            {"type": "item_of_tomorrow", "words": {"deep": [plant.text()]}},
        ],
        "tools": [
            {"type": "function", "name": "send", "description": plant.text(), "parameters": schema},
            {"type": "mcp", "server_label": "crm", "server_url": "https://x", "server_description": plant.text()},
            {"type": "custom", "name": "note", "description": plant.text()},
        ],
        "text": {"format": {"type": "json_schema", "name": "answer", "schema": {"description": plant.text()}}},
        "prompt": {"id": "pmpt_1", "variables": {"who": plant.text()}},
        "prompt_cache_key": plant.email(),
        "user": plant.email(),
        "safety_identifier": plant.email(),
        "metadata": {"note": plant.text(), plant.email(): "as a name"},
        "field_of_tomorrow": {"nested": [plant.text()]},
    }


def completions_body(plant: Canaries) -> dict[str, Any]:
    return {
        "model": "gpt-3.5-turbo-instruct",
        "prompt": [plant.text(), plant.text()],
        "suffix": plant.text(),
        "stop": [plant.email()],
        "user": plant.email(),
        "metadata": {"note": plant.text()},
        "field_of_tomorrow": plant.text(),
    }


def embeddings_body(plant: Canaries) -> dict[str, Any]:
    return {
        "model": "gpt-embedding",
        "input": [plant.text(), plant.text()],
        "user": plant.email(),
        "metadata": {"note": plant.text()},
        "field_of_tomorrow": plant.text(),
    }


def passed_bodies(plant: Canaries) -> dict[str, dict[str, Any]]:
    """What is passed on without knowing its protocol, by its path."""
    return {
        "/v1/images/generations": {"model": "gpt-image-1", "prompt": plant.text(), "user": plant.email()},
        "/v1/audio/speech": {"model": "gpt-tts", "voice": "nova", "input": plant.text(), "instructions": plant.text()},
        "/v1/moderations": {"model": "gpt-mod", "input": [plant.text(), {"type": "text", "text": plant.text()}]},
        "/v1/rerank": {
            "model": "gpt-rerank",
            "query": plant.text(),
            "documents": [plant.text(), {"text": plant.text(), "note": [plant.email()]}],
        },
        "/v1/batches": {
            "input_file_id": "file-1",
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
            "metadata": {"note": plant.text(), plant.email(): "as a name"},
        },
    }


def form(plant: Canaries) -> tuple[bytes, dict[str, str]]:
    """An upload with texts beside its file; its headers."""
    fields = {"model": "gpt-transcribe", "prompt": plant.text(), "field_of_tomorrow": plant.text()}
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}' for name, text in fields.items()]
    parts.append('Content-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF')
    body = "".join(f"--xyz\r\n{part}\r\n" for part in parts) + "--xyz--\r\n"
    return body.encode(), {"content-type": "multipart/form-data; boundary=xyz", "authorization": "Bearer sk-mine"}
