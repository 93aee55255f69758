"""A LiteLLM proxy's config.yaml as Helix's settings, and what of it could not be carried over.

Each part takes the keys that it understands out of the file; whatever is left at the end is reported, so that
nothing is lost silently. Source: https://docs.litellm.ai/docs/proxy/config_settings
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from daemon.settings import MOST_RETRIES

from .diagnostics import CommandFailed

Tree = dict[str, Any]

_ENVIRONMENT = "os.environ/"

_SPOKEN = {
    "openai": ("openai", ""),
    "text-completion-openai": ("openai", ""),
    "hosted_vllm": ("openai", ""),
    "litellm_proxy": ("openai", ""),
    "lm_studio": ("openai", ""),
    "llamafile": ("openai", ""),
    "anthropic": ("anthropic", ""),
    "groq": ("openai", "https://api.groq.com/openai/v1"),
    "mistral": ("openai", "https://api.mistral.ai/v1"),
    "deepseek": ("openai", "https://api.deepseek.com/v1"),
    "xai": ("openai", "https://api.x.ai/v1"),
    "openrouter": ("openai", "https://openrouter.ai/api/v1"),
    "together_ai": ("openai", "https://api.together.xyz/v1"),
    "cerebras": ("openai", "https://api.cerebras.ai/v1"),
}
"""LiteLLM's providers that Helix asks directly: in which protocol, and where unless `api_base` says so. All others are
asked through litellm."""

_MAKERS = {"gpt-": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "text-embedding-": "openai",
           "claude-": "anthropic"}  # fmt: skip
"""Whose a model without a provider in its name is."""

_STRATEGIES = {
    "simple-shuffle": "weighted",
    "least-busy": "least_busy",
    "latency-based-routing": "lowest_latency",
    "cost-based-routing": "cheapest",
}

_WINDOWS = {"1h": "hour", "1d": "day", "24h": "day", "7d": "week", "30d": "month", "1mo": "month"}

_KEY_VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}


@dataclass(slots=True)
class Imported:
    """Settings as TOML has them, and a sentence for each thing that is not among them."""

    settings: Tree
    left_out: list[str] = field(default_factory=list)


def imported(config: object) -> Imported:
    """The settings that a config.yaml, as YAML reads it, amounts to.

    Raises:
        CommandFailed: it is no config of LiteLLM.
    """
    if not isinstance(config, dict) or not isinstance(config.get("model_list", []), list):
        raise CommandFailed("this is no config of LiteLLM: expected a mapping with model_list")
    return _Import(deepcopy(config)).run()


class _Import:
    def __init__(self, config: Tree) -> None:
        self._config = config
        self._providers: dict[tuple[str, ...], Tree] = {}
        self._left_out: list[str] = []

    def run(self) -> Imported:
        models = self._models()  # which finds the providers on its way
        sections = {
            **self._server(),
            **self._storage_and_cache(),
            "providers": list(self._providers.values()),
            **self._routing(),
            "models": models,
            **self._budgets(),
        }
        settings = {name: section for name, section in sections.items() if section}
        return Imported(settings, [*self._left_out, *_rest(self._config)])

    # --- sections

    def _server(self) -> Tree:
        """With a master key LiteLLM asks every caller for a key."""
        key = self._take("general_settings", "master_key")
        if key is None:
            return {}
        return {
            "server": {
                "require_key": True,
                "master_key": self._secret(key, "HELIX_MASTER_KEY", "general_settings.master_key"),
            }
        }

    def _storage_and_cache(self) -> Tree:
        is_on = self._take("litellm_settings", "cache")
        if is_on is None:
            return {}
        parameters = self._section("litellm_settings", "cache_params")
        kind = str(parameters.pop("type", "local"))
        cache: Tree = {"mode": "off" if not is_on else "semantic" if kind.endswith("semantic") else "exact"}
        if is_on and isinstance(ttl_s := parameters.get("ttl"), int | float) and ttl_s > 0:
            cache["ttl_s"] = parameters.pop("ttl")
        if is_on and kind.startswith("redis") and (url := self._redis_url(parameters)):
            return {"storage": {"url": url}, "cache": cache}
        return {"cache": cache}

    def _redis_url(self, parameters: Tree) -> str | None:
        host, port = parameters.pop("host", None), parameters.pop("port", 6379)
        if not isinstance(host, str) or _is_reference(host) or _is_reference(port):
            self._left_out.append("litellm_settings.cache_params: the address of Redis; give it as storage.url")
            return None
        if parameters.pop("password", None):
            self._left_out.append("litellm_settings.cache_params.password: put it into storage.url, by env:NAME")
        return f"{'rediss' if parameters.pop('ssl', False) else 'redis'}://{host}:{port}/0"

    def _routing(self) -> Tree:
        retries = self._take("router_settings", "num_retries")
        if retries is None:
            retries = self._take("litellm_settings", "num_retries")
        return {"routing": {"retries": min(retries, MOST_RETRIES)}} if isinstance(retries, int) and retries > 0 else {}

    def _budgets(self) -> Tree:
        limit = self._take("litellm_settings", "max_budget")
        window = self._take("litellm_settings", "budget_duration")
        if not isinstance(limit, int | float):
            return {}
        known = _WINDOWS.get(str(window), "total" if window is None else "")
        if not known:
            self._left_out.append(f"litellm_settings.budget_duration = {window}: the budget's window is month here")
        return {"budgets": [{"scope": "all", "limit_usd": _decimal(limit), "window": known or "month"}]}

    # --- models

    def _models(self) -> list[Tree]:
        groups: dict[str, list[tuple[str, Tree]]] = {}
        for at, deployment in enumerate(self._config.pop("model_list", [])):
            place = f"model_list[{at}]"
            if not isinstance(deployment, dict) or not isinstance(deployment.get("litellm_params"), dict):
                self._left_out.append(f"{place}: expected model_name and litellm_params")
                continue
            name = str(deployment.pop("model_name", ""))
            if target := self._deployment(place, name, deployment):
                groups.setdefault(name, []).append(target)
        fallbacks = {kind: self._fallbacks(kind) for kind in
                     ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")}  # fmt: skip
        strategy = self._strategy()
        models = [_model(name, targets, strategy, fallbacks) for name, targets in groups.items() if "*" not in name]
        known = set(groups)
        models += [{"name": alias, "target": str(name)} for alias, name in self._aliases() if alias not in known]
        return [model for model in models if len(model) > 1]

    def _deployment(self, place: str, name: str, deployment: Tree) -> tuple[str, Tree] | None:
        """The target that it is, and what else its model has; a wildcard is only a provider's pattern."""
        given = deployment.pop("litellm_params")
        prices = _prices(given) | _prices(deployment.get("model_info") or {})
        model, weight = str(given.pop("model", "")), given.pop("weight", 1)
        share = weight if isinstance(weight, int | float) and weight > 0 else 1
        provider, rest = self._provider_of(place, model, given)
        self._left_out += _rest({"litellm_params": given, **deployment}, place)
        if "*" in name:
            self._serve(provider, name)
            return None
        # litellm's names begin with the provider's, which is then not said twice.
        target = rest if rest.startswith(f"{provider['name']}/") else f"{provider['name']}/{rest}"
        return target, {"share": share, "prices": prices}

    def _serve(self, provider: Tree, pattern: str) -> None:
        """What is asked as `provider/model` needs no pattern, but for litellm, whose patterns are known already."""
        if provider["type"] != "litellm" and not pattern.startswith(f"{provider['name']}/"):
            provider["models"] = sorted({*provider["models"], pattern})

    def _provider_of(self, place: str, model: str, given: Tree) -> tuple[Tree, str]:
        """The provider, one for each address and key, and the model as it knows it."""
        prefix, slash, rest = model.partition("/")
        if not slash:
            maker = next((maker for start, maker in _MAKERS.items() if model.startswith(start)), "openai")
            prefix, rest = maker, model
        kind, base = _SPOKEN.get(prefix, ("litellm", ""))
        base = str(given.pop("api_base", None) or given.pop("base_url", None) or base)
        base = _referring(base)
        key = given.pop("api_key", None)
        options = _options(given) if kind == "litellm" else {}
        identity = (prefix, base, str(key), str(sorted(options.items())))
        if identity not in self._providers:
            variable = _KEY_VARIABLES.get(prefix, f"{prefix.upper().replace('-', '_')}_API_KEY")
            made: Tree = {"name": self._free_name(prefix), "type": kind}
            made |= {"base_url": base} if base else {}
            made |= {"api_key": self._secret(key, variable, f"{place}.litellm_params.api_key")} if key else {}
            made |= {"options": options} if options else {}
            self._providers[identity] = made | {"models": []}
        provider = self._providers[identity]
        if kind != "litellm":
            return provider, rest
        # With litellm the patterns say to whom the key may go.
        provider["models"] = sorted({*provider["models"], model})
        return provider, model

    def _free_name(self, prefix: str) -> str:
        wanted = re.sub(r"[^A-Za-z0-9._-]", "-", prefix) or "provider"
        taken = {provider["name"] for provider in self._providers.values()}
        numbered = (f"{wanted}-{number}" for number in range(2, 10_000))
        return wanted if wanted not in taken else next(name for name in numbered if name not in taken)

    def _fallbacks(self, kind: str) -> dict[str, list[str]]:
        """`[{"a": ["b"]}, …]`, in either of two sections."""
        pairs: dict[str, list[str]] = {}
        for section in ("litellm_settings", "router_settings"):
            entries = self._take(section, kind)
            for entry in entries if isinstance(entries, list) else []:
                found = entry.items() if isinstance(entry, dict) else []
                pairs |= {str(name): list(map(str, others)) for name, others in found if isinstance(others, list)}
        return pairs

    def _strategy(self) -> str:
        named = self._take("router_settings", "routing_strategy")
        if named is None or str(named) in _STRATEGIES:
            return _STRATEGIES.get(str(named), "weighted")
        self._left_out.append(f"router_settings.routing_strategy = {named}: least_busy stands in its place")
        return "least_busy"

    def _aliases(self) -> list[tuple[str, Any]]:
        aliases = self._take("router_settings", "model_group_alias")
        return list(aliases.items()) if isinstance(aliases, dict) else []

    # --- small things

    def _take(self, section: str, key: str) -> Any:
        """The value, which is then not left over; None where there is none."""
        table = self._config.get(section)
        return table.pop(key, None) if isinstance(table, dict) else None

    def _section(self, section: str, key: str) -> Tree:
        """As it stands, for its known keys to be taken out."""
        table = self._config.get(section)
        inner = table.get(key) if isinstance(table, dict) else None
        return inner if isinstance(inner, dict) else {}

    def _secret(self, value: object, variable: str, place: str) -> str:
        """A reference; a secret that stands in the file is not written into another one."""
        if isinstance(value, str) and _is_reference(value):
            return _referring(value)
        self._left_out.append(f"{place}: it stands in the file; export it as {variable}")
        return f"env:{variable}"


