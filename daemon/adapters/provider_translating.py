"""A provider asked in protocols that it does not speak: those calls go through litellm's translation."""

from __future__ import annotations

from dataclasses import replace

from ..exchange import TRANSLATED, Answer, Call
from ..ports.routing import Provider
from ..settings import ProviderSettings
from .provider_litellm import LitellmProvider

_ANTHROPIC_KEY = "sk-ant-"
_NO_KEY = "none"
"""litellm asks nobody without a key; servers that want none ignore it."""


class TranslatingProvider:
    """Calls in the provider's own protocols go to it directly, as if there were no litellm."""

    def __init__(self, direct: Provider, settings: ProviderSettings, default_base: str) -> None:
        """`default_base` is where `direct` asks if the settings do not say."""
        self._direct = direct
        self._is_anthropic = settings.type == "anthropic"
        with_address = settings.model_copy(update={"base_url": settings.base_url or default_base})
        self._litellm = LitellmProvider(with_address, vendor=settings.type)
        self.speaks = direct.speaks | TRANSLATED[settings.type]

    async def ask(self, call: Call) -> Answer:
        if call.dialect in self._direct.speaks:
            return await self._direct.ask(call)
        return await self._litellm.ask(replace(call, credential=self._fitting(call.credential) or _NO_KEY))

    async def aclose(self) -> None:
        await self._direct.aclose()
        await self._litellm.aclose()

    def _fitting(self, credential: str | None) -> str | None:
        """The caller's own credential, unless it is Anthropic's and would go to somebody else.

        Callers of one protocol usually hold a key of its vendor, which is nobody else's business.
        """
        if credential is not None and credential.startswith(_ANTHROPIC_KEY) and not self._is_anthropic:
            return None
        return credential
