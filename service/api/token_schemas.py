"""The schemas of `/tokenize`, `/detokenize` and `/tokenizer_info`, in vLLM's form; a token is a character."""

from typing import Annotated

from annotated_types import Ge
from pydantic import BaseModel, BeforeValidator, FailFast, Field

from service.api.parameters import Unknown, whole_members
from service.api.schemas import Request

MODEL = "name, name@version or name@alias; without it, the default model."


class TokenizeRequest(Request):
    """The body of `POST /tokenize`."""

    prompt: str = Field(description="The text whose characters are the tokens.")
    add_special_tokens: bool = Field(True, description="Ignored: there are no special tokens.")
    return_token_strs: bool = Field(False, description="Answer with the characters, too.")
    unknown: Unknown = "error"
    model: str | None = Field(None, description=MODEL)


class TokenizeResponse(BaseModel):
    """The token ids of a text, in the text's order."""

    count: int
    max_model_len: int = Field(description="The most characters of a prompt and its text.")
    tokens: list[int]
    token_strs: list[str] | None = None


class DetokenizeRequest(Request):
    """The body of `POST /detokenize`."""

    # One wrong id is told: a list of all the wrong ones may be long.
    tokens: Annotated[list[Annotated[int, Ge(0)]], FailFast(), BeforeValidator(whole_members)] = (
        Field(description="The ids of the characters.")
    )
    model: str | None = Field(None, description=MODEL)


class DetokenizeResponse(BaseModel):
    """The text of token ids."""

    prompt: str


class TokenizerInfo(BaseModel):
    """The tokenizer of the default model; an empty seed text starts after a line end, hence `bos_token`."""

    tokenizer_class: str = "CharacterTokenizer"
    vocab_size: int
    bos_token: str
    eos_token: str
    unk_token: str | None
