# Two images from one file; docs/how-to/containers.md says how they are used and what of them was tried:
#   docker build --target cpu  -t noldo:cpu  .
#   docker build --target cuda -t noldo:cuda .
# Needs BuildKit (Docker 23 or newer), podman or buildah.

FROM python:3.11-slim-bookworm AS base
# libexpat1: rasterio's GDAL. openssh-client: signatures of manifests. Versions are Debian's, so that its fixes come in.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libexpat1 openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 noldo \
    && install -d -o noldo -g noldo /data/runs \
    && python -m venv /opt/noldo
# Caches under /tmp serve users of any number (docker run --user).
ENV PATH=/opt/noldo/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore \
    MPLCONFIGDIR=/tmp/matplotlib
WORKDIR /data
ENTRYPOINT ["/usr/local/bin/pipeline"]
CMD ["build", "recipes/demo.yaml", "--out", "runs/demo"]

# What the program needs, in a file of its own: packages are installed anew when it changes, not with every edit.
FROM base AS requirements
WORKDIR /build
COPY pyproject.toml .
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; print(*p['dependencies'], *p['optional-dependencies']['cloud'], sep='\n')" > requirements.txt

FROM base AS program
WORKDIR /build
COPY pyproject.toml README.md ./
COPY pipeline pipeline
COPY training training
COPY benchmarks benchmarks
RUN pip wheel --no-cache-dir --no-deps --wheel-dir wheel .

# The ordinary torch brings NVIDIA's libraries and Triton, 4 GB. For an image without them name PyTorch's index of CPU wheels (its page
# "Start locally") as TORCH_INDEX; torch and torchvision then come from there as the pair that constraints.txt pins.
FROM base AS cpu-packages
ARG TORCH_INDEX=
WORKDIR /build
COPY constraints.txt .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install --no-deps -c constraints.txt ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision
COPY --from=requirements /build/requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install -c constraints.txt -r requirements.txt

FROM base AS cuda-packages
WORKDIR /build
COPY constraints.txt .
COPY --from=requirements /build/requirements.txt .
RUN --mount=type=cache,target=/root/.cache/pip \
    pip install -c constraints.txt -r requirements.txt

# The files of both images that change with every edit come last.
FROM cpu-packages AS cpu
RUN --mount=type=bind,from=program,source=/build/wheel,target=/wheel \
    pip install --no-cache-dir --no-deps /wheel/*.whl
COPY containers/pipeline containers/train /usr/local/bin/
WORKDIR /data
COPY recipes recipes
USER 10001
VOLUME /data/runs

FROM cuda-packages AS cuda
RUN --mount=type=bind,from=program,source=/build/wheel,target=/wheel \
    pip install --no-cache-dir --no-deps /wheel/*.whl
COPY containers/pipeline containers/train /usr/local/bin/
WORKDIR /data
COPY recipes recipes
USER 10001
VOLUME /data/runs
# What the NVIDIA container toolkit is to hand in ("Specialized configurations with Docker").
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
