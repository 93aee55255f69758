"""helix.toml as frozen settings: every section, key, unit and default, in one place.

How files, environment and flags become these is sources.py's business.
"""

from __future__ import annotations

import re
from decimal import Decimal
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    field_validator,
    model_validator,
)

from ..window_names import EXPECTED, is_window

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
EntityType = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=64)]
Usd = Annotated[Decimal, Field(ge=0, lt=9_000_000, max_digits=19, decimal_places=12)]
Operator = Literal["replace", "mask", "hash", "encrypt", "block", "allow"]
Strategy = Literal["weighted", "least_busy", "lowest_latency", "cheapest"]


def _known_window(name: str) -> str:
    if not is_window(name):
        raise ValueError(f"expected {EXPECTED}")
    return name


WindowName = Annotated[str, AfterValidator(_known_window)]


ON_BY_DEFAULT = frozenset(
    {
        *("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "CRYPTO", "SECRET", "IP_ADDRESS"),
        *("MAC_ADDRESS", "PERSON", "DATE_OF_BIRTH", "STREET_ADDRESS"),
        *("US_SSN", "US_ITIN", "US_NPI", "US_MBI", "US_DEA", "CA_SIN", "MX_CURP", "BR_CPF", "BR_CNPJ", "CL_RUT"),
        *("AR_CUIL", "UK_NHS", "UK_NINO", "IE_PPS", "ES_NIF", "ES_NIE", "PT_NIF", "IT_FISCAL_CODE", "DE_TAX_ID"),
        *("DE_PENSION_NUMBER", "AT_SVNR", "CH_AHV", "FR_NIR", "BE_NRN", "NL_BSN", "PL_PESEL", "CZ_BIRTH_NUMBER"),
        *("HU_TAJ", "RO_CNP", "BG_EGN", "HR_OIB", "JMBG", "GR_AMKA", "SE_PERSONNUMMER", "DK_CPR", "NO_BIRTH_NUMBER"),
        *("FI_PERSONAL_CODE", "IS_KENNITALA", "EE_PERSONAL_CODE", "LT_PERSONAL_CODE", "LV_PERSONAL_CODE"),
        *("TR_IDENTITY_NUMBER", "RU_SNILS", "RU_INN", "KZ_IIN", "IL_ID", "AE_EMIRATES_ID", "ZA_ID", "NG_NIN"),
        *("IN_AADHAAR", "IN_PAN", "SG_NRIC_FIN", "MY_NRIC", "ID_NIK", "TH_CITIZEN_ID", "KR_RRN", "JP_MY_NUMBER"),
        *("CN_RESIDENT_ID", "TW_ID", "HK_ID", "AU_TFN", "AU_ABN", "AU_MEDICARE", "NZ_IRD"),
    }
)
"""Kinds of PII that are hidden unless `pii.entities` allows them."""
OFF_BY_DEFAULT = frozenset(
    {
        "LOCATION",
        "ORGANIZATION",
        "DATE_TIME",
        "URL",
        "AGE",
        "NRP",
        "US_DRIVER_LICENSE",
        "US_PASSPORT",
        "US_BANK_NUMBER",
    }
)
"""Kinds of PII that are hidden only where `pii.entities` names an operator for them."""

MOST_RETRIES = 5
"""Of one request: whom six tries did not help another one will not."""


class Section(BaseModel):
    """Unknown keys are errors, and nothing changes after loading. Infinity and NaN are no numbers here."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ServerSettings(Section):
    host: str = "127.0.0.1"
    port: int = Field(4354, ge=0, le=65535)
    data_dir: str = ""
    require_key: bool = False
    master_key: SecretStr | None = None
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body_bytes: int = Field(32 * 2**20, ge=1024)
    drain_s: float = Field(10.0, ge=0)
    timezone: str = "UTC"


class JwtSettings(Section):
    """Who is vouched for by the owner's identity provider; off without `secret` and `jwks_file`."""

    secret: SecretStr | None = Field(None, min_length=32)
    jwks_file: str = ""
    issuer: str = ""
    audience: str = ""
    user_claim: str = Field("sub", min_length=1)
    team_claim: str = "team"
    org_claim: str = "org"
    role_claim: str = "role"
    leeway_s: float = Field(30.0, ge=0, le=300)

    @property
    def is_on(self) -> bool:
        return self.secret is not None or bool(self.jwks_file)

    @model_validator(mode="after")
    def says_whose_tokens(self) -> JwtSettings:
        if self.secret is not None and self.jwks_file:
            raise ValueError("secret and jwks_file exclude each other: tokens are signed in one way")
        if self.is_on and not (self.issuer and self.audience):
            raise ValueError("issuer and audience are needed: a token made for others must not open this gateway")
        return self


class StorageSettings(Section):
    url: str = "embedded"
    fsync: Literal["grouped", "always"] = "grouped"
    encrypt: bool = False
    encryption_key: SecretStr | None = None


class CacheTtlSettings(Section):
    scope: str = "*"
    model: str = "*"
    ttl_s: float = Field(gt=0)

    def applies_to(self, scope: str, provider: str, model: str) -> bool:
        """A model pattern with a slash says which provider as well."""
        name = f"{provider}/{model}" if "/" in self.model else model
        return fnmatchcase(scope, self.scope) and fnmatchcase(name, self.model)


class CacheSettings(Section):
    mode: Literal["off", "exact", "semantic"] = "semantic"
    ttl_s: float = Field(604_800, gt=0)
    max_error: float = Field(0.02, gt=0, lt=1)
    scope: Literal["key", "team", "org", "everyone"] = "key"
    max_entries: int = Field(1_000_000, ge=1)
    memory_bytes: int = Field(64 * 2**20, ge=0)
    lives: tuple[CacheTtlSettings, ...] = ()

    def ttl_of(self, scope: str, provider: str, model: str) -> float:
        """How long an answer of the model is kept in the scope: the shortest of all that apply."""
        applying = (rule.ttl_s for rule in self.lives if rule.applies_to(scope, provider, model))
        return min((self.ttl_s, *applying))


class RecognizerSettings(Section):
    name: EntityType
    regex: str = ""
    words: tuple[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)], ...] = ()
    score: float = Field(0.9, gt=0, le=1)

    @field_validator("regex")
    @classmethod
    def regex_compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def has_something_to_look_for(self) -> RecognizerSettings:
        if not (self.regex or self.words):
            raise ValueError("nothing to look for: give it a regex, words, or both")
        return self


