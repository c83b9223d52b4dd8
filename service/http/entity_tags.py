"""Entity tags of answers (RFC 9110, 8.8.3): equal tags, equal bytes."""

import hashlib
import json
from dataclasses import dataclass

from flask import request

from service import __version__
from service.errors import OtherText
from service.models.loading import LoadedModel
from service.stream.generation import Generation


@dataclass(frozen=True)
class EntityTags:
    """The strong tags of the two forms of a whole answer, which differ in the field `cached`."""

    computed: str
    cached: str

    def held(self) -> str | None:
        """Return the tag that the current request names in `If-None-Match`; None: neither of both.

        The comparison is weak, as RFC 9110 wants: a proxy that compresses makes a tag weak.
        """
        named = request.if_none_match
        forms = (self.cached, self.computed)
        return next((form for form in forms if named.contains_weak(form)), None)


def require_match(*tags: str) -> None:
    """Refuse the current request if `If-Match` names none of the tags of its text.

    RFC 9110, 13.1.1, compares strongly, for writers; events that are cut elsewhere are the same text.

    Raises:
        OtherText: the service writes another text than the text that the client means.
    """
    named = request.if_match
    if "If-Match" in request.headers and not (
        named.star_tag or any(named.contains_weak(tag) for tag in tags)
    ):
        raise OtherText(
            "this service writes another text: another version, or a processor that computes other "
            "numbers; begin anew, without Last-Event-ID and If-Match"
        )


def entity_tags(generation: Generation, model: LoadedModel) -> EntityTags:
    """Return the tags of the answer to a generation, which is not computed for them.

    The digest is BLAKE2b, 20 bytes, over all that determines the bytes of the answer: the model's
    name, version and files, the sampling, the seed text, the place to cut and the form of the JSON,
    which a release of the service may change.
    """
    determined = [
        __version__,
        model.manifest.name,
        model.manifest.version,
        generation.stream.key,
        generation.seed,
        generation.length,
        generation.stop,
        generation.wants_details,
    ]
    digest = hashlib.blake2b(json.dumps(determined).encode(), digest_size=20).hexdigest()
    return EntityTags(computed=digest, cached=f"{digest}-cached")
