# Lockstep in a container. As it stands it brings the CUDA libraries, for `docker run --gpus all`. For the CPU alone, and a
# third of the size, name the index of PyTorch's CPU builds: docker build --build-arg TORCH_INDEX=... --tag lockstep .
FROM python:3.11-slim

ARG TORCH_INDEX=""

WORKDIR /opt/lockstep
COPY constraints.txt ./
RUN pip install --no-cache-dir --constraint constraints.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch

COPY pyproject.toml README.md LICENSE ./
COPY lockstep lockstep
RUN pip install --no-cache-dir --constraint constraints.txt . \
    && useradd --uid 1000 --create-home lockstep \
    && install --directory --owner lockstep /work

# Runs are written into the working folder: docker run --volume "$PWD:/work" lockstep train smoke
USER 1000
WORKDIR /work
ENTRYPOINT ["lockstep"]
CMD ["--help"]
