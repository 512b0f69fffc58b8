# The image of the Action: autoprof-ci and the tools it measures with, on Debian trixie, whose glibc is newer than that of the
# hosted runners: what was built there starts here. Works with every builder, the classic one too, and needs no arguments.
# No USER and no WORKDIR: the runner sets the folder, and its files belong to root.

FROM debian:trixie-slim AS builder
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        binutils ca-certificates gcc libc6-dev python3-setuptools python3-venv >/dev/null
RUN python3 -m venv --system-site-packages /builder \
    && python3 -m venv --without-pip /opt/autoprof-ci
COPY requirements.lock /source/
# Libraries as locked, without their tests, type stubs, C sources and commands, without zstandard's second implementation, which
# is PyPy's, and without symbolic's symbols, which are 70 of its 75 MB. Only what is imported gets bytecode, below.
RUN /builder/bin/pip --python /opt/autoprof-ci/bin/python install --quiet --no-cache-dir --no-compile --only-binary :all: \
        --require-hashes --requirement /source/requirements.lock \
    && cd /opt/autoprof-ci \
    && find . -type d \( -name tests -o -name include -o -name sample_data \) -prune -exec rm -rf {} + \
    && find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' -o -name '*.a' \) -delete \
    && find bin -type f -delete \
    && rm -rf share lib/python3*/site-packages/zstandard/*cffi* \
    && strip --strip-unneeded lib/python3*/site-packages/symbolic/*.so
COPY pyproject.toml README.md LICENSE /source/
COPY autoprof_ci /source/autoprof_ci
COPY entrypoint.py /source/
COPY tools/image/bytecode.py /source/tools/
# Ours goes into a tree of its own, so that a change of ours is a small layer; so does matplotlib's list of fonts, which varies.
RUN /builder/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels /source \
    && /builder/bin/pip --python /opt/autoprof-ci/bin/python install --quiet --no-compile --no-deps /wheels/*.whl \
    && /opt/autoprof-ci/bin/python -IBc 'from autoprof_ci.workloads.agent import build_beside_source; build_beside_source()' \
    && cp /source/entrypoint.py /opt/autoprof-ci/ \
    && MPLCONFIGDIR=/opt/autoprof-ci/matplotlib /opt/autoprof-ci/bin/python -B /source/tools/bytecode.py \
    && cd /opt/autoprof-ci \
    && for path in bin/autoprof-ci entrypoint.py matplotlib lib/python3*/site-packages/autoprof_ci*; do \
        mkdir -p "/ours/$(dirname "$path")" && mv "$path" "/ours/$path" || exit 1; \
    done

FROM debian:trixie-slim
COPY tools/image/dpkg-excludes /etc/dpkg/dpkg.cfg.d/autoprof-ci
# git and python3 are for measured programs and their set-up; tini passes signals on and buries orphans. No program here may
# change its user by itself.
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        git heaptrack linux-perf python3 tini valgrind >/dev/null \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/*
COPY --from=builder /opt/autoprof-ci /opt/autoprof-ci
COPY --from=builder /ours /opt/autoprof-ci

# Ours comes last: `python3` is Debian's.
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/autoprof-ci/bin \
    MPLCONFIGDIR=/opt/autoprof-ci/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
LABEL org.opencontainers.image.title="autoprof-ci" \
      org.opencontainers.image.description="Stops performance regressions of native programs before they are merged." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="https://github.com/autoprof-ci/autoprof-ci"
# -I: no variable of the workflow and no file of the workspace can slip a module in.
ENTRYPOINT ["/usr/bin/tini", "-s", "--", "/opt/autoprof-ci/bin/python", "-IBu", "/opt/autoprof-ci/entrypoint.py"]
