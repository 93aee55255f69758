"""Every text field that the providers' own SDKs know is read, but for those that are named here with a reason."""

import json
import re

import pytest
from anthropic.types.beta.message_count_tokens_params import MessageCountTokensParams as BetaTokenCount
from anthropic.types.beta.message_create_params import MessageCreateParamsNonStreaming as BetaMessage
from anthropic.types.message_count_tokens_params import MessageCountTokensParams as TokenCount
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming as Message
from openai.types import (
    BatchCreateParams,
    EmbeddingCreateParams,
    ImageCreateVariationParams,
    ModerationCreateParams,
)
from openai.types.audio import SpeechCreateParams, TranslationCreateParams
from openai.types.audio.transcription_create_params import TranscriptionCreateParamsNonStreaming as Transcription
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming as Chat
from openai.types.completion_create_params import CompletionCreateParamsNonStreaming as Completion
from openai.types.image_edit_params import ImageEditParamsNonStreaming as ImageEdit
from openai.types.image_generate_params import ImageGenerateParamsNonStreaming as ImageGeneration
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming as Response

from daemon.dialects import dialect_named
from tests.sdk_fields import planted_requests

CANARY = "canary@example.com"

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
MESSAGES = {**CHAT, "max_tokens": 1}
REQUESTS = {
    "chat": ("chat", Chat, CHAT),
    "completions": ("completions", Completion, {"model": "m", "prompt": "hi"}),
    "embeddings": ("embeddings", EmbeddingCreateParams, {"model": "m", "input": "hi"}),
    "responses": ("responses", Response, {"model": "m", "input": "hi"}),
    "messages": ("messages", Message, MESSAGES),
    "beta messages": ("messages", BetaMessage, MESSAGES),
    "count_tokens": ("count_tokens", TokenCount, MESSAGES),
    "beta count_tokens": ("count_tokens", BetaTokenCount, MESSAGES),
    "image": ("passed", ImageGeneration, {}),
    "image edit": ("passed", ImageEdit, {}),
    "image variation": ("passed", ImageCreateVariationParams, {}),
    "moderation": ("passed", ModerationCreateParams, {}),
    "speech": ("passed", SpeechCreateParams, {}),
    "transcription": ("passed", Transcription, {}),
    "translation": ("passed", TranslationCreateParams, {}),
    "batch": ("passed", BatchCreateParams, {}),
}

LEFT_AS_IT_IS = {
    "what the provider keeps, and which call a result is of": [
        r"(.*\.)?(id|call_id|tool_call_id|tool_use_id|file_id|file_ids\[\]|input_file_id|approval_request_id)",
        r"previous_response_id|conversation|container|prompt\.version",
        r"container\.skills\[\]\.anthropic\.(skill_id|version)",
        r"tools\[\]\.(file_search\.vector_store_ids\[\]|code_interpreter\.container|mcp\.tunnel_id)",
        r"tools\[\]\.shell\.environment\..*(container_id|skill_id|version)",
    ],
    "a name by which a tool or a server is meant": [
        r"(tools|functions)\[\]\..*name|mcp_servers\[\]\.url\.name",
        r"(function_call|tool_choice)\..*name|messages\[\]\.(function_call|tool_calls\[\]|content\[\])\..*name",
        r"messages\[\]\.name",  # of the tool whose result it is; a person's is read
        r"input\[\]\.\w+\.(name|namespace|server_label|mcp_server_name)|input\[\]\.\w*tool\w*\..*name",
        r"tool_choice\.(mcp\.server_label|allowed_tools\..*)|tools\[\]\.mcp\.server_label",
        r"(text\.format|response_format)\.json_schema\.(json_schema\.)?name",
        r".*\.(allowed_tools|tool_names|exclude_tools|clear_tool_inputs)\[\]",
    ],
    "where a hosted tool may go, how it gets in, and where the user is": [
        r".*\.(allowed_domains|blocked_domains)\[\]|.*\.domain_secrets\[\]\.(domain|name|value)",
        r"tools\[\]\.mcp\.(server_url|authorization|headers\.\*)|mcp_servers\[\]\.url\.(url|authorization_token)",
        r".*\.user_location\.(approximate\.)*(city|country|region|timezone)",
    ],
    "a constraint on what the model may write": [
        r"tools\[\]\..*\.required\[\]|tools\[\]\.input_schema\.object\.properties\.\*",
        r"tools\[\]\..*\.grammar\.(grammar\.)?definition",
    ],
    "a file, and the address of a picture": [
        r".*\.(base64\.data|file_data|image_url|image_url\.image_url\.url|image\.source\.url\.url)",
        r".*\.(input_audio\.data|image_generation_call\.result|image\.url)",
    ],
    "sealed by the provider": [
        r".*\.(encrypted_content|encrypted_index|encrypted_stdout|signature|redacted_thinking\.data)",
        r"messages\[\]\.content\[\]\.thinking\.thinking",
    ],
    "a word of the protocol": [
        r"model|betas\[\]|inference_geo|reasoning\.mode|size|language|voice",
    ],
}


def sent_as_it_was(dialect_name, request, base):
    """The paths of the fields in which a planted value stays."""
    dialect = dialect_named(dialect_name)
    for path, fields in planted_requests(request, CANARY):
        body = {"json": fields} if dialect_name == "passed" else {**base, **fields}
        for place in dialect.places(body):
            place.text = place.text.replace(CANARY, "hidden")
        if CANARY in json.dumps(body):
            yield path


def reason_for(path):
    reasons = LEFT_AS_IT_IS.items()
    return next((why for why, patterns in reasons if any(re.fullmatch(one, path) for one in patterns)), None)


@pytest.mark.parametrize("name", REQUESTS)
def test_no_text_field_is_forgotten(name):
    assert [] == [path for path in sent_as_it_was(*REQUESTS[name]) if reason_for(path) is None]


def test_no_reason_is_given_in_vain():
    paths = {path for request in REQUESTS.values() for path in sent_as_it_was(*request)}

    patterns = [pattern for patterns in LEFT_AS_IT_IS.values() for pattern in patterns]
    assert [] == [pattern for pattern in patterns if not any(re.fullmatch(pattern, path) for path in paths)]


def test_the_sdks_fields_are_really_gone_through():
    assert 400 < len(list(planted_requests(Response, CANARY)))
    assert 500 < len(list(planted_requests(Message, CANARY)))
