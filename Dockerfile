# docker build -t parley . && docker run --rm --network host -v parley:/data parley
#
# The host's network is the simple way for WebRTC: media comes to UDP ports that the system chooses.

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
# What compiles media/native; it stays behind in this stage.
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
RUN python -m venv /opt/parley
COPY requirements.lock .
RUN /opt/parley/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.lock
COPY pyproject.toml setup.py README.md ./
COPY gateway gateway
COPY media media
COPY personas personas
COPY tools tools
COPY api api
# The build backend is in the lock file: nothing unpinned is fetched.
RUN /opt/parley/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation . \
    && cd / && /opt/parley/bin/python -c 'from media.native import missing; assert not missing(), missing()' \
    && /opt/parley/bin/pip uninstall --yes --quiet pip

FROM python:3.11-slim-bookworm
# The voice of the embedded engine.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libflite1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin parley \
    && install -d -m 0700 -o parley -g parley /data
COPY --from=build /opt/parley /opt/parley
ENV PATH=/opt/parley/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PARLEY_HOST=0.0.0.0 \
    PARLEY_PORT=8080 \
    PARLEY_DATA_DIR=/data \
    PARLEY_LOG_FORMAT=json
USER parley
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PARLEY_PORT'] + '/healthz', timeout=2)"]
CMD ["parley", "serve"]
