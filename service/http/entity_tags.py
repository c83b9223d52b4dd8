"""Entity tags of answers (RFC 9110, 8.8.3): equal tags, equal bytes."""

import hashlib
import json
from dataclasses import dataclass

from flask import request

from service import __version__
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
