# LVS in a container. docs/operations.md, "Docker", says how to run it; compose.yaml does.
# Wheels only: the same steps build for amd64 and arm64 without a compiler.

FROM python:3.13-slim-bookworm AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
COPY static ./static
RUN python -m venv /opt/lvs \
    && /opt/lvs/bin/pip install --no-cache-dir --only-binary :all: ".[replicate]" \
    && /opt/lvs/bin/lvs --version

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="Local Video Server" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/lvs /opt/lvs
COPY docker/healthcheck.py /opt/lvs/healthcheck.py
# A new volume gets the rights of this folder: whoever PUID says may write there.
RUN mkdir /data /library && chmod 1777 /data
ENV PATH=/opt/lvs/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LVS_DATA_DIRECTORY=/data \
    LVS_VIDEO_DIRECTORY=/library
USER 1000:1000
WORKDIR /data
VOLUME /data
EXPOSE 8900
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=1m --timeout=10s --start-period=2m --retries=3 \
    CMD ["python", "/opt/lvs/healthcheck.py"]
ENTRYPOINT ["lvs"]
CMD ["serve"]
