# syntax=docker/dockerfile:1.7
# The whole program in one image; docs/deploy/ says how to use it.
#   docker build -t engage:cpu .
#   docker build -t engage:cuda --build-arg VARIANT=cuda .     (the host needs NVIDIA's driver and container toolkit)
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
# cpu: PyTorch for processors alone, and OpenVINO. cuda: PyTorch as the package index has it, with CUDA, and Ray.
ARG VARIANT=cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python -m venv /opt/engage
COPY pyproject.toml requirements.lock README.md ./
COPY models models
COPY migrations migrations
COPY trainer trainer
COPY engage engage
COPY dashboard dashboard
RUN case "$VARIANT" in \
        cpu) extras=postgres,redis,openvino; index=https://download.pytorch.org/whl/cpu ;; \
        cuda) extras=postgres,redis,ray,onnx; index=https://pypi.org/simple ;; \
        *) echo "VARIANT is cpu or cuda, not $VARIANT" >&2; exit 2 ;; \
    esac \
    && /opt/engage/bin/pip install --extra-index-url "$index" -c requirements.lock ".[$extras]"
# What browsers load, and the face detector at its pinned checksum (without it the bundled Haar cascade serves).
WORKDIR /tmp
RUN /opt/engage/bin/python -m dashboard.install \
    && /opt/engage/bin/engage --set models.store=/opt/engage/share/engage/fetched models fetch

FROM python:${PYTHON} AS run
LABEL org.opencontainers.image.title="Engage" \
      org.opencontainers.image.description="Classroom engagement monitoring"
# pg_dump and pg_restore for engage db backup: as new as the server in compose.yaml.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 engage \
    && useradd --system --uid 10001 --gid engage --home-dir /srv/engage --shell /usr/sbin/nologin engage \
    && echo "export PATH=/opt/engage/bin:\$PATH" > /etc/profile.d/engage.sh \
    && install -d -o engage -g engage -m 0700 /srv/engage /srv/engage/var /run/engage
COPY --from=build /opt/engage /opt/engage
ENV PATH=/opt/engage/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ENGAGE_LOGGING__FORM=json \
    ENGAGE_WEB__HOST=0.0.0.0 \
    ENGAGE_INFERENCE__CACHE=/srv/engage/var/cache \
    ENGAGE_MODELS__FOLDERS='["/opt/engage/share/engage/fetched"]'
WORKDIR /srv/engage
VOLUME ["/srv/engage/var"]
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
ENTRYPOINT ["engage"]
CMD ["serve"]
