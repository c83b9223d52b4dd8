"""The errors that several operations share."""

from werkzeug.exceptions import RequestEntityTooLarge

from model_store import ModelNotFound
from service import errors

# A route that reads a body and computes with a model.
MODEL_ERRORS = (
    errors.MalformedJson,
    ModelNotFound,
    RequestEntityTooLarge,
    errors.UnsupportedMediaType,
    errors.InvalidRequest,
    errors.QueueFull,
    errors.EngineFailed,
    errors.ModelUnavailable,
    errors.TooManyModels,
    errors.Draining,
    errors.DeadlineExceeded,
)
# A route that also looks whether the client is still connected.
GENERATION_ERRORS = (*MODEL_ERRORS, errors.ClientGone)
