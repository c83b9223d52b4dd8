# Three images from one file: `service` answers requests and holds no TensorFlow, `proxy` stands in front of
# the service, `training` publishes models.
#
#   docker build --target service .
#   docker build --target proxy .
#   docker build --target training .

FROM python:3.11-slim-bookworm AS base
# ONNX Runtime's wheels report their use to its makers unless told not to.
ENV PYTHONUNBUFFERED=1 \
    ORT_DISABLE_TELEMETRY=1 \
    PATH=/venv/bin:$PATH \
    CHARLOOM_STORE=/models \
    XDG_CACHE_HOME=/tmp
# Copies of what lies in a store elsewhere go to /tmp, since the file system is read-only.
# Both images run as one fixed user, since they share the volume of models: a new volume takes its owner
# from the folder it covers.
RUN useradd --uid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin charloom \
    && install --directory --owner=charloom --group=charloom /models /runs \
    && python -m venv /venv
WORKDIR /app


FROM base AS service
# The lock before the code, so that a change of code installs nothing again.
COPY requirements/serve.txt requirements/
RUN pip install --no-cache-dir --quiet --require-hashes -r requirements/serve.txt
COPY model_store model_store
COPY service service
# Compiled here, because at run time the file system is read-only.
RUN python -m compileall -q model_store service
USER 10001
ENV HOST=0.0.0.0 \
    PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-c", "\
import os, urllib.request as web; \
direct = web.build_opener(web.ProxyHandler({})); \
direct.open('http://127.0.0.1:' + os.environ['PORT'] + '/readyz', timeout=4)"]
CMD ["python", "-m", "service"]


FROM python:3.11-slim-bookworm AS proxy
RUN apt-get update -qq \
    && apt-get install --yes -qq --no-install-recommends haproxy \
    && rm -rf /var/lib/apt/lists/*
COPY deploy/proxy/haproxy.cfg /etc/haproxy/haproxy.cfg
USER haproxy
ENV SERVICE=service:8000 \
    PATIENCE=75s
EXPOSE 8000
# HAProxy's signal for an end after the running requests.
STOPSIGNAL SIGUSR1
CMD ["haproxy", "-f", "/etc/haproxy/haproxy.cfg"]


FROM base AS training
COPY requirements/train.txt requirements/
RUN pip install --no-cache-dir --quiet --require-hashes -r requirements/train.txt
COPY model_store model_store
COPY training training
RUN python -m compileall -q model_store training
USER 10001
# Matplotlib wants a place for its cache; the user has no home.
# Unfinished runs live in /runs, a volume, so that the next container goes on with them.
ENV MPLCONFIGDIR=/tmp/matplotlib \
    CHARLOOM_RUNS=/runs
ENTRYPOINT ["python", "-m", "training"]
