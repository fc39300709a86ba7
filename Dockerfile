# Builds and pretrains on the CPU, or on a GPU with the NVIDIA container toolkit: torch's ordinary wheel serves both.
FROM python:3.11-slim-bookworm

RUN apt-get update && apt-get install -y --no-install-recommends libexpat1 && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home noldo && install -d -o noldo -g noldo /home/noldo/app /home/noldo/app/runs
WORKDIR /home/noldo/app
COPY --chown=noldo pyproject.toml constraints.txt README.md ./
COPY --chown=noldo pipeline pipeline
COPY --chown=noldo training training
COPY --chown=noldo benchmarks benchmarks
RUN pip install --no-cache-dir -c constraints.txt '.[cloud]'
COPY --chown=noldo recipes recipes
USER noldo
VOLUME /home/noldo/app/runs
# No entry point: the Dask operator starts its own commands in this image.
CMD ["noldo", "build", "recipes/demo.yaml", "--out", "runs/demo"]