def _model(
    name: str, targets: list[tuple[str, Tree]], strategy: str, fallbacks: dict[str, dict[str, list[str]]]
) -> Tree:
    model: Tree = {"name": name}
    shares = {target: extra["share"] for target, extra in targets}
    if len(shares) > 1:
        model["shares"] = shares
        model |= {"strategy": strategy} if strategy != "weighted" else {}
        model["sticky"] = False  # as it was; the default is to stay where a conversation's prompt cache is
    else:
        model["target"] = targets[0][0]
    model |= {kind: named[name] for kind, named in fallbacks.items() if name in named}
    prices = [extra["prices"] for _, extra in targets]
    return model | prices[0] if len(shares) == 1 or all(price == prices[0] for price in prices) else model


def _prices(table: Tree) -> Tree:
    named = {
        "input_cost_per_token": "input_usd_per_mtok",
        "output_cost_per_token": "output_usd_per_mtok",
        "cache_read_input_token_cost": "cached_input_usd_per_mtok",
    }
    if not {"input_cost_per_token", "output_cost_per_token"} <= table.keys():
        return {}
    return {ours: _decimal(table.pop(theirs), times=1_000_000) for theirs, ours in named.items() if theirs in table}


def _options(given: Tree) -> dict[str, str]:
    """What litellm itself reads of a deployment: `api_version`, regions, projects, cloud identities."""
    names = [
        name for name in given if re.match(r"api_version$|aws_|vertex_|azure_|tenant_id|client_|region_name", name)
    ]
    values = {name: given.pop(name) for name in names}
    return {name: _referring(str(value)) for name, value in values.items()}


def _decimal(value: object, *, times: int = 1) -> Decimal:
    return (Decimal(str(value)) * times).normalize()


def _referring(value: str) -> str:
    """A reference to the environment as Helix writes it; any other text as it is."""
    return f"env:{value.removeprefix(_ENVIRONMENT)}" if _is_reference(value) else value


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and value.startswith(_ENVIRONMENT)


def _rest(tree: object, path: str = "") -> Iterator[str]:
    """The path of everything that nobody took; values are left out, since they may be secrets."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            yield from _rest(value, f"{path}.{key}" if path else str(key))
    elif tree not in (None, "", [], False):
        yield path
