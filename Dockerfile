# Millrace's image. Stages: base (what every stage shares) → build (installs into a virtual environment) and extension
# (compiles, for the image's own architecture) → runtime (what production runs) and test (its code with the tests' tools).

FROM python:3.13.9-slim-trixie AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PATH=/opt/millrace/bin:/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
# OpenMP, which scikit-learn's wheels bring, XGBoost's and LightGBM's expect.
RUN if ! ldconfig -p | grep -q libgomp; then \
      apt-get update && apt-get install -y --no-install-recommends libgomp1 && rm -rf /var/lib/apt/lists/*; \
    fi

FROM base AS build
COPY requirements.txt /tmp/requirements.txt
# No pip in the environment, and none of the libraries' own tests and headers: a fifth of its size.
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m venv --without-pip /opt/millrace && \
    /usr/local/bin/pip --python /opt/millrace/bin/python install --require-hashes -r /tmp/requirements.txt && \
    find /opt/millrace/lib -depth -type d \( -name tests -o -path '*/pyarrow/include' \) -exec rm -r {} + && \
    python3 -m compileall -q /opt/millrace/lib

FROM base AS extension
WORKDIR /srv/millrace
COPY requirements-build.txt .
COPY deploy/local/build-extension deploy/local/build-extension
COPY model_store/extension model_store/extension
RUN --mount=type=cache,target=/root/.cache/pip deploy/local/build-extension /usr/local/bin/python || true

FROM build AS test
COPY requirements-dev.txt /tmp/requirements-dev.txt
RUN --mount=type=cache,target=/root/.cache/pip \
    /usr/local/bin/pip --python /opt/millrace/bin/python install --require-hashes -r /tmp/requirements-dev.txt
WORKDIR /srv/millrace
COPY . .
COPY --from=extension /srv/millrace/model_store/extension model_store/extension
ENTRYPOINT ["python", "-m", "pytest"]

FROM base AS runtime
# One native thread in every worker: more of them fight over the cores. Few malloc arenas: models come and go.
ENV OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 MALLOC_ARENA_MAX=2 \
    MODEL_STORE_ROOT=/var/lib/millrace/models \
    RUN_DIR=/run/millrace \
    BIND=0.0.0.0:8000 \
    MANAGEMENT_BIND=0.0.0.0:9100
RUN groupadd --gid 10001 millrace && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin millrace && \
    mkdir -p /var/lib/millrace/models /var/lib/millrace/presence /var/lib/millrace/keys /var/lib/millrace/probe /run/millrace/uploads && \
    chown -R 10001:10001 /var/lib/millrace /run/millrace && mkdir -m 1777 /var/lib/millrace/bodies
COPY --from=build /opt/millrace /opt/millrace
WORKDIR /srv/millrace
COPY model_store model_store
# The same folder again, with what was built in it: the compiler stays behind.
COPY --from=extension /srv/millrace/model_store/extension model_store/extension
COPY service service
COPY examples examples
COPY deploy/__init__.py deploy/settings.py deploy/probe.py deploy/
COPY deploy/compose deploy/compose
COPY monitoring/nginx_metrics.py monitoring/nginx_metrics.py
RUN python -m compileall -q model_store service examples deploy monitoring
USER 10001:10001
# One loop worker and the bulk worker; WORKERS makes it more: each worker listens on the port after the last one's.
EXPOSE 8000 8001 9100
STOPSIGNAL SIGTERM
# No http.client: importing it takes ten times as long as asking.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-IS", "-c", "import socket; s = socket.create_connection(('127.0.0.1', 9100), 2); s.sendall(b'GET /readyz HTTP/1.0\\r\\n\\r\\n'); raise SystemExit(b' 200 ' not in s.recv(64))"]
CMD ["gunicorn", "--config", "service/gunicorn_conf.py", "service.wsgi:application"]