TAGGED = ("PERSON", "STREET_ADDRESS", "LOCATION", "ORGANIZATION")
"""What the tagger finds; PERSON and STREET_ADDRESS are found by patterns as well, where cues leave no doubt."""
_THRESHOLD = 0.5
_STRICT_THRESHOLD = 0.3


class PiiSettings(Section):
    mode: Literal["off", "detect", "redact", "block"] = "redact"
    restore: bool = True
    fail: Literal["closed", "open"] = "closed"
    entities: dict[EntityType, Operator] = Field(default_factory=dict)
    scan_answers: bool = False
    audit_days: int = Field(90, ge=0)
    strict: bool = False
    thresholds: dict[EntityType, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    allow: tuple[str, ...] = ()
    recognizers: tuple[RecognizerSettings, ...] = ()

    @model_validator(mode="after")
    def entities_are_known(self) -> PiiSettings:
        known = ON_BY_DEFAULT | OFF_BY_DEFAULT | {recognizer.name for recognizer in self.recognizers}
        for key, named in (("entities", self.entities.keys()), ("thresholds", self.thresholds.keys())):
            for entity_type in named - known:
                nearest = get_close_matches(entity_type, known, 1)
                hint = f"; did you mean {nearest[0]}?" if nearest else "; a recognizer of that name would make it known"
                raise ValueError(f"{entity_type} in {key} is no known kind of PII{hint}")
        return self

    def operator_of(self, entity_type: str) -> Operator:
        """What becomes of a found value of this kind; `allow` leaves it alone."""
        return self.entities.get(entity_type, "allow" if entity_type in OFF_BY_DEFAULT else "replace")

    def threshold_of(self, entity_type: str) -> float:
        """The least score that a finding of this kind has to have."""
        default = (_STRICT_THRESHOLD if self.strict else _THRESHOLD) if entity_type in TAGGED else 0.0
        return self.thresholds.get(entity_type, default)


_OWN_KEYS_OF_PROVIDERS = {
    *("api_base", "api_key", "base_url", "extra_headers", "max_retries", "messages", "model", "num_retries", "stream"),
    "timeout",
}
"""What litellm takes under the same names is said, or decided, elsewhere."""


class ProviderSettings(Section):
    name: Name
    type: Literal["openai", "anthropic", "litellm", "echo"]
    base_url: str = ""
    api_key: SecretStr | None = None
    options: dict[str, str] = Field(default_factory=dict, repr=False)
    models: tuple[str, ...] = ("*",)
    translate: tuple[Literal["responses"], ...] = ()
    connect_timeout_s: float = Field(10.0, gt=0)
    first_token_timeout_s: float = Field(600.0, gt=0)
    idle_timeout_s: float = Field(300.0, gt=0)
    timeout_s: float = Field(3600.0, gt=0)

    @model_validator(mode="after")
    def options_are_litellms(self) -> ProviderSettings:
        if self.options and self.type != "litellm":
            raise ValueError(f"options are for providers of type litellm, and this one is of type {self.type}")
        if taken := self.options.keys() & _OWN_KEYS_OF_PROVIDERS:
            raise ValueError(f"{', '.join(sorted(taken))} in options: has a key of its own in [[providers]]")
        return self


class RoutingSettings(Section):
    retries: int = Field(0, ge=0, le=MOST_RETRIES)


class ModelSettings(Section):
    name: str = Field(min_length=1)
    target: str = ""
    shares: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    strategy: Strategy = "weighted"
    sticky: bool = True
    fallbacks: tuple[str, ...] = ()
    context_window_fallbacks: tuple[str, ...] = ()
    content_policy_fallbacks: tuple[str, ...] = ()
    input_usd_per_mtok: Usd | None = None
    output_usd_per_mtok: Usd | None = None
    cached_input_usd_per_mtok: Usd | None = None

    @model_validator(mode="after")
    def one_way_to_say_where(self) -> ModelSettings:
        if self.target and self.shares:
            raise ValueError("target and shares exclude each other: name the target among the shares")
        return self

    @model_validator(mode="after")
    def a_strategy_chooses_among_some(self) -> ModelSettings:
        if self.strategy != "weighted" and not self.shares:
            raise ValueError("strategy chooses among the targets of shares, and there are none")
        return self

    @model_validator(mode="after")
    def prices_go_together(self) -> ModelSettings:
        if (self.input_usd_per_mtok is None) != (self.output_usd_per_mtok is None):
            raise ValueError("input_usd_per_mtok and output_usd_per_mtok go together: give both or neither")
        return self


class BudgetSettings(Section):
    scope: str
    limit_usd: Usd
    window: WindowName = "month"
    soft_pct: int = Field(80, ge=1, le=100)
    fallback_model: str = Field("", max_length=256)
    """Who answers in place of the model that was asked, where the budget has no room for it."""

    @field_validator("scope")
    @classmethod
    def scope_is_known(cls, value: str) -> str:
        if value == "all" or re.fullmatch(r"(org|team|user|key|model|tag):.+", value):
            return value
        raise ValueError('expected "all" or org:X, team:X, user:X, key:X, model:X or tag:X')


class OptimizeWhen(Section):
    max_prompt_tokens: int | None = Field(None, ge=1)
    max_output_tokens: int | None = Field(None, ge=1)
    """The most that the request itself allows; one that says nothing may write a long answer."""
    no_tools: bool = False


class OptimizeSettings(Section):
    from_: str = Field(alias="from", min_length=1)
    to: str = Field(min_length=1)
    when: OptimizeWhen = OptimizeWhen()


class Settings(Section):
    server: ServerSettings = ServerSettings()
    jwt: JwtSettings = JwtSettings()
    storage: StorageSettings = StorageSettings()
    cache: CacheSettings = CacheSettings()
    pii: PiiSettings = PiiSettings()
    providers: tuple[ProviderSettings, ...] = ()
    routing: RoutingSettings = RoutingSettings()
    models: tuple[ModelSettings, ...] = ()
    budgets: tuple[BudgetSettings, ...] = ()
    optimize: tuple[OptimizeSettings, ...] = ()
